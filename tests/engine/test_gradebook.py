"""The gradebook: what is kept of a class, and how a total comes about."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from graders.intake.layouts.handin import Handin
from graders.outcomes import Outcome
from graders.policy import Grades
from graders.results.files import write_result
from graders.results.gradebook.book import Gradebook
from graders.results.gradebook.database import GradebookFault
from graders.results.gradebook.rows import Marked
from graders.results.roster import Student
from graders.results.schema import AnswerStatus, CheckResult, Isolation, Result, WrittenAnswer

ANNA, GIORGOS = Student("1001", "Άννα Παπαδοπούλου", "anna@example.org"), Student("1002", "Γιώργος Β.", extra_days=1)
DUE = datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Gradebook]:
    with Gradebook(str(tmp_path / "class.db"), by="Ελένη", new=True) as opened:
        yield opened


def result(tmp_path: Path, points: dict[int, float], answer: str = "") -> Result:
    checks = [
        CheckResult(f"step{step:02d}.runs", step, "It runs", earned, 10.0, Outcome.PASSED, "", "", "public", 0.1)
        for step, earned in points.items()
    ]
    written = [WrittenAnswer("1.1", 1, "Why", answer, AnswerStatus.TO_BE_MARKED)] if answer else []
    made = Result(
        course="Words",
        submission="anna",
        score=sum(points.values()),
        max_score=10.0 * len(points),
        isolation=Isolation.of({}),
        time_limit=900,
        steps=[],
        versions={},
        checks=checks,
        written=written,
        notes=[],
    )
    return write_result(made, tmp_path / "results")


def handin(student: Student = ANNA, attempt: int = 1, submitted: str = "2026-11-01T10:00:00+00:00") -> Handin:
    return Handin(
        students=[student.id], name=student.name, attempt=attempt, submitted=submitted, digest=f"{student.id}-{attempt}"
    )


def test_a_result_is_kept_once(book: Gradebook, tmp_path: Path) -> None:
    one = result(tmp_path, {1: 7.5})
    assert book.record(handin(), one)
    assert not book.record(handin(), one)
    assert [(kept.students, graded.score) for kept, graded in book.results()] == [([ANNA.id], 7.5)]


def test_a_regraded_hand_in_keeps_its_history(book: Gradebook, tmp_path: Path) -> None:
    book.record(handin(), result(tmp_path, {1: 7.5}))
    book.record(handin(), result(tmp_path, {1: 9}))
    assert [graded.score for _, graded in book.results()] == [9]
    assert [(one.before, one.after["score"]) for one in book.history() if one.what == "graded"] == [
        ({}, 7.5),
        ({"score": 7.5}, 9.0),
    ]


def test_the_roster_changes_without_losing_anybody(book: Gradebook, tmp_path: Path) -> None:
    book.enrol([ANNA, GIORGOS])
    book.record(handin(GIORGOS), result(tmp_path, {1: 5}))
    book.enrol([ANNA])
    assert book.students() == [ANNA]
    assert book.totals(Grades())[GIORGOS.id].points == 5
    assert [one.what for one in book.history()].count("left the class") == 1


@pytest.mark.parametrize(("policy", "points"), [("last", 6), ("best", 9), ("first", 4)])
def test_the_policy_chooses_the_attempt(book: Gradebook, tmp_path: Path, policy: str, points: float) -> None:
    for attempt, earned in ((1, 4), (2, 9), (3, 6)):
        book.record(handin(attempt=attempt), result(tmp_path, {1: earned}))
    total = book.totals(msgspec.convert({"attempt": policy}, Grades))[ANNA.id]
    assert total.points == points
    assert policy in total.because[0]


def test_late_days_cost_what_the_course_says(book: Gradebook, tmp_path: Path) -> None:
    book.enrol([ANNA, GIORGOS])
    for student in (ANNA, GIORGOS):
        book.record(handin(student, submitted="2026-11-02T12:00:01+00:00"), result(tmp_path, {1: 10}))
    policy = Grades(due=DUE, penalty=0.25)
    totals = book.totals(policy)
    assert (totals[ANNA.id].points, totals[GIORGOS.id].points) == (5, 7.5)
    assert totals[GIORGOS.id].because == ("2 late days, 1 of them free, which cost 25%",)
    book.grant_late_days(ANNA.id, 2, "ill")
    assert book.totals(policy)[ANNA.id].points == 10
    assert book.totals(Grades(due=DUE, latest=1))[ANNA.id].points == 0


def test_weights_marks_and_overrides_enter_the_total(book: Gradebook, tmp_path: Path) -> None:
    book.record(handin(), result(tmp_path, {1: 4, 2: 10}, answer="Επειδή η ακολουθία είναι μεγάλη."))
    (answer,) = book.answers()
    book.mark(answer.handin, Marked("1.1", 3, "Ελένη", "σωστά"), answer.text)
    book.mark(answer.handin, Marked("1.1", 2, "Νίκος"), answer.text)
    policy = Grades(weights={"2": 0.5})
    assert book.totals(policy)[ANNA.id].points == 4 + 5 + 2.5
    book.override(ANNA.id, 1, 8, "the data set was broken")
    assert book.totals(policy)[ANNA.id].points == 8 + 5 + 2.5
    book.override(ANNA.id, None, 20, "oral exam")
    assert book.totals(policy)[ANNA.id].points == 20
    assert "Ελένη set the total to 20: oral exam" in book.totals(policy)[ANNA.id].because
    assert book.withdraw(ANNA.id, None) == 1
    assert book.totals(policy)[ANNA.id].points == 15.5


def test_a_mark_stays_while_the_answer_does(book: Gradebook, tmp_path: Path) -> None:
    book.record(handin(), result(tmp_path, {1: 1}, answer="α"))
    (first,) = book.answers()
    book.mark(first.handin, Marked("1.1", 3, "Ελένη"), first.text)
    book.record(handin(attempt=2), result(tmp_path, {1: 2}, answer="α"))
    assert book.totals(Grades())[ANNA.id].points == 5
    book.record(handin(attempt=3), result(tmp_path, {1: 2}, answer="β"))
    assert book.totals(Grades())[ANNA.id].points == 2


def test_writers_at_once_double_nothing(tmp_path: Path) -> None:
    url = str(tmp_path / "class.db")
    results = [result(tmp_path, {1: points}) for points in range(10)]

    def write() -> None:
        with Gradebook(url, by="run", new=True) as book:
            for attempt, one in enumerate(results, start=1):
                book.record(handin(attempt=attempt), one)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with Gradebook(url, by="reader", new=True) as book:
        assert [graded.score for _, graded in book.results()] == list(range(10))
        assert sum(change.what == "graded" for change in book.history()) == 10


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("nosuch://x", "nosuch"),
        ("postgresql+psycopg://anna:geheim@127.0.0.1:1/x", "connection"),
        ("sqlite:////nonexistent/folder/x.db", "unable to open"),
    ],
)
def test_a_database_that_does_not_open_is_told_in_a_sentence(url: str, says: str) -> None:
    with pytest.raises(GradebookFault, match=says) as raised:
        Gradebook(url, by="Ελένη", new=True)
    assert "geheim" not in str(raised.value)


def test_a_file_that_is_no_database_stays_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "grades.txt"
    file.write_text("βαθμοί " * 200, encoding="utf-8")
    before = file.read_bytes()
    with pytest.raises(GradebookFault, match="not a database"):
        Gradebook(str(file), by="Ελένη", new=True)
    assert file.read_bytes() == before
