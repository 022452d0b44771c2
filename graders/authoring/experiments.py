"""How a course declares what calibration measures: a metric of student code that the judge trains."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

Measure = Callable[[Any, Any, np.random.Generator], float]
"""Trains the package of a submission, with the kit and random numbers, and returns the metric."""


@dataclass(frozen=True)
class Experiment:
    """One metric of student code that the judge trains.

    Attributes:
        check: id of the check that demands it.
        measure: trains the submission, and returns the metric.
        better: whether right submissions have low or high values.
        given: threshold that the course names; None leaves it to calibration.
        on_log_scale: the threshold lies between values by their ratio, not their difference.
    """

    check: str
    measure: Measure
    better: Literal["low", "high"]
    given: float | None = None
    on_log_scale: bool = False
