"""Results: what is scored, what is written, and what a spreadsheet or a student could misuse."""

import csv
import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graders.authoring.check import CheckInfo, Visibility
from graders.authoring.thresholds import Calibrated
from graders.course import Audit, Course, Dropped, HeldOut, Sandbox, Step
from graders.grading.earlier import make_room
from graders.grading.names import names_of
from graders.intake.layouts.handin import Handin
from graders.judging.rubric import Check
from graders.outcomes import HarnessFault, Outcome, Verdict
from graders.results.files import (
    DAMAGED,
    NOT_SEALED,
    Summary,
    Unfit,
    each_result,
    is_sealed,
    read_result,
    write_result,
    write_summary,
)
from graders.results.provenance import modules_called, secret_of, step_key, versions
from graders.results.schema import AnswerStatus, CheckResult, GradedStep, Isolation, Level, Result, WrittenAnswer
from graders.results.scoring import HIDDEN_MESSAGE, rescore, score, waiting_for_dropped, written_answers
from graders.sandbox.layers import Layer, State
from tests.support import COURSE

STEADY = settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])

SECRET = "got array [1, 2, 3]"


def check(
    name: str = "a",
    points: float = 2.0,
    visibility: Visibility = "public",
    step: int = 1,
    node: str = __file__,
) -> Check:
    return Check(
        f"step{step:02d}.{name}",
        step,
        f"Title of {name}.",
        f"{node}::test_{name}",
        CheckInfo(points, "A hint.", visibility),
    )


def scored(outcome: Outcome, message: str = SECRET, visibility: Visibility = "public") -> CheckResult:
    row = check(visibility=visibility)
    return score([row], {row.id: Verdict(outcome, message, 0.123456)})[0]


WRITTEN = [
    WrittenAnswer("1.1", 1, "Δύο εικόνες", "=1+1\x1b[2J\nΣτο Blues", AnswerStatus.TO_BE_MARKED),
    WrittenAnswer("2.1", 2, "A title", "", AnswerStatus.NOT_ANSWERED),
]


def result(submission: str = "alice", checks: list[CheckResult] | None = None) -> Result:
    checks = [scored(Outcome.PASSED), scored(Outcome.FAILED)] if checks is None else checks
    return Result(
        course="Μουσική",
        submission=submission,
        score=sum(one.points for one in checks),
        max_score=sum(one.max_points for one in checks),
        isolation=Isolation.of({"landlock": Layer(State.ON, "ABI 4")}),
        time_limit=900.0,
        steps=[GradedStep(1, "420", "f")],
        versions=versions(COURSE.libraries),
        checks=checks,
        written=WRITTEN,
        notes=["σημείωση"],
    )


# Scores


@pytest.mark.parametrize("outcome", Outcome)
def test_only_a_pass_earns_points(outcome: Outcome) -> None:
    got = scored(outcome)

    assert (got.points, got.max_points) == (2.0 if outcome is Outcome.PASSED else 0.0, 2.0)
    assert got.hint == ("" if outcome is Outcome.PASSED else "A hint.")
    assert (got.id, got.step, got.title, got.outcome, got.seconds) == (
        "step01.a",
        1,
        "Title of a.",
        outcome,
        0.1235,
    )


@STEADY
@given(st.lists(st.tuples(st.integers(1, 40), st.sampled_from(Outcome))))
def test_points_add_up_and_the_maximum_never_changes(rows: list[tuple[int, Outcome]]) -> None:
    rubric = [check(f"c{number}", quarters / 4) for number, (quarters, _) in enumerate(rows)]
    verdicts = {row.id: Verdict(outcome, "", 0.0) for row, (_, outcome) in zip(rubric, rows, strict=True)}
    checks = score(rubric, verdicts)

    assert [one.id for one in checks] == [row.id for row in rubric]
    assert sum(one.max_points for one in checks) == sum(quarters for quarters, _ in rows) / 4
    assert (
        sum(one.points for one in checks)
        == sum(quarters for quarters, outcome in rows if outcome is Outcome.PASSED) / 4
    )


# Written answers


def test_the_questions_of_the_rubrics_steps_stand_with_their_answers() -> None:
    rows = written_answers(
        COURSE, [check(step=2), check("b", step=1), check("c", step=2)], {"2.2": "Λιγότερες στήλες.", "3.1": "no"}
    )

    assert [(row.id, row.step, row.answer, row.status) for row in rows] == [
        ("1.1", 1, "", "not answered"),
        ("2.1", 2, "", "not answered"),
        ("2.2", 2, "Λιγότερες στήλες.", "to be marked"),
    ]
    assert all(row.title for row in rows)
    assert written_answers(COURSE, [check(step=5)], {"1.1": "x"}) == []


def test_answers_are_counted_in_the_table_and_never_shown_there(tmp_path: Path) -> None:
    write_summary([result(), result("bob", [])], tmp_path)

    assert [row["written_answered"] for row in rows(tmp_path / "summary.csv")] == ["1", "1"]
    assert "Blues" not in (tmp_path / "summary.csv").read_text(encoding="utf-8")


# Hidden checks


@pytest.mark.parametrize(
    "outcome", [one for one in Outcome if one not in {Outcome.PASSED, Outcome.BLOCKED, Outcome.HARNESS_FAULT}]
)
def test_a_hidden_check_shows_title_and_hint_and_never_its_data(outcome: Outcome) -> None:
    got = scored(outcome, visibility="hidden")

    assert (got.title, got.hint, got.message) == ("Title of a.", "A hint.", HIDDEN_MESSAGE)
    assert SECRET not in repr(got)


def test_a_hidden_check_says_what_blocks_it_and_how_the_harness_failed() -> None:
    assert scored(Outcome.BLOCKED, visibility="hidden").message == SECRET
    assert scored(Outcome.HARNESS_FAULT, visibility="hidden").message == SECRET


def test_a_public_check_shows_its_message() -> None:
    assert scored(Outcome.FAILED).message == SECRET


# Isolation


@pytest.mark.parametrize(
    ("layers", "level"),
    [
        ({}, "unused"),
        ({"a": Layer(State.ON), "b": Layer(State.ON, "ABI 4")}, "full"),
        ({"a": Layer(State.ON), "b": Layer(State.MISSING, "no Landlock")}, "partial"),
        ({"a": Layer(State.MISSING, "x"), "b": Layer(State.LEFT_OUT)}, "none"),
    ],
)
def test_the_level_of_isolation(layers: dict[str, Layer], level: str) -> None:
    assert Isolation.of(layers) == Isolation(Level(level), layers)


# JSON


def test_the_schema_has_its_names(tmp_path: Path) -> None:
    write_result(result(), tmp_path)
    written: dict[str, Any] = json.loads((tmp_path / "result.json").read_text(encoding="utf-8"))

    assert written["schema"] == 3
    assert set(written) == {
        *(
            "schema",
            "course",
            "submission",
            "handin",
            "source",
            "digest",
            "score",
            "max_score",
            "isolation",
            "time_limit",
            "steps",
            "versions",
            "checks",
            "written",
            "notes",
            "tampered",
            "seal",
        ),
    }
    assert set(written["checks"][0]) == {
        *(
            "id",
            "step",
            "title",
            "points",
            "max_points",
            "outcome",
            "message",
            "hint",
            "visibility",
            "seconds",
            "dropped",
            "picture",
        ),
    }
    assert written["written"][0] == {
        "id": "1.1",
        "step": 1,
        "title": "Δύο εικόνες",
        "answer": "=1+1\x1b[2J\nΣτο Blues",
        "status": "to be marked",
    }
    assert set(written["isolation"]) == {"level", "layers"}
    assert {"python", "torch", "numpy"} <= set(written["versions"])
    assert written["checks"][1]["outcome"] == "failed"


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    written = write_result(result("Άλκης"), tmp_path / "new" / "folder")

    assert read_result(tmp_path / "new" / "folder") == written
    assert msgspec.structs.replace(written, seal="") == result("Άλκης")


def test_a_message_with_half_a_character_can_be_written(tmp_path: Path) -> None:
    write_result(result(checks=[scored(Outcome.STUDENT_ERROR, "f() raised ValueError: \ud800")]), tmp_path)
    read = read_result(tmp_path)

    assert read
    assert read.checks[0].message == "f() raised ValueError: ?"


def test_a_write_that_fails_leaves_the_old_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = write_result(result(), tmp_path)

    def full(*_: object) -> None:
        raise OSError("no space left on device")

    for broken in ("os.fsync", "os.replace"):
        with monkeypatch.context() as patch:
            patch.setattr(broken, full)
            with pytest.raises(OSError, match="no space"):
                write_result(result("bob"), tmp_path)
    assert read_result(tmp_path) == before


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"{}",
        b"\xff",
        b'{"schema": 3}',
        b'{"a": ' + b"[" * 100_000,
        msgspec.json.encode(result())[:-20],
        msgspec.json.encode(result()).replace(b"failed", b"fine"),
        msgspec.json.encode(result()).replace(b'"schema":3', b'"schema":2'),
        msgspec.json.encode(result()).replace(b'"score":2.0', b'"score":"2"'),
    ],
    ids=lambda content: repr(content[:20]),
)
def test_a_damaged_file_is_no_result(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "result.json").write_bytes(content)

    assert read_result(tmp_path) is None


def test_no_file_is_no_result(tmp_path: Path) -> None:
    assert read_result(tmp_path / "gone") is None
    (tmp_path / "file").write_bytes(b"")
    assert read_result(tmp_path / "file") is None
    (tmp_path / "result.json").mkdir()
    assert read_result(tmp_path) is None


# The table


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_the_table_has_points_by_step_and_counts_by_outcome(tmp_path: Path) -> None:
    rubric = [check("a", 1.5), check("b", 2), check("c", 0.25, step=4)]
    outcomes = [Outcome.PASSED, Outcome.TIMED_OUT, Outcome.PASSED]
    checks = score(rubric, {row.id: Verdict(outcome, "", 0) for row, outcome in zip(rubric, outcomes, strict=True)})
    write_summary([result("Άλκης, Β.", checks)], tmp_path)
    (row,) = rows(tmp_path / "summary.csv")

    assert list(row) == ["submission", "score", "max_score", "step_1", "step_4", *Outcome, "written_answered", "notes"]
    assert row["submission"] == "Άλκης, Β."
    assert [float(row[key]) for key in ("score", "max_score", "step_1", "step_4")] == [1.75, 3.75, 1.5, 0.25]
    assert {outcome: int(row[outcome]) for outcome in Outcome if row[outcome] != "0"} == {
        "passed": 2,
        "timed_out": 1,
    }


@pytest.mark.parametrize(
    "start", ["=", "+", "-", "@", "\t=", "\r+", "\n=", " =", "\u00a0-", "＝", "＋", "－", "＠", "﹦", "﹣"]
)
def test_a_name_or_a_note_is_no_formula(start: str, tmp_path: Path) -> None:
    text = f'{start}HYPERLINK("x")'
    write_summary([msgspec.structs.replace(result(text), notes=[text])], tmp_path)
    (row,) = rows(tmp_path / "summary.csv")

    for shown in (row["submission"], row["notes"]):
        assert shown.startswith("'")
        assert shown.isprintable() or "\u00a0" in shown
        assert shown.endswith('HYPERLINK("x")')


ORDERS = "\x1b[31m \x9b31m \u202egnp.exe\u2066 \x7f \u2028 \u200b \U000e0041"


def test_no_character_of_a_result_is_obeyed_by_a_terminal(tmp_path: Path) -> None:
    rows_of_checks = [scored(Outcome.FAILED, f"Ρυθμός {ORDERS}")]
    written = write_result(msgspec.structs.replace(result(ORDERS, rows_of_checks), notes=[ORDERS]), tmp_path)
    write_summary([written], tmp_path)
    for name in ("result.json", "summary.csv"):
        text = (tmp_path / name).read_text(encoding="utf-8-sig")
        assert all(line.isprintable() for line in text.splitlines()), name
    assert "Ρυθμός" in (tmp_path / "result.json").read_text(encoding="utf-8")
    read = read_result(tmp_path)
    assert read
    assert (read, is_sealed(read)) == (written, True)
    assert read.notes == [ORDERS]


def test_the_table_is_read_by_spreadsheets_as_utf8_and_has_the_notes(tmp_path: Path) -> None:
    notes = ["lab.zip: it was read", "Άλκης: όχι"]
    write_summary([msgspec.structs.replace(result("Ελένη"), notes=notes)], tmp_path)

    assert (tmp_path / "summary.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    assert [row["notes"] for row in rows(tmp_path / "summary.csv")] == ["; ".join(notes)]


def test_a_folder_of_any_submissions_name_is_not_in_the_tables_way(tmp_path: Path) -> None:
    for name in names_of([Path("/x", f"{name}.zip") for name in ("summary.part", "summary.csv", ".summary.part")]):
        write_result(result(name), tmp_path / name)
    write_summary(each_result(tmp_path), tmp_path)

    assert len(rows(tmp_path / "summary.csv")) == 3


def test_a_table_has_what_was_noted_and_what_earlier_runs_left_and_says_what_it_cannot_read(tmp_path: Path) -> None:
    for name in ("anna", "bob", "removed", "damaged", "changed"):
        write_result(result(name), tmp_path / name)
    summary = Summary()
    summary.note(msgspec.structs.replace(result("anna"), notes=["as it was noted, and not read again"]))
    summary.note(result("removed"))
    (tmp_path / "removed" / "result.json").unlink()
    (tmp_path / "damaged" / "result.json").write_text("{", encoding="utf-8")
    changed = tmp_path / "changed" / "result.json"
    changed.write_text(changed.read_text(encoding="utf-8").replace('"score": ', '"score": 9'), encoding="utf-8")
    (tmp_path / "handins").mkdir()

    assert summary.write(tmp_path) == [
        Unfit(changed, NOT_SEALED),
        Unfit(tmp_path / "damaged" / "result.json", DAMAGED),
    ]
    anna, bob = rows(tmp_path / "summary.csv")
    assert (anna["submission"], bob["submission"]) == ("anna", "bob")
    assert anna["notes"] == "as it was noted, and not read again" != bob["notes"]


def test_a_table_of_nothing_has_its_header(tmp_path: Path) -> None:
    write_summary([], tmp_path)

    assert (
        (tmp_path / "summary.csv")
        .read_text(encoding="utf-8-sig")
        .startswith('"submission","score","max_score","passed"')
    )


def test_a_table_that_cannot_be_finished_leaves_the_old_one(tmp_path: Path) -> None:
    write_summary([result()], tmp_path)
    before = (tmp_path / "summary.csv").read_bytes()

    def broken() -> Iterator[Result]:
        yield result("bob")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_summary(broken(), tmp_path)
    assert (tmp_path / "summary.csv").read_bytes() == before


# Fingerprints


FILES = {
    "course.toml": "",
    "checks/questions.toml": "",
    "checks/__init__.py": "",
    "checks/step01_a.py": "from checks import oracle\nimport data_makers.music\n",
    "checks/step02_b.py": "",
    "checks/oracle.py": "# asks step02_b\n",
    "kit_of_it/__init__.py": "",
    "kit_of_it/parts.py": "",
    "solutions/step01_a.py": "",
    "data_makers/__init__.py": "",
    "data_makers/music.py": "",
    "held_out.txt": "",
    "thresholds.json": msgspec.json.encode(
        [Calibrated(
            check="step01.a", better="low", threshold=0.1, source="calibration", seeds=1, correct={}, mistakes={},
            not_separated=[], false_fails=0, false_fail_rate=0.0, tail_rate=0.0,
        )]
    ).decode(),
}  # fmt: skip


@pytest.fixture
def course(tmp_path: Path) -> Course:
    """Give a course of a few files."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text or name, encoding="utf-8")
        if name.endswith(".py") and not text:
            (tmp_path / name).write_text(f"# {name}", encoding="utf-8")
    return dataclasses.replace(
        COURSE,
        folder=tmp_path,
        root=tmp_path,
        checks="checks",
        decisive=("data_makers",),
        data="",
        held_out=HeldOut(("held_out.txt",)),
        sandbox=Sandbox(kit="kit_of_it"),
        audit=Audit(thresholds="thresholds.json"),
    )


STEP = Step(1, "step01_a")


@pytest.mark.parametrize(
    "name", ["checks/step01_a.py", "checks/oracle.py", "kit_of_it/parts.py", "data_makers/music.py", "held_out.txt"]
)
def test_the_key_of_a_step_depends_on_its_checks_and_what_they_import(course: Course, name: str) -> None:
    before = step_key(course, STEP)
    path = course.root / name
    path.write_text(path.read_text(encoding="utf-8") + "\nanother = 1\n", encoding="utf-8")
    assert step_key(course, STEP) != before


@pytest.mark.parametrize(
    "name", ["checks/step02_b.py", "checks/questions.toml", "course.toml", "solutions/step01_a.py"]
)
def test_the_key_of_a_step_does_not_depend_on_what_decides_none_of_its_verdicts(course: Course, name: str) -> None:
    before = step_key(course, STEP)
    path = course.root / name
    path.write_text(path.read_text(encoding="utf-8") + "\n# another\n", encoding="utf-8")
    assert step_key(course, STEP) == before


def test_the_key_of_a_step_depends_on_versions_thresholds_and_the_sandbox(course: Course) -> None:
    thresholds = course.root / "thresholds.json"
    keys = [step_key(course, STEP), step_key(dataclasses.replace(course, libraries=("numpy",)), STEP)]
    keys.append(step_key(dataclasses.replace(course, package="other"), STEP))
    row = msgspec.json.decode(thresholds.read_bytes())[0]
    for changed, same in (({"threshold": 0.5}, False), ({"threshold": 0.5, "seeds": 7}, True)):
        thresholds.write_bytes(msgspec.json.encode([row | changed]))
        keys.append(step_key(course, STEP))
        assert (keys[-1] == keys[-2]) == same
    thresholds.write_bytes(msgspec.json.encode([row | {"threshold": 0.5}, row | {"check": "step02.b"}]))
    assert step_key(course, STEP) == keys[-1]
    assert len(set(keys)) == len(keys) - 1


def test_without_its_held_out_data_a_course_has_no_key_and_no_secret(course: Course) -> None:
    (course.root / "held_out.txt").unlink()
    for asked in (lambda: step_key(course, STEP), lambda: secret_of(course)):
        with pytest.raises(HarnessFault, match=r"held-out data are missing \(.*held_out\.txt\)"):
            asked()


def test_checks_may_call_the_modules_that_they_and_their_oracles_name(course: Course) -> None:
    assert modules_called(course, STEP) == {"step01_a", "step02_b"}
    assert modules_called(course, Step(2, "step02_b")) == {"step02_b"}


def test_a_result_that_was_edited_is_not_sealed(tmp_path: Path) -> None:
    write_result(result(), tmp_path)
    written = read_result(tmp_path)
    assert written
    assert is_sealed(written)
    assert not is_sealed(msgspec.structs.replace(written, score=written.score + 1))
    assert not is_sealed(msgspec.structs.replace(written, seal=""))


def test_a_course_without_held_out_data_has_its_reference_for_a_secret(course: Course) -> None:
    bare = dataclasses.replace(course, held_out=HeldOut())
    before = secret_of(bare)
    assert before != secret_of(course)
    (course.root / "solutions" / "step01_a.py").write_text("another", encoding="utf-8")
    assert secret_of(bare) != before


# Scoring again


def dropped(row: Check, points: Literal["to all", "to none"]) -> Check:
    return msgspec.structs.replace(row, dropped=Dropped(row.id, "It demands what the step does not say.", points))


def points_of(scored_result: Result) -> tuple[float, float]:
    return scored_result.score, scored_result.max_score


def test_a_result_is_scored_again_from_its_verdicts_alone() -> None:
    rubric = [check("a"), check("b"), check("c", points=1.0)]
    verdicts = {
        rubric[0].id: Verdict(Outcome.PASSED, "", 0.1),
        rubric[1].id: Verdict(Outcome.FAILED, "No.", 0.1),
        rubric[2].id: Verdict(Outcome.PASSED, "", 0.1),
    }
    before = result(checks=score(rubric, verdicts))
    assert points_of(before) == (3.0, 5.0)

    worth_more = [rubric[0], rubric[1], check("c", points=4.0)]
    taken_off = [dropped(rubric[0], "to none"), rubric[1], rubric[2]]
    given = [rubric[0], dropped(rubric[1], "to all"), rubric[2]]
    expected = [(rubric, (3.0, 5.0)), (worth_more, (6.0, 8.0)), (taken_off, (1.0, 3.0)), (given, (5.0, 5.0))]
    for rows, points in expected:
        again = rescore(before, rows)
        assert points_of(again) == points
        assert [one.outcome for one in again.checks] == [one.outcome for one in before.checks]
    assert msgspec.json.encode(rescore(rescore(before, given), rubric)) == msgspec.json.encode(before)


def test_a_check_that_a_result_lacks_has_to_be_graded() -> None:
    rubric = [check("a"), check("new")]
    before = result(checks=score(rubric[:1], {rubric[0].id: Verdict(Outcome.PASSED, "", 0.1)}))
    with pytest.raises(LookupError, match=r"step01\.new"):
        rescore(before, rubric)
    assert rescore(before, [*rubric[:1], check("elsewhere", step=2)]).score == 2


def test_what_waited_for_a_check_that_was_dropped_is_named() -> None:
    first, then = check("a"), check("b")
    then = msgspec.structs.replace(then, info=msgspec.structs.replace(then.info, needs=("test_a",)))
    verdicts = {first.id: Verdict(Outcome.FAILED, "No.", 0.1), then.id: Verdict(Outcome.BLOCKED, "Waits.", 0.0)}
    before = result(checks=score([first, then], verdicts))
    assert waiting_for_dropped(before, [first, then]) == []
    assert waiting_for_dropped(before, [dropped(first, "to none"), then]) == [then.id]


def test_what_another_check_blocks_as_well_does_not_wait_for_the_dropped_one() -> None:
    first, second, then = check("a"), check("b"), check("c")
    then = msgspec.structs.replace(then, info=msgspec.structs.replace(then.info, needs=("test_a", "test_b")))
    verdicts = {
        first.id: Verdict(Outcome.FAILED, "No.", 0.1),
        second.id: Verdict(Outcome.FAILED, "No.", 0.1),
        then.id: Verdict(Outcome.BLOCKED, "Waits.", 0.0),
    }
    before = result(checks=score([first, second, then], verdicts))
    assert waiting_for_dropped(before, [dropped(first, "to none"), second, then]) == []
    assert waiting_for_dropped(before, [dropped(first, "to none"), dropped(second, "to none"), then]) == [then.id]


@pytest.mark.parametrize(
    ("before", "now", "same"),
    [
        (Handin(name="Anna"), Handin(name="Anna"), False),  # two may be called so
        (Handin(name="Anna", ids={"person": "7"}), Handin(name="Anna", ids={"person": "8"}), False),
        (Handin(name="Anna", ids={"person": "7", "file": "1"}), Handin(name="A.", ids={"person": "7", "file": "2"}), True),
        (Handin(students=["1", "2"], name="A"), Handin(students=["2", "1"], name="B"), True),
        (Handin(students=["1"], name="Anna"), Handin(students=["2"], name="Anna"), False),
        (Handin(students=["1"], name="Anna"), None, False),
    ],
)  # fmt: skip
def test_a_name_alone_does_not_say_that_two_results_are_of_the_same_students(
    tmp_path: Path, before: Handin, now: Handin | None, same: bool
) -> None:
    earlier = msgspec.structs.replace(result(), handin=before, source="/first/anna.zip", digest="1")
    write_result(earlier, tmp_path)
    later = msgspec.structs.replace(result(), handin=now, source="/second/anna.zip", digest="2")
    told = make_room(later, tmp_path)
    assert ("earlier result of another submission" not in told) is same
    assert (tmp_path / "earlier-1.json").is_file()
