"""Plain CSV: points by step, and every check, as spreadsheets read them."""

from __future__ import annotations

from collections.abc import Iterable

from graders.exports.words import number
from graders.results.schema import Result
from graders.results.scoring import fault_note, faulty_steps, message_for_student, steps_of
from graders.spreadsheets import csv_text
from graders.text import cell

WHOSE = ("submission", "students", "name", "attempt", "submitted")


def by_step(results: Iterable[Result]) -> str:
    """Return a row for each submission: whose it is, its score, the points of each step, and notes."""
    results = list(results)
    scores = [steps_of(result.checks) for result in results]
    steps = sorted(set[int]().union(*scores))
    rows = [[*WHOSE, "score", "max_score", *(f"step_{step}" for step in steps), "notes"]]
    for result, score in zip(results, scores, strict=True):
        points = [score[step].points if step in score else 0 for step in steps]
        numbers = [str(number(one)) for one in (result.score, result.max_score, *points)]
        faulty = faulty_steps(result.checks)
        notes = [*result.notes, *([fault_note(faulty)] if faulty else [])]
        rows.append([*_whose(result), *numbers, cell("; ".join(notes))])
    return csv_text(rows)


def by_check(results: Iterable[Result]) -> str:
    """Return a row for each check of each submission: how it ended, what it gave, and what was said."""
    rows = [[*WHOSE, "step", "check", "title", "outcome", "points", "max_points", "message", "hint", "dropped"]]
    for result in results:
        for check in result.checks:
            words = (check.id, check.title, str(check.outcome))
            points = (str(number(check.points)), str(number(check.max_points)))
            said = (message_for_student(check), check.hint, check.dropped)
            rows.append([*_whose(result), str(check.step), *map(cell, words), *points, *map(cell, said)])
    return csv_text(rows)


def _whose(result: Result) -> list[str]:
    handin = result.handin
    if handin is None:
        return [cell(result.submission), "", "", "", ""]
    students = " ".join(handin.students)
    return [cell(result.submission), cell(students), cell(handin.name), str(handin.attempt), handin.submitted]
