"""The report's figures 1-20, drawn anew from a data folder and the results of a run."""

import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]
from torch.nn import functional

from solutions.step01_spectrograms import mel_spectrogram, plot_spectrogram, read_labels
from solutions.step03_chromagrams import chromagram, plot_chromagram
from solutions.step04_dataset import CLASS_MAPPING, class_histogram, merge_classes, plot_class_histograms
from solutions.step06_evaluation import confusion_matrix, plot_confusion_matrix, plot_losses
from solutions.step07_cnn import DigitNetwork, LayerMaps, activation_maps, load_digits, plot_layer, random_crop

from .data import CLASSES, GENRES
from .experiments import Result
from .findings import Outcomes
from .tables import INPUTS
from .tracks import Track

# What a figure shows, and the figure.
_Drawn = tuple[str, Figure]

_DPI = 110
# Inches: narrow, so that their text can be read where they are made smaller to fit a telephone.
_PAIR, _LOSSES = (6.4, 7.4), (6.4, 4.2)
_HISTOGRAM_TITLES: Final = ("Training tracks of each genre", "Training tracks of each merged genre")
_LOSS_FIGURES: Final = {7: "lstm-mel", 8: "lstm-beat", 9: "lstm-chroma", 10: "lstm-fused", 20: "cnn-mel"}
_FIRST_LAYER = 11
_LAYERS: Final = (
    "input layer",
    "first convolutional layer",
    "first ReLU layer",
    "first pooling layer",
    "second convolutional layer",
    "second ReLU layer",
    "second pooling layer",
    "fully connected layer",
    "softmax layer",
)
# Enough for the network to name most digits, so that its filters show more than noise.
_DIGIT_EPOCHS = 8
_DIGIT_BATCH = 32
_DIGIT_LEARNING_RATE = 3e-3
# The network ends with probabilities, one of which may be 0 in float32.
_SMALLEST_PROBABILITY = 1e-12
_DIGIT = 3
# Losses end below the frame by this factor.
_HEADROOM = 1.05
_THIN = 0.5  # points


@dataclass(frozen=True)
class Picture:
    """A figure of the page.

    Attributes:
        name: name of its file.
        caption: what it shows, after its number if the report has it.
        png: the picture.
    """

    name: str
    caption: str
    png: bytes


def pictures(data: Path, tracks: Sequence[Track], outcomes: Outcomes) -> dict[int, Picture]:
    """Return figures 1-20 by number.

    Args:
        data: the data folder.
        tracks: the two tracks of steps 1-3.
        outcomes: results of the experiments on genres.
    """
    drawn = {
        **_features(tracks),
        **_histograms(data),
        **{number: _losses(outcomes.of(name)) for number, name in _LOSS_FIGURES.items()},
        **_layers(),
    }
    return {
        number: Picture(f"figure{number:02}.png", f"Figure {number}: {caption}", _png(figure))
        for number, (caption, figure) in sorted(drawn.items())
    }


def confusion(results: Sequence[Result]) -> Picture:
    """Return the confusion matrix of one experiment on genres, summed over seeds; the report has none."""
    name = results[0].experiment
    matrices = [confusion_matrix(result.y_true, result.y_pred, len(CLASSES)) for result in results]
    figure = Figure(figsize=(6.4, 5.6), layout="constrained")
    ax = figure.subplots()
    image = plot_confusion_matrix(np.sum(matrices, axis=0), ax, CLASSES)
    ax.set_title(f"Confusion matrix: {INPUTS[name]}")
    figure.colorbar(image, ax=ax, label="Test tracks, summed over seeds")
    caption = f"Confusion matrix of the test tracks, summed over {len(results)} seed(s): {INPUTS[name]}"
    return Picture(f"confusion-{name}.png", caption, _png(figure))


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_DPI)
    return buffer.getvalue()


def _features(tracks: Sequence[Track]) -> dict[int, _Drawn]:
    drawn = {}
    names = " and ".join(track.title for track in tracks)
    kinds: tuple[tuple[int, str, bool, Callable[[Track, Axes, bool], QuadMesh], str], ...] = (
        (1, "Mel spectrograms", False, _draw_mel, "Level relative to the maximum (dB)"),
        (2, "Beat-synchronous mel spectrograms", True, _draw_mel, "Level relative to the maximum (dB)"),
        (3, "Chromagrams", False, _draw_chroma, "Intensity (relative)"),
        (4, "Beat-synchronous chromagrams", True, _draw_chroma, "Intensity (relative)"),
    )
    for number, kind, beat, draw, unit in kinds:
        # One below the other: side by side, they could not be read on a telephone.
        figure = Figure(figsize=_PAIR, layout="constrained")
        for ax, track in zip(figure.subplots(2, 1), tracks, strict=True):
            figure.colorbar(draw(track, ax, beat), ax=ax, label=unit)
        figure.suptitle(f"{kind} of two tracks")
        drawn[number] = (f"{kind}: {names}", figure)
    return drawn


def _draw_mel(track: Track, ax: Axes, beat: bool) -> QuadMesh:
    mel = mel_spectrogram(track.beat if beat else track.full)
    return plot_spectrogram(mel, ax, title=track.title, x_axis="beats" if beat else "time")


def _draw_chroma(track: Track, ax: Axes, beat: bool) -> QuadMesh:
    chroma = chromagram(track.beat if beat else track.full)
    return plot_chromagram(chroma, ax, title=track.title, x_axis="beats" if beat else "time")


def _histograms(data: Path) -> dict[int, _Drawn]:
    drawn = {}
    labels = read_labels(data / GENRES / "train_labels.txt")
    before, after = class_histogram(labels), class_histogram(merge_classes(labels, CLASS_MAPPING))
    captions = {
        5: "Training tracks of each genre",
        6: "Training tracks of each genre, after merging alike genres and dropping rare ones",
    }
    for shown, (number, caption) in enumerate(captions.items()):
        figure = Figure(figsize=(6.4, 4.6), layout="constrained")
        # The function of step 4 draws both at once; each of the report's figures shows one of them.
        axes = [Figure().subplots(), Figure().subplots()]
        axes[shown] = figure.subplots()
        plot_class_histograms(before, after, axes)
        axes[shown].set(xlabel="Genre", title=_HISTOGRAM_TITLES[shown])
        axes[shown].yaxis.set_major_locator(MaxNLocator(integer=True))
        drawn[number] = (caption, figure)
    return drawn


def _losses(results: Sequence[Result]) -> _Drawn:
    """Draw the losses of the first seed, and those of the others in pale."""
    first, *others = results
    figure = Figure(figsize=_LOSSES, layout="constrained")
    ax = figure.subplots()
    plot_losses({"train_loss": first.train_loss, "val_loss": first.val_loss}, ax)
    for other in others:
        for i, losses in enumerate((other.train_loss, other.val_loss)):
            ax.plot(range(1, len(losses) + 1), losses, color=f"C{i}", alpha=0.25)
    title = INPUTS[first.experiment]
    ax.set(title=f"Training and validation loss: {title}", ylabel="Loss: cross-entropy (nats)")
    finite = [loss for result in results for loss in (*result.train_loss, *result.val_loss) if math.isfinite(loss)]
    ax.set_ylim(0, _HEADROOM * max(finite, default=0) or None)
    pale = f"; {len(others)} more seed(s) in pale" if others else ""
    return f"Training and validation loss: {title} (seed {first.seed}{pale})", figure


def _layers() -> dict[int, _Drawn]:
    drawn = {}
    network, images, labels = _trained_digits()
    index = int((labels == _DIGIT).nonzero()[0])
    maps = activation_maps(network, random_crop(images[index][None], seed=0), _DIGIT)
    for number, (layer, title) in enumerate(zip(maps, _LAYERS, strict=True), start=_FIRST_LAYER):
        figure = Figure(figsize=_size(layer), layout="constrained")
        plot_layer(layer, figure)
        if layer["activations"].ndim == 1:
            _frame(figure)
        figure.suptitle(f"What the {title} ({layer['name']}) makes of a {_DIGIT}")
        drawn[number] = (f"The {title} of the digit network, shown a {_DIGIT}", figure)
    return drawn


def _frame(figure: Figure) -> None:
    """Frame the images of a layer without height and width, whose white cells would pass for the page; name digits."""
    for ax in figure.axes:
        ax.set_axis_on()
        ax.spines[:].set_linewidth(_THIN)
        ax.set(xticks=[], yticks=[])
        rows, digits = ax.images[0].get_size()
        if rows == 1:
            ax.set_xticks(np.arange(digits) + 0.5, labels=map(str, range(digits)))
            ax.set_xlabel("Digit")


def _size(layer: LayerMaps) -> tuple[float, float]:
    """Return width and height, in inches, at which the images of a layer are neither tiny nor far apart."""
    parts = 2 if layer["weights"] is None else 4
    if layer["activations"].ndim == 1:
        return 8.0, 0.7 + 1.5 * parts
    wide = layer["weights"] is not None and layer["weights"].shape[1] > 1
    return (14.0, 0.7 + 2.2 * parts) if wide else (8.0, 0.7 + 1.7 * parts)


def _trained_digits() -> tuple[DigitNetwork, torch.Tensor, torch.Tensor]:
    """Return a digit network after a few epochs, and the digits."""
    images, labels = load_digits()
    # One thread: on a busy machine, two would wait for each other at each of many small steps.
    with threadpool_limits(1), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = DigitNetwork()
        optimizer = torch.optim.Adam(network.parameters(), lr=_DIGIT_LEARNING_RATE)
        for _ in range(_DIGIT_EPOCHS):
            for batch in torch.split(torch.randperm(len(images)), _DIGIT_BATCH):
                optimizer.zero_grad()
                probabilities = network(random_crop(images[batch])[:, None])
                loss = functional.nll_loss(probabilities.clamp_min(_SMALLEST_PROBABILITY).log(), labels[batch])
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
    return network, images, labels
