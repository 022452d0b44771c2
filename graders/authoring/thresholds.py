"""What a metric of trained student code has to reach: thresholds from calibration, which a course keeps in a file.

`graders calibrate` measures them: the distributions of right and of wrong submissions over many seeds, and the
threshold between them.
"""

from __future__ import annotations

import functools
import math
from pathlib import Path
from typing import Literal

import msgspec


class Calibrated(msgspec.Struct, frozen=True, kw_only=True):
    """One metric, as it was measured; of a course that was handed out, only what it demands.

    Attributes:
        check: id of the check that demands it.
        better: whether right submissions have low or high values.
        threshold: the value that a submission must reach.
        source: where the threshold comes from: "calibration", or "course" where the course names it.
        seeds: runs of each submission, each with another seed.
        correct: values of right submissions, by name, in the order of the seeds, which begin with 0.
        mistakes: values of wrong submissions that fail the check, by name, in that order; null where there was none.
        not_separated: mistakes of which a run was as good as one of a right submission; other checks are about them.
        false_fails: how many runs of right submissions miss the threshold.
        false_fail_rate: upper end of the 95 % confidence interval of the rate of such runs.
        tail_rate: how likely the next run of a right submission is to miss it, of the submission of which that is most
            likely, by a t distribution fitted to its values: some tens of runs show no rate below a few percent.
    """

    check: str
    better: Literal["low", "high"]
    threshold: float
    source: str
    seeds: int = 0
    correct: dict[str, list[float]] = {}
    mistakes: dict[str, list[float | None]] = {}
    not_separated: list[str] = []
    false_fails: int = 0
    false_fail_rate: float = 1.0
    tail_rate: float = 1.0

    def passes(self, value: float | None) -> bool:
        """Tell whether a value reaches the threshold; none, and what is no number, does not."""
        if value is None:
            return False
        return value <= self.threshold if self.better == "low" else value >= self.threshold


class Thresholds:
    """The thresholds of a course, read when they are first asked for.

    Args:
        file: where `graders calibrate` writes them.
    """

    def __init__(self, file: Path) -> None:
        self.file = file

    @functools.cached_property
    def rows(self) -> dict[str, Calibrated]:
        """What was calibrated, by the id of the check."""
        rows = msgspec.json.decode(self.file.read_bytes(), type=list[Calibrated])
        return {row.check: row for row in rows}

    def expect_reached(self, check: str, value: float, what: str, *, held_out: bool = False) -> None:
        """Demand that a metric reaches the threshold of a check.

        What is measured on held-out data is told in tenths: from exact values, submission by submission, one could
        find out about each of these data.
        """
        row = self.rows[check]
        if not row.passes(value):
            told = _in_tenths(value) if held_out else f"{value:.3g}"
            if row.better == "low":
                raise AssertionError(f"{what} is {told}; expected at most {row.threshold:.3g}.")
            raise AssertionError(f"{what} is {told}; expected at least {row.threshold:.3g}.")


def _in_tenths(value: float) -> str:
    if not math.isfinite(value):
        return "no number"
    below = math.floor(value * 10)
    return f"between {below / 10:g} and {(below + 1) / 10:g}"
