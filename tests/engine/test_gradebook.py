"""The gradebook: what is kept of a class, and how a total comes about."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from graders.intake.layouts.handin import Handin
from graders.outcomes import BadInput, Outcome
from graders.policy import Grades
from graders.questions import Question
from graders.results.files import write_result
from graders.results.gradebook.answers import ChangedMeanwhile, version_of
from graders.results.gradebook.book import Gradebook
from graders.results.gradebook.database import GradebookFault
from graders.results.gradebook.grades import NEWER_WAITS, WAITS
from graders.results.gradebook.rows import Marked
from graders.results.roster import Student
from graders.results.schema import AnswerStatus, CheckResult, Isolation, Result, WrittenAnswer
from graders.words.choice import chosen_words
from graders.words.matching import words_left

ANNA, GIORGOS = Student("1001", "Άννα Παπαδοπούλου", "anna@example.org"), Student("1002", "Γιώργος Β.", extra_days=1)
DUE = datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest.fixture
def book(gradebook_url: str) -> Iterator[Gradebook]:
    with Gradebook(gradebook_url, by="Ελένη", new=True) as opened:
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
        digest="1f",
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
    assert [(kept.students, graded.score) for kept, graded in book.results().values()] == [([ANNA.id], 7.5)]


def test_results_that_are_recorded_together_are_kept_as_those_recorded_one_by_one(
    book: Gradebook, tmp_path: Path
) -> None:
    first, again = result(tmp_path, {1: 7.5, 2: 1}), result(tmp_path, {1: 9, 2: 1})
    assert book.record(handin(GIORGOS), first)
    group = msgspec.structs.replace(handin(), students=[ANNA.id, GIORGOS.id])
    together = [(handin(), first), (handin(GIORGOS), again), (handin(attempt=2), again), (group, first)]
    assert book.record_all(together) == len(together)
    assert book.record_all(together) == 0
    kept = {(tuple(whose.students), whose.attempt): one.score for whose, one in book.results().values()}
    assert kept == {((ANNA.id,), 1): 8.5, ((GIORGOS.id,), 1): 10, ((ANNA.id,), 2): 10, ((ANNA.id, GIORGOS.id), 1): 8.5}
    assert [dict(line.before) for line in book.history() if line.subject == GIORGOS.id] == [{}, {"score": 8.5}]
    assert book.totals(Grades(), [])[GIORGOS.id].points == 8.5  # of the hand-in of both, which came last


def test_a_regraded_hand_in_keeps_its_history(book: Gradebook, tmp_path: Path) -> None:
    book.record(handin(), result(tmp_path, {1: 7.5}))
    book.record(handin(), result(tmp_path, {1: 9}))
    assert [graded.score for _, graded in book.results().values()] == [9]
    assert [(one.before, one.after["score"]) for one in book.history() if one.what == "graded"] == [
        ({}, 7.5),
        ({"score": 7.5}, 9.0),
    ]


def test_the_roster_changes_without_losing_anybody(book: Gradebook, tmp_path: Path) -> None:
    book.enrol([ANNA, GIORGOS])
    book.record(handin(GIORGOS), result(tmp_path, {1: 5}))
    book.enrol([ANNA])
    assert book.students() == [ANNA]
    assert book.totals(Grades(), ())[GIORGOS.id].points == 5
    assert [one.what for one in book.history()].count("left the class") == 1


@pytest.mark.parametrize(("policy", "points"), [("last", 6), ("best", 9), ("first", 4)])
def test_the_policy_chooses_the_attempt(book: Gradebook, tmp_path: Path, policy: str, points: float) -> None:
    for attempt, earned in ((1, 4), (2, 9), (3, 6)):
        book.record(handin(attempt=attempt), result(tmp_path, {1: earned}))
    total = book.totals(msgspec.convert({"attempt": policy}, Grades), ())[ANNA.id]
    assert total.points == points
    assert policy in total.because[0]


def test_late_days_cost_what_the_course_says(book: Gradebook, tmp_path: Path) -> None:
    book.enrol([ANNA, GIORGOS])
    for student in (ANNA, GIORGOS):
        book.record(handin(student, submitted="2026-11-02T12:00:01+00:00"), result(tmp_path, {1: 10}))
    policy = Grades(due=DUE, penalty=0.25)
    totals = book.totals(policy, ())
    assert (totals[ANNA.id].points, totals[GIORGOS.id].points) == (5, 7.5)
    assert totals[GIORGOS.id].because == ("2 late days, 1 of them free, which cost 25%",)
    book.grant_late_days(ANNA.id, 2, "ill")
    assert book.totals(policy, ())[ANNA.id].points == 10
    assert book.totals(Grades(due=DUE, latest=1), ())[ANNA.id].points == 0
    book.record(handin(submitted="", attempt=2), result(tmp_path, {1: 10}))
    unknown = book.totals(policy, ())[ANNA.id]
    assert unknown.points == 10
    assert "nobody knows when it was handed in; it counts as in time" in unknown.because
    assert not [one for one in book.totals(Grades(), ())[ANNA.id].because if "nobody knows" in one]


def test_how_a_total_comes_about_is_said_in_greek_too(book: Gradebook, tmp_path: Path) -> None:
    """Of each kind of sentence, and of each number of days that reads otherwise."""
    greek = chosen_words("el", {})
    said: set[str] = set()
    policies = (Grades(due=DUE, penalty=0.25), Grades(due=DUE), Grades(due=DUE, latest=1))
    for student, granted in ((ANNA, 0), (GIORGOS, 1)):
        book.enrol([ANNA, GIORGOS])
        book.grant_late_days(student.id, granted, "ίωση")
        for day in (2, 3, 5):
            late = handin(student, attempt=day, submitted=f"2026-11-0{day}T12:00:00+00:00")
            book.record(late, result(tmp_path, {1: day}))
            for policy in policies:
                said.update(book.totals(policy, ())[student.id].because)
    book.override(ANNA.id, 1, 8, "λάθος δεδομένα")
    said.update(book.totals(Grades(), ())[ANNA.id].because)
    assert len({sentence for sentence in said if "late day" in sentence}) > 8
    assert {sentence: greek.text(sentence) for sentence in said if words_left(greek.text(sentence))} == {}


def test_weights_marks_and_overrides_enter_the_total(book: Gradebook, tmp_path: Path) -> None:
    book.record(handin(), result(tmp_path, {1: 4, 2: 10}, answer="Επειδή η ακολουθία είναι μεγάλη."))
    (answer,) = book.answers()
    book.mark([(answer, Marked("1.1", 3, "Ελένη", "σωστά"))])
    book.mark([(answer, Marked("1.1", 2, "Νίκος"))])
    policy = Grades(weights={"2": 0.5})
    assert book.totals(policy, ())[ANNA.id].points == 4 + 5 + 2.5
    book.override(ANNA.id, 1, 8, "the data set was broken")
    assert book.totals(policy, ())[ANNA.id].points == 8 + 5 + 2.5
    book.override(ANNA.id, None, 20, "oral exam")
    assert book.totals(policy, ())[ANNA.id].points == 20
    assert "Ελένη set the total to 20: oral exam" in book.totals(policy, ())[ANNA.id].because
    assert book.withdraw(ANNA.id, None) == 1
    assert book.totals(policy, ())[ANNA.id].points == 15.5


@pytest.mark.parametrize("step", ["1_0", "01", "-1", "one", ""])
def test_what_is_no_number_of_a_step_has_no_weight(step: str) -> None:
    with pytest.raises(msgspec.ValidationError, match="weights"):
        msgspec.convert({"weights": {step: 2.0}}, Grades)
    assert msgspec.convert({"weights": {"10": 2.0}}, Grades).weight_of(10) == 2


def test_what_entered_a_total_is_said_also_where_it_is_nothing(book: Gradebook, tmp_path: Path) -> None:
    book.record(handin(), result(tmp_path, {1: 4, 2: 10}, answer="Επειδή η ακολουθία είναι μεγάλη."))
    book.record(handin(GIORGOS), result(tmp_path, {1: 4, 2: 10}, answer="Γιατί έτσι."))
    anna = next(answer for answer in book.answers() if answer.students == (ANNA.id,))
    policy, questions = Grades(weights={"2": 0.5}), [Question("1.1", 1, "Why", "Why?", 2.0)]
    assert book.totals(policy, questions)[ANNA.id].entered == ("step 2 counts with a weight of 0.5",)
    book.mark([(anna, Marked("1.1", 0, "Ελένη"))])
    totals = book.totals(policy, questions)
    assert totals[ANNA.id].entered == ("step 2 counts with a weight of 0.5", "written answers: 0 of 2")
    assert totals[GIORGOS.id].entered == ("step 2 counts with a weight of 0.5", "written answers, so far: 0 of 2")
    greek = chosen_words("el", {})
    assert [words_left(greek.text(one)) for total in totals.values() for one in total.entered] == [0] * 4


def test_who_handed_in_nothing_could_have_had_what_others_could(book: Gradebook, tmp_path: Path) -> None:
    book.enrol([ANNA, GIORGOS])
    assert book.totals(Grades(), ())[ANNA.id].max_points == 0
    book.record(handin(GIORGOS), result(tmp_path, {1: 5, 2: 10}, answer="Γιατί έτσι."))
    book.mark([(book.answers()[0], Marked("1.1", 1, "Ελένη"))])
    total = book.totals(Grades(weights={"2": 0.5}), [Question("1.1", 1, "Why", "Why?", 2.0)])[ANNA.id]
    assert (total.points, total.max_points, total.because) == (0, 17, ("nothing was handed in",))


def test_what_is_being_graded_was_handed_in(book: Gradebook, tmp_path: Path) -> None:
    book.enrol([ANNA, GIORGOS])
    book.expect([handin()])
    totals = book.totals(Grades(), ())
    assert totals[ANNA.id].because == (WAITS,)
    assert totals[GIORGOS.id].because == ("nothing was handed in",)
    assert (book.results(), book.answers(), book.history()[2:]) == ({}, [], [])
    book.record(handin(), result(tmp_path, {1: 5}))
    assert book.totals(Grades(), ())[ANNA.id].because == ()
    book.expect([handin(attempt=2), handin()])
    book.expect([handin(attempt=2)])
    total = book.totals(Grades(), ())[ANNA.id]
    assert (total.points, total.because) == (5, (NEWER_WAITS,))
    book.record(handin(attempt=2), result(tmp_path, {1: 7}))
    total = book.totals(Grades(), ())[ANNA.id]
    assert (total.points, total.because) == (7, ("attempt 2 of 2 counts: the last one",))
    assert [line.what for line in book.history()[2:]] == ["graded", "graded"]


def test_of_what_is_read_only_when_it_is_graded_the_hand_in_is_there_once(book: Gradebook, tmp_path: Path) -> None:
    unread = msgspec.structs.replace(handin(), digest="")
    for points in (5, 5, 7):
        book.expect([unread])
        assert book.totals(Grades(), ())[ANNA.id].because == ((WAITS,) if not book.results() else ())
        book.record(handin(), result(tmp_path, {1: points}))
        assert [whose.digest for whose, _ in book.results().values()] == [handin().digest]
        assert book.totals(Grades(), ())[ANNA.id].because == ()
    assert [line.what for line in book.history()] == ["graded", "graded"]


def test_a_change_that_is_taken_back_counts_again(book: Gradebook, tmp_path: Path) -> None:
    first, second = result(tmp_path, {1: 5}), result(tmp_path, {1: 10})
    for one in (first, second, first):
        assert book.record(handin(), one)
    assert [graded.score for _, graded in book.results().values()] == [5]
    assert book.seals() == {first.seal}


def test_points_of_a_person_need_no_hand_in(book: Gradebook, tmp_path: Path) -> None:
    book.enrol([ANNA, GIORGOS])
    book.override(ANNA.id, 1, 8, "προφορική εξέταση")
    assert book.totals(Grades(), ())[ANNA.id].points == 8
    book.record(handin(GIORGOS), result(tmp_path, {1: 5}))
    book.override(GIORGOS.id, 2, 3, "oral")
    assert book.totals(Grades(), ())[GIORGOS.id].points == 8
    assert book.knows(ANNA.id)
    assert not book.knows("nobody")


def test_the_total_names_the_hand_in_that_counts(book: Gradebook, tmp_path: Path) -> None:
    book.record(handin(attempt=3), result(tmp_path, {1: 5}))
    total = book.totals(Grades(), ())[ANNA.id]
    assert (total.place, total.handin) == (1, next(iter(book.results())))


def test_a_reader_waits_for_no_writer(tmp_path: Path) -> None:
    with Gradebook(str(tmp_path / "class.db"), by="x", new=True, patience=0.1) as reader:
        reader.enrol([ANNA])
        writer = sqlite3.connect(tmp_path / "class.db", isolation_level=None)
        writer.execute("BEGIN IMMEDIATE")
        assert reader.students() == [ANNA]
        writer.close()


def test_a_mark_stays_while_the_answer_does(book: Gradebook, tmp_path: Path) -> None:
    book.record(handin(), result(tmp_path, {1: 1}, answer="α"))
    (first,) = book.answers()
    book.mark([(first, Marked("1.1", 3, "Ελένη"))])
    book.record(handin(attempt=2), result(tmp_path, {1: 2}, answer="α"))
    assert book.totals(Grades(), ())[ANNA.id].points == 5
    book.record(handin(attempt=3), result(tmp_path, {1: 2}, answer="β"))
    assert book.totals(Grades(), ())[ANNA.id].points == 2


def test_marks_of_sheets_are_those_of_an_answer_whichever_attempt_they_are_for(book: Gradebook, tmp_path: Path) -> None:
    for attempt in (1, 2):
        book.record(handin(attempt=attempt), result(tmp_path, {1: attempt}, answer="α"))
    first, second = book.answers()
    for answer, points in ((first, 3), (second, 2), (first, 3), (second, 3)):
        book.mark([(answer, Marked("1.1", points, "Ελένη"))])
        assert {one.marks for one in book.answers()} == {(Marked("1.1", points, "Ελένη"),)}
    changes = [one for one in book.history() if one.what == "marked"]
    assert [one.before.get("points") for one in changes] == [None, 3, 2]
    assert book.take_back("Ελένη", first.key, Marked("1.1", 3, "Ελένη")) == Marked("1.1", 2, "Ελένη")


@pytest.mark.parametrize("together", [False, True])
def test_writers_at_once_double_nothing(gradebook_url: str, tmp_path: Path, together: bool) -> None:
    url = gradebook_url
    results = [result(tmp_path, {1: points}) for points in range(10)]

    def write() -> None:
        with Gradebook(url, by="run", new=True) as book:
            book.enrol([ANNA, GIORGOS])
            pairs = [(handin(attempt=attempt), one) for attempt, one in enumerate(results, start=1)]
            for some in [pairs] if together else [[pair] for pair in pairs]:
                book.record_all(some)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with Gradebook(url, by="reader", new=True) as book:
        assert [graded.score for _, graded in book.results().values()] == list(range(10))
        assert [change.what for change in book.history()].count("graded") == 10
        assert [change.what for change in book.history()].count("enrolled") == 2


def test_a_result_that_says_the_same_is_the_same(book: Gradebook, tmp_path: Path) -> None:
    """Two runs at once grade a hand-in in different times and folders."""
    one = result(tmp_path, {1: 7.5})
    checks = [msgspec.structs.replace(check, seconds=3.5) for check in one.checks]
    other = write_result(msgspec.structs.replace(one, source="/elsewhere", checks=checks), tmp_path / "other")
    assert other.seal != one.seal
    assert book.record(handin(), one)
    assert not book.record(handin(), other)
    assert len(book.history()) == 1


def test_an_attempt_that_could_not_be_read_takes_no_good_ones_place(book: Gradebook, tmp_path: Path) -> None:
    good, broken = result(tmp_path, {1: 7.5}), msgspec.structs.replace(result(tmp_path, {1: 0}), digest="")
    book.record(handin(), good)
    book.record(handin(attempt=2), broken)
    total = book.totals(Grades(), ())[ANNA.id]
    assert (total.points, total.place) == (7.5, 1)
    assert total.because == ("attempt 1 of 2 counts: the last one", "attempt 2 could not be read, and does not count")
    assert book.totals(Grades(unreadable="counts"), ())[ANNA.id].points == 0
    book.record(handin(GIORGOS), broken)
    total = book.totals(Grades(), ())[GIORGOS.id]
    assert (total.points, total.because) == (0, ("attempt 1 could not be read",))


def test_what_the_harness_failed_on_is_named_until_a_person_decides(book: Gradebook, tmp_path: Path) -> None:
    good = result(tmp_path, {1: 7.5, 2: 0.0})
    failed = msgspec.structs.replace(good.checks[1], outcome=Outcome.HARNESS_FAULT)
    book.record(handin(), msgspec.structs.replace(good, checks=[good.checks[0], failed]))
    book.record(handin(GIORGOS), msgspec.structs.replace(good, seal="g"))
    total = book.totals(Grades(), ())[ANNA.id]
    assert total.faulty == (2,)
    assert total.because == ("step 2: the harness failed in its checks, which is never charged; grade again",)
    assert book.totals(Grades(), ())[GIORGOS.id].faulty == ()
    book.override(ANNA.id, 2, 5.0, "read by hand")
    assert (book.totals(Grades(), ())[ANNA.id].faulty, book.totals(Grades(), ())[ANNA.id].points) == ((), 12.5)
    book.withdraw(ANNA.id, 2)
    book.override(ANNA.id, None, 9.0, "oral exam")
    assert book.totals(Grades(), ())[ANNA.id].faulty == ()


def test_a_groups_hand_in_counts_for_each_member_and_lateness_for_each_alone(book: Gradebook, tmp_path: Path) -> None:
    book.enrol([ANNA, GIORGOS])
    together = msgspec.structs.replace(
        handin(submitted="2026-11-01T13:00:00+00:00"), students=[ANNA.id, GIORGOS.id], name="Ομάδα 1"
    )
    book.record(together, result(tmp_path, {1: 8}, answer="α"))
    (answer,) = book.answers()
    book.mark([(answer, Marked("1.1", 2, "Ελένη"))])
    totals = book.totals(Grades(due=DUE, penalty=0.5), ())
    assert {who: total.points for who, total in totals.items()} == {ANNA.id: 5, GIORGOS.id: 10}
    book.override(ANNA.id, 1, 10, "oral exam")
    totals = book.totals(Grades(), ())
    assert {who: total.points for who, total in totals.items()} == {ANNA.id: 12, GIORGOS.id: 10}


def test_what_was_decided_of_a_group_whose_students_nobody_knew_holds_for_each_of_them(
    book: Gradebook, tmp_path: Path
) -> None:
    late = "2026-11-03T10:00:00+00:00"
    nameless = Handin(name="Ομάδα 1", submitted=late, digest="7", ids={"moodle_participant": "4713"})
    book.record(nameless, result(tmp_path, {1: 8.0, 2: 8.0}))
    book.override("Ομάδα 1", 1, 3, "προφορικά")
    book.override("Ομάδα 1", 2, 9, "κατά λάθος")
    book.withdraw("Ομάδα 1", 2)
    book.grant_late_days("Ομάδα 1", 1, "ασθένεια")
    book.enrol([ANNA, GIORGOS])
    book.override(GIORGOS.id, 1, 5, "μίλησε μόνος")
    of_both = msgspec.structs.replace(nameless, students=[ANNA.id, GIORGOS.id], name="1001+1002")
    for _ in range(2):
        book.record(of_both, result(tmp_path, {1: 8.0, 2: 8.0}))
        totals = book.totals(Grades(due=DUE, penalty=0.25), ())
        assert {who: total.points for who, total in totals.items()} == {ANNA.id: 8.25, GIORGOS.id: 13.0}
        assert book.withdraw("Ομάδα 1", 1) == 0
    assert "2 late days, 2 of them free, which cost nothing" in totals[GIORGOS.id].because


def test_hand_ins_under_two_names_are_attempts_of_one_student_in_order_of_time(book: Gradebook, tmp_path: Path) -> None:
    for name, submitted, points in (("Anna P", "2026-11-01T11:00:00+00:00", 9), ("Άννα", "2026-11-01T10:00:00Z", 4)):
        one = msgspec.structs.replace(handin(submitted=submitted), name=name, digest=name)
        book.record(one, result(tmp_path, {1: points}))
    total = book.totals(Grades(), ())[ANNA.id]
    assert (total.points, total.place) == (9, 2)
    assert book.totals(Grades(attempt="first"), ())[ANNA.id].points == 4


def test_of_hand_ins_without_a_time_the_last_one_counts_though_it_was_there_before(
    book: Gradebook, tmp_path: Path
) -> None:
    for digest, points in (("a", 7), ("b", 3), ("a", 7)):
        one = msgspec.structs.replace(handin(submitted=""), digest=digest)
        book.record(one, result(tmp_path, {1: points}))
    total = book.totals(Grades(), ())[ANNA.id]
    assert (total.points, total.place) == (7, 2)
    assert [one.subject for one in book.history() if one.what == "handed in again"] == [ANNA.id]
    book.record(one, result(tmp_path, {1: 7}))
    assert len(book.history()) == 3


def test_a_gradebook_of_an_earlier_version_keeps_all_that_is_in_it(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "old.db") as old:
        old.executescript((Path(__file__).parent / "gradebooks" / "0001.sql").read_text(encoding="utf-8"))
    old.close()
    with Gradebook(str(tmp_path / "old.db"), by="Ελένη") as book:
        assert book.students() == [ANNA, GIORGOS]
        assert {who: total.points for who, total in book.totals(Grades(), ()).items()} == {"1001": 9, "1002": 3}
        assert [one.text for one in book.answers()] == ["Γιατί έτσι."]
        book.enrol([msgspec.structs.replace(ANNA, known_as="4711 anna")])
        assert [one.known_as for one in book.students()] == ["4711 anna"]


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("nosuch://x", "nosuch"),
        ("postgresql+psycopg://anna:geheim@127.0.0.1:1/x", "connection"),
        ("sqlite:////nonexistent/folder/x.db", "unable to open"),
    ],
)
def test_a_database_that_does_not_open_is_told_in_a_sentence(url: str, says: str) -> None:
    with pytest.raises((GradebookFault, BadInput), match=says) as raised:
        Gradebook(url, by="Ελένη", new=True)
    assert "geheim" not in str(raised.value)


def test_a_file_that_is_no_database_stays_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "grades.txt"
    file.write_text("βαθμοί " * 200, encoding="utf-8")
    before = file.read_bytes()
    with pytest.raises(GradebookFault, match="not a database"):
        Gradebook(str(file), by="Ελένη", new=True)
    assert file.read_bytes() == before


# --- marks that were seen before they are changed


def test_of_markers_at_once_one_marks_what_all_have_seen_and_the_others_are_told(
    book: Gradebook, tmp_path: Path
) -> None:
    book.record(handin(), result(tmp_path, {1: 5.0}, "Επειδή."))
    (answer,) = book.answers()
    told: list[str] = []

    def give(marker: str) -> None:
        try:
            book.mark_as_seen(answer, Marked("1.1", 1, marker), version_of(()))
            told.append("")
        except ChangedMeanwhile as change:
            told.append(change.marks[0].marker)

    markers = [threading.Thread(target=give, args=(f"marker {number}",)) for number in range(4)]
    for one in markers:
        one.start()
    for one in markers:
        one.join()
    (mark,) = book.answers()[0].marks
    assert sorted(told) == ["", *[mark.marker] * 3]
    assert len([one for one in book.history() if one.what == "marked"]) == 1


def test_a_mark_that_is_taken_back_gives_way_to_the_one_before(book: Gradebook, tmp_path: Path) -> None:
    for attempt in (1, 2):
        book.record(handin(attempt=attempt), result(tmp_path, {1: 5.0 + attempt}, "Επειδή."))
    one, other = book.answers()
    first, second, of_another = (
        Marked("1.1", 1, "Ελένη", "ναι"), Marked("1.1", 0.5, "Ελένη"), Marked("1.1", 0, "Νίκος")
    )  # fmt: skip
    book.mark_as_seen(one, first, version_of(()))
    book.mark_as_seen(other, of_another, version_of([first]))
    book.mark_as_seen(other, second, version_of([of_another, first]))
    assert book.last_mark("Ελένη") == (one.key, second)
    with pytest.raises(ChangedMeanwhile):
        book.take_back("Ελένη", one.key, first)
    assert book.take_back("Ελένη", one.key, second) == first
    assert {mark.points for mark in book.answers()[1].marks} == {1, 0}
    assert book.take_back("Ελένη", one.key, first) is None
    assert [answer.marks for answer in book.answers()] == [(of_another,)] * 2
    assert book.last_mark("Ελένη") is None
    with pytest.raises(ChangedMeanwhile):
        book.take_back("Ελένη", one.key, first)


def test_of_equal_marks_the_one_that_was_meant_is_taken_back(book: Gradebook, tmp_path: Path) -> None:
    for student in (ANNA, GIORGOS):
        book.record(handin(student), result(tmp_path, {1: 5.0}, "Επειδή."))
    keys = [one.key for one in book.answers()]
    mark = Marked("1.1", 1, "Ελένη")
    book.mark((one, mark) for one in book.answers())
    assert book.take_back("Ελένη", keys[1], mark) is None
    with pytest.raises(ChangedMeanwhile):
        book.take_back("Ελένη", keys[1], mark)
    assert book.marks_now() == {keys[0]: (mark,)}


def test_the_marks_of_a_group_are_found_whatever_order_its_members_are_told_in(book: Gradebook, tmp_path: Path) -> None:
    of_group = msgspec.structs.replace(handin(), students=["b", "A", "α", "B", "a"])
    nameless = msgspec.structs.replace(handin(), students=[], name="Ομάδα 7", digest="7")
    for number, one in enumerate((of_group, nameless)):
        book.record(one, result(tmp_path, {1: float(number)}, "Επειδή."))
    answers = book.answers()
    book.mark((one, Marked("1.1", 1, one.name)) for one in answers)
    assert book.marks_now() == {one.key: (Marked("1.1", 1, one.name),) for one in answers}
