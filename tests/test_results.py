"""Results: what is scored, what is written, and what a spreadsheet or a student could misuse."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graders.authoring.check import CheckInfo, Visibility
from graders.judging.judge import Verdict
from graders.judging.rubric import Check
from graders.outcomes import Outcome
from graders.results import record as results
from graders.results.record import (
    HIDDEN_MESSAGE,
    CheckResult,
    Isolation,
    Result,
    WrittenAnswer,
    fingerprint,
    read_result,
    score,
    set_out,
    versions,
    write_result,
    write_summary,
)

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
    WrittenAnswer("1.1", 1, "Δύο εικόνες", "=1+1\x1b[2J\nΣτο Blues", "to be marked"),
    WrittenAnswer("2.1", 2, "A title", "", "not answered"),
]


def result(submission: str = "alice", checks: list[CheckResult] | None = None) -> Result:
    checks = [scored(Outcome.PASSED), scored(Outcome.FAILED)] if checks is None else checks
    return Result(
        submission=submission,
        score=sum(one.points for one in checks),
        max_score=sum(one.max_points for one in checks),
        isolation=Isolation.of({"landlock": "on (ABI 4)"}),
        seed=420,
        versions=versions(),
        checks=checks,
        written=WRITTEN,
        notes=["σημείωση"],
        fingerprint="f",
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


def test_the_questions_of_the_rubrics_steps_are_set_out_with_their_answers() -> None:
    rows = set_out([check(step=2), check("b", step=1), check("c", step=2)], {"2.2": "Λιγότερες στήλες.", "3.1": "no"})

    assert [(row.id, row.step, row.answer, row.status) for row in rows] == [
        ("1.1", 1, "", "not answered"),
        ("2.1", 2, "", "not answered"),
        ("2.2", 2, "Λιγότερες στήλες.", "to be marked"),
    ]
    assert all(row.title for row in rows)
    assert set_out([check(step=5)], {"1.1": "x"}) == []


def test_answers_are_counted_in_the_table_and_never_shown_there(tmp_path: Path) -> None:
    write_summary([result(), result("bob", [])], tmp_path / "summary.csv")

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
        ({"a": "on", "b": "on (ABI 4)"}, "full"),
        ({"a": "on", "b": "missing: no Landlock"}, "partial"),
        ({"a": "missing: x"}, "none"),
    ],
)
def test_the_level_of_isolation(layers: dict[str, str], level: str) -> None:
    assert Isolation.of(layers) == Isolation(level, layers)


# JSON


def test_the_schema_has_its_names(tmp_path: Path) -> None:
    write_result(result(), tmp_path)
    written: dict[str, Any] = json.loads((tmp_path / "result.json").read_text(encoding="utf-8"))

    assert written["schema"] == 2
    assert set(written) == {
        *(
            "schema",
            "submission",
            "score",
            "max_score",
            "isolation",
            "seed",
            "versions",
            "checks",
            "written",
            "notes",
            "fingerprint",
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
    write_result(result("Άλκης"), tmp_path / "new" / "folder")

    assert read_result(tmp_path / "new" / "folder") == result("Άλκης")


def test_a_message_with_half_a_character_can_be_written(tmp_path: Path) -> None:
    write_result(result(checks=[scored(Outcome.STUDENT_ERROR, "f() raised ValueError: \ud800")]), tmp_path)
    read = read_result(tmp_path)

    assert read
    assert read.checks[0].message == "f() raised ValueError: ?"


def test_a_write_that_fails_leaves_the_old_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_result(result(), tmp_path)

    def full(*_: object) -> None:
        raise OSError("no space left on device")

    for broken in ("pathlib.Path.write_bytes", "os.replace"):
        with monkeypatch.context() as patch:
            patch.setattr(broken, full)
            with pytest.raises(OSError, match="no space"):
                write_result(result("bob"), tmp_path)
    assert read_result(tmp_path) == result()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"{}",
        b"\xff",
        b'{"schema": 2}',
        b'{"a": ' + b"[" * 100_000,
        msgspec.json.encode(result())[:-20],
        msgspec.json.encode(result()).replace(b"failed", b"fine"),
        msgspec.json.encode(result()).replace(b'"schema":2', b'"schema":1'),
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
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_table_has_points_by_step_and_counts_by_outcome(tmp_path: Path) -> None:
    rubric = [check("a", 1.5), check("b", 2), check("c", 0.25, step=4)]
    outcomes = [Outcome.PASSED, Outcome.TIMED_OUT, Outcome.PASSED]
    checks = score(rubric, {row.id: Verdict(outcome, "", 0) for row, outcome in zip(rubric, outcomes, strict=True)})
    write_summary([result("Άλκης, Β.", checks)], tmp_path / "summary.csv")
    (row,) = rows(tmp_path / "summary.csv")

    assert list(row) == ["submission", "score", "max_score", "step_1", "step_4", *Outcome, "written_answered"]
    assert row["submission"] == "Άλκης, Β."
    assert [float(row[key]) for key in ("score", "max_score", "step_1", "step_4")] == [1.75, 3.75, 1.5, 0.25]
    assert {outcome: int(row[outcome]) for outcome in Outcome if row[outcome] != "0"} == {
        "passed": 2,
        "timed_out": 1,
    }


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_name_is_no_formula(start: str, tmp_path: Path) -> None:
    write_summary([result(f'{start}HYPERLINK("x")')], tmp_path / "summary.csv")

    assert rows(tmp_path / "summary.csv")[0]["submission"] == f'\'{start}HYPERLINK("x")'


def test_a_table_of_nothing_has_its_header(tmp_path: Path) -> None:
    write_summary([], tmp_path / "summary.csv")

    assert (
        (tmp_path / "summary.csv").read_text(encoding="utf-8").startswith('"submission","score","max_score","passed"')
    )


def test_a_table_that_cannot_be_finished_leaves_the_old_one(tmp_path: Path) -> None:
    write_summary([result()], tmp_path / "summary.csv")
    before = (tmp_path / "summary.csv").read_bytes()

    def broken() -> Iterator[Result]:
        yield result("bob")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_summary(broken(), tmp_path / "summary.csv")
    assert (tmp_path / "summary.csv").read_bytes() == before


# Fingerprints


def test_the_fingerprint_depends_on_all_that_a_result_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    node = tmp_path / "step01_a.py"
    node.write_text("check", encoding="utf-8")
    rubric = [check(node=str(node))]
    marks = [
        fingerprint("digest", rubric, 1),
        fingerprint("other", rubric, 1),
        fingerprint("digest", rubric, 2),
    ]
    marks.append(fingerprint("digest", [*rubric, check("b", node=str(node))], 1))
    node.write_text("another check", encoding="utf-8")
    marks.append(fingerprint("digest", rubric, 1))
    monkeypatch.setattr(results, "versions", lambda: {"torch": "0"})
    marks.append(fingerprint("digest", rubric, 1))

    assert len(set(marks)) == len(marks)
    assert fingerprint("digest", rubric, 1) == marks[-1]


def test_the_fingerprint_depends_on_the_written_questions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "ROOT", tmp_path)
    (tmp_path / "graders").mkdir()
    marks = []
    for text in ("one", "another"):
        (tmp_path / "graders" / "questions.toml").write_text(text, encoding="utf-8")
        marks.append(fingerprint("digest", [check()], 1))

    assert marks[0] != marks[1]


def test_the_fingerprint_depends_on_the_oracle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "ROOT", tmp_path)
    (tmp_path / "solutions").mkdir()
    (tmp_path / "solutions" / "step01_a.py").write_text("right", encoding="utf-8")
    before = fingerprint("digest", [check()], 1)
    (tmp_path / "solutions" / "step01_a.py").write_text("mended", encoding="utf-8")

    assert fingerprint("digest", [check()], 1) != before
