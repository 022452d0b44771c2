"""What one run does with every submission, and what it says while it does."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import msgspec

from graders.course import Course
from graders.intake.layouts.handin import Handin
from graders.judging.rubric import Check
from graders.outcomes import KilledFromOutside, Outcome, Verdict
from graders.results.provenance import modules_called, secret_of, step_key
from graders.results.schema import Isolation, Level, Result

if TYPE_CHECKING:
    from graders.judging.collection import CollectedChecks  # it loads pytest, which most commands do without

SUBMISSION_SECONDS = 900.0
SEED_DIGITS = 32  # hexadecimal


@dataclass(frozen=True)
class Task:
    """What one run does with every submission.

    Attributes:
        course: the course.
        rubric: its checks, or those of some steps.
        seed: of all random inputs; None draws one for each step, from the content of the files that it can reach, so
            that the same files get the same inputs, and nobody can know them beforehand: whoever wrote answers to them
            into a file would change them.
        out: folder for results.
        required: the least isolation.
        seconds: time that a submission has for all checks together.
        handins: whose the submissions are, by their paths; empty if nobody knows.
        without: layers of confinement to leave out, to show what each of them stops.
        collected: the checks, if pytest has collected them already.
    """

    course: Course
    rubric: Sequence[Check]
    seed: int | None
    out: Path | None
    required: Level = Level.FULL
    seconds: float = SUBMISSION_SECONDS
    without: frozenset[str] = frozenset()
    handins: Mapping[Path, Handin] = field(default_factory=dict)
    collected: CollectedChecks | None = None

    @cached_property
    def keys(self) -> dict[int, str]:
        """For each step of the rubric, a hash of all that decides its verdicts besides submission and seed."""
        return {number: step_key(self.course, self.course.step(number)) for number in {row.step for row in self.rubric}}

    @cached_property
    def called(self) -> dict[int, frozenset[str]]:
        """For each step of the rubric, the step modules that its checks may call."""
        return {number: modules_called(self.course, self.course.step(number)) for number in self.keys}

    @cached_property
    def secret(self) -> bytes:
        """What no student has, and all drawn seeds come from; raises `HarnessFault` without the held-out data."""
        return secret_of(self.course)

    def prepare(self) -> None:
        """Compute what all submissions share: once, in the process from which judges are forked."""
        _ = self.keys, self.called, self.secret

    def seed_for(self, digest: str) -> int:
        """Return the seed with which to judge a step; raises `HarnessFault` without the held-out data.

        Args:
            digest: of the files that the step can reach.
        """
        if self.seed is not None:
            return self.seed
        # With the content alone, code could compute its own seed.
        drawn = hashlib.sha256(self.secret + digest.encode()).hexdigest()
        return int(drawn[:SEED_DIGITS], 16)


class Judged(msgspec.Struct, frozen=True, tag="judged"):
    """What came of judging some steps of a submission.

    Attributes:
        verdicts: how their checks ended, by their ids.
        isolation: how student code was confined.
        tampered: why none of the verdicts counts, if so.
    """

    verdicts: dict[str, Verdict]
    isolation: Isolation
    tampered: str = ""

    @property
    def disturbed(self) -> bool:
        """Whether somebody killed a worker meanwhile."""
        return any(verdict.message.startswith(KilledFromOutside.WORDS) for verdict in self.verdicts.values())

    @property
    def faulty(self) -> bool:
        """Whether the harness failed on a check."""
        return any(verdict.outcome is Outcome.HARNESS_FAULT for verdict in self.verdicts.values())


class Graded(msgspec.Struct, frozen=True, tag="graded"):
    """The end of one submission.

    Attributes:
        result: its result.
        kept: numbers of the steps whose verdicts stand from an earlier run.
        resumed: all of the result stands from an earlier run.
        problem: why it could not be read, if so.
        replaced: what is to be said of an earlier result whose place this one takes.
        disturbed: somebody killed a worker meanwhile, so that it is worth while to grade it again.
    """

    result: Result
    kept: tuple[int, ...] = ()
    resumed: bool = False
    problem: str = ""
    replaced: str = ""
    disturbed: bool = False


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """What was given is no submission, so that it has no result; the reason says what it is."""

    reason: str


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """The harness failed on a submission; nothing is charged to the student."""

    reason: str


class Progress(msgspec.Struct, frozen=True, tag="progress"):
    """So many of a submission's checks have ended."""

    name: str
    ended: int


class Finished(msgspec.Struct, frozen=True, tag="finished"):
    """A submission is graded, or was refused, or the harness failed on it."""

    name: str
    outcome: Graded | Refused | Failed


class Answered(msgspec.Struct, frozen=True, tag="answered"):
    """A judge's answer to whoever asked it to judge some steps, and grades with that."""

    outcome: Judged | Failed


Event = Progress | Finished
Message = Event | Answered


class Backend(Protocol):
    """Where the submissions of a run are graded."""

    @property
    def at_once(self) -> int:
        """How many are judged at a time; it may change."""
        ...

    def grade(self, paths: Sequence[Path], task: Task) -> Iterator[Event]:
        """Grade submissions and yield what happens as it happens; raises `HarnessFault` if it cannot go on."""
        ...
