"""What is judged: a submission in its sandbox, or a student's own modules in this process."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from graders.authoring.doubles import Doubles
from graders.judging.hints.situation import Situation
from graders.judging.rubric import Check
from graders.outcomes import Outcome


class Subject(Protocol):
    """One submission, as checks and the judge see it."""

    @property
    def package(self) -> Any:
        """The submission's package; its attributes are the step modules."""
        ...

    @property
    def kit(self) -> Any:
        """The kit, on the submission's side."""
        ...

    @property
    def doubles(self) -> Doubles:
        """The test doubles that the judge answers for."""
        ...

    def begin(self, check: Check) -> None:
        """Make ready for a check: a live worker, the call deadline, the seeds."""
        ...

    def begin_example(self, number: int) -> None:
        """Seed for one of a check's examples, counted from 0, so that it draws the same whatever those before drew."""
        ...

    def inputs(self) -> Path:
        """Return a new folder for a check to write into, which the submission may read."""
        ...

    def shown(self, text: str) -> str:
        """Return a message without what differs from run to run, such as the names of temporary folders."""
        ...

    def explain(self, error: BaseException) -> tuple[Outcome, str]:
        """Say what an exception that no check raises on purpose means."""
        ...

    def situation(self, error: BaseException) -> Situation:
        """Return what is known where an exception ended a check."""
        ...
