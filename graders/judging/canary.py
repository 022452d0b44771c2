"""The canary: a check that nobody can pass honestly, judged as all others are.

All that it compares is unlike. If it passes, comparisons, checks or verdicts are not what they were, and neither is any
other pass of that run.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence

import msgspec
import numpy as np

from graders.authoring.check import CheckInfo
from graders.authoring.expect import expect_array, expect_equal, expect_error, expect_number, expect_shape
from graders.judging.rubric import Check
from graders.outcomes import Outcome, SubmissionError, Verdict

ID = "canary"
TAMPERED = "a check that nobody can pass honestly has passed: the process that judges was tampered with"


def canary_of(step: int) -> Check:
    """Return the canary as a check that runs last, in the worker of a step; it belongs to no rubric, and costs none."""
    node = f"{__file__}::{test_nobody_passes_this.__name__}"
    return Check(ID, step, "Nobody can pass this check.", node, CheckInfo(points=0, hint="There is nothing to do."))


def judged_with_canary(
    rubric: Sequence[Check], judged: Callable[[Sequence[Check]], dict[str, Verdict]]
) -> tuple[dict[str, Verdict], str]:
    """Judge a rubric, and the canary after it.

    Args:
        rubric: one check or more.
        judged: judges checks.

    Returns:
        The verdicts of the rubric's checks, and why none of them counts; empty if they do.
    """
    verdicts = judged([*rubric, canary_of(rubric[-1].step)])
    passed = verdicts.pop(ID).outcome is Outcome.PASSED
    if not passed:
        return verdicts, ""
    return {
        check_id: msgspec.structs.replace(verdict, outcome=Outcome.HARNESS_FAULT, message=TAMPERED)
        for check_id, verdict in verdicts.items()
    }, TAMPERED


def test_nobody_passes_this() -> None:
    """Nobody can pass this check."""
    answer, secret = secrets.token_hex(16), secrets.token_hex(16)
    zeros = np.zeros(3)
    for compare in (
        lambda: expect_equal(answer, secret, "the canary"),
        lambda: expect_equal([1, 2], [1, 3], "the canary"),
        lambda: expect_number(0.0, 1.0, "the canary"),
        lambda: expect_array(zeros, zeros + 1, "the canary"),
        lambda: expect_shape(zeros, (4,), "the canary"),
        _raise_nothing,
    ):
        if not _fails(compare):
            return
    raise AssertionError("The canary does not pass, as it has to be.")


def _raise_nothing() -> None:
    with expect_error(ValueError, "the canary"):
        pass


def _fails(compare: Callable[[], object]) -> bool:
    try:
        compare()
    except (AssertionError, SubmissionError):
        return True
    return False
