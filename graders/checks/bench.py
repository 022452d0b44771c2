"""The course's own figures: how fast its networks overfit, and what the reference's training loop costs and saves."""

from __future__ import annotations

import math
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Adam, Optimizer
from torch.utils.data import DataLoader, Dataset

from graders.bench.figures import Figure
from graders.checks.data.folders import TEN_GENRES
from graders.checks.data.places import COURSE, DATA
from graders.checks.data.tracks import MEL_BANDS, genre_tracks
from graders.checks.experiments.cnn import OVERFITTED
from graders.course import PROJECT
from graders.grading.processes import one_thread
from solutions.step04_dataset import CLASS_MAPPING, SpectrogramDataset, torch_train_val_split
from solutions.step05_lstm import Classifier, LSTMBackbone, overfit_batch, training_loop
from solutions.step07_cnn import CNNBackbone

FULL = DATA / "fma_genre_spectrograms"
BEAT = DATA / "fma_genre_spectrograms_beat"
FRAMES = 256  # no full-length track is longer, except the report's two, of 1293
BATCH = 8
SEED = 420
COLD_PAIRS = 5
OVERFIT_FRAMES = 64
LEARNING_RATE = 1e-4
EPOCHS = 12  # against the naive loop
SAME_LOSS = 1e-3  # relative; the two loops add the same numbers in different orders, and rounding grows as they learn


def training_figures() -> list[Figure]:
    """Measure epochs over the fixtures' genre tracks, on one thread, with networks in the report's sizes."""
    full = SpectrogramDataset(FULL, CLASS_MAPPING, max_length=FRAMES)
    beat = SpectrogramDataset(BEAT, CLASS_MAPPING)
    with one_thread():
        return [
            _loop_figure("full-length LSTM", full, lambda: LSTMBackbone(MEL_BANDS), pairs=7),
            _loop_figure("beat-synchronous LSTM", beat, lambda: LSTMBackbone(MEL_BANDS), pairs=51),
            _loop_figure("CNN", full, lambda: CNNBackbone((FRAMES, MEL_BANDS)), pairs=3),
            _naive_figure(beat),
        ]


def _loop_figure(name: str, dataset: SpectrogramDataset, backbone: Callable[[], nn.Module], pairs: int) -> Figure:
    """Time epochs of `training_loop`, each against the bare steps on the same batches, which are in memory."""
    loader = _loader(dataset)
    looped, bare = _classifier(backbone), _classifier(backbone)
    looped_optimizer, bare_optimizer = _optimizer(looped), _optimizer(bare)

    def ratio() -> float:
        batches = _batches_to_come(loader)
        loop = _seconds(lambda: training_loop(looped, loader, looped_optimizer))
        return loop / _seconds(lambda: _bare_steps(bare, batches, bare_optimizer))

    return Figure(f"training loop over bare steps: {name}", _median(ratio, pairs), "times", 1.1)


def _batches_to_come(loader: DataLoader[Any]) -> list[list[Tensor]]:
    """Return the batches of the loader's next epoch, which it shuffles alike afterwards."""
    state = loader.generator.get_state()
    batches = list(loader)
    loader.generator.set_state(state)
    return batches


def _bare_steps(model: nn.Module, batches: list[list[Tensor]], optimizer: Optimizer) -> None:
    model.train()
    for x, targets, lengths in batches:
        optimizer.zero_grad()
        loss, _ = model(x, targets, lengths)
        loss.backward()
        optimizer.step()


def _naive_figure(dataset: SpectrogramDataset) -> Figure:
    """Time epochs of a naive loop, each against the reference's with the same weights and batches.

    Raises:
        RuntimeError: the two did not learn the same, so that their times cannot be compared.
    """
    files, _ = dataset.get_files_labels(BEAT / "train_labels.txt", CLASS_MAPPING)
    loader, naive_loader = _loader(dataset), _loader(_NaiveDataset(files, dataset.labels, dataset.max_length))
    model = _classifier(lambda: LSTMBackbone(MEL_BANDS, dropout=0.0))
    naive = _NaiveClassifier()
    naive.load_state_dict(dict(zip(naive.state_dict(), model.state_dict().values(), strict=True)))
    optimizer, naive_optimizer = _optimizer(model), _optimizer(naive)
    losses: dict[str, float] = {}

    def train() -> None:
        losses["reference"] = training_loop(model, loader, optimizer)

    def train_naively() -> None:
        losses["naive"] = _naive_loop(naive, naive_loader, naive_optimizer)

    def ratio() -> float:
        reference = _seconds(train)
        return _seconds(train_naively) / reference

    value = _median(ratio, EPOCHS)
    if not math.isclose(*losses.values(), rel_tol=SAME_LOSS):
        raise RuntimeError(f"the reference and the naive loop ended with different losses: {losses}")
    what = "an epoch on ragged beat-synchronous input, to the same loss: the naive loop over the reference's"
    return Figure(what, value, "times", 1.5, at_least=True)


class _NaiveDataset(Dataset[tuple[np.ndarray, int, int]]):
    """Tracks that are read anew each time, and padded in numpy's default type."""

    def __init__(self, files: list[str], labels: np.ndarray, longest: int) -> None:
        self._files, self._labels, self._longest = files, labels, longest

    def __len__(self) -> int:
        return len(self._files)

    def __getitem__(self, item: int) -> tuple[np.ndarray, int, int]:
        mel = np.load(self._files[item])[:MEL_BANDS].T
        padded = np.zeros((self._longest, MEL_BANDS))
        padded[: len(mel)] = mel
        return padded, int(self._labels[item]), len(mel)


class _NaiveClassifier(nn.Module):
    """An LSTM that runs over the padding too; its state after the last valid timestep is picked afterwards."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(MEL_BANDS, 128, batch_first=True)
        self.output = nn.Linear(128, len(TEN_GENRES))

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        states, _ = self.lstm(x)
        logits: Tensor = self.output(states[torch.arange(len(x)), lengths - 1])
        return logits


def _naive_loop(model: nn.Module, loader: DataLoader[Any], optimizer: Optimizer) -> float:
    model.train()
    criterion = nn.CrossEntropyLoss()
    total, count = 0.0, 0
    for x, targets, lengths in loader:
        optimizer.zero_grad()
        loss = criterion(model(x.float(), lengths), targets)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(x)
        count += len(x)
    return total / count


def _loader(dataset: Dataset[Any]) -> DataLoader[Any]:
    return torch_train_val_split(dataset, BATCH, BATCH)[0]


def _classifier(backbone: Callable[[], nn.Module]) -> Classifier:
    torch.manual_seed(SEED)
    return Classifier(backbone(), len(TEN_GENRES))


def _optimizer(model: nn.Module) -> Optimizer:
    return Adam(model.parameters(), lr=LEARNING_RATE)


def _seconds(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def _median(ratio: Callable[[], float], pairs: int) -> float:
    """Return the median ratio of pairs of runs, which alternate, so that the machine's drift cancels."""
    ratio()  # what happens only once, such as filling caches, is no part of an epoch
    return statistics.median(ratio() for _ in range(pairs))


def overfitting_figures() -> list[Figure]:
    """Count the iterations in which the reference's networks, in the report's sizes, overfit a batch of tracks."""
    cnn = _iterations_to_overfit(lambda: CNNBackbone((OVERFIT_FRAMES, MEL_BANDS)), 100)
    lstm = _iterations_to_overfit(lambda: LSTMBackbone(MEL_BANDS, dropout=0.0), 300)
    what = f"iterations to a loss of {OVERFITTED:g} on a batch of {BATCH} tracks:"
    return [
        Figure(f"{what} CNN", cnn, "", 100),
        Figure(f"{what} LSTM (of 300 at most), more than the CNN", lstm, "", cnn + 1, at_least=True),
    ]


def _iterations_to_overfit(backbone: Callable[[], nn.Module], most: int) -> int:
    """Return the number of the first step of Adam whose loss is small enough; `most` if there is none before."""
    torch.manual_seed(SEED)
    tracks = genre_tracks(train=True, timesteps=OVERFIT_FRAMES)
    batch = [(tracks.x[i].copy(), int(tracks.labels[i]), int(tracks.lengths[i])) for i in range(BATCH)]
    model = Classifier(backbone(), len(TEN_GENRES))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    losses = overfit_batch(model, DataLoader(batch, BATCH), optimizer, iterations=most)  # type: ignore[arg-type]
    return next((step for step, loss in enumerate(losses, start=1) if loss <= OVERFITTED), most)


def cold_figures() -> list[Figure]:
    """Measure whole commands from cold, each beside a Python that does no more than what none can do without."""
    reference, complete = (str(folder) for folder in (COURSE.reference_folder, COURSE.path(COURSE.audit.complete)))
    rows = (
        (
            "one submission from cold, step 2 without librosa, over `import librosa.display`",
            ("graders.cli", "run", reference, "--step", "2"),
            "import librosa.display",
        ),
        (
            "one submission from cold, step 2 with librosa, over a Python that calls its code",
            ("graders.cli", "run", complete, "--step", "2"),
            "import numpy as np; from lab.step02_beat_sync import beat_sync; beat_sync(np.zeros((4, 10)), [2, 5])",
        ),
        (
            "lab check 1 from cold, over a Python that draws with the same code",
            ("graders.student", "check", "1", "--root", complete),
            (
                "import numpy as np; from matplotlib.figure import Figure; from lab.step01_spectrograms import "
                "plot_spectrogram; plot_spectrogram(np.zeros((128, 60)), Figure().add_subplot())"
            ),
        ),
    )
    figures = []
    for what, (module, *arguments), base in rows:
        command = [sys.executable, "-c", f"from {module} import main; main()", *arguments]
        ratio = partial(_ratio_of_commands, command, [sys.executable, "-c", base], complete)
        figures.append(Figure(what, _median(ratio, COLD_PAIRS), "times", 1.5))
    return figures


def _ratio_of_commands(command: list[str], base: list[str], submission: str) -> float:
    run = partial(subprocess.run, check=True, stdout=subprocess.DEVNULL)
    return _seconds(lambda: run(command, cwd=PROJECT)) / _seconds(lambda: run(base, cwd=submission))


GROUPS: tuple[Callable[[], list[Figure]], ...] = (cold_figures, overfitting_figures, training_figures)
