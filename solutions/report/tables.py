"""The report's tables, made anew from the results of a run, each beside the report's own numbers."""

import platform
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Final

import numpy as np

from solutions.step02_beat_sync import compression_ratio, timesteps
from solutions.step06_evaluation import Scores, classification_scores
from solutions.step07_cnn import DigitNetwork, layer_summary

from .data import CLASSES
from .experiments import EXPERIMENTS, Result
from .findings import Finding, Outcomes, interval, iterations_to_overfit
from .published import (
    AXES,
    BEAT_TIMESTEPS,
    DIGIT_LAYERS,
    FULL_TIMESTEPS,
    MULTITASK,
    OVERFIT_ITERATIONS,
    OVERFIT_LOSS,
    PAIR,
    REGRESSION,
    SCORES,
    SETTINGS,
    TRACKS,
    TRANSFER_VALENCE,
    Row,
)
from .settings import Settings
from .tracks import Track

INPUTS: Final = {
    "lstm-mel": "LSTM on mel spectrograms",
    "lstm-beat": "LSTM on beat-synchronous mel spectrograms",
    "lstm-chroma": "LSTM on chromagrams",
    "lstm-fused": "LSTM on mel spectrograms and chromagrams",
    "cnn-mel": "CNN on mel spectrograms",
}
_NONE = "–"


@dataclass(frozen=True)
class Table:
    """A table of text.

    Attributes:
        caption: what it shows.
        header: heading of each column.
        rows: cells of each row.
    """

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def findings_table(found: Sequence[Finding]) -> Table:
    """Return the findings: what the report says, what this run measured, and the verdict."""
    return Table(
        "Findings of the report and of this run",
        ("Finding", "The report", "This run: mean over seeds [95 % interval]", "Verdict"),
        tuple(
            (finding.name, finding.report, "; ".join(map(str, finding.measures)), finding.verdict) for finding in found
        ),
    )


def settings_table(settings: Settings, device: str) -> Table:
    """Return the settings, device and versions of a run beside the report's."""
    versions = {name: version(name) for name in ("torch", "numpy", "librosa")}
    machine = {"device": device, "Python": platform.python_version(), **versions}
    runs = {"seeds": settings.seeds, "lstm_rating_runs": settings.lstm_rating_runs}
    values = runs | settings.of_a_run() | machine
    return Table(
        "Settings of this run and of the report",
        ("Setting", "This run", "The report"),
        tuple((name.replace("_", " "), str(value), SETTINGS.get(name, _NONE)) for name, value in values.items()),
    )


def timesteps_table(tracks: Sequence[Track]) -> Table:
    """Return the timesteps of the two tracks of steps 1-3, at full speed and beat-synchronous."""
    rows = []
    for track, full, beat, (name, genre) in zip(tracks, FULL_TIMESTEPS, BEAT_TIMESTEPS, PAIR, strict=True):
        for feature in ("mel spectrogram", "chromagram"):
            ratio = compression_ratio(track.full, track.beat)
            rows.append(
                (
                    f"{track.name} ({track.genre})",
                    feature,
                    str(timesteps(track.full)),
                    str(timesteps(track.beat)),
                    f"{ratio:.1f}",
                    f"{name} ({genre})",
                    str(full),
                    str(beat),
                    f"{full / beat:.1f}",
                )
            )
    columns = ("track", "full speed", "beats", "ratio")
    header = ("This run: track", "Feature", *(f"This run: {column}" for column in columns[1:]))
    return Table(
        "Timesteps of the two tracks, at full speed and beat-synchronous",
        (*header, *(f"Report: {column}" for column in columns)),
        tuple(rows),
    )


def scores_table(results: Sequence[Result]) -> Table:
    """Return the scores of one experiment on genres, as means over seeds, beside the report's table.

    Args:
        results: the experiment's results, one for each seed.
    """
    name = results[0].experiment
    published = SCORES[name]
    scores = [classification_scores(result.y_true, result.y_pred, len(CLASSES)) for result in results]
    rows = [
        (f"{i} {genre}", *_cells(_mean_of_class(scores, i)), *_cells(row))
        for i, (genre, row) in enumerate(zip(CLASSES, published.classes, strict=True))
    ]
    tracks = int(scores[0]["support"].sum())
    accuracy = interval([score["accuracy"] for score in scores]).mean
    rows += [
        ("accuracy", "", "", f"{accuracy:.2f}", str(tracks), "", "", f"{published.accuracy:.2f}", str(TRACKS)),
        ("macro avg", *_cells(_mean_of_average(scores, "macro")), *_cells(published.macro)),
        ("weighted avg", *_cells(_mean_of_average(scores, "weighted")), *_cells(published.weighted)),
    ]
    columns = ("precision", "recall", "F1", "support")
    return Table(
        f"The report's table {published.number}: {INPUTS[name]} (mean over {len(results)} seed(s))",
        ("Class", *(f"This run: {column}" for column in columns), *(f"Report: {column}" for column in columns)),
        tuple(rows),
    )


def _mean_of_class(scores: Sequence[Scores], i: int) -> Row:
    precision, recall, f1 = np.mean([(s["precision"][i], s["recall"][i], s["f1"][i]) for s in scores], axis=0)
    return Row(float(precision), float(recall), float(f1), int(scores[0]["support"][i]))


def _mean_of_average(scores: Sequence[Scores], kind: str) -> Row:
    averages = [score["macro"] if kind == "macro" else score["weighted"] for score in scores]
    precision, recall, f1 = np.mean([(a["precision"], a["recall"], a["f1"]) for a in averages], axis=0)
    return Row(float(precision), float(recall), float(f1), int(scores[0]["support"].sum()))


def _cells(row: Row) -> tuple[str, ...]:
    return (f"{row.precision:.2f}", f"{row.recall:.2f}", f"{row.f1:.2f}", str(row.support))


def summary_table(outcomes: Outcomes) -> Table:
    """Return accuracy, macro F1 and time of an epoch of each experiment on genres, with intervals over seeds."""
    rows = []
    for name, title in INPUTS.items():
        results = outcomes.of(name)
        scores = [classification_scores(result.y_true, result.y_pred, len(CLASSES)) for result in results]
        rows.append(
            (
                title,
                str(interval([score["accuracy"] for score in scores])),
                str(interval([score["macro"]["f1"] for score in scores])),
                str(interval([result.seconds_per_epoch or 0.0 for result in results])),
                f"{SCORES[name].accuracy:.2f}",
                f"{SCORES[name].macro.f1:.2f}",
            )
        )
    return Table(
        "Inputs and networks compared: mean over seeds [95 % interval]",
        (
            "Network and input",
            "This run: accuracy",
            "This run: macro F1",
            "This run: seconds per epoch",
            "Report: accuracy",
            "Report: macro F1",
        ),
        tuple(rows),
    )


def layers_table() -> Table:
    """Return the layers of the network of ConvNetJS, with the report's shapes and numbers of parameters."""
    rows = [
        (name, _shape(shape), str(parameters), *map(str, published))
        for (name, shape, parameters), published in zip(layer_summary(DigitNetwork()), DIGIT_LAYERS, strict=True)
    ]
    return Table(
        "Layers of the digit network: output (height x width x depth) and parameters",
        ("Layer", "This run: output", "This run: parameters", "Report: layer", "Report: output", "Report: parameters"),
        tuple(rows),
    )


def _shape(shape: tuple[int, ...]) -> str:
    depth, height, width = shape if len(shape) == 3 else (shape[0], 1, 1)  # noqa: PLR2004 - channels, height, width
    return f"{height}x{width}x{depth}"


def overfit_table(outcomes: Outcomes) -> Table:
    """Return how fast each network overfits one batch."""
    published = {"overfit-cnn": f"within the first {OVERFIT_ITERATIONS}", "overfit-lstm": "more than the CNN"}
    rows = []
    for name, report in published.items():
        results = outcomes.of(name)
        counts = ", ".join(_steps(result) for result in results)
        lowest = ", ".join(f"{min(result.train_loss):.1e}" for result in results)
        rows.append((EXPERIMENTS[name].net.upper(), counts, lowest, report))
    return Table(
        f"Overfitting one batch: iterations until the loss is at most {OVERFIT_LOSS:g}, for each seed",
        ("Network", "This run: iterations", "This run: lowest loss", "Report: iterations"),
        tuple(rows),
    )


def _steps(result: Result) -> str:
    steps = iterations_to_overfit(result)
    return f"more than {len(result.train_loss)}" if steps is None else str(steps)


def regression_table(outcomes: Outcomes) -> Table:
    """Return Spearman's correlation of the networks of step 8 on each axis."""
    rows = []
    for net in ("lstm", "cnn"):
        for axis in AXES:
            correlations = _correlations(outcomes.of(f"regression-{net}-{axis}"), axis)
            rows.append((net.upper(), axis, correlations, f"{REGRESSION[net][axis]:.4f}"))
    return Table(
        "Step 8: Spearman's correlation of single tasks, mean over seeds [95 % interval]",
        ("Network", "Axis", "This run", "Report"),
        tuple(rows),
    )


def transfer_table(outcomes: Outcomes) -> Table:
    """Return Spearman's correlation of valence with transferred and with fresh weights, equally trained."""
    rows = (
        (
            "weights of the genre CNN",
            _correlations(outcomes.of("transfer"), "valence"),
            f"{TRANSFER_VALENCE:.4f}",
        ),
        (
            "fresh weights",
            _correlations(outcomes.of("transfer-fresh"), "valence"),
            f"{REGRESSION['cnn']['valence']:.4f} (step 8)",
        ),
    )
    return Table(
        "Step 9: Spearman's correlation of valence by the CNN, mean over seeds [95 % interval]",
        ("Backbone begins with", "This run", "Report"),
        rows,
    )


def multitask_table(outcomes: Outcomes) -> Table:
    """Return Spearman's correlation of the networks that rate all axes at once, beside single tasks."""
    rows = []
    for axis in AXES:
        cells = [axis]
        for net in ("lstm", "cnn"):
            cells.append(_correlations(outcomes.of(f"multitask-{net}"), axis))
            cells.append(_correlations(outcomes.of(f"regression-{net}-{axis}"), axis))
        rows.append((*cells, f"{MULTITASK[axis]:.4f}"))
    return Table(
        "Step 10: Spearman's correlation of one network for all axes, mean over seeds [95 % interval]",
        (
            "Axis",
            "This run: multitask LSTM",
            "This run: single-task LSTM",
            "This run: multitask CNN",
            "This run: single-task CNN",
            "Report: multitask",
        ),
        tuple(rows),
    )


def _correlations(results: Sequence[Result], axis: str) -> str:
    return str(interval([result.spearman[axis] for result in results]))
