"""The record of one submission's result, as `result.json` holds it, and from which everything else is rendered."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from graders.authoring.check import Visibility
from graders.intake.layouts.handin import Handin
from graders.outcomes import Outcome, Picture
from graders.sandbox.layers import Layer, State

SCHEMA = 3


class AnswerStatus(StrEnum):
    """What there is to do about a written question."""

    TO_BE_MARKED = "to be marked"
    NOT_ANSWERED = "not answered"


class Level(StrEnum):
    """How well a submission was confined, from no layer to all; `UNUSED` if no code of it ran."""

    UNUSED = "unused"
    NONE = "none"
    PARTIAL = "partial"
    FULL = "full"


class CheckResult(msgspec.Struct, frozen=True):
    """One check's result: what it asks, what it is worth, how it ended.

    Attributes:
        id: what the check is called.
        step: the number of its step.
        title: what it asks.
        points: what the submission got for it.
        max_points: what it is worth.
        outcome: how it ended; of a check that was dropped, how it ended before.
        message: why it did not pass.
        hint: what to do about that.
        visibility: whether students run it too.
        seconds: how long it took.
        dropped: why the course no longer counts it; empty if it does.
        picture: what came beside what was expected, if people would rather look at that; None of a hidden check.
    """

    id: str
    step: int
    title: str
    points: float
    max_points: float
    outcome: Outcome
    message: str
    hint: str
    visibility: Visibility
    seconds: float
    dropped: str = ""
    picture: Picture | None = None


class WrittenAnswer(msgspec.Struct, frozen=True):
    """The answer to a written question, for a person to mark; it has no points, and no part in the score."""

    id: str
    step: int
    title: str
    answer: str
    status: AnswerStatus


class Isolation(msgspec.Struct, frozen=True):
    """How well the submission was confined.

    Attributes:
        level: `full` (every layer), `partial` (some), `none`, or `unused` (no code of the submission ran).
        layers: what each layer reached.
    """

    level: Level
    layers: dict[str, Layer]

    @classmethod
    def of(cls, layers: Mapping[str, Layer]) -> Isolation:
        """Judge the level from the layers that a worker reported."""
        reached = [layer.state is State.ON for layer in layers.values()]
        if not reached:
            return cls(Level.UNUSED, {})
        return cls(Level.FULL if all(reached) else Level.PARTIAL if any(reached) else Level.NONE, dict(layers))

    def falls_short_of(self, required: Level) -> bool:
        """Tell whether student code was confined less than required."""
        order = list(Level)
        return order.index(self.level) < order.index(required)


class GradedStep(msgspec.Struct, frozen=True):
    """What the verdicts of one step were computed with.

    Attributes:
        step: its number.
        seed: what random inputs were drawn from, a whole number in decimal digits: it may be too large for a number.
        fingerprint: hash of all that the verdicts depend on; empty if they are to be computed again in any case.
    """

    step: int
    seed: str
    fingerprint: str


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One submission's result, as written to `result.json`.

    Attributes:
        schema: version of this format.
        course: title of the course.
        submission: what the submission is called.
        source: the file or folder that it was read from.
        digest: hash of what was read of it; empty if it could not be read.
        handin: whose it is, and where it came from; None if nobody said.
        score: its points.
        max_score: the points to be had.
        isolation: how well it was confined.
        time_limit: seconds that it had for all checks together.
        steps: what each step was computed with.
        versions: of Python and of the libraries that the score was computed with.
        checks: the checks, in their order.
        written: the written questions of the steps that were graded, each with its answer.
        notes: what intake left out, or why the submission could not be read.
        tampered: why no verdict counts, if the process that judged passed what nobody can pass; empty otherwise.
        seal: hash of all of this: a result that was edited by hand does not stand for one that was computed.
    """

    schema: int = SCHEMA
    course: str
    submission: str
    source: str = ""
    digest: str = ""
    handin: Handin | None = None
    score: float
    max_score: float
    isolation: Isolation
    time_limit: float
    steps: list[GradedStep]
    versions: dict[str, str]
    checks: list[CheckResult]
    written: list[WrittenAnswer] = []
    notes: list[str]
    tampered: str = ""
    seal: str = ""

    @property
    def was_read(self) -> bool:
        """Whether the submission could be read: of one that could not, the notes say why, and no check ran."""
        return bool(self.digest)

    @property
    def answered(self) -> int:
        """The number of written questions that are answered."""
        return sum(one.status is AnswerStatus.TO_BE_MARKED for one in self.written)


def json_schema() -> dict[str, object]:
    """Return the JSON Schema of `result.json`."""
    return msgspec.json.schema(Result)
