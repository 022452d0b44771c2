"""How a class did: in each check, in each step, and as a whole."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from graders.outcomes import Outcome
from graders.results.schema import CheckResult
from graders.results.scoring import faulty_steps, max_points, points, steps_of
from graders.statistics.judged import Judged
from graders.words.spoken import marked

LEAST = 10  # results below which a correlation is mostly chance
TENTHS = 10


@dataclass(frozen=True)
class CheckFigures:
    """One check, over a class.

    Attributes:
        id: what it is called.
        step: the number of its step.
        title: what it asks.
        judged: results in which it ended by what the student wrote; not those in which it waited for another check.
        passed: how many of these passed it.
        waited: results in which a check that it builds on did not pass.
        discrimination: point-biserial correlation of passing it with the share of all other points; None if that has
            no meaning.
        remark: why it has none; or `negative`, if those who pass it do worse elsewhere, so that it may be faulty.
        lost: the points that it cost the class.
    """

    id: str
    step: int
    title: str
    judged: int
    passed: int
    waited: int
    discrimination: float | None
    remark: str
    lost: float

    @property
    def rate(self) -> float | None:
        """The share of those judged that passed; None if none was judged."""
        return self.passed / self.judged if self.judged else None


@dataclass(frozen=True)
class Spread:
    """How values are spread: how many there are, mean, least, quartiles, most, and what was to be had.

    Of no value, all but the last are 0.
    """

    count: int
    mean: float
    least: float
    lower: float
    median: float
    upper: float
    most: float
    of: float


@dataclass(frozen=True)
class ClassFigures:
    """A class in figures.

    Attributes:
        count: how many results there are.
        checks: the checks, by step.
        steps: the points of each step, of the results in which the harness did not fail in it.
        scores: the scores, of the results in which the harness did not fail.
        tenths: how many scores are in each tenth of what was to be had; the last one holds full scores too.
    """

    count: int
    checks: list[CheckFigures]
    steps: dict[int, Spread]
    scores: Spread
    tenths: list[int]


class _Points(NamedTuple):
    """What a result got, of how many points, and whether that counts."""

    points: float
    most: float
    counts: bool


def class_figures(judged: Sequence[Judged]) -> ClassFigures:
    """Return the figures of a class; there has to be a result."""
    by_check: dict[str, list[tuple[Judged, CheckResult]]] = {}
    of_steps: dict[int, list[_Points]] = {}
    totals: list[_Points] = []
    for one in judged:
        for check in one.checks:
            by_check.setdefault(check.id, []).append((one, check))
        faulty = faulty_steps(one.result.checks)
        for step, score in steps_of(one.result.checks).items():
            of_steps.setdefault(step, []).append(_Points(score.points, score.max_points, step not in faulty))
        totals.append(_Points(one.result.score, one.result.max_score, not faulty))
    tenths = [0] * TENTHS
    for total in totals:
        share = total.points / total.most if total.most else 0.0
        tenths[min(TENTHS - 1, max(0, math.floor(TENTHS * share + 1e-9)))] += total.counts
    checks = sorted(map(_check, by_check.values()), key=lambda check: check.step)
    steps = {step: _spread(found) for step, found in sorted(of_steps.items())}
    return ClassFigures(len(judged), checks, steps, _spread(totals), tenths)


def _check(found: Sequence[tuple[Judged, CheckResult]]) -> CheckFigures:
    first = found[-1][1]
    judged = [(one, check) for one, check in found if check.outcome is not Outcome.BLOCKED]
    passed = [check.outcome is Outcome.PASSED for _, check in judged]
    discrimination, remark = _discrimination(passed, [_rest(one, check) for one, check in judged])
    return CheckFigures(
        first.id,
        first.step,
        first.title,
        len(judged),
        sum(passed),
        len(found) - len(judged),
        discrimination,
        remark,
        sum(check.max_points - check.points for _, check in found),
    )


def _rest(one: Judged, check: CheckResult) -> float | None:
    """Return the share of all points besides a check's; None if there are none."""
    most = max_points(one.checks) - check.max_points
    return (points(one.checks) - check.points) / most if most > 0 else None


def _discrimination(passed: Sequence[bool], rest: Iterable[float | None]) -> tuple[float | None, str]:
    """Return the correlation of passing with the rest of the score, and what to say of it."""
    others = [share for share in rest if share is not None]
    if not passed:
        return None, marked("none judged")
    if len(passed) < LEAST or len(others) < len(passed):
        return None, marked("too few") if len(passed) < LEAST else marked("no other points")
    if len(set(passed)) == 1:
        return None, marked("all passed") if passed[0] else marked("none passed")
    if np.ptp(others) < 1e-9:  # noqa: PLR2004 - rounding
        return None, marked("others equal")
    # Of two values, Pearson's correlation is the point-biserial one.
    value = float(np.corrcoef(np.array(passed, float), np.array(others))[0, 1])
    by_chance = 2 / math.sqrt(len(passed))  # what 19 of 20 correlations of unrelated values stay below
    return value, "negative" if value < -by_chance else ""


def _spread(found: Sequence[_Points]) -> Spread:
    of = max(one.most for one in found)
    values = np.array([one.points for one in found if one.counts], float)
    if not len(values):
        return Spread(0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, of)
    lower, median, upper = (float(one) for one in np.quantile(values, (0.25, 0.5, 0.75)))
    return Spread(len(values), float(values.mean()), float(values.min()), lower, median, upper, float(values.max()), of)
