"""`docs/instructors.md`: each command works as it is written, on a small class."""

from __future__ import annotations

import csv
import json
import re
import shlex
import urllib.request
import zipfile
from pathlib import Path
from xml.etree import ElementTree as ET

import click
import pytest
from click.testing import CliRunner

from graders.cli import graders
from graders.course import load_course
from graders.questions import load_questions
from tests.marking import course_with, served
from tests.support import ROOT, WORDS

DOCUMENT = (ROOT / "docs" / "instructors.md").read_text(encoding="utf-8")
TOML = re.compile(r"^```toml\n(.*?)^```", re.MULTILINE | re.DOTALL)
CONSOLE = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
ANSWER = "Είκοσι πέντε κλειδιά."
ROSTER = """id;name;email;group
001;Παπαδοπούλου Άννα;anna@example.org;
002;Βασιλείου Γιώργος;giorgos@example.org;
003;Λείπει Κάποιος;;
004;Dupont Jean-Luc;jl@example.org;Ομάδα 1
005;Ωνάση Ζωή;zoe@example.org;Ομάδα 1
"""
METADATA = """---
submission_11:
  :submitters:
  - :name: Άννα Παπαδοπούλου
    :sid: '001'
    :email: anna@example.org
  :created_at: 2026-11-01 10:00:00.000000000 Z
submission_12:
  :submitters:
  - :name: Jean-Luc Dupont
    :sid: '004'
    :email: jl@example.org
  - :name: Ζωή Ωνάση
    :sid: '005'
    :email: zoe@example.org
  :created_at: 2026-11-03 10:00:00.000000000 Z
"""
WORKSHEET = (
    "Identifier,Full name,Email address,Status,Grade,Maximum grade,Grade can be changed,Feedback comments\n"
    + "".join(
        f"Participant {number},{name},,Submitted,,100.00,Yes,\n"
        for number, name in (
            (4711, "Άννα Παπαδοπούλου"),
            (4712, "Γιώργος Βασιλείου"),
            (4713, "Ομάδα 1"),
            (4714, "Ξένη Άγνωστη"),
        )
    )
)
GRADEBOOK = (
    "Student,ID,SIS Login ID,Section,Lab (1234),Final Score\n"
    "    Points Possible,,,,100,(read only)\n"
    '"Παπαδοπούλου, Άννα",7,anna,Α1,,\n"Βασιλείου, Γιώργος",8,giorgos,Α1,,\n'
)  # fmt: skip


def pack(archive: Path, folders: dict[str, str], **others: str) -> None:
    """Write a download: packages of the course in folders, and other files."""
    with zipfile.ZipFile(archive, "w") as packed:
        for folder, source in folders.items():
            for file in (WORDS / source).glob("*.py"):
                packed.writestr(f"{folder}/words/{file.name}", file.read_text(encoding="utf-8"))
            text = (WORDS / "words" / "answers" / "step02.md").read_text(encoding="utf-8")
            packed.writestr(f"{folder}/words/answers/step02.md", f"{text}\n{ANSWER}\n")
        for name, text in others.items():
            packed.writestr(name, text)


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder with the files of which the page speaks."""
    right, untouched = "words_reference", "words"
    pack(
        tmp_path / "class.zip",
        {
            "Άννα Παπαδοπούλου_4711_assignsubmission_file_": right,
            "Γιώργος Βασιλείου_4712_assignsubmission_file_": untouched,
            "Ομάδα 1_4713_assignsubmission_file_": "variants/split_by_hand",
            "Ξένη Άγνωστη_4714_assignsubmission_file_": untouched,
        },
    )
    pack(tmp_path / "anna.zip", {".": right})
    with zipfile.ZipFile(tmp_path / "canvas.zip", "w") as packed:
        packed.write(tmp_path / "anna.zip", "παπαδοπούλουάννα_LATE_7_11_lab-2.zip")
    pack(
        tmp_path / "gradescope.zip",
        {"assignment_1_export/submission_11": right, "assignment_1_export/submission_12": untouched},
        **{"assignment_1_export/submission_metadata.yml": METADATA},
    )
    for name, text in {"roster.csv": ROSTER, "worksheet.csv": WORKSHEET, "gradebook.csv": GRADEBOOK}.items():
        (tmp_path / name).write_text(text, encoding="utf-8-sig")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def commands() -> list[list[str]]:
    lines = "".join(CONSOLE.findall(DOCUMENT)).splitlines()
    assert all(line.startswith("$ graders ") for line in lines)
    return [shlex.split(line)[2:] for line in lines]


def for_words(arguments: list[str]) -> list[str]:
    """Return a command for the small course, where it takes a course."""
    command: click.Command = graders
    for name in arguments:
        if not isinstance(command, click.Group):
            break
        command = command.commands[name]
    takes_one = any(parameter.name == "course" for parameter in command.params)
    return [*arguments, "--course", str(WORDS)] if takes_one else arguments


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8-sig", newline="") as table:
        return list(csv.DictReader(table))


def test_every_command_works_as_it_is_written(office: Path) -> None:
    """Seven seconds: three classes are graded."""
    told = {}
    for arguments in commands():
        if "gradescope-bundle" in arguments:
            continue  # it packs a checkout that holds the course: tests of exports do that
        if arguments[:2] == ["mark", "serve"]:
            with served(*arguments[2:], folder=office) as address:
                opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
                assert "eleni marks" in opener.open(address).read().decode()
            continue
        if arguments[:2] == ["mark", "import"]:
            sheet = office / arguments[-1]
            rows = rows_of(sheet)
            assert ANSWER in rows[0].values()
            rows[0]["points"] = "1"
            with sheet.open("w", encoding="utf-8-sig", newline="") as file:
                table = csv.DictWriter(file, list(rows[0]))
                table.writeheader()
                table.writerows(rows)
        done = CliRunner().invoke(graders, for_words(arguments), catch_exceptions=False)
        assert done.exit_code == 0, (arguments, done.output)
        told[" ".join(arguments)] = done.output
    filled = (office / "filled.csv").read_text(encoding="utf-8-sig").splitlines()
    assert [line.split(",")[4] for line in filled] == ["Grade", "6", "0", "6", "0"]
    assert '"Παπαδοπούλου, Άννα",7,anna,Α1,6,' in (office / "canvas-filled.csv").read_text(encoding="utf-8-sig")
    assert {row["id"]: float(row["total"]) for row in rows_of(office / "grades.csv")} == {
        "001": 6,
        "002": 0,
        "003": 0,
        "004": 0,
        "005": 0,
    }
    shown = told["grades show --gradebook class.db"]
    assert "Παπαδοπούλου Άννα" in shown
    assert "Ξένη Άγνωστη" in shown
    assert "nothing was handed in" in shown
    of_anna = told["grades show --gradebook class.db --student 001"]
    assert "7" in of_anna.split()  # of the checks 6, and 1 for the answer that was marked
    assert "Βασιλείου" not in of_anna
    history = told["grades history --gradebook class.db"]
    for change in ("enrolled", "graded", "marked", "override", "override withdrawn", "late days"):
        assert f",{change}," in history
    students = {"001", "002", "004+005", "Ξένη Άγνωστη"}
    assert {row["submission"] for row in rows_of(office / "steps.csv")} == students
    assert {(row["submission"], row["outcome"]) for row in rows_of(office / "checks.csv")} >= {
        ("001", "passed"),
        ("002", "not_implemented"),
    }
    suites = ET.parse(office / "junit.xml").getroot()
    assert {case.get("classname", "").split(".")[0] for case in suites.iter("testcase")} == students
    with zipfile.ZipFile(office / "feedback.zip") as packed:
        assert sorted(name.split("_")[1] for name in packed.namelist()) == ["4711", "4712", "4713", "4714"]
    counted = {row["check"] for row in rows_of(office / "stats.csv") if row["what"] == "check"}
    assert counted == {row["check"] for row in rows_of(office / "checks.csv")}
    assert "svg" in ET.parse(office / "stats.svg").getroot().tag
    assert (office / "pairs.csv").read_text(encoding="utf-8-sig").startswith("left,right,share,")
    assert {page.stem for page in (office / "feedback").glob("*.html")} == students
    assert "Ξένη Άγνωστη" in (office / "staff" / "class.html").read_text(encoding="utf-8")
    assert json.loads((office / "results" / "004+005" / "result.json").read_bytes())["handin"]["students"] == [
        "004",
        "005",
    ]


def test_the_policies_that_are_shown_are_read(tmp_path: Path) -> None:
    policies = next(one for one in TOML.findall(DOCUMENT) if "[grades]" in one)
    text = (WORDS / "course.toml").read_text(encoding="utf-8")
    assert "[grades]" not in text
    elsewhere = text.replace('root = "."', f'root = "{WORDS}"')
    (tmp_path / "course.toml").write_text(f"{elsewhere}\n{policies}", encoding="utf-8")
    grades = load_course(tmp_path).grades
    assert (grades.attempt, grades.unreadable, grades.late_days, grades.latest) == ("last", "skipped", 2, 7)
    assert grades.weight_of(4) == 2


def test_the_question_that_is_shown_is_read(tmp_path: Path) -> None:
    shown = next(one for one in TOML.findall(DOCUMENT) if "[[question]]" in one)
    (question,) = load_questions(load_course(course_with(shown, tmp_path)))
    assert sum(item.points for item in question.items if item.points > 0) == question.points
