"""A whole audit: which specimens it takes, and the order in which they are judged."""

from __future__ import annotations

import itertools
import random
import tempfile
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import msgspec

from graders.audit.findings import Findings, flips_of, read_known, trained_checks
from graders.audit.mutants import Mutant, mutants_of
from graders.audit.specimens import Kind, Specimen, mistaken_specimens, mutated_specimens, right_specimens
from graders.audit.trial import TrialResult, try_all
from graders.course import Course, Step
from graders.grading.jobs import warm_up
from graders.judging.rubric import load_rubric
from graders.results.provenance import modules_called, step_key, versions
from graders.sandbox.client import WarmServer

FEW_MUTANTS = 100


@dataclass(frozen=True)
class Audit:
    """What is audited, and how.

    Attributes:
        course: the course.
        out: folder for the results of what was judged.
        steps: the numbers of the steps.
        kinds: of specimens; none means all.
        quick: whether a hundred of the mutants are enough.
        seeds: with how many seeds more right submissions are judged.
        regrades: how many specimens are judged twice.
    """

    course: Course
    out: Path
    steps: Sequence[int]
    kinds: Collection[Kind] = ()
    quick: bool = False
    seeds: int = 0
    regrades: int = 0

    def run(self, jobs: int, say: Callable[[str], None]) -> Findings:
        """Judge all specimens, and return what was found.

        Args:
            jobs: how many are judged at a time.
            say: called with a few words on how far it is.

        Raises:
            BadCourse: the course keeps no submissions whose verdicts are known, as where it is installed.
            HarnessFault: a specimen could not be judged.
        """
        known = read_known(self.course)
        steps = [self.course.step(number) for number in self.steps]
        rubric = load_rubric(self.course, self.steps)
        judging = {*self.steps, *(step.number for mine in steps for step in self._callers(mine))}
        with (
            tempfile.TemporaryDirectory(prefix="graders-audit-") as folder,
            WarmServer(self.course, jobs, judging) as server,
        ):
            warm_up(self.course, judging)
            specimens = self._staged(steps, Path(folder))
            server.wait_until_warm()
            trials = _Trials(self.course, server, say)
            ended = [one for step, some in specimens.items() for one in self._verdicts(step, some, trials)]
            again = self._again(specimens, trials)
            told = self._told_elsewhere(specimens, ended, trials, Path(folder))
        return Findings(
            course=self.course.title,
            versions=versions(self.course.libraries),
            steps=list(self.steps),
            drawn=self.quick,
            bound=self.course.audit.kill_rate,
            verdicts=[told.get(one.key, one) for one in ended],
            known=known,
            rubric=rubric,
            trained=trained_checks(self.course, self.steps),
            regraded=len(again),
            flips=flips_of(ended, again),
            step_keys={step.number: step_key(self.course, step) for step in steps},
        )

    def _staged(self, steps: Sequence[Step], place: Path) -> dict[Step, list[Specimen]]:
        mutants = self._mutants(steps) if self._takes("mutant") else {}
        specimens = {}
        for step in steps:
            folder = place / step.label
            right = right_specimens(self.course, step, folder) if self._takes("right") else ()
            mistaken = mistaken_specimens(self.course, step, folder) if self._takes("mistake") else ()
            mutated = mutated_specimens(self.course, step, mutants.get(step, []), folder)
            specimens[step] = [*right, *mistaken, *mutated]
        return specimens

    def _takes(self, kind: Kind) -> bool:
        return not self.kinds or kind in self.kinds

    def _mutants(self, steps: Sequence[Step]) -> dict[Step, list[Mutant]]:
        """Make the mutants; of a quick audit, those that checks and reference draw: a change of these draws others."""
        mutants = [mutant for step in steps for mutant in mutants_of(self.course, step)]
        if self.quick and len(mutants) > FEW_MUTANTS:
            seed = "".join(step_key(self.course, step) for step in steps)
            mutants = random.Random(seed).sample(mutants, FEW_MUTANTS)  # noqa: S311
        return {step: [mutant for mutant in mutants if mutant.step == step] for step in steps}

    def _verdicts(self, step: Step, specimens: Sequence[Specimen], trials: _Trials) -> list[TrialResult]:
        verdicts = trials.of(specimens, step, self.out / step.label)
        right = [specimen for specimen in specimens if specimen.kind == "right"]
        for seed in range(self.seeds):
            verdicts += trials.of(right, step, self.out / f"{step.label}-seed-{seed}", seed)
        return verdicts

    @cached_property
    def _called(self) -> dict[Step, frozenset[str]]:
        return {step: modules_called(self.course, step) for step in self.course.steps}

    def _callers(self, mine: Step) -> list[Step]:
        """Return the other steps whose checks may call the module of a step."""
        return [step for step, modules in self._called.items() if step != mine and mine.module in modules]

    def _told_elsewhere(
        self, specimens: Mapping[Step, Sequence[Specimen]], ended: Sequence[TrialResult], trials: _Trials, place: Path
    ) -> dict[str, TrialResult]:
        """Judge the mutants that survive by the checks of other steps too; return the verdicts on those that die."""
        surviving = {one.key: one for one in ended if one.kind == "mutant" and one.missed}
        mutants = [one.mutant for some in specimens.values() for one in some if one.mutant]
        told: dict[str, TrialResult] = {}
        for caller in self.course.steps:
            left = (mutant for mutant in mutants if mutant.key in surviving.keys() - told.keys())
            mine = [mutant for mutant in left if caller in self._callers(mutant.step)]
            name = f"{caller.label}-others"
            others = list(mutated_specimens(self.course, caller, mine, place / name))
            for one in trials.of(others, caller, self.out / name):
                if one.lost:
                    told[one.key] = msgspec.structs.replace(surviving[one.key], lost=one.lost)
        return told

    def _again(self, specimens: Mapping[Step, Sequence[Specimen]], trials: _Trials) -> list[TrialResult]:
        """Judge some specimens once more, drawn from all."""
        everything = [specimen for some in specimens.values() for specimen in some]
        drawn = random.Random(0).sample(everything, min(self.regrades, len(everything)))  # noqa: S311
        verdicts = []
        for step in specimens:
            verdicts += trials.of([specimen for specimen in drawn if specimen.step == step.number], step, None)
        return verdicts


class _Trials:
    """Trials of one audit, which are counted: `say` is called with a few words on how far each is."""

    def __init__(self, course: Course, server: WarmServer, say: Callable[[str], None]) -> None:
        self.course = course
        self.server = server
        self.say = say

    def of(
        self, specimens: Sequence[Specimen], step: Step, out: Path | None, seed: int | None = None
    ) -> list[TrialResult]:
        """Judge specimens by the checks of a step, as `try_all` does."""
        count = itertools.count(1)

        def ended() -> None:
            self.say(f"step {step.number}: {next(count)} of {len(specimens)}")

        return try_all(specimens, self.course, step.number, self.server, out, ended, seed)
