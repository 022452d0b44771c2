"""What a class's export writes down for each student: points, and what platforms know the student by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from graders.exports.words import feedback
from graders.intake.layouts.handin import Handin
from graders.results.gradebook.grades import Mark, Total
from graders.results.schema import Result
from graders.results.scoring import faulty_steps
from graders.words.spoken import ENGLISH_WORDS, Words


class SeveralAttempts(Exception):
    """A student has several results, and nothing says which one counts; the message names them."""


@dataclass(frozen=True)
class Entry:
    """A student's points.

    Attributes:
        student: the student's id; empty if nobody knows.
        name: the student's name.
        points: what they get.
        handin: the hand-in that counts; None if there is none.
        result: its result.
        because: how the points came about, a sentence each.
        marks: those for the written answers of the hand-in that counts, by the questions' ids.
        faulty: the steps in which the harness failed: the points are not what the student is to be charged with.
    """

    student: str
    name: str
    points: float
    handin: Handin | None = None
    result: Result | None = None
    because: tuple[str, ...] = ()
    marks: Mapping[str, Mark] = field(default_factory=dict)
    faulty: tuple[int, ...] = ()

    def number_at(self, platform: str) -> str:
        """Return the number by which a platform knows whoever handed this in; empty if it is of another platform."""
        return self.handin.ids.get(platform, "") if self.handin else ""


def of_totals(
    totals: Mapping[str, Total],
    results: Mapping[int, tuple[Handin, Result]],
    names: Mapping[str, str],
    marks: Mapping[int, Mapping[str, Mark]],
) -> list[Entry]:
    """Return the entries of a gradebook: for each student the total, and the hand-in that counts.

    Who has handed nothing in, and got no points from a person, has none.
    """
    entries = []
    for student, total in totals.items():
        handin, result = results[total.handin] if total.handin is not None else (None, None)
        if handin or total.points:
            name = names.get(student) or (handin.name if handin else student)
            given = marks.get(total.handin, {}) if total.handin is not None else {}
            entries.append(Entry(student, name, total.points, handin, result, total.account, given, total.faulty))
    return entries


def of_results(results: Iterable[Result]) -> list[Entry]:
    """Return the entries of a folder of results; raises `SeveralAttempts` if a student has more than one."""
    entries = []
    for result in results:
        handin = result.handin or Handin(name=result.submission)
        name = handin.name or result.submission
        faulty = tuple(faulty_steps(result.checks))
        entries += [
            Entry(student, name, result.score, handin, result, faulty=faulty) for student in handin.students or [""]
        ]
    counts = Counter(entry.student or entry.name for entry in entries)
    if twice := [who for who, count in counts.items() if count > 1]:
        raise SeveralAttempts(", ".join(sorted(twice)))
    return entries


def by_number(entries: Iterable[Entry], platform: str) -> tuple[dict[str, Entry], list[str]]:
    """Return the entries by a platform's numbers, and what is to be said of numbers with several points.

    A group has one number for all of its members, who may have different late days or overrides.
    """
    found: dict[str, Entry] = {}
    notes = []
    for entry in entries:
        number = entry.number_at(platform)
        before = found.setdefault(number, entry) if number else entry
        if before.points != entry.points:
            notes.append(f"{entry.name} ({entry.student}): has other points than {before.student}, of the same group")
    return found, notes


def pages(entries: Sequence[Entry], platform: str, words: Words = ENGLISH_WORDS) -> dict[str, tuple[str, str]]:
    """Return what is told whom in some language, as name and text, by a platform's numbers.

    The members of a group have one number, and read one page: what concerns one of them alone is not in it.
    """
    totals: dict[str, set[object]] = {}
    for entry in entries:
        totals.setdefault(entry.number_at(platform), set()).add((entry.points, entry.because))
    told = {}
    for entry in entries:
        number = entry.number_at(platform)
        if number and entry.handin and entry.result:
            total = words.count("Total: {number} point", "Total: {number} points", round(entry.points, 2))
            own = [total, *entry.because] if len(totals[number]) == 1 else []
            told[number] = (entry.handin.name, feedback(entry.result, own, entry.marks, words))
    return told


def alone(entries: Sequence[Entry], name: str) -> Entry | None:
    """Return the entry of a name, if it is the only one so called."""
    same = [entry for entry in entries if entry.name == name]
    return same[0] if len(same) == 1 else None
