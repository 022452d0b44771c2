"""Exports: what other systems read, with text in it that students have written."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner
from lxml import etree
from rich.console import Console

from graders.authoring.check import Visibility
from graders.cli import graders
from graders.exports import classroom50, github, gradescope, junit
from graders.exports.canvas import fill as fill_canvas
from graders.exports.entries import Entry
from graders.exports.moodle import fill as fill_moodle
from graders.exports.sheets import Sheet
from graders.exports.tables import by_check, by_step
from graders.exports.words import feedback
from graders.feedback.checks import check_lines
from graders.intake.layouts.handin import Handin
from graders.outcomes import HarnessFault, Outcome
from graders.pages.submission import page_of
from graders.results.files import write_result
from graders.results.gradebook.book import Gradebook
from graders.results.schema import AnswerStatus, CheckResult, Isolation, Result, WrittenAnswer
from graders.spreadsheets import BadSheet
from tests.support import ROOT, WORDS

HOSTILE = "::error::x\n<script>alert(1)</script> ]]> \x1b[31m\x00 =1+1 **b** \u202e Άννα"
JUNIT = etree.XMLSchema(etree.parse(ROOT / "tests" / "engine" / "schemas" / "junit-10.xsd"))
FORMAT = {"enum": ["text", "html", "simple_format", "md", "ansi"]}
VISIBILITY = {"enum": ["hidden", "after_due_date", "after_published", "visible"]}
# docs/specs.md of gradescope/autograder_samples, field by field.
GRADESCOPE = {
    "type": "object",
    "additionalProperties": False,
    "anyOf": [{"required": ["score"]}, {"properties": {"tests": {"items": {"required": ["score"]}}}}],
    "properties": {
        "score": {"type": "number"}, "execution_time": {"type": "number"}, "output": {"type": "string"},
        "output_format": FORMAT, "test_output_format": FORMAT, "test_name_format": FORMAT, "visibility": VISIBILITY,
        "stdout_visibility": VISIBILITY, "extra_data": {"type": "object"},
        "tests": {"type": "array", "items": {"type": "object", "additionalProperties": False, "properties": {
            "score": {"type": "number"}, "max_score": {"type": "number"}, "status": {"enum": ["passed", "failed"]},
            "name": {"type": "string"}, "name_format": FORMAT, "number": {"type": "string"},
            "output": {"type": "string"}, "output_format": FORMAT, "visibility": VISIBILITY,
            "tags": {"type": "array", "items": {"type": "string"}}, "extra_data": {"type": "object"},
        }}},
        "leaderboard": {"type": "array"},
    },
}  # fmt: skip
WHOLE = {"type": "integer", "minimum": 0}
TEXT = {"type": "string", "minLength": 1}
TIME = {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}T([01]\d|2[0-3]):[0-5]\d:[0-5]\dZ$"}
CLASSROOM50 = {
    "type": "object",
    "additionalProperties": False,
    "required": [
        "schema", "classroom", "assignment", "assignment_type", "owner", "submission", "commit", "release", "review",
        "datetime", "score", "max-score", "tests",
    ],
    "properties": {
        "schema": {"const": "classroom50/result/v1"},
        "classroom": TEXT, "assignment": TEXT, "assignment_type": {"enum": ["individual", "group"]}, "owner": TEXT,
        "submission": {"type": "string", "pattern": "^submit/"}, "commit": TEXT, "release": TEXT, "review": TEXT,
        "datetime": TIME, "graded_at": TIME, "score": WHOLE, "max-score": WHOLE,
        "tests": {"type": "array", "items": {
            "type": "object", "required": ["test-name", "passed", "score", "max-score"],
            "properties": {"test-name": TEXT, "passed": {"type": "boolean"}, "score": WHOLE, "max-score": WHOLE},
        }},
        "submitted_by": {"type": "object", "additionalProperties": False, "required": ["username"],
                         "properties": {"username": TEXT, "id": {"type": ["integer", "null"]}}},
    },
}  # fmt: skip
RUNNER = {
    "CLASSROOM": "ntua", "ASSIGNMENT": "lab3", "ASSIGNMENT_TYPE": "individual", "OWNER": "anna",
    "SUBMISSION_TAG": "submit/2026-11-01T10-00-00Z-abc", "COMMIT_URL": "https://x/c", "RELEASE_URL": "https://x/r",
    "REVIEW_URL": "https://x/v", "GITHUB_ACTOR": "anna", "GITHUB_ACTOR_ID": "7",
}  # fmt: skip


def check(number: int, outcome: Outcome, message: str = "", visibility: Visibility = "public") -> CheckResult:
    points = 0.25 if outcome is Outcome.PASSED else 0.0
    hint = "" if outcome is Outcome.PASSED else "Διαβάστε το."
    return CheckResult(
        f"step01.c{number}", 1, f"f({number}) <b> 100 %: a, b", points, 0.25, outcome, message, hint, visibility, 0.5
    )


def result(submission: str = "anna", **changes: object) -> Result:
    checks = [
        check(1, Outcome.PASSED),
        check(2, Outcome.FAILED, HOSTILE),
        check(3, Outcome.BLOCKED, "waits for f(2)"),
        check(4, Outcome.TIMED_OUT, "10 s"),
        check(5, Outcome.FAILED, "", "hidden"),
    ]
    fields: dict[str, object] = {
        "course": "Words",
        "submission": submission,
        "digest": "d",
        "handin": Handin(students=["0042"], name="Άννα Π.", ids={"canvas_user": "7", "moodle_participant": "4711"}),
        "score": 0.25,
        "max_score": 1.25,
        "isolation": Isolation.of({}),
        "time_limit": 900,
        "steps": [],
        "versions": {},
        "checks": checks,
        "written": [WrittenAnswer("1.1", 1, "Why", "Επειδή", AnswerStatus.TO_BE_MARKED)],
        "notes": [HOSTILE],
    }
    return Result(**{**fields, **changes})  # type: ignore[arg-type]


@pytest.fixture
def folder(tmp_path):
    write_result(result(), tmp_path / "out" / "anna")
    return tmp_path / "out"


def export(*arguments: object, **environment: str) -> tuple[int, bytes, str]:
    ended = CliRunner(env=environment).invoke(graders, ["export", *map(str, arguments)])
    return ended.exit_code, ended.stdout_bytes, ended.stderr


def test_junit_is_what_its_schema_allows(folder):
    code, written, _ = export("junit", "--results", folder)
    assert code == 0
    tree = etree.fromstring(written)
    JUNIT.assertValid(tree)
    cases = tree.findall("testsuite/testcase")
    assert [case[0].tag if len(case) else "" for case in cases] == ["", "failure", "skipped", "error", "failure"]
    assert len({(case.get("classname"), case.get("name")) for case in cases}) == len(cases)
    text = cases[1][0].text
    assert text is not None
    assert "Άννα" in text
    assert "Διαβάστε" in text


def test_junit_of_a_class_has_no_two_cases_of_one_name():
    tree = etree.fromstring(junit.document([result("anna"), result("eva")]).encode())
    JUNIT.assertValid(tree)
    names = [(case.get("classname"), case.get("name")) for case in tree.iter("testcase")]
    assert len(set(names)) == len(names) == 10
    assert tree.get("tests") == "10"


def test_gradescope_adds_up_and_hides_what_is_hidden(folder, tmp_path):
    to = tmp_path / "results.json"
    assert export("gradescope", "--results", folder, "--to", to)[0] == 0
    made = json.loads(to.read_text(encoding="utf-8"))
    jsonschema.validate(made, GRADESCOPE)
    assert made["score"] == sum(test["score"] for test in made["tests"])
    assert {test["visibility"] for test in made["tests"]} == {"visible", "after_published"}
    assert {test["status"] for test in made["tests"]} == {"passed", "failed"}
    assert "\x1b" not in to.read_text(encoding="utf-8")


@pytest.mark.parametrize("ended", [2, 3, 130])
@pytest.mark.parametrize("graded", [True, False])
def test_gradescope_says_so_where_grading_failed(tmp_path, ended, graded):
    if graded:
        write_result(result(notes=["notes.txt: not read"], digest="0" * 64), tmp_path / "out" / "anna")
    code, made, _ = export("gradescope", "--results", tmp_path / "out", "--ended", ended)
    assert code == 0
    jsonschema.validate(json.loads(made), GRADESCOPE)
    assert json.loads(made)["score"] == 0
    assert "nothing is charged to you" in json.loads(made)["output"]
    assert "notes.txt" not in json.loads(made)["output"]


def test_gradescope_tells_why_a_submission_cannot_be_read(folder):
    write_result(result(notes=["lab.rar: it is a RAR archive"], checks=[], digest=""), folder / "anna")
    assert "RAR" in json.loads(export("gradescope", "--results", folder, "--ended", 2)[1])["output"]


def test_what_could_not_be_read_is_told_once_and_not_check_by_check():
    told = feedback(result(notes=["lab.rar: it is a RAR archive."], score=0.0, digest=""))
    assert told == "Checks of anna: 0 of 1.25 points\n\nlab.rar: it is a RAR archive.\n"


def test_actions_obey_no_text_of_a_student(folder, tmp_path):
    summary = tmp_path / "summary.md"
    code, printed, _ = export("github", "--results", folder, "--summary", summary)
    assert code == 0
    lines = printed.decode().splitlines()
    assert all(re.match(r"::(error|notice) title=", line) for line in lines)
    assert len([line for line in lines if line.startswith("::error")]) == 4
    written = summary.read_text(encoding="utf-8")
    assert "<script>" not in written
    assert "**b**" not in written


def test_actions_stay_within_the_limits():
    many = [check(number, Outcome.FAILED, "α" * 5000) for number in range(800)]
    one = result(checks=many)
    assert sum(line.startswith("::error") for line in github.annotation_lines(one)) == 10
    assert "791 more" in list(github.annotation_lines(one))[9]
    written = github.summary(one)
    assert len(written.encode()) <= 1 << 20
    assert written.endswith("result.json.\n")


def test_classroom50_takes_whole_numbers_of_the_right_repository(folder, tmp_path):
    to = tmp_path / "result.json"
    arguments = ("classroom50", "--results", folder, "--committed", "2026-11-01T12:00:00+02:00", "--to", to)
    assert export(*arguments, **RUNNER)[0] == 0
    made = json.loads(to.read_text(encoding="utf-8"))
    jsonschema.validate(made, CLASSROOM50)
    assert (made["datetime"], made["owner"]) == ("2026-11-01T10:00:00Z", "anna")
    assert made["score"] == sum(test["score"] for test in made["tests"]) == 25
    code, _, told = export(*arguments, **{**RUNNER, "SUBMISSION_TAG": ""})
    assert (code, "SUBMISSION_TAG" in told) == (2, True)


CANVAS = (
    "Student,ID,SIS Login ID,Section,Lab 3 (1234),Lab 4 (99),Final Score\r\n"
    "    Points Possible,,,,100,10,(read only)\r\n"
    '"Παπαδοπούλου, Άννα",7,anna,Α1,,5,\r\n'
    '"Dupont, Jean-Luc",8,jl,Α1,EX,,\r\n'
    '"Student, Test",,x,Α1,,,\r\n'
)


def entry(student: str, name: str, points: float, **ids: str) -> Entry:
    return Entry(student, name, points, Handin(name=name, ids=ids))


def filled_canvas(tmp_path: Path, *entries: Entry, assignment: str = "1234") -> tuple[str, list[str]]:
    file = tmp_path / "gradebook.csv"
    file.write_bytes(CANVAS.encode("utf-8-sig"))
    filled = fill_canvas(Sheet.read(file), assignment, entries)
    return filled.content().decode("utf-8-sig"), filled.notes


def test_canvas_changes_one_column(tmp_path):
    anna, jl = entry("0042", "Άννα", 88.256, canvas_user="7"), entry("0043", "JL", 50, canvas_user="8")
    written, notes = filled_canvas(tmp_path, anna, jl, entry("0044", "Nobody", 1, canvas_user="12"))
    assert written == CANVAS.replace(",anna,Α1,,5", ",anna,Α1,88.26,5")
    assert [note.partition(":")[0] for note in notes] == ["Dupont, Jean-Luc", "Nobody (0044)"]


def test_canvas_finds_students_by_the_roster_and_by_a_name_that_is_alone(tmp_path):
    assert ",anna,Α1,1,5" in filled_canvas(tmp_path, entry("anna", "Α. Π.", 1), assignment="Lab 3")[0]
    assert ",anna,Α1,2,5" in filled_canvas(tmp_path, entry("", "Παπαδοπούλου, Άννα", 2))[0]
    twins = (entry("", "Παπαδοπούλου, Άννα", 2), entry("0099", "Παπαδοπούλου, Άννα", 3))
    assert filled_canvas(tmp_path, *twins)[0] == CANVAS


def test_numbers_of_one_platform_are_not_those_of_another(tmp_path):
    moodles = entry("", "Bob", 3, moodle_participant="7")
    assert filled_canvas(tmp_path, moodles)[0] == CANVAS
    canvas_own, of_the_roster = entry("0042", "Άννα", 10, canvas_user="7"), entry("7", "Bob", 3)
    assert ",anna,Α1,10,5" in filled_canvas(tmp_path, of_the_roster, canvas_own)[0]


def test_canvas_takes_no_section_for_a_student(tmp_path):
    of_that_number = entry("Α1", "Somebody", 3)
    written, notes = filled_canvas(tmp_path, of_that_number)
    assert written == CANVAS
    assert notes == ["Somebody (Α1): not in this gradebook"]


def test_canvas_names_the_assignments_there_are(tmp_path):
    for wrong in ("Lab", "77"):
        with pytest.raises(BadSheet, match="Lab 3"):
            filled_canvas(tmp_path, assignment=wrong)


def test_canvas_refuses_another_table(tmp_path):
    file = tmp_path / "x.csv"
    file.write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(BadSheet, match="Student and ID"):
        fill_canvas(Sheet.read(file), "1", [])


MOODLE = (
    "Αναγνωριστικό;Πλήρες όνομα;Κατάσταση;Βαθμός;Μέγιστος βαθμός;Αλλάζει;Τελευταία αλλαγή;Σχόλια\n"
    "Συμμετέχων 4711;Άννα Π.;Υποβλήθηκε;-;10,00;Ναι;Δευτέρα, 2 Νοεμβρίου;\n"
    "Συμμετέχων 4712;Γιώργος Β.;Υποβλήθηκε;3,50;10,00;Ναι;Δευτέρα, 2 Νοεμβρίου;παλιό\n"
)


def test_moodle_is_filled_whatever_its_language(tmp_path):
    file = tmp_path / "worksheet.csv"
    file.write_text(MOODLE, encoding="utf-8")
    entries = [
        entry("1", "Άννα", 7.25, moodle_participant="4711"),
        entry("2", "Γιώργος", 11, moodle_participant="4712"),
    ]
    filled = fill_moodle(Sheet.read(file), [*entries, entry("4711", "Εύα", 1, moodle_participant="5")])
    assert filled.content().decode() == MOODLE.replace(";-;", ";7,25;")
    assert [note.partition(":")[0] for note in filled.notes] == ["Συμμετέχων 4712", "participant 5"]


def test_who_handed_in_elsewhere_is_found_in_moodles_worksheet_by_id_or_by_a_name_that_is_alone(tmp_path):
    header = "Identifier,Full name,ID number,Status,Grade,Maximum grade"
    rows = (
        "Participant 11,Άννα Π.,0042,Submitted,,10.00",
        "Participant 12,Γιώργος Β.,,Submitted,,10.00",
        "Participant 13,John Smith,,Submitted,,10.00",
        "Participant 14,John Smith,,Submitted,,10.00",
    )
    others = [entry("0042", "Άννα", 1), entry("2", "Γιώργος Β.", 2), entry("3", "John Smith", 3), entry("4", "Εύα", 4)]
    filled = fill_moodle(worksheet(tmp_path, header, *rows), others)
    assert [row[4] for row in filled.rows[1:]] == ["1", "2", "", ""]
    assert [note.partition(":")[0] for note in filled.notes] == ["John Smith", "Εύα"]


def test_a_short_row_of_a_worksheet_stays_as_it_is(tmp_path):
    file = tmp_path / "worksheet.csv"
    file.write_text(MOODLE + "Συμμετέχων 4713\n", encoding="utf-8")
    filled = fill_moodle(Sheet.read(file), [entry("3", "Εύα", 1, moodle_participant="4713")])
    assert filled.rows[-1] == ["Συμμετέχων 4713"]


def test_a_cell_longer_than_csv_allows_is_a_sentence(tmp_path):
    file = tmp_path / "worksheet.csv"
    file.write_text(MOODLE + "Συμμετέχων 4713;" + "x" * 200_000 + "\n", encoding="utf-8")
    with pytest.raises(BadSheet, match=r"worksheet\.csv: line 4: field larger than field limit"):
        Sheet.read(file)


def test_moodle_in_english_with_points(tmp_path):
    header = "Identifier,Full name,Email address,Status,Grade,Maximum grade,Grade can be changed,Last modified (grade),"
    text = header + "Feedback comments\r\nParticipant 4711,A,a@x,Submitted,,100.00,Yes,-,\r\n"
    file = tmp_path / "worksheet.csv"
    file.write_bytes(text.encode("utf-8-sig"))
    filled = fill_moodle(Sheet.read(file), [entry("1", "A", 7.25, moodle_participant="4711")])
    assert filled.content() == text.replace("Submitted,,", "Submitted,7.25,").encode("utf-8-sig")


def worksheet(tmp_path: Path, header: str, *rows: str) -> Sheet:
    file = tmp_path / "worksheet.csv"
    file.write_text("\n".join([header, *rows, ""]), encoding="utf-8")
    return Sheet.read(file)


def test_a_number_above_what_stands_beside_it_is_no_grade(tmp_path):
    header = "Αναγνωριστικό,Πλήρες όνομα,AM,Έτος,Κατάσταση,Βαθμός,Μέγιστος βαθμός,Αλλάζει,Σχόλια"
    rows = (
        "Συμμετέχων 4711,Άννα,03118001,2026,Υποβλήθηκε,-,10.00,Ναι,",
        "Συμμετέχων 4712,Εύα,03118002,2026,Υποβλήθηκε,,10.00,Ναι,",
    )
    filled = fill_moodle(worksheet(tmp_path, header, *rows), [entry("1", "Άννα", 7, moodle_participant="4711")])
    assert filled.rows[1][2:7] == ["03118001", "2026", "Υποβλήθηκε", "7", "10.00"]


def test_of_two_columns_that_may_have_the_grades_none_is_guessed(tmp_path):
    rows = ("Participant 4711,Anna,17,2026,Submitted,,10.00,Yes,", "Participant 4712,Eva,18,2026,Submitted,,10.00,Yes,")
    greek = worksheet(tmp_path, "Αναγνωριστικό,Όνομα,AM,Έτος,Κατάσταση,Βαθμός,Μέγιστος,Αλλάζει,Σχόλια", *rows)
    with pytest.raises(BadSheet, match="AM beside Έτος, Βαθμός beside Μέγιστος"):
        fill_moodle(greek, [entry("1", "Anna", 7, moodle_participant="4711")])
    header = "Identifier,Full name,AM,Year,Status,Grade,Maximum grade,Grade can be changed,Feedback comments"
    filled = fill_moodle(worksheet(tmp_path, header, *rows), [entry("1", "Anna", 7, moodle_participant="4711")])
    assert filled.rows[1][2:7] == ["17", "2026", "Submitted", "7", "10.00"]


def test_platforms_are_filled_by_one_command(folder, tmp_path):
    canvas, moodle = tmp_path / "canvas.csv", tmp_path / "moodle.csv"
    canvas.write_bytes(CANVAS.encode("utf-8-sig"))
    moodle.write_text(MOODLE, encoding="utf-8")
    course = ("--course", WORDS)
    code, made, _ = export("canvas", "--results", folder, "--fill", canvas, "--assignment", "Lab 3", *course)
    assert (code, b"anna,\xce\x911,0.25,5" in made) == (0, True)
    feedback = tmp_path / "feedback.zip"
    code, made, _ = export("moodle", "--results", folder, "--fill", moodle, "--feedback", feedback, *course)
    assert (code, b";0,25;10,00;" in made) == (0, True)
    with zipfile.ZipFile(feedback) as archive:
        assert archive.namelist() == ["Άννα Π._4711_assignfeedback_file/feedback.txt"]
    code, _, told = export("canvas", "--fill", canvas, "--assignment", "x", *course)
    assert (code, "--gradebook" in told) == (2, True)


def test_what_students_read_on_platforms_is_in_their_language(folder, tmp_path):
    moodle, feedback = tmp_path / "moodle.csv", tmp_path / "feedback.zip"
    moodle.write_text(MOODLE, encoding="utf-8")
    arguments = ("--results", folder, "--fill", moodle, "--feedback", feedback, "--course", WORDS)
    assert export("moodle", *arguments, "--lang", "el")[0] == 0
    with zipfile.ZipFile(feedback) as archive:
        text = archive.read(archive.namelist()[0]).decode()
    for said in (
        "Σύνολο: 0,25 βαθμοί",
        "Έλεγχοι της παράδοσης anna: 0,25 από 1,25 βαθμούς",
        "(0 από 0,25)",
        "Υπόδειξη: Διαβάστε το.",
        "Αυτός ο έλεγχος είναι κρυφός",
    ):
        assert said in text
    code, made, _ = export("gradescope", "--results", folder, "--course", WORDS, LANG="el_GR.UTF-8")
    told = json.loads(made)
    assert (code, told["output"].splitlines()[-1]) == (0, "Γραπτές απαντήσεις, που τις διορθώνει άνθρωπος: 1 από 1.")
    assert told["tests"][3]["output"] == "υπέρβαση χρόνου\n10 s\nΥπόδειξη: Διαβάστε το."


def test_what_the_harness_failed_on_is_charged_to_nobody(folder, tmp_path):
    canvas, moodle = tmp_path / "canvas.csv", tmp_path / "moodle.csv"
    canvas.write_bytes(CANVAS.encode("utf-8-sig"))
    moodle.write_text(MOODLE, encoding="utf-8")
    faulty = result(checks=[check(1, Outcome.PASSED), check(2, Outcome.HARNESS_FAULT, "pytest failed")])
    write_result(faulty, folder / "anna")
    feedback, url = tmp_path / "feedback.zip", tmp_path / "class.db"
    with Gradebook(str(url), "tests", new=True) as book:
        assert faulty.handin
        book.record(faulty.handin, faulty)
    for source in (("--results", folder), ("--gradebook", url)):
        for arguments, before in (
            (("canvas", "--fill", canvas, "--assignment", "Lab 3"), canvas),
            (("moodle", "--fill", moodle, "--feedback", feedback), moodle),
        ):
            code, made, told = export(*arguments, *source, "--course", WORDS)
            assert (code, made) == (0, before.read_bytes())
            assert (
                "Άννα Π. (0042): step 1: the harness failed in its checks, which is never charged; grade again" in told
            )
        with zipfile.ZipFile(feedback) as archive:
            assert archive.namelist() == []
    for name in ("csv", "junit", "github"):
        assert "anna: step 1: the harness failed in its checks" in export(name, "--results", folder)[2]
    assert "the harness failed" in export("csv", "--results", folder)[1].decode()
    to = tmp_path / "result.json"
    command = ["export", "classroom50", "--results", folder, "--committed", "2026-11-01T12:00:00+02:00", "--to", to]
    with pytest.raises(HarnessFault, match="anna: step 1: the harness failed"):
        CliRunner(env=RUNNER).invoke(graders, [*map(str, command)], catch_exceptions=False)
    assert not to.exists()


def test_of_several_attempts_nothing_is_guessed(folder, tmp_path):
    write_result(result("anna-2"), folder / "anna-2")
    canvas = tmp_path / "canvas.csv"
    canvas.write_bytes(CANVAS.encode("utf-8-sig"))
    code, _, told = export("canvas", "--results", folder, "--fill", canvas, "--assignment", "Lab 3", "--course", WORDS)
    assert (code, "several attempts of 0042" in told) == (2, True)


def test_csv_is_read_by_spreadsheets_and_starts_no_formula(folder):
    for by in ("step", "check"):
        code, made, _ = export("csv", "--results", folder, "--by", by)
        assert code == 0
        assert made.startswith(b"\xef\xbb\xbf")
        rows = list(csv.DictReader(io.StringIO(made.decode("utf-8-sig"), newline="")))
        assert rows[0]["name"] == "Άννα Π."
        assert not any(value.lstrip().startswith(("=", "+", "@")) for row in rows for value in row.values())


def test_the_bundle_grades_where_gradescope_unpacks_it(tmp_path):
    """Laid out as /autograder, with this environment's packages in place of those that setup.sh would download."""
    root = tmp_path / "autograder"
    bundle = tmp_path / "autograder.zip"
    assert export("gradescope-bundle", "--to", bundle, "--lang", "el")[0] == 0
    with zipfile.ZipFile(bundle) as archive:
        archive.extractall(root / "source")
        modes = {info.filename: info.external_attr >> 16 for info in archive.infolist()}
    assert modes["setup.sh"] == modes["run_autograder"] == 0o755
    assert not [name for name in modes if name.startswith(("harness/tests", "harness/.git"))]
    (root / "submission").mkdir()
    (root / "submission" / "step02_beat_sync.py").write_text("raise NotImplementedError\n", encoding="utf-8")
    (root / "venv" / "bin").mkdir(parents=True)
    graders_there = root / "venv" / "bin" / "graders"
    graders_there.write_text(f'#!/bin/sh\nexec {sys.executable} -m graders "$@"\n', encoding="utf-8")
    graders_there.chmod(0o755)
    script = (root / "source" / "run_autograder").read_text(encoding="utf-8").replace("--require", "--step 2 --require")
    (root / "run_autograder").write_text(script, encoding="utf-8")
    environment = {**os.environ, "AUTOGRADER_ROOT": str(root)}
    subprocess.run(["bash", "run_autograder"], cwd=root, env=environment, check=True, capture_output=True)
    made = json.loads((root / "results" / "results.json").read_text(encoding="utf-8"))
    assert made["score"] == 0
    assert made["tests"]
    assert "Η timesteps επιστρέφει T" in made["tests"][0]["name"]


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.HARNESS_FAULT])
def test_no_hidden_message_leaks(outcome):
    held_out = "Rock Folk 0.913"
    one = result(checks=[check(9, outcome, f"{held_out}\nTraceback: {held_out}", "hidden")])
    telling = {
        "gradescope": json.dumps(gradescope.results_json(one)),
        "junit": junit.document([one]),
        "summary": github.summary(one),
        "annotations": "\n".join(github.annotation_lines(one)),
        "classroom50": json.dumps(classroom50.result_json(one, RUNNER, datetime.now(UTC))),
        "feedback": feedback(one),
        "csv by check": by_check([one]),
        "terminal": terminal_text(one.checks),
    }
    for name, made in {**telling, "page": page_of(one).decode(), "csv by step": by_step([one])}.items():
        read = re.sub(r"&#(\d+);", lambda match: chr(int(match[1])), made)
        assert held_out not in read, name
        assert name not in telling or "This check is hidden" in read, name


def terminal_text(checks: list[CheckResult]) -> str:
    console = Console(width=200)
    with console.capture() as printed:
        console.print(check_lines(checks))
    return printed.get()


@pytest.mark.parametrize(
    "arguments", [("csv",), ("csv", "--by", "check"), ("junit",), ("github",), ("canvas",), ("moodle",)]
)
def test_a_damaged_result_is_named(folder, tmp_path, arguments):
    (folder / "eva").mkdir()
    (folder / "eva" / "result.json").write_text("{", encoding="utf-8")
    canvas, moodle = tmp_path / "canvas.csv", tmp_path / "moodle.csv"
    canvas.write_bytes(CANVAS.encode("utf-8-sig"))
    moodle.write_text(MOODLE, encoding="utf-8")
    more = {"canvas": ("--fill", canvas, "--assignment", "Lab 3", "--course", WORDS), "moodle": ("--fill", moodle)}
    code, _, told = export(*arguments, "--results", folder, *more.get(arguments[0], ()))
    assert (code, "eva/result.json: is damaged, or of another version; not exported." in told) == (0, True)


UNFIT = "result.json: has a seal that does not fit: it was changed after it was graded, or another version wrote it"


def change(file: Path) -> None:
    """Give a stored result more points, as a hand would."""
    text = file.read_text(encoding="utf-8")
    assert '"score": 0.25' in text
    file.write_text(text.replace('"score": 0.25', '"score": 1.25'), encoding="utf-8")


@pytest.mark.parametrize("arguments", [("csv",), ("csv", "--by", "check"), ("junit",), ("canvas",), ("moodle",)])
def test_a_result_that_was_changed_by_hand_is_named_and_not_exported(folder, tmp_path, arguments):
    write_result(result("eva", handin=None), folder / "eva")
    change(folder / "anna" / "result.json")
    canvas, moodle = tmp_path / "canvas.csv", tmp_path / "moodle.csv"
    canvas.write_bytes(CANVAS.encode("utf-8-sig"))
    moodle.write_text(MOODLE, encoding="utf-8")
    more = {"canvas": ("--fill", canvas, "--assignment", "Lab 3", "--course", WORDS), "moodle": ("--fill", moodle)}
    code, made, told = export(*arguments, "--results", folder, *more.get(arguments[0], ()))
    assert (code, f"anna/{UNFIT}; not exported." in told) == (0, True)
    if arguments[0] in more:
        assert made == {"canvas": canvas, "moodle": moodle}[arguments[0]].read_bytes()
    else:
        assert b"eva" in made
        assert b"anna" not in made


@pytest.mark.parametrize("format_of_one", ["github", "classroom50", "gradescope"])
def test_a_format_of_one_result_has_nothing_to_tell_of_one_that_was_changed_by_hand(folder, tmp_path, format_of_one):
    change(folder / "anna" / "result.json")
    more = {"classroom50": ("--committed", "2026-11-01T12:00:00+02:00", "--to", tmp_path / "result.json")}
    code, made, told = export(format_of_one, "--results", folder, *more.get(format_of_one, ()))
    assert f"anna/{UNFIT}; not exported." in told
    if format_of_one == "gradescope":
        assert (code, json.loads(made)["tests"]) == (0, [])
    else:
        assert (code, "holds 0 results" in told) == (2, True)


def test_each_format_refuses_a_folder_with_several_results(folder):
    write_result(result("eva"), folder / "eva")
    for command in ("github", "gradescope"):
        code, _, told = export(command, "--results", folder)
        assert (code, "2 results" in told) == (2, True)


def test_a_file_that_cannot_be_written_is_a_sentence(folder, tmp_path):
    code, _, told = export("junit", "--results", folder, "--to", tmp_path / "missing" / "x.xml")
    assert (code, "cannot be written" in told) == (2, True)
    assert not Path(tmp_path / "missing").exists()
