"""Early stopping: the epoch at which training stops, and the best one, from the validation losses alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from graders.authoring.describe import describe
from graders.authoring.expect import plain


def stops_at(losses: Sequence[float], patience: int, min_delta: float = 0.0) -> int | None:
    """Return the number of the epoch, from 1, after which to stop; None if never."""
    best, waited = math.inf, 0
    for epoch, loss in enumerate(losses, start=1):  # a loss that is no number is not less than any
        best, waited = (loss, 0) if loss < best - min_delta else (best, waited + 1)
        if waited == patience:
            return epoch
    return None


def stopped_at(stopping: Any, losses: Sequence[float], call: str) -> int | None:
    """Return the number of the epoch, from 1, at which `step` says to stop; None if never."""
    for epoch, loss in enumerate(losses, start=1):
        answer = plain(stopping.step(loss), call)
        if answer not in (True, False):
            raise AssertionError(f"{call}.step({loss:g}) returned {describe(answer)}; expected True or False.")
        if answer:
            return epoch
    return None


def best_epoch(losses: Sequence[float]) -> int:
    """Return the number, from 1, of the epoch with the lowest loss."""
    return losses.index(min(losses)) + 1
