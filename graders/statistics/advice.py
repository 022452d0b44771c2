"""What a class should hear: the few things that cost it most, in plain sentences."""

from __future__ import annotations

from collections.abc import Sequence

from graders.exports.words import rounded
from graders.outcomes import Outcome
from graders.statistics.causes import HIDDEN, Cause
from graders.text import printable

MOST = 5
ALL_FAULTY = "The harness failed in each of them: grade again."
LEAST_RESULTS = 2  # what one student alone did is not the class's business
NOT_FOR_ALL = frozenset({Outcome.BLOCKED, Outcome.HARNESS_FAULT})


def sentences(causes: Sequence[Cause], count: int) -> list[str]:
    """Return what to say, what cost most first.

    Args:
        causes: what went wrong, what cost the class most first.
        count: how many results there are.
    """
    for_all = [one for one in causes if one.results >= LEAST_RESULTS and one.outcome not in NOT_FOR_ALL and one.lost]
    return [_sentence(one, count) for one in for_all[:MOST]]


def counted(value: float, what: str) -> str:
    """Return a number of things in words: `1 point`, `2.5 points`."""
    shown = rounded(value)
    return f"{shown} {what}" if shown == "1" else f"{shown} {what}s"


def _sentence(cause: Cause, count: int) -> str:
    who = f"All {count}" if cause.results == count else f"{cause.results} of {count}"
    cost = counted(cause.lost, "point")
    if cause.outcome is Outcome.NOT_IMPLEMENTED:
        return f"{who} have not done all of step {cause.step}; that cost {cost} together."
    titles = [printable(title).rstrip(".") for title in cause.checks.values()]
    what = f"“{titles[0]}”" + (f" and {len(titles) - 1} more" if len(titles) > 1 else "")
    said = "" if cause.message in {HIDDEN, ""} else f": {cause.message.rstrip('.')}"
    hint = f" Hint: {cause.hint}" if cause.hint and cause.message != HIDDEN else ""
    return f"{who} lost {cost} together in step {cause.step} at {what}{said}.{hint}"
