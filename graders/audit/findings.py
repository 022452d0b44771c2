"""What an audit found: which checks tell which faults, and what passes that should not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from graders.audit.trial import TrialResult
from graders.authoring.thresholds import Calibrated
from graders.course import BadCourse, Course
from graders.judging.rubric import Check, counted
from graders.results.provenance import step_key

CONFIDENCE = 0.95


class Survivor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was found out about a mutant that passes all checks.

    Attributes:
        key: the digest of its change.
        step: the number of its step.
        change: what it changes, for people.
        kind: `equivalent` if it does the same as the reference; `free` if the contract leaves it open, so that it is
            right; `open` if it is wrong and no check says so.
        reason: why, one sentence.
    """

    key: str
    step: int
    change: str
    kind: Literal["equivalent", "free", "open"]
    reason: str


class Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why a check is kept although it never fails alone."""

    check: str
    reason: str


class Known(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file of what people found out, so that they find it out once."""

    survivor: list[Survivor] = []
    kept: list[Kept] = []


def read_known(course: Course) -> Known:
    """Read what was found out about survivors; nothing, if the course keeps no file of it."""
    path = course.path(course.audit.survivors)
    if not course.audit.survivors or not path.is_file():
        return Known()
    try:
        known = msgspec.toml.decode(path.read_bytes(), type=Known)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadCourse(f"{path}: {error}.") from error
    twice = [key for key, count in Counter(one.key for one in known.survivor).items() if count > 1]
    if twice:
        raise BadCourse(f"{path}: the survivor {twice[0]} stands there twice; leave one.")
    return known


class Flip(msgspec.Struct, frozen=True):
    """A specimen whose checks ended otherwise when it was judged again with the same seed."""

    step: int
    name: str
    first: dict[str, str]
    again: dict[str, str]


class Tally(NamedTuple):
    """Mutants: how many there are, die, do the same as the reference, are right, and survive though they are wrong."""

    made: int
    killed: int
    equivalent: int
    free: int
    survived: int

    @property
    def wrong(self) -> int:
        """How many are wrong, as far as anybody knows."""
        return self.killed + self.survived

    @property
    def rate(self) -> float:
        """The part of the wrong ones that die."""
        return self.killed / self.wrong if self.wrong else 1.0


class CheckRow(NamedTuple):
    """How one check fared.

    Attributes:
        check: the check.
        mistakes: the number of mistakes that fail it.
        mutants: the number of mutants that fail it.
        alone: the number of both that fail it and no other check.
        needed: the number of mistakes among these.
        kept: why it is kept although it never fails alone.
    """

    check: Check
    mistakes: int
    mutants: int
    alone: int
    needed: int
    kept: str


class Findings(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """An audit.

    Attributes:
        course: title of the course.
        versions: of Python and the libraries.
        steps: the numbers of the steps that were audited.
        drawn: whether the mutants are a sample of all.
        bound: the part of wrong mutants that have to die.
        verdicts: what the checks said of each specimen.
        known: what was found out about survivors.
        rubric: the checks.
        trained: what calibration says of the checks with thresholds.
        regraded: how many specimens were judged twice.
        flips: those that came out otherwise.
        step_keys: of each step, the hash of all that decides its verdicts.
    """

    course: str
    versions: dict[str, str]
    steps: list[int]
    drawn: bool
    bound: float
    verdicts: list[TrialResult]
    known: Known
    rubric: list[Check]
    trained: list[Calibrated] = []
    regraded: int = 0
    flips: list[Flip] = []
    step_keys: dict[int, str] = {}

    @cached_property
    def losing(self) -> list[TrialResult]:
        """The right submissions that lose points."""
        return [one for one in self.of("right") if one.lost]

    @cached_property
    def missed(self) -> list[TrialResult]:
        """The mistakes that the check about them does not tell."""
        return [one for one in self.of("mistake") if one.missed]

    @cached_property
    def survivors(self) -> list[tuple[TrialResult, Survivor | None]]:
        """The mutants that pass all checks, with what was found out about each; first those of which nobody knows."""
        known = {one.key: one for one in self.known.survivor}
        order = [None, "open", "free", "equivalent"]
        found = [(one, known.get(one.key)) for one in self.of("mutant") if one.missed]
        return sorted(found, key=lambda pair: order.index(pair[1].kind if pair[1] else None))

    @cached_property
    def outdated(self) -> list[Survivor]:
        """What was found out about mutants that do not survive any more, or are not made; of a sample, nothing."""
        if self.drawn or not self.of("mutant"):
            return []
        surviving = {one.key for one, _ in self.survivors}
        return [one for one in self.known.survivor if one.step in self.steps and one.key not in surviving]

    @cached_property
    def total(self) -> Tally:
        """All mutants together."""
        return self.tally(self.of("mutant"))

    @property
    def best_rate(self) -> float:
        """The kill rate; of a sample, the highest that is compatible with it."""
        total = self.total
        if not self.drawn or not total.wrong:
            return total.rate
        from scipy.stats import binomtest  # noqa: PLC0415 - slow to load, and not needed without a sample

        return float(binomtest(total.killed, total.wrong, alternative="less").proportion_ci(CONFIDENCE).high)

    @cached_property
    def failures(self) -> list[str]:
        """Why the audit does not hold, a sentence each."""
        said = []
        if self.losing:
            said.append(f"Right submissions that lose points: {len(self.losing)}, first {_name(self.losing)}.")
        if self.missed:
            said.append(f"Mistakes that are missed: {len(self.missed)}, first {_name(self.missed)}.")
        if self.flips:
            said.append(f"Submissions that came out otherwise when judged again: {len(self.flips)} of {self.regraded}.")
        if self.best_rate < self.bound:
            total = self.total
            rate = f"{total.killed} of {total.wrong} wrong mutants die, {total.rate:.1%}"
            said.append(f"{rate}; expected {self.bound:.1%}.")
        return said

    def of(self, kind: str) -> list[TrialResult]:
        """Return the verdicts of one kind of specimen."""
        return [one for one in self.verdicts if one.kind == kind]

    def tally(self, verdicts: Iterable[TrialResult]) -> Tally:
        """Count mutants."""
        kinds = {one.key: one.kind for one in self.known.survivor}
        ends = Counter(kinds.get(one.key, "open") if one.missed else "killed" for one in verdicts)
        return Tally(ends.total(), ends["killed"], ends["equivalent"], ends["free"], ends["open"])

    def tallies(self, by: Literal["step", "operator"]) -> dict[str, Tally]:
        """Count the mutants of each step, or of each operator."""
        groups: dict[str, list[TrialResult]] = {}
        for one in self.of("mutant"):
            groups.setdefault(str(getattr(one, by)), []).append(one)
        return {name: self.tally(group) for name, group in groups.items()}

    @cached_property
    def checks(self) -> list[CheckRow]:
        """How each check fared."""
        reasons = {one.check: one.reason for one in self.known.kept}
        failing = Counter((one.kind, check) for one in self.verdicts for check in one.failed)
        alone = Counter((one.kind, *one.failed) for one in self.verdicts if len(one.failed) == 1)
        return [
            CheckRow(
                row,
                failing["mistake", row.id],
                failing["mutant", row.id],
                alone["mistake", row.id] + alone["mutant", row.id],
                alone["mistake", row.id],
                reasons.get(row.id, ""),
            )
            for row in counted(self.rubric)
        ]


def trained_checks(course: Course, steps: Collection[int]) -> list[Calibrated]:
    """Return what calibration says of the checks of some steps that train students' code."""
    path = course.path(course.audit.thresholds)
    if not course.audit.thresholds or not path.is_file():
        return []
    rows = msgspec.json.decode(path.read_bytes(), type=list[Calibrated])
    return [row for row in rows if course.step_of_check(row.check).number in steps]


def write_findings(findings: Findings, file: Path) -> None:
    """Write what was found as JSON, and why it does not hold."""
    all_of_it = {**msgspec.to_builtins(findings), "failures": findings.failures}
    file.write_bytes(msgspec.json.format(msgspec.json.encode(all_of_it), indent=1) + b"\n")


class _Stands(msgspec.Struct, frozen=True):
    failures: list[str]
    step_keys: dict[int, str]


def objections(file: Path, course: Course) -> list[str]:
    """Return why an audit says nothing for a course's checks as they are now, or what it says against them.

    Args:
        file: what `write_findings` wrote.
        course: the course.

    Returns:
        A sentence each; none if the audit holds, and is of all steps as they are now.
    """
    try:
        stands = msgspec.json.decode(file.read_bytes(), type=_Stands)
    except FileNotFoundError:
        return [f"{file} is not there: run graders audit --quick first."]
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return [f"{file} cannot be read as an audit; run graders audit --quick again."]
    changed = [step.number for step in course.steps if stands.step_keys.get(step.number) != step_key(course, step)]
    if changed:
        steps = ", ".join(map(str, changed))
        return [f"{file} is of other checks than those of step {steps} are now; run graders audit --quick again."]
    return stands.failures


def flips_of(first: Sequence[TrialResult], again: Sequence[TrialResult]) -> list[Flip]:
    """Compare verdicts with those of the same specimens, judged again with the same seeds."""
    before = {(one.step, one.submission, one.seed): one for one in first}
    pairs = [(before[one.step, one.submission, one.seed], one) for one in again]
    return [Flip(new.step, new.name, _words(old), _words(new)) for old, new in pairs if old.lost != new.lost]


def _words(verdict: TrialResult) -> dict[str, str]:
    return {check: str(outcome) for check, outcome in verdict.lost.items()}


def _name(verdicts: Sequence[TrialResult]) -> str:
    one = verdicts[0]
    return f"{one.name} (step {one.step}: {', '.join(sorted(one.failed)) or 'no check fails'})"
