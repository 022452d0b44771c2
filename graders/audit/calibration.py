"""Calibration: the thresholds of checks that train student code, from what right and wrong submissions reach.

Every experiment runs as a check does, in the sandbox, on the reference, on its variants and on the mistakes that the
check about it has to tell from them, once with each seed.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np
from rich import box
from rich.table import Table
from scipy.stats import binomtest, t

from graders.audit import corpus
from graders.authoring.experiments import Experiment
from graders.authoring.thresholds import Calibrated
from graders.course import Course
from graders.judging.confined import ConfinedSubject
from graders.judging.rubric import Check, load_rubric
from graders.outcomes import SubmissionError
from graders.sandbox.client import WarmServer

CONFIDENCE = 0.95
MARGIN = 0.1  # of the way from the best wrong submission, luck aside, to the worst right one
DEVIATIONS = 4.6  # by which a threshold lies beyond the mean of every right submission, at least: see `tail_rate`
LUCK = 0.05  # the part of a mistake's runs that may reach the threshold, if it is to count as separated


@dataclass(frozen=True)
class Run:
    """One run of an experiment: on the submission of that name and place, right or with a mistake, with one seed."""

    experiment: Experiment
    name: str
    correct: bool
    seed: int
    place: Path


def experiments_of(course: Course) -> Sequence[Experiment]:
    """Return the experiments of a course."""
    experiments: Sequence[Experiment] = course.load(course.audit.experiments).EXPERIMENTS
    return experiments


def calibrate(
    course: Course, experiments: Sequence[Experiment], seeds: int, jobs: int, progress: Callable[[int, int], None]
) -> list[Calibrated]:
    """Run experiments, and find the threshold of each.

    Args:
        course: the course, whose submissions are measured.
        experiments: those of its experiments that are run.
        seeds: runs of each submission.
        jobs: runs at a time.
        progress: called with the number of runs that have ended, and of all runs.

    Raises:
        ValueError: no mistake is separated by its metric.
    """
    with tempfile.TemporaryDirectory(prefix="graders-calibration-") as folder:
        runs = [run for one in experiments for run in _runs(course, one, seeds, Path(folder, one.check))]
        values: dict[Run, float | None] = {}
        for run, value in _measured(course, runs, jobs):
            values[run] = value
            progress(len(values), len(runs))
    return [calibrated(experiment, seeds, values) for experiment in experiments]


def _runs(course: Course, experiment: Experiment, seeds: int, folder: Path) -> Iterator[Run]:
    """Stage what an experiment runs on: the reference, its variants, and the mistakes that the check has to tell."""
    for name in ["reference", *corpus.variants(course, course.step_of_check(experiment.check).number)]:
        place = folder / name
        if name == "reference":
            corpus.stage_reference(course, place)
        else:
            corpus.stage_variant(course, name, place)
        yield from (Run(experiment, name, True, seed, place) for seed in range(seeds))
    wrong = (one for one in corpus.all_mistakes(course) if experiment.check in one.fails | one.measured)
    for number, mistake in enumerate(wrong):
        place = folder / str(number)
        corpus.stage_reference(course, place)
        mistake.make_in(place, course)
        yield from (Run(experiment, mistake.name, False, seed, place) for seed in range(seeds))


def _measured(course: Course, runs: Sequence[Run], jobs: int) -> Iterator[tuple[Run, float | None]]:
    steps = {course.step_of_check(run.experiment.check).number for run in runs}
    checks = {check.id: check for check in load_rubric(course, steps)}
    controls: SimpleQueue[Any] = SimpleQueue()

    def value(run: Run) -> float | None:
        control = controls.get()
        try:
            return measured(course, run, checks[run.experiment.check], control)
        finally:
            controls.put(control)

    with WarmServer(course, jobs, steps) as server, ThreadPoolExecutor(jobs) as pool:
        server.wait_until_warm()
        for control in server.controls:
            controls.put(control)
        futures: list[tuple[Run, Future[float | None]]] = [(run, pool.submit(value, run)) for run in runs]
        for run, future in futures:
            yield run, future.result()


def measured(course: Course, run: Run, check: Check, control: Any) -> float | None:
    """Return the metric of one run, as it is stored: None if there is none.

    Args:
        course: the course.
        run: the run.
        check: the check that its experiment is about.
        control: of a warm server.
    """
    rng = np.random.default_rng([run.seed, *run.experiment.check.encode()])
    with ConfinedSubject(course, control, run.place, run.seed) as subject:
        subject.begin(check)
        try:
            value = run.experiment.measure(subject.package, subject.kit, rng)
        except (SubmissionError, AssertionError):
            return None
    return _rounded(value) if math.isfinite(value) else None


def calibrated(experiment: Experiment, seeds: int, values: dict[Run, float | None]) -> Calibrated:
    """Return an experiment's distributions and its threshold, from the values of all runs; raises as `calibrate`."""
    distributions: dict[bool, dict[str, list[float | None]]] = {True: {}, False: {}}
    for run, value in values.items():
        if run.experiment is experiment:
            distributions[run.correct].setdefault(run.name, []).append(value)
    correct = {name: _numbers(some) for name, some in distributions[True].items()}
    right = [value for some in correct.values() for value in some]
    low = experiment.better == "low"
    worst = max(right) if low else min(right)
    best = [
        float(np.quantile(some, LUCK if low else 1 - LUCK))
        for values_of in distributions[False].values()
        if (some := _numbers(values_of))
    ]
    apart = [value for value in best if (value > worst if low else value < worst)]
    threshold = experiment.given
    if threshold is None:
        bounds = [_between(experiment, worst, apart), *(_far_from(experiment, some) for some in correct.values())]
        threshold = _rounded(max(bounds) if low else min(bounds))

    def passes(value: float) -> bool:
        return value <= threshold if low else value >= threshold

    lucky = {name: sum(map(passes, _numbers(some))) / len(some) for name, some in distributions[False].items()}
    runs = sum(len(some) for some in distributions[True].values())
    passing = sum(map(passes, right))
    rate = binomtest(runs - passing, runs, alternative="less").proportion_ci(CONFIDENCE).high
    return Calibrated(
        check=experiment.check,
        better=experiment.better,
        threshold=threshold,
        source="calibration" if experiment.given is None else "course",
        seeds=seeds,
        correct=correct,
        mistakes=distributions[False],
        not_separated=sorted(name for name, part in lucky.items() if part > LUCK),
        false_fails=runs - passing,
        false_fail_rate=_rounded(rate),
        tail_rate=_rounded(max(tail_rate(experiment, some, threshold) for some in correct.values())),
    )


def _numbers(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")


def _between(experiment: Experiment, worst: float, wrong: Sequence[float]) -> float:
    """Return a threshold between the worst value of right submissions and the best of the wrong ones apart from them.

    It lies nearer to the wrong ones: one that passes here by luck fails another check, but nothing helps a right one
    that fails.
    """
    if not wrong:
        raise ValueError(
            f"{experiment.check}: right submissions reach {worst:.3g} at worst, and every mistake reaches it too; "
            "check the mistakes by their behaviour instead."
        )
    best = min(wrong) if experiment.better == "low" else max(wrong)
    if experiment.on_log_scale:
        return float(best * (worst / best) ** MARGIN)
    return best + (worst - best) * MARGIN


def _far_from(experiment: Experiment, right: Sequence[float]) -> float:
    """Return a value so far from those of a right submission that none of its runs will ever be beyond it.

    Some tens of runs show no tail: others of the same submission come out worse than the worst of them. Of 30 runs,
    `tail_rate` says of a threshold at this distance that the next one misses it with a probability of 6e-5.
    """
    values = np.log(right) if experiment.on_log_scale else np.asarray(right)
    away = DEVIATIONS * float(values.std())
    bound = float(values.mean()) + (away if experiment.better == "low" else -away)
    return math.exp(bound) if experiment.on_log_scale else bound


def tail_rate(experiment: Experiment, right: Sequence[float], threshold: float) -> float:
    """Return how likely the next run of a right submission is to miss a threshold, if its values are normal.

    The next value of a normal variable of which n were seen is beside their mean as a t distribution with n - 1
    degrees of freedom says, whose tails are heavier than the normal one's the fewer there are. Of losses, the
    logarithms are as likely to be the normal ones; what comes out worse counts.

    Args:
        experiment: says whether low values are better.
        right: values of one submission, one for each seed.
        threshold: what they must reach.

    Returns:
        The probability; 1 where fewer than two values say nothing of a tail.
    """
    values = np.asarray(right)
    sign = 1.0 if experiment.better == "low" else -1.0
    rates = [_missing(sign * values, sign * threshold)]
    if experiment.better == "low" and threshold > 0 and (values > 0).all():
        rates.append(_missing(np.log(values), math.log(threshold)))
    return max(rates)


def _missing(values: np.ndarray, threshold: float) -> float:
    """Return how likely the next of some normal values is to be above a threshold."""
    if len(values) <= 1:
        return 1.0
    away = threshold - float(values.mean())
    spread = float(values.std(ddof=1)) * math.sqrt(1 + 1 / len(values))
    if not spread:
        return 0.0 if away >= 0 else 1.0
    return float(t.sf(away / spread, len(values) - 1))


def calibration_table(rows: Sequence[Calibrated]) -> Table:
    """Return a table of the thresholds, with what right and wrong submissions reach."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("check", "submission", "worst", "median", "best"):
        table.add_column(name, justify="left" if name in {"check", "submission"} else "right")
    for row in rows:
        sign = "≤" if row.better == "low" else "≥"
        missed = f"{row.false_fails} of {sum(map(len, row.correct.values()))} right runs miss it"
        missed += f", the next with a probability of {row.tail_rate:.1g}"
        table.add_row(row.check, f"threshold {sign} {row.threshold:.3g} ({row.source}); {missed}", style="bold")
        for name in [*row.correct, *row.mistakes]:
            values = _numbers(row.correct.get(name) or row.mistakes[name])
            ordered = sorted(values, reverse=row.better == "low")
            figures = [f"{ordered[at]:.3g}" for at in (0, len(ordered) // 2, -1)] if ordered else ["-"] * 3
            table.add_row("", f"{'✓' if name in row.correct else '✗'} {name}", *figures)
    return table
