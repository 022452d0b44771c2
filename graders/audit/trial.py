"""The trial of a corpus: every specimen is graded as any class is, and what its checks said is noted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from graders.audit.specimens import Kind, Specimen
from graders.course import Course
from graders.grading.grade import with_collected
from graders.grading.jobs import grade_all
from graders.grading.task import Failed, Finished, Graded, Refused, Task
from graders.judging.rubric import load_rubric
from graders.outcomes import HarnessFault, Outcome
from graders.results.schema import Level
from graders.sandbox.client import WarmServer

SECONDS = 120.0  # of the worker's clock; a mutant whose loops never end has no more


class TrialResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the checks of a step said of one specimen.

    Attributes:
        kind: `right`, `mistake` or `mutant`.
        step: the number of the step.
        submission: the specimen's name in results.
        name: what it is called, for people.
        lost: how the checks ended that did not pass, by their ids.
        check: of a mistake, the id of the check that is about it.
        expected: of a mistake, how that check has to end.
        operator: of a mutant, what made it.
        key: of a mutant, the digest of its change.
        diff: of a mutant, its change.
        seed: with which it was judged, if that was not drawn from its content.
        stands: whether it was judged in an earlier audit.
    """

    kind: Kind
    step: int
    submission: str
    name: str
    lost: dict[str, Outcome]
    check: str = ""
    expected: Outcome = Outcome.PASSED
    operator: str = ""
    key: str = ""
    diff: str = ""
    seed: int | None = None
    stands: bool = False

    @property
    def failed(self) -> frozenset[str]:
        """The ids of the checks that did not pass by their own doing, and not for want of what they need."""
        return frozenset(check for check, outcome in self.lost.items() if outcome is not Outcome.BLOCKED)

    @property
    def missed(self) -> bool:
        """Whether it is wrong, and no check says so; of a mistake, the check that is about it, as it should."""
        return self.lost.get(self.check) is not self.expected if self.kind == "mistake" else not self.lost


def try_all(
    specimens: Sequence[Specimen],
    course: Course,
    step: int,
    server: WarmServer,
    out: Path | None,
    ended: Callable[[], None],
    seed: int | None = None,
) -> list[TrialResult]:
    """Grade specimens of a step, and return what the checks said of each.

    Args:
        specimens: what is graded, staged.
        course: the course.
        step: the number of the step.
        server: which has loaded the course.
        out: folder for results, if they are kept; what stands there and would come out the same is not judged again.
        ended: called when one has been graded.
        seed: of all inputs; None draws it from each specimen's content.

    Raises:
        HarnessFault: a specimen could not be judged.
    """
    by_name = {specimen.place.name: specimen for specimen in specimens}

    def graded(task: Task) -> list[TrialResult]:
        verdicts = []
        for event in grade_all([specimen.place for specimen in specimens], task, server):
            if isinstance(event, Finished):
                verdicts.append(_verdict(by_name[event.name], event, seed))
                ended()
        return verdicts

    if not specimens:
        return []
    return with_collected(Task(course, load_rubric(course, {step}), seed, out, Level.FULL, SECONDS), graded)


def _verdict(specimen: Specimen, event: Finished, seed: int | None) -> TrialResult:
    match event.outcome:
        case Graded(result=result, problem="", kept=stands):
            rows = result.checks
        case Graded(problem=reason) | Refused(reason=reason) | Failed(reason=reason):
            raise HarnessFault(f"{specimen.name} (step {specimen.step}) could not be judged: {reason}")
    lost: dict[str, Outcome] = {row.id: row.outcome for row in rows if row.outcome is not Outcome.PASSED}
    faults = [row.message for row in rows if row.outcome is Outcome.HARNESS_FAULT]
    if faults:
        raise HarnessFault(f"{specimen.name} (step {specimen.step}), a check ended in harness_fault: {faults[0]}")
    mistake, mutant = specimen.mistake, specimen.mutant
    return TrialResult(
        kind=specimen.kind,
        step=specimen.step,
        submission=specimen.place.name,
        name=specimen.name,
        lost=lost,
        check=mistake.check if mistake else "",
        expected=mistake.outcome if mistake else Outcome.PASSED,
        operator=mutant.operator if mutant else "",
        key=mutant.key if mutant else "",
        diff=mutant.diff if mutant else "",
        seed=seed,
        stands=bool(stands),
    )
