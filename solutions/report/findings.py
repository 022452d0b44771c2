"""Whether a run finds what the report found: paired differences over seeds, and their confidence intervals."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from scipy import stats

from .experiments import Result
from .published import AXES, MULTITASK, NEVER_RIGHT, OVERFIT_LOSS, REGRESSION, SCORES, TRANSFER_VALENCE

# The report lost 0.16 of accuracy with chromagrams; a tenth is the round number below that still is "far".
CHROMA_BEHIND: Final = 0.1
# What a small test set cannot resolve: the report's own difference is 0.01, in favour of beats.
BEAT_BEHIND_AT_MOST: Final = 0.05
# Beats leave about a fifteenth and a twentieth of the timesteps of the report's two tracks; in a run they leave more
# where `max_length` cuts the tracks at full speed. Being twice as fast is the least that "much faster" can mean.
BEAT_FASTER: Final = 2.0
# The least gain in Spearman's correlation that one would call an improvement. The report's own numbers are 0.18 apart,
# but it claims no improvement: they are of one run each, and near none.
TRANSFER_HELPS: Final = 0.1
CONFIDENCE: Final = 0.95

Verdict = Literal[
    "agrees", "does not agree", "cannot tell (fewer than 2 seeds)", "cannot tell (the interval holds the limit)"
]


@dataclass(frozen=True)
class Interval:
    """Mean of a quantity over seeds, with the 95 % Student-t confidence interval of that mean.

    Attributes:
        mean: the mean.
        low: lower end; NaN with fewer than two values.
        high: upper end; NaN with fewer than two values.
        count: number of values.
    """

    mean: float
    low: float
    high: float
    count: int

    def __str__(self) -> str:
        if self.count < 2:  # noqa: PLR2004 - what a spread needs
            return f"{self.mean:.3f} ({self.count} seed)"
        return f"{self.mean:.3f} [{self.low:.3f}, {self.high:.3f}]"


def interval(values: Sequence[float]) -> Interval:
    """Return the mean of values and its confidence interval.

    Raises:
        ValueError: there are no values.
    """
    if not values:
        raise ValueError("interval got no values; expected one for each seed.")
    mean = float(np.mean(values))
    if len(values) < 2:  # noqa: PLR2004 - what a spread needs
        return Interval(mean, float("nan"), float("nan"), len(values))
    error = float(np.std(values, ddof=1)) / len(values) ** 0.5
    margin = float(stats.t.ppf((1 + CONFIDENCE) / 2, len(values) - 1)) * error
    return Interval(mean, mean - margin, mean + margin, len(values))


@dataclass(frozen=True)
class Measure:
    """A quantity that a finding is about, and the side of a limit on which the finding says that it is.

    Attributes:
        name: what it is, with its unit.
        values: the quantity for each seed.
        side: "above" or "below" the limit.
        limit: the limit.
    """

    name: str
    values: tuple[float, ...]
    side: Literal["above", "below"]
    limit: float

    @property
    def interval(self) -> Interval:
        """Mean over seeds, and its interval."""
        return interval(self.values)

    @property
    def verdict(self) -> Verdict:
        """Whether the whole interval lies on the finding's side."""
        spread = self.interval
        if spread.count < 2:  # noqa: PLR2004 - what a spread needs
            return "cannot tell (fewer than 2 seeds)"
        if spread.low > self.limit:
            return "agrees" if self.side == "above" else "does not agree"
        if spread.high < self.limit:
            return "agrees" if self.side == "below" else "does not agree"
        return "cannot tell (the interval holds the limit)"

    def __str__(self) -> str:
        sign = ">" if self.side == "above" else "<"
        return f"{self.name} (holds if {sign} {self.limit:g}): {self.interval}"


@dataclass(frozen=True)
class Finding:
    """One finding of the report, and what a run says of it.

    Attributes:
        name: the finding.
        report: what the report found, with its numbers.
        measures: what this run measured; the finding holds if it holds for all.
    """

    name: str
    report: str
    measures: tuple[Measure, ...]

    @property
    def verdict(self) -> Verdict:
        """Agreement if every measure agrees, disagreement if one disagrees; otherwise what keeps one from telling."""
        verdicts = [measure.verdict for measure in self.measures]
        if "does not agree" in verdicts:
            return "does not agree"
        return next((verdict for verdict in verdicts if verdict != "agrees"), "agrees")


class Outcomes:
    """Results by experiment and seed.

    Args:
        results: what the runs returned, in any order.
    """

    def __init__(self, results: Iterable[Result]) -> None:
        self._results: dict[str, dict[int, Result]] = defaultdict(dict)
        for result in results:
            self._results[result.experiment][result.seed] = result

    def of(self, experiment: str) -> list[Result]:
        """Return the results of an experiment, by seed."""
        return [result for _, result in sorted(self._results[experiment].items())]

    def pairs(self, first: str, second: str) -> list[tuple[Result, Result]]:
        """Return the results of two experiments with the same seed, for each seed that both have."""
        a, b = self._results[first], self._results[second]
        return [(a[seed], b[seed]) for seed in sorted(a.keys() & b.keys())]


def accuracy(result: Result) -> float:
    """Return the fraction of test tracks that a run classified rightly."""
    return float(np.mean(np.equal(result.y_true, result.y_pred)))


def iterations_to_overfit(result: Result) -> int | None:
    """Return the number of steps after which the loss on the batch was at most the report's; None if it never was.

    The losses are those before each step, so that the first of them is after none.
    """
    return next((i for i, loss in enumerate(result.train_loss) if loss <= OVERFIT_LOSS), None)


def _at_least(result: Result) -> int:
    """Return the steps to overfit, or as many as there were: a lower bound, which is fair to the slower network."""
    steps = iterations_to_overfit(result)
    return len(result.train_loss) if steps is None else steps


def findings(outcomes: Outcomes) -> list[Finding]:
    """Return what a run says of each of the report's findings; of the last, which names no network, for either.

    Args:
        outcomes: results of all experiments.

    Raises:
        ValueError: no seed has results of both experiments of a comparison.
    """
    return [
        _chroma(outcomes),
        _beat(outcomes),
        _cnn(outcomes),
        _overfit(outcomes),
        _transfer(outcomes),
        _multitask(outcomes, "6a", "lstm"),
        _multitask(outcomes, "6b", "cnn"),
    ]


def _accuracy_difference(outcomes: Outcomes, first: str, second: str) -> tuple[float, ...]:
    return tuple(accuracy(a) - accuracy(b) for a, b in outcomes.pairs(first, second))


def _published_accuracies(*names: str) -> tuple[float, ...]:
    return tuple(SCORES[name].accuracy for name in names)


def _chroma(outcomes: Outcomes) -> Finding:
    mel, chroma = _published_accuracies("lstm-mel", "lstm-chroma")
    differences = _accuracy_difference(outcomes, "lstm-mel", "lstm-chroma")
    return Finding(
        "1. Chromagrams are far behind mel spectrograms",
        f"LSTM, accuracy: mel {mel:.2f}, chroma {chroma:.2f}, difference {mel - chroma:.2f}.",
        (Measure("LSTM, accuracy, mel - chroma", differences, "above", CHROMA_BEHIND),),
    )


def _beat(outcomes: Outcomes) -> Finding:
    beat, full = _published_accuracies("lstm-beat", "lstm-mel")
    speed = tuple(
        full.seconds_per_epoch / beat.seconds_per_epoch
        for full, beat in outcomes.pairs("lstm-mel", "lstm-beat")
        if full.seconds_per_epoch and beat.seconds_per_epoch
    )
    return Finding(
        "2. Beat-synchronous tracks do about as well as tracks at full speed, and train much faster",
        f"LSTM, accuracy: beat {beat:.2f}, full speed {full:.2f}, difference {beat - full:.2f}; "
        '"trained much faster", without a number.',
        (
            Measure(
                "LSTM, accuracy, beat - full speed",
                _accuracy_difference(outcomes, "lstm-beat", "lstm-mel"),
                "above",
                -BEAT_BEHIND_AT_MOST,
            ),
            Measure("LSTM, seconds of an epoch, full speed / beat", speed, "above", BEAT_FASTER),
        ),
    )


def _cnn(outcomes: Outcomes) -> Finding:
    cnn, lstm = _published_accuracies("cnn-mel", "lstm-mel")
    differences = _accuracy_difference(outcomes, "cnn-mel", "lstm-mel")
    return Finding(
        "3. The CNN is ahead of the LSTM on the same mel spectrograms",
        f"Accuracy: CNN {cnn:.2f}, LSTM {lstm:.2f}, difference {cnn - lstm:.2f}.",
        (Measure("Accuracy, CNN - LSTM, mel", differences, "above", 0.0),),
    )


def _overfit(outcomes: Outcomes) -> Finding:
    saved = tuple(
        float(_at_least(lstm) - _at_least(cnn)) for lstm, cnn in outcomes.pairs("overfit-lstm", "overfit-cnn")
    )
    return Finding(
        "4. The CNN overfits a batch in fewer iterations than the LSTM",
        f"CNN: loss {OVERFIT_LOSS:g} within the first 100 iterations; LSTM: more iterations, without a number.",
        (Measure(f"Iterations to a loss of {OVERFIT_LOSS:g}, LSTM - CNN", saved, "above", 0.0),),
    )


def _transfer(outcomes: Outcomes) -> Finding:
    gains = tuple(
        transfer.spearman["valence"] - fresh.spearman["valence"]
        for transfer, fresh in outcomes.pairs("transfer", "transfer-fresh")
    )
    fresh = REGRESSION["cnn"]["valence"]
    return Finding(
        "5. Transfer from genres to valence is of little help",
        f"Spearman of valence: {TRANSFER_VALENCE} with transfer, {fresh} without; the report does not call this gain "
        f"of {TRANSFER_VALENCE - fresh:.2f} an improvement, and both correlations are of one run and near none.",
        (Measure("Spearman of valence, transferred - fresh weights", gains, "below", TRANSFER_HELPS),),
    )


def _multitask(outcomes: Outcomes, number: str, net: str) -> Finding:
    numbers = "; ".join(f"{axis} {MULTITASK[axis]} against {REGRESSION[net][axis]}" for axis in AXES)
    return Finding(
        f"{number}. Multitask learning is ahead of single tasks on every axis ({net.upper()})",
        f"Spearman, multitask against single task: {numbers}. The report does not say with which network.",
        tuple(
            Measure(f"Spearman of {axis}, multitask - single task", _gains(outcomes, net, axis), "above", 0.0)
            for axis in AXES
        ),
    )


def _gains(outcomes: Outcomes, net: str, axis: str) -> tuple[float, ...]:
    pairs = outcomes.pairs(f"multitask-{net}", f"regression-{net}-{axis}")
    return tuple(multitask.spearman[axis] - single.spearman[axis] for multitask, single in pairs)


def never_right(results: Iterable[Result], num_classes: int) -> list[int]:
    """Return the classes of which no run classified a single test track rightly."""
    right = {
        true for result in results for true, pred in zip(result.y_true, result.y_pred, strict=True) if true == pred
    }
    return [i for i in range(num_classes) if i not in right]


def classes_never_right(outcomes: Outcomes, class_names: Sequence[str]) -> str:
    """Return a sentence on the classes that get nothing right, for each experiment on genres."""
    found: Mapping[str, list[int]] = {
        name: never_right(outcomes.of(name), len(class_names)) for name in SCORES if outcomes.of(name)
    }
    parts = [
        f"{name}: {', '.join(f'{i} ({class_names[i]})' for i in classes) or 'none'}" for name, classes in found.items()
    ]
    report = ", ".join(map(str, NEVER_RIGHT))
    return (
        f"Classes of which no track is classified rightly: in the report {report}, whatever the LSTM's input, and none "
        f"with the CNN; in this run, over all seeds, {'; '.join(parts)}."
    )
