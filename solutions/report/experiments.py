"""The experiments of steps 5-10: each trains one network with one seed, and returns what the page needs of it."""

import contextlib
import hashlib
import io
import math
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, Literal

import msgspec
import numpy as np
import torch
from torch import nn

from solutions.step05_lstm import Classifier, LSTMBackbone, overfit_batch, train
from solutions.step06_evaluation import predict
from solutions.step07_cnn import CNNBackbone
from solutions.step08_regression import Regressor, predict_ratings, spearman
from solutions.step09_transfer import load_backbone_from_checkpoint
from solutions.step10_multitask import MultitaskRegressor, spearman_of_tasks

from .data import CLASSES, Loaders, genre_loaders, rating_loaders
from .files import CHECKPOINTS
from .published import AXES
from .settings import Settings

Net = Literal["lstm", "cnn"]

_SOLUTIONS = Path(__file__).parents[1]
# Digits of the fingerprint in the name of a checkpoint: enough for two not to be alike by chance.
_MARK_DIGITS = 12


@dataclass(frozen=True)
class Experiment:
    """What is trained on what.

    Attributes:
        name: the experiment's name.
        task: "genre": train, test on the data's test split. "overfit": steps on one batch. "rating": train and test
            on ratings.
        net: the backbone.
        beat: beat-synchronous tracks; otherwise at full speed.
        feat_type: "mel", "chroma" or "fused".
        axis: 1, 2 or 3, the axis that is rated; None for all three.
        short: train as long as the transferred network is, instead of as long as those of steps 8 and 10.
        needs: the experiment whose backbone is transferred, in a run with the same seed.
    """

    name: str
    task: Literal["genre", "overfit", "rating"]
    net: Net
    beat: bool = False
    feat_type: str = "mel"
    axis: int | None = None
    short: bool = False
    needs: str | None = None

    @property
    def is_lstm_on_ratings(self) -> bool:
        """Whether it is one of the short ones, of which more runs can be done."""
        return self.task == "rating" and self.net == "lstm"


_NETS: Final[tuple[tuple[Net, bool], ...]] = (("lstm", True), ("cnn", False))

EXPERIMENTS: Final = {
    experiment.name: experiment
    for experiment in (
        # First what takes long or what others wait for.
        Experiment("cnn-mel", "genre", "cnn"),
        Experiment("lstm-mel", "genre", "lstm"),
        Experiment("lstm-beat", "genre", "lstm", beat=True),
        Experiment("lstm-chroma", "genre", "lstm", feat_type="chroma"),
        Experiment("lstm-fused", "genre", "lstm", feat_type="fused"),
        Experiment("overfit-cnn", "overfit", "cnn"),
        Experiment("overfit-lstm", "overfit", "lstm"),
        *(
            Experiment(f"regression-{net}-{name}", "rating", net, beat=beat, axis=axis)
            for net, beat in _NETS
            for axis, name in enumerate(AXES, start=1)
        ),
        *(Experiment(f"multitask-{net}", "rating", net, beat=beat) for net, beat in _NETS),
        Experiment("transfer-fresh", "rating", "cnn", axis=1, short=True),
        Experiment("transfer", "rating", "cnn", axis=1, short=True, needs="cnn-mel"),
    )
}


@dataclass(frozen=True)
class Run:
    """One run of an experiment."""

    experiment: str
    seed: int

    @property
    def name(self) -> str:
        """Name of the run, and of its files."""
        return f"{self.experiment}-seed{self.seed}"


@dataclass(frozen=True)
class Job:
    """What all runs have in common.

    Attributes:
        data: the data folder.
        contents: digest of what is in it, of `check_folder`.
        out: where results go.
        settings: the settings.
        device: "cpu" or "cuda".
    """

    data: Path
    contents: str
    out: Path
    settings: Settings
    device: str = "cpu"

    @cached_property
    def fingerprint(self) -> str:
        """Digest of what results depend on: settings, device, data, PyTorch, NumPy and the experiments' source."""
        versions = (torch.__version__, np.__version__)
        settings = sorted(self.settings.of_a_run().items())
        digest = hashlib.sha256(repr((settings, self.device, self.contents, versions)).encode())
        here = Path(__file__).parent
        for source in (*sorted(_SOLUTIONS.glob("step*.py")), here / "experiments.py", here / "data.py"):
            digest.update(source.read_bytes())
        return digest.hexdigest()

    def checkpoint(self, run: Run) -> Path:
        """Return where a run's model is saved: jobs with other fingerprints have other files."""
        return self.out / CHECKPOINTS / f"{run.name}-{self.fingerprint[:_MARK_DIGITS]}.pt"


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What came out of a run; fields that its task does not have are empty.

    Attributes:
        experiment: name of the experiment.
        seed: the run's seed.
        train_loss: mean training loss of each epoch; when overfitting, the loss before each step.
        val_loss: mean validation loss of each epoch.
        seconds_per_epoch: wall time of training and validating, divided by the epochs.
        y_true: the class of each test track.
        y_pred: the class predicted for it.
        spearman: Spearman's correlation on the test tracks, by axis.
    """

    experiment: str
    seed: int
    train_loss: list[float] = []
    val_loss: list[float] = []
    seconds_per_epoch: float | None = None
    y_true: list[int] = []
    y_pred: list[int] = []
    spearman: dict[str, float] = {}


def saves_checkpoint(experiment: str) -> bool:
    """Tell whether the runs of an experiment save their model: those on genres do, which others may start from."""
    return EXPERIMENTS[experiment].task == "genre"


def run_experiment(run: Run, job: Job) -> tuple[Result, bytes | None]:
    """Do one run: the same run and job give the same result, up to its seconds.

    One thread is used, so that runs side by side do not compete, and sums are added up in one order. No file is
    written.

    Returns:
        The result, and the content of the checkpoint; None if the experiment saves none.

    Raises:
        FileNotFoundError: the run whose backbone is transferred has left no checkpoint.
    """
    experiment = EXPERIMENTS[run.experiment]
    torch.set_num_threads(1)
    torch.manual_seed(run.seed)
    # The bars of single runs would cross that of all runs.
    with contextlib.redirect_stderr(io.StringIO()):
        match experiment.task:
            case "genre":
                return _genre(experiment, run, job)
            case "overfit":
                return _overfit(experiment, run, job), None
            case "rating":
                return _rating(experiment, run, job), None


def _genre_loaders(experiment: Experiment, run: Run, job: Job) -> Loaders:
    return genre_loaders(
        job.data, beat=experiment.beat, feat_type=experiment.feat_type, settings=job.settings, seed=run.seed
    )


def _backbone(net: Net, loaders: Loaders, settings: Settings, dropout: float) -> nn.Module:
    if net == "lstm":
        return LSTMBackbone(loaders.input_dims[1], settings.rnn_size, dropout=dropout)
    cnn = CNNBackbone(loaders.input_dims, filters=settings.filters, feature_size=settings.feature_size)
    # With fused Adam, two thirds of a training step's time on a CPU.
    return nn.utils.convert_conv2d_weight_memory_format(cnn, torch.channels_last)


def _genre(experiment: Experiment, run: Run, job: Job) -> tuple[Result, bytes]:
    loaders = _genre_loaders(experiment, run, job)
    model = Classifier(_backbone(experiment.net, loaders, job.settings, job.settings.dropout), len(CLASSES))
    history, seconds = _fit(model, loaders, job, _on_genres(job.settings))
    y_pred, y_true = predict(model, loaders.test, job.device)
    result = Result(
        experiment=run.experiment,
        seed=run.seed,
        seconds_per_epoch=seconds,
        y_true=y_true.tolist(),
        y_pred=y_pred.tolist(),
        train_loss=history["train_loss"],
        val_loss=history["val_loss"],
    )
    return result, _content(model)


def _overfit(experiment: Experiment, run: Run, job: Job) -> Result:
    loaders = _genre_loaders(experiment, run, job)
    # Without dropout, which the CNN has none of either: it is there to keep a network from learning by heart.
    model = Classifier(_backbone(experiment.net, loaders, job.settings, 0.0), len(CLASSES)).to(job.device)
    optimizer = _adam(model, job.settings.overfit_learning_rate)
    losses = overfit_batch(model, loaders.train, optimizer, job.device, job.settings.overfit_iterations)
    return Result(experiment=run.experiment, seed=run.seed, train_loss=losses)


def _rating(experiment: Experiment, run: Run, job: Job) -> Result:
    settings = job.settings
    loaders = rating_loaders(
        job.data,
        beat=experiment.beat,
        axis=experiment.axis,
        settings=settings,
        seed=run.seed,
        transfer=experiment.short,
    )
    backbone = _backbone(experiment.net, loaders, settings, settings.dropout)
    if experiment.needs is not None:
        load_backbone_from_checkpoint(backbone, job.checkpoint(Run(experiment.needs, run.seed)))
    model = MultitaskRegressor(backbone, len(AXES)) if experiment.axis is None else Regressor(backbone)
    history, seconds = _fit(model, loaders, job, _on_ratings(experiment, settings))
    y_pred, y_true = predict_ratings(model, loaders.test, job.device)
    if experiment.axis is None:
        correlations = dict(zip(AXES, map(float, spearman_of_tasks(y_true, y_pred)), strict=True))
    else:
        correlations = {AXES[experiment.axis - 1]: spearman(y_true, y_pred)}
    return Result(
        experiment=run.experiment,
        seed=run.seed,
        seconds_per_epoch=seconds,
        # A network that rates all tracks alike has no order; it counts as uncorrelated.
        spearman={name: 0.0 if math.isnan(value) else value for name, value in correlations.items()},
        train_loss=history["train_loss"],
        val_loss=history["val_loss"],
    )


@dataclass(frozen=True)
class _Training:
    """How long a network is trained, and how fast it learns."""

    epochs: int
    learning_rate: float
    patience: int


def _on_genres(settings: Settings) -> _Training:
    return _Training(settings.epochs, settings.learning_rate, settings.patience)


def _on_ratings(experiment: Experiment, settings: Settings) -> _Training:
    """Return how a network learns ratings: until it has learnt them, but in transfer as long as the report's did."""
    if experiment.short:
        return _Training(settings.transfer_epochs, settings.learning_rate, settings.patience)
    epochs = settings.lstm_rating_epochs if experiment.net == "lstm" else settings.cnn_rating_epochs
    return _Training(epochs, settings.rating_learning_rate, settings.rating_patience)


def _fit(model: nn.Module, loaders: Loaders, job: Job, how: _Training) -> tuple[dict[str, list[float]], float]:
    """Train a model; return its history, and the seconds that an epoch took."""
    model.to(job.device)
    optimizer = _adam(model, how.learning_rate, job.settings.weight_decay)
    start = time.perf_counter()
    history = train(model, loaders.train, loaders.val, optimizer, how.epochs, job.device, patience=how.patience)
    return history, (time.perf_counter() - start) / len(history["train_loss"])


def _adam(model: nn.Module, learning_rate: float, weight_decay: float = 0.0) -> torch.optim.Adam:
    return torch.optim.Adam(model.parameters(), lr=learning_rate, weight_decay=weight_decay, fused=True)


def _content(model: nn.Module) -> bytes:
    """Return what `save_checkpoint` of step 5 writes to a file."""
    buffer = io.BytesIO()
    torch.save(model.state_dict(), buffer)
    return buffer.getvalue()
