"""Classroom 50's `result.json`, of schema `classroom50/result/v1`: whole numbers only, so that points are scaled.

Source: `schemas/result-v1.schema.json` of foundation50/classroom50.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from graders.exports.words import lines, told
from graders.outcomes import Outcome
from graders.results.schema import Result

SCALE = 100  # points are multiples of a quarter, or of what a course's weights make of that
SCHEMA = "classroom50/result/v1"
# The runner's variables, and the fields that they become.
FROM_RUNNER = {
    "classroom": ("CLASSROOM",),
    "assignment": ("ASSIGNMENT",),
    "assignment_type": ("ASSIGNMENT_TYPE",),
    "owner": ("OWNER", "USERNAME"),
    "submission": ("SUBMISSION_TAG",),
    "commit": ("COMMIT_URL",),
    "release": ("RELEASE_URL",),
    "review": ("REVIEW_URL",),
}


class NoRunner(Exception):
    """A variable that the runner sets is missing; the message names it."""


def result_json(result: Result, runner: Mapping[str, str], committed: datetime) -> dict[str, object]:
    """Return what the runner reads.

    Args:
        result: the result.
        runner: the runner's environment.
        committed: when the graded commit was made, which does not change when it is graded again.

    Raises:
        NoRunner: it lacks a variable.
    """
    identity: dict[str, object] = {}
    for field, names in FROM_RUNNER.items():
        value = next((runner[name] for name in names if runner.get(name)), "")
        if not value:
            raise NoRunner(f"{names[0]} is not set; Classroom 50's runner sets it.")
        identity[field] = value
    actor = runner.get("GITHUB_ACTOR")
    number = runner.get("GITHUB_ACTOR_ID", "")
    by = {"submitted_by": {"username": actor, "id": int(number) if number.isdecimal() else None}} if actor else {}
    tests = [
        {
            "test-name": lines(f"{check.id}: {check.title}"),
            "passed": check.outcome is Outcome.PASSED or bool(check.dropped),
            "score": round(check.points * SCALE),
            "max-score": round(check.max_points * SCALE),
            "output": told(check),
        }
        for check in result.checks
    ]
    return {
        "schema": SCHEMA,
        **identity,
        "datetime": _time(committed),
        "graded_at": _time(datetime.now(UTC)),
        "score": round(result.score * SCALE),
        "max-score": round(result.max_score * SCALE),
        "tests": tests,
        **by,
    }


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
