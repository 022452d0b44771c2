"""Marking without a browser: sheets out, marks in."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from graders.cli import graders
from graders.results.gradebook.book import Gradebook
from graders.results.gradebook.rows import Marked
from tests.marking import QUESTION, record
from tests.pages import text_of
from tests.support import ROOT, WORDS

ANSWERS = {"001": "Επειδή\n~~~~\nη λέξη τελειώνει.", "002": "=HYPERLINK(1)", "003": "Επειδή\n~~~~\nη λέξη τελειώνει."}


@pytest.fixture
def book(tmp_path):
    with Gradebook(str(tmp_path / "class.db"), by="run", new=True) as opened:
        record(opened, tmp_path, ANSWERS)
        yield opened


def mark(*arguments: object) -> tuple[int, str, str]:
    ended = CliRunner().invoke(graders, ["mark", *map(str, arguments)])
    return ended.exit_code, ended.stdout, ended.stderr


def sheet_of(book: Gradebook, tmp_path: Path, *options: str) -> list[dict[str, str]]:
    code, told, _ = export(tmp_path, *options)
    assert code == 0
    assert f"{QUESTION.id} {QUESTION.title}: 3 answers" in told
    text = (tmp_path / "sheets" / f"{QUESTION.id}.csv").read_text(encoding="utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def export(tmp_path: Path, *options: str, to: str = "sheets") -> tuple[int, str, str]:
    return mark("export", "--gradebook", tmp_path / "class.db", "--to", tmp_path / to, "--course", WORDS, *options)


def fill(tmp_path: Path, rows: list[dict[str, str]], delimiter: str = ",") -> Path:
    file = tmp_path / "filled.csv"
    with file.open("w", encoding="utf-8-sig", newline="") as out:
        table = csv.DictWriter(out, list(rows[0]), delimiter=delimiter)
        table.writeheader()
        table.writerows(rows)
    return file


def bring_in(tmp_path: Path, file: Path, marker: str = "Ελένη") -> tuple[int, str, str]:
    return mark("import", file, "--gradebook", tmp_path / "class.db", "--marker", marker, "--course", WORDS)


def test_marks_go_out_and_come_back(book, tmp_path):
    rows = sheet_of(book, tmp_path)
    assert {row["students"] for row in rows} == {"001 Όνομα 001", "002 Όνομα 002", "003 Όνομα 003"}
    assert not any(row["text"].startswith("=") for row in rows)
    for row in rows[:2]:
        row.update(points="0,5", comment="σωστά, αλλά σύντομα")
    code, told, _ = bring_in(tmp_path, fill(tmp_path, rows, ";"))
    assert (code, told) == (0, f"{tmp_path / 'filled.csv'}: 2 marks\n")
    assert sorted(len(answer.marks) for answer in book.answers()) == [0, 1, 1]
    again = sheet_of(book, tmp_path, "--marker", "Ελένη")
    assert [row["points"] for row in again] == ["0.5", "0.5", ""]
    before = len(book.history())
    assert bring_in(tmp_path, fill(tmp_path, again))[0] == 0
    assert len(book.history()) == before


def test_a_marker_has_a_name_and_blanks_around_it_make_no_other_one(book, tmp_path):
    rows = sheet_of(book, tmp_path)
    rows[0].update(points="1")
    filled = fill(tmp_path, rows)
    assert bring_in(tmp_path, filled, marker=" Ελένη ")[0] == 0
    assert [mark.marker for answer in book.answers() for mark in answer.marks] == ["Ελένη"]
    assert "1 marked by Ελένη" in export(tmp_path, "--marker", "Ελένη\t", to="others")[1]
    for code, _, told in (bring_in(tmp_path, filled, marker=" "), export(tmp_path, "--marker", "", to="nobodys")):
        assert (code, "--marker: a name is wanted" in told) == (2, True)


def test_the_page_to_read_shows_answers_as_they_were_typed(book, tmp_path):
    sheet_of(book, tmp_path)
    page = (tmp_path / "sheets" / f"{QUESTION.id}.md").read_text(encoding="utf-8")
    assert QUESTION.prompt.strip() in page
    assert page.count("~~~~~~~\nΕπειδή\n~~~~\nη λέξη τελειώνει.\n~~~~~~~") == 2


def test_anonymous_sheets_name_nobody(book, tmp_path):
    assert {row["students"] for row in sheet_of(book, tmp_path, "--anonymous")} == {""}
    assert "Όνομα" not in (tmp_path / "sheets" / f"{QUESTION.id}.md").read_text(encoding="utf-8")


def test_what_does_not_fit_is_refused_with_its_line(book, tmp_path):
    rows = sheet_of(book, tmp_path)
    rows[0].update(points="2")
    rows[1].update(points="πολλά")
    rows[2].update(points="nan")
    rows += [{**rows[0], "answer": "99-0000", "points": "1"}, {**rows[0], "points": "1"}, {**rows[0], "points": "1"}]
    code, _, told = bring_in(tmp_path, fill(tmp_path, rows))
    assert code == 2
    for problem in ("is not between 0 and 1", "'πολλά' is no number", "'nan' is no number", "99-0000", "there twice"):
        assert problem in told, told
    assert not any(answer.marks for answer in book.answers())
    (tmp_path / "bad.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    code, _, told = bring_in(tmp_path, tmp_path / "bad.csv")
    assert (code, "line 1 has no column 'answer'" in told) == (2, True)


def test_comments_come_back_letter_by_letter(book, tmp_path):
    rows = sheet_of(book, tmp_path)
    rows[0].update(points="1", comment="-1: λάθος πρόσημο\nδεύτερη γραμμή")
    rows[1].update(points="1", comment="'-2: αλλού")
    assert bring_in(tmp_path, fill(tmp_path, rows))[0] == 0
    comments = {mark.comment for answer in book.answers() for mark in answer.marks}
    assert comments == {"-1: λάθος πρόσημο\nδεύτερη γραμμή", "-2: αλλού"}
    before = len(book.history())
    assert bring_in(tmp_path, fill(tmp_path, sheet_of(book, tmp_path, "--marker", "Ελένη")))[0] == 0
    assert len(book.history()) == before


def test_a_sheet_that_somebody_has_begun_is_not_written_over(book, tmp_path):
    rows = sheet_of(book, tmp_path, "--marker", "Ελένη")
    rows[0].update(points="1")
    (tmp_path / "sheets" / f"{QUESTION.id}.csv").write_bytes(fill(tmp_path, rows).read_bytes())
    code, _, told = export(tmp_path, "--marker", "Ελένη")
    assert (code, "import it first" in told) == (2, True)


def test_a_sheet_that_was_imported_may_be_written_over_however_its_numbers_were_written(book, tmp_path):
    rows = sheet_of(book, tmp_path, "--marker", "Ελένη")
    for row, points in zip(rows, ("0,5", "0.333333333333333", "1.00"), strict=True):
        row.update(points=points)
    sheet = tmp_path / "sheets" / f"{QUESTION.id}.csv"
    sheet.write_bytes(fill(tmp_path, rows, ";").read_bytes())
    assert bring_in(tmp_path, sheet)[0] == 0
    before = len(book.history())
    again = sheet_of(book, tmp_path, "--marker", "Ελένη")
    assert [row["points"] for row in again] == ["0.5", "0.333333333333333", "1"]
    assert (bring_in(tmp_path, sheet)[0], len(book.history())) == (0, before)


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"answer,points\n1-x," + b"9" * 200_000 + b"\n", "line 2: field larger"), (b"PK\x03\x04", "is a workbook")],
)
def test_a_damaged_sheet_is_told_with_its_name(book, tmp_path, content, says):
    sheet = tmp_path / f"{QUESTION.id}.csv"
    sheet.write_bytes(content)
    options = ["--gradebook", str(tmp_path / "class.db"), "--course", str(WORDS)]
    for arguments in (["import", str(sheet)], ["export", "--to", str(tmp_path)]):
        command = [sys.executable, "-m", "graders", "mark", *arguments, *options]
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert ended.returncode == 2
        assert ended.stderr.startswith(f"graders: {sheet}: {says}"), ended.stderr
        assert ended.stderr.count(str(sheet)) == 1


def test_one_thing_is_told_as_one(book, tmp_path):
    rows = sheet_of(book, tmp_path)
    rows[0].update(points="1")
    rows[1].update(points="inf")
    assert "'inf' is no number of points" in bring_in(tmp_path, fill(tmp_path, rows))[2]
    rows[1].update(points="0_1")
    assert "'0_1' is no number of points" in bring_in(tmp_path, fill(tmp_path, rows))[2]
    assert ": 1 mark\n" in bring_in(tmp_path, fill(tmp_path, rows[:1]))[1]
    record(book, tmp_path, dict.fromkeys(("002", "003"), ""), attempt=2)
    _, told, said = export(tmp_path, to="others")
    assert told.startswith(f"{QUESTION.id} {QUESTION.title}: 1 answer, ")
    assert "left out: 2 answers of attempts that do not count" in said


def test_an_answer_that_changed_since_is_not_marked(book, tmp_path):
    rows = sheet_of(book, tmp_path)
    for row in rows:
        row.update(answer=row["answer"][:-1] + "x", points="1")
    code, _, told = bring_in(tmp_path, fill(tmp_path, rows))
    assert (code, "has changed since" in told) == (2, True)


def test_totals_say_what_was_to_be_had_and_what_is_not_marked(book, tmp_path):
    show = ("grades", "show", "--gradebook", tmp_path / "class.db", "--course", WORDS, "--student")
    assert CliRunner().invoke(graders, [*map(str, show), "001"]).stdout.startswith("001: 0\n")
    rows = sheet_of(book, tmp_path)
    rows[0].update(points="0.5")
    assert bring_in(tmp_path, fill(tmp_path, rows))[0] == 0
    told = [CliRunner().invoke(graders, [*map(str, show), student]).stdout for student in ANSWERS]
    assert sorted(one.partition(":")[2].splitlines()[0] for one in told) == [" 0 of 1", " 0 of 1", " 0.5 of 1"]
    assert sum(f"not marked yet: {QUESTION.id}" in one for one in told) == 2
    assert sum("written answers: 0.5 of 1" in one for one in told) == 1
    rows[0].update(points="0")
    assert bring_in(tmp_path, fill(tmp_path, rows))[0] == 0
    marked_with_nothing = [CliRunner().invoke(graders, [*map(str, show), student]).stdout for student in ANSWERS]
    assert sum("written answers: 0 of 1" in one for one in marked_with_nothing) == 1


def test_students_read_the_mean_of_their_marks_each_comment_and_what_is_not_marked(book, tmp_path):
    first = next(one for one in book.answers() if one.students == ("001",))
    book.mark([(first, Marked(QUESTION.id, 0.5, "Ελένη", "σωστά, αλλά σύντομα"))])
    book.mark([(first, Marked(QUESTION.id, 1, "Νίκος", "πλήρες"))])
    worksheet = tmp_path / "worksheet.csv"
    rows = "".join(f"Participant {who},x,Submitted,,10.00,Yes,\n" for who in ANSWERS)
    worksheet.write_text(
        f"Identifier,Full name,Status,Grade,Maximum grade,Changeable,Comments\n{rows}", encoding="utf-8"
    )
    options = ["--gradebook", str(tmp_path / "class.db"), "--course", str(WORDS)]
    files = ["--fill", str(worksheet), "--to", str(tmp_path / "x.csv"), "--feedback", str(tmp_path / "feedback.zip")]
    assert CliRunner().invoke(graders, ["export", "moodle", *options, *files]).exit_code == 0
    assert CliRunner().invoke(graders, ["report", *options, "--out", str(tmp_path / "pages")]).exit_code == 0
    with zipfile.ZipFile(tmp_path / "feedback.zip") as archive:
        texts = [archive.read(name).decode() for name in sorted(archive.namelist())]
    pages = [text_of((tmp_path / "pages" / f"{who}.html").read_bytes()) for who in ANSWERS]
    assert f"{QUESTION.id} {QUESTION.title}: 0.75\nσωστά, αλλά σύντομα\nπλήρες\n" in texts[0]
    assert "0.75 points σωστά, αλλά σύντομα πλήρες" in pages[0]
    for told in (texts, pages):
        assert [f"not marked yet: {QUESTION.id}" in one for one in told] == [False, True, True]
        assert not any(name in one for name in ("Ελένη", "Νίκος") for one in told)


def test_only_attempts_that_count_are_to_be_marked(book, tmp_path):
    record(book, tmp_path, {"001": "Το σκέφτηκα πάλι."}, attempt=2)
    code, told, said = export(tmp_path)
    assert (code, f"{QUESTION.id} {QUESTION.title}: 3 answers" in told) == (0, True)
    assert "left out: 1 answer of attempts that do not count" in said
    assert ": 4 answers" in export(tmp_path, "--every-attempt")[1]


def test_questions_that_are_not_there_are_told(book, tmp_path):
    code, _, told = export(tmp_path, "--question", "9.9")
    assert (code, "no such question" in told) == (2, True)
