"""The figures of the report, drawn by a student's code on the small data set: what `lab show` shows."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from graders.authoring.figures import Figure

FULL, BEATS = "fma_genre_spectrograms", "fma_genre_spectrograms_beat"
INDEX, TRACKS = "train_labels.txt", "train"
SEED = 0
COLUMNS_OF_A_BEAT = 20  # about half a second
WRONG = 5  # of so many predictions, the last is wrong
EPOCHS = 30
DPI = 100


def _png(figure: Any) -> bytes:
    import matplotlib.pyplot as plt  # noqa: PLC0415 - a step without figures does without it

    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=DPI, bbox_inches="tight")
    plt.close(figure)
    return file.getvalue()


def _axes(rows: int, columns: int) -> tuple[Any, Any]:
    import matplotlib.pyplot as plt  # noqa: PLC0415

    return plt.subplots(rows, columns, figsize=(6 * columns, 3.5 * rows), squeeze=False, layout="constrained")


def _two_tracks(lab: Any, data: Path, folder: str) -> list[tuple[str, Any]]:
    """Return genre and fused array of two tracks that the student's code picks and reads."""
    step1 = lab.step01_spectrograms
    picked = step1.pick_two_genres(step1.read_labels(data / FULL / INDEX), SEED)
    return [(genre, step1.read_fused(data / folder / TRACKS / name)) for name, genre in picked]


def _spectrograms(lab: Any, data: Path) -> bytes:
    """Draw the mel spectrograms of two tracks, and below each its beat-synchronous copy from the data set."""
    figure, axes = _axes(2, 2)
    for row, (folder, x_axis) in enumerate(((FULL, "time"), (BEATS, "beats"))):
        for ax, (genre, fused) in zip(axes[row], _two_tracks(lab, data, folder), strict=True):
            mel = lab.step01_spectrograms.mel_spectrogram(fused)
            image = lab.step01_spectrograms.plot_spectrogram(mel, ax, title=genre, x_axis=x_axis)
            figure.colorbar(image, ax=ax, format="%+2.0f dB")
    return _png(figure)


def _beat_sync(lab: Any, data: Path) -> bytes:
    """Draw a mel spectrogram, and below it the same after the student's `beat_sync` at even beats."""
    figure, axes = _axes(2, 1)
    genre, fused = _two_tracks(lab, data, FULL)[0]
    mel = lab.step01_spectrograms.mel_spectrogram(fused)
    beats = list(range(COLUMNS_OF_A_BEAT, mel.shape[1], COLUMNS_OF_A_BEAT))
    synced = lab.step02_beat_sync.beat_sync(mel, beats)
    lab.step01_spectrograms.plot_spectrogram(mel, axes[0, 0], title=genre)
    lab.step01_spectrograms.plot_spectrogram(synced, axes[1, 0], title=f"{genre}, beat-synchronous", x_axis="beats")
    return _png(figure)


def _chromagrams(lab: Any, data: Path) -> bytes:
    figure, axes = _axes(2, 2)
    for row, (folder, x_axis) in enumerate(((FULL, "time"), (BEATS, "beats"))):
        for ax, (genre, fused) in zip(axes[row], _two_tracks(lab, data, folder), strict=True):
            chroma = lab.step03_chromagrams.chromagram(fused)
            figure.colorbar(lab.step03_chromagrams.plot_chromagram(chroma, ax, title=genre, x_axis=x_axis), ax=ax)
    return _png(figure)


def _histograms(lab: Any, data: Path) -> bytes:
    figure, axes = _axes(1, 2)
    labels = lab.step01_spectrograms.read_labels(data / FULL / INDEX)
    merged = lab.step04_dataset.merge_classes(labels, lab.step04_dataset.CLASS_MAPPING)
    before, after = lab.step04_dataset.class_histogram(labels), lab.step04_dataset.class_histogram(merged)
    lab.step04_dataset.plot_class_histograms(before, after, list(axes[0]))
    return _png(figure)


def _confusion_matrix(lab: Any, data: Path) -> bytes:
    """Draw the matrix of made-up predictions, of which every fifth is the next genre."""
    figure, axes = _axes(1, 1)
    labels = lab.step01_spectrograms.read_labels(data / FULL / INDEX)
    merged = lab.step04_dataset.merge_classes(labels, lab.step04_dataset.CLASS_MAPPING)
    genres = sorted({genre for _, genre in merged})
    right = np.array([genres.index(genre) for _, genre in merged], dtype=np.int64)
    predicted = np.where(np.arange(len(right)) % WRONG, right, (right + 1) % len(genres))
    matrix = lab.step06_evaluation.confusion_matrix(right, predicted, len(genres))
    image = lab.step06_evaluation.plot_confusion_matrix(matrix, axes[0, 0], genres)
    figure.colorbar(image, ax=axes[0, 0], label="Tracks")
    return _png(figure)


def _losses(lab: Any, _: Path) -> bytes:
    """Draw made-up losses: that of the training split falls, that of the other one rises again."""
    figure, axes = _axes(1, 1)
    epochs = np.arange(EPOCHS)
    history = {"train_loss": 2 * 0.9**epochs, "val_loss": 2 * 0.9**epochs + 0.001 * epochs**2}
    lab.step06_evaluation.plot_losses({name: values.tolist() for name, values in history.items()}, axes[0, 0])
    return _png(figure)


def _layer(row: int) -> Callable[[Any, Path], bytes]:
    """Return what draws a layer of an untrained network that looks at a digit; rows are those of the summary."""

    def draw(lab: Any, _: Path) -> bytes:
        import matplotlib.pyplot as plt  # noqa: PLC0415

        step7 = lab.step07_cnn
        images, labels = step7.load_digits()
        image = step7.random_crop(images[:1], seed=SEED)
        maps = step7.activation_maps(step7.DigitNetwork(), image, int(labels[0]))
        figure = plt.figure(figsize=(8, 6))
        step7.plot_layer(maps[row], figure)
        return _png(figure)

    return draw


FIGURES = (
    Figure(1, "spectrograms.png", "mel spectrograms of two tracks, and their beat-synchronous copies", _spectrograms),
    Figure(2, "beat-sync.png", "a mel spectrogram before and after beat_sync", _beat_sync),
    Figure(3, "chromagrams.png", "chromagrams of two tracks, and their beat-synchronous copies", _chromagrams),
    Figure(4, "histograms.png", "tracks of each genre before and after merging", _histograms),
    Figure(6, "confusion-matrix.png", "the confusion matrix of made-up predictions", _confusion_matrix),
    Figure(6, "losses.png", "made-up losses of training and validation", _losses),
    *(
        Figure(7, f"layer-{row + 1}.png", f"layer {row + 1} of an untrained network that looks at a digit", _layer(row))
        for row in range(9)
    ),
)
