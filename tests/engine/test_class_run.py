"""A class, from its bulk download to the grades: the commands that an instructor types."""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from graders.cli import graders
from graders.results.files import read_result
from graders.results.gradebook.grades import WAITS
from tests.support import ROOT, WORDS

ROSTER = "id,name,email\n001,Παπαδοπούλου Άννα,a@x.gr\n002,Βασιλείου Γιώργος,g@x.gr\n003,Λείπει Κάποιος,\n"


def run(*arguments: object) -> tuple[int, str, str]:
    ended = CliRunner().invoke(graders, [str(one) for one in arguments])
    return ended.exit_code, ended.stdout, ended.stderr


@pytest.fixture
def download(tmp_path):
    """Write a bulk download of Moodle's, with a right, a wrong and an unknown hand-in."""
    with zipfile.ZipFile(tmp_path / "bulk.zip", "w") as archive:
        for who, source in (
            ("Άννα Παπαδοπούλου_4711", "words_reference"),
            ("Γιώργος Βασιλείου_4712", "words"),
            ("Ξένη Άγνωστη_4713", "words"),
        ):
            for file in (WORDS / source).glob("*.py"):
                archive.write(file, f"{who}_assignsubmission_file_/words/{file.name}")
    (tmp_path / "roster.csv").write_text(ROSTER, encoding="utf-8")
    return tmp_path / "bulk.zip"


def test_from_the_download_to_the_grades(download, tmp_path):
    options = ("--course", WORDS, "--layout", "moodle", "--roster", tmp_path / "roster.csv")
    into = ("--gradebook", tmp_path / "class.db", "--out", tmp_path / "out")
    code, _, told = run("run", download, *options, *into)
    assert code == 0, told
    assert "003 (Λείπει Κάποιος) has handed nothing in" in told
    assert "Ξένη Άγνωστη: nobody in the roster is called so" in told
    result = read_result(tmp_path / "out" / "001")
    assert result is not None
    assert result.handin is not None
    assert (result.handin.students, result.handin.ids) == (["001"], {"moodle_participant": "4711"})

    code, shown, _ = run("grades", "show", "--gradebook", tmp_path / "class.db", "--course", WORDS, "--csv", "-")
    rows = {row["id"]: row for row in csv.DictReader(io.StringIO(shown.removeprefix("\ufeff")))}
    assert {who: float(row["total"]) for who, row in rows.items()} == {"001": 6, "002": 0, "003": 0, "Ξένη Άγνωστη": 0}
    assert rows["003"]["why"] == "nothing was handed in"
    assert rows["003"]["of"] == rows["001"]["of"]
    book = ("--gradebook", tmp_path / "class.db", "--course", WORDS)
    assert run("grades", "show", "--student", "003", *book)[1].startswith("003 Λείπει Κάποιος: 0 of 6\n")

    assert run("run", download, *options, *into)[0] == 0
    _, history, _ = run("grades", "history", "--gradebook", tmp_path / "class.db")
    assert history.count(",graded,") == 3


def test_what_has_no_result_is_not_said_not_to_be_handed_in(tmp_path):
    (tmp_path / "roster.csv").write_text(ROSTER, encoding="utf-8")
    with zipfile.ZipFile(tmp_path / "bulk.zip", "w") as archive:
        archive.writestr("Άννα Παπαδοπούλου_4711_assignsubmission_file_/report.pdf", b"%PDF")
        archive.write(
            WORDS / "words" / "step01_counting.py",
            "Γιώργος Βασιλείου_4712_assignsubmission_file_/words/step01_counting.py",
        )
    options = ("--course", WORDS, "--layout", "moodle", "--roster", tmp_path / "roster.csv", "--step", 1)
    book = ("--gradebook", tmp_path / "class.db")
    code, _, told = run("run", tmp_path / "bulk.zip", *options, *book, "--out", tmp_path / "out")
    assert code == 2, told
    assert "graders: 001 (Άννα Παπαδοπούλου): " in told
    _, shown, _ = run("grades", "show", *book, "--course", WORDS, "--csv", "-")
    why = {row["id"]: row["why"] for row in csv.DictReader(io.StringIO(shown.removeprefix("\ufeff")))}
    assert why == {"001": WAITS, "002": "", "003": "nothing was handed in"}
    told = run("stats", *book, "--course", WORDS)[2]
    assert "2 of 3 students have no result; they are not counted." in told


NAMED = {
    "moodle": ("Άννα Παπαδοπούλου_4711_assignsubmission_file_/lab.zip", "Ξένη_4713_assignsubmission_file_/lab.zip"),
    "canvas": ("ΆνναΠαπαδοπούλου_4711_1_lab.zip", "Ξένη_4713_2_lab.zip"),
    "gradescope": ("submission_1/lab.zip", "submission_2/lab.zip"),
}
METADATA = """
submission_1:
  :submitters:
  - :name: Άννα Παπαδοπούλου
submission_2:
  :submitters:
  - :name: Ξένη
submission_3:
  :submitters:
  - :name: Γιώργος
"""


@pytest.mark.parametrize("layout", NAMED)
def test_whose_an_upload_is_that_cannot_be_read_is_said(tmp_path, layout):
    (tmp_path / "roster.csv").write_text(ROSTER, encoding="utf-8")
    with zipfile.ZipFile(tmp_path / "bulk.zip", "w") as archive:
        for name in NAMED[layout]:
            archive.writestr(name, b"PK\x03\x04 no")
        if layout == "gradescope":
            archive.writestr("submission_metadata.yml", METADATA)
    options = ("--course", WORDS, "--layout", layout, "--roster", tmp_path / "roster.csv", "--step", 1)
    code, _, told = run("run", tmp_path / "bulk.zip", *options, "--out", tmp_path / "out")
    assert code == 2
    lines = told.splitlines()
    assert sum(line.startswith("graders: 001 (Άννα") and ": lab.zip: " in line for line in lines) == 1
    assert sum(line.startswith("graders: Ξένη: lab.zip: ") for line in lines) == 1
    assert ("submission_3 of Γιώργος: " in told) == (layout == "gradescope")
    told = run("similar", "--results", tmp_path / "out", "--course", WORDS)[2]
    assert "not compared: 001 (Άννα" in told


def test_decisions_enter_totals_and_history(download, tmp_path):
    book = ("--gradebook", tmp_path / "class.db")
    out = tmp_path / "out"
    assert run("run", download, "--course", WORDS, "--layout", "auto", *book, "--out", out, "--step", 1)[0] == 0
    name = "Γιώργος Βασιλείου"
    course = ("--course", WORDS)
    assert run("grades", "override", name, 2.5, "--step", 1, "--reason", "προφορική εξέταση", *book, *course)[0] == 0
    assert "step 1 to 2.5: προφορική εξέταση" in run("grades", "show", "--student", name, *book, *course)[1]
    assert run("grades", "withdraw", name, "--step", 1, *book)[0] == 0
    assert "override withdrawn" in run("grades", "history", *book)[1]
    assert run("grades", "late-days", name, 2, "--reason", "ill", *book)[0] == 0
    for wrong in (
        ("override", "nobody", 1, "--reason", "x", *book, *course),
        ("override", name, 1, "--step", 99, "--reason", "x", *book, *course),
        ("override", name, "1_0", "--step", 1, "--reason", "x", *book, *course),
        ("override", name, 1, "--step", "0_1", "--reason", "x", *book, *course),
        ("late-days", name, "1_0", "--reason", "x", *book),
        ("late-days", name, "9" * 5000, "--reason", "x", *book),
        ("withdraw", name, *book),
        ("show", "--student", "nobody", *book, *course),
    ):
        code, _, told = run("grades", *wrong)
        assert code == 2
        assert told


def test_what_is_not_there_is_wrong_input_and_is_not_made_by_looking(tmp_path):
    ended = subprocess.run(
        [sys.executable, "-m", "graders", "grades", "show", "--gradebook", "x.db"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, "there is no such file" in ended.stderr) == (2, True)
    assert not list(tmp_path.iterdir())


def test_a_roster_that_cannot_be_used_is_wrong_input(download, tmp_path):
    (tmp_path / "roster.csv").write_text("name\nΆννα\n", encoding="utf-8")
    command = ["run", download, "--course", WORDS, "--roster", tmp_path / "roster.csv", "--out", tmp_path / "out"]
    ended = subprocess.run(
        [sys.executable, "-m", "graders", *map(str, command)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, "line 1 has no column 'id'" in ended.stderr) == (2, True)


def test_a_class_needs_a_folder_for_results(download):
    for option in (("--layout", "auto"), ("--gradebook", "class.db")):
        code, _, told = run("run", download, "--course", WORDS, *option)
        assert code == 2
        assert "--out" in told


def test_a_terminal_is_told_at_once_what_is_waited_for():
    master, slave = os.openpty()
    words = str(WORDS)
    command = [sys.executable, "-m", "graders", "run", f"{words}/words_reference", "--course", words, "--step", "1"]
    subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=slave, check=True, timeout=120)
    os.close(slave)
    told = os.read(master, 1 << 16).decode()
    os.close(master)
    assert told.startswith("graders: loading libraries, once; submissions to grade: 1.")


def packed(archive: Path, hand_ins: dict[str, str]) -> Path:
    """Write a bulk download of Moodle's: packages of the small course, by their students' names and numbers."""
    with zipfile.ZipFile(archive, "w") as written:
        for who, source in hand_ins.items():
            for file in (WORDS / source).glob("*.py"):
                written.write(file, f"{who}_assignsubmission_file_/words/{file.name}")
    return archive


@pytest.fixture
def office(tmp_path):
    """Run a class with the small course, first as it was and then as it is; return what is told on stderr."""

    def grade(hand_ins: dict[str, str], roster: str = "") -> str:
        options: list[object] = ["--course", WORDS, "--layout", "moodle", "--step", 1]
        if roster:
            (tmp_path / "roster.csv").write_text(roster, encoding="utf-8")
            options += ["--roster", tmp_path / "roster.csv"]
        bulk = packed(tmp_path / "bulk.zip", hand_ins)
        code, _, told = run("run", bulk, *options, "--gradebook", tmp_path / "class.db", "--out", tmp_path / "out")
        assert code == 0, told
        return told

    return grade


def totals(tmp_path: Path) -> dict[str, tuple[float, str]]:
    code, shown, _ = run("grades", "show", "--gradebook", tmp_path / "class.db", "--course", WORDS, "--csv", "-")
    assert code == 0
    rows = csv.DictReader(io.StringIO(shown.removeprefix("\ufeff")))
    return {row["id"]: (float(row["total"]), row["name"]) for row in rows}


TWINS = {"Νίκος Παππάς_4716": "words_reference", "Νίκος Παππάς_4717": "words"}
WORKSHEET = "Identifier,Full name,Status,Grade,Maximum grade,Changeable,Comments\n" + "".join(
    f"Participant {number},Νίκος Παππάς,Submitted,,10.00,Yes,\n" for number in (4716, 4717)
)


@pytest.mark.parametrize("roster", ["", "id,name\n006,Παππάς Νίκος\n007,Νίκος Παππάς\n"])
def test_two_students_of_one_name_never_become_one(office, tmp_path, roster):
    told = office(TWINS, roster)
    assert ("write 4716 into the column `known_as` of whose it is" in told) == bool(roster)
    assert {who: points for who, (points, _) in totals(tmp_path).items() if who not in {"006", "007"}} == {
        "Νίκος Παππάς 4716": 4,
        "Νίκος Παππάς 4717": 0,
    }
    worksheet, filled = tmp_path / "worksheet.csv", tmp_path / "filled.csv"
    worksheet.write_text(WORKSHEET, encoding="utf-8")
    book = ("--gradebook", tmp_path / "class.db", "--course", WORDS)
    assert run("export", "moodle", *book, "--fill", worksheet, "--to", filled)[0] == 0
    rows = csv.DictReader(io.StringIO(filled.read_text(encoding="utf-8")))
    assert [row["Grade"] for row in rows] == ["4", "0"]


def test_feedback_says_how_a_total_came_about_and_keeps_what_is_one_member_s_own(office, tmp_path):
    grouped = "id,name,group\n001,Παπαδοπούλου Άννα,\n004,Ντυπόν Ζαν,Ομάδα 1\n005,Ωνάση Ζωή,Ομάδα 1\n"
    office({"Άννα Παπαδοπούλου_4711": "words_reference", "Ομάδα 1_4714": "words_reference"}, grouped)
    book = ("--gradebook", tmp_path / "class.db", "--course", WORDS)
    assert run("grades", "override", "001", 1, "--step", 1, "--reason", "προφορικά", *book)[0] == 0
    worksheet = tmp_path / "worksheet.csv"
    worksheet.write_text(WORKSHEET, encoding="utf-8")
    to = ("--fill", worksheet, "--to", tmp_path / "filled.csv", "--feedback", tmp_path / "feedback.zip")

    def told(*options: str) -> list[str]:
        assert run("export", "moodle", *book, *to, *options)[0] == 0
        with zipfile.ZipFile(tmp_path / "feedback.zip") as archive:
            return [archive.read(name).decode() for name in sorted(archive.namelist())]

    anna, group = told()
    assert anna.startswith("Total: 1 point\n")
    assert "set step 1 to 1: προφορικά" in anna
    assert group.startswith("Total: 4 points\n")  # which is that of each member
    assert told("--lang", "el")[0].startswith("Σύνολο: 1 βαθμός\n")
    assert run("grades", "override", "004", 2.5, "--step", 1, "--reason", "προφορικά", *book)[0] == 0
    _, group = told()
    assert "προφορικά" not in group
    assert "Total" not in group
    assert "Step 1: 4 of 4" in group


def test_the_roster_can_say_whose_a_number_is(office, tmp_path):
    told = office(TWINS, "id,name,known_as\n006,Παππάς Νίκος,4717 12\n007,Νίκος Παππάς,4716\n")
    assert "students are called so" not in told
    assert {who: points for who, (points, _) in totals(tmp_path).items()} == {"006": 0, "007": 4}


def test_the_gradebook_knows_what_platforms_call_students_where_the_roster_is_forgotten(office, tmp_path):
    office(TWINS, "id,name,known_as\n006,Παππάς Νίκος,4717 12\n007,Νίκος Παππάς,4716\n")
    told = office(TWINS)
    assert "students are called so" not in told
    assert {who: points for who, (points, _) in totals(tmp_path).items()} == {"006": 0, "007": 4}


def test_a_name_of_a_students_hand_in_is_no_students_id(office, tmp_path):
    office({"Άννα Παπαδοπούλου_4711": "words"}, ROSTER)
    book = ("--gradebook", tmp_path / "class.db", "--course", WORDS)
    code, _, told = run("grades", "override", "Άννα Παπαδοπούλου", 2.5, "--reason", "oral exam", *book)
    assert (code, "nobody in the gradebook has this id" in told) == (2, True)


def test_who_has_left_the_class_keeps_what_was_handed_in(office, tmp_path):
    hand_ins = {"Άννα Παπαδοπούλου_4711": "words_reference", "Γιώργος Βασιλείου_4712": "words_reference"}
    office(hand_ins, ROSTER)
    told = office(hand_ins, "\n".join(line for line in ROSTER.splitlines() if not line.startswith("002")))
    assert "002 has left the class; what they have handed in stays theirs" in told
    assert totals(tmp_path) == {
        "001": (4, "Παπαδοπούλου Άννα"),
        "002": (4, "Βασιλείου Γιώργος (has left the class)"),
        "003": (0, "Λείπει Κάποιος"),
    }


def test_the_gradebook_knows_the_class_where_the_roster_is_forgotten(office, tmp_path):
    hand_ins = {"Άννα Παπαδοπούλου_4711": "words"}
    office(hand_ins, ROSTER)
    told = office({**hand_ins, "Ξένη Άγνωστη_4713": "words"})
    assert "the gradebook: Ξένη Άγνωστη: nobody in the roster is called so" in told
    assert sorted(totals(tmp_path)) == ["001", "002", "003", "Ξένη Άγνωστη"]


def test_a_resubmission_is_no_other_submission(office, tmp_path):
    office({"Άννα Παπαδοπούλου_4711": "words"}, ROSTER)
    told = office({"Άννα Παπαδοπούλου_4711": "words_reference"}, ROSTER)
    assert "takes the place" not in told
    assert totals(tmp_path)["001"][0] == 4
    told = office({"Άννα Παπαδοπούλου_4711": "words"}, ROSTER)
    assert "001: 0 of 4 takes the place of an earlier 4 of 4" in told


def test_what_was_nobody_s_becomes_a_student_s_with_all_that_was_decided(office, tmp_path):
    roster = "id,name,known_as\n006,Παππάς Νίκος,{}\n007,Νίκος Παππάς,\n"
    office(TWINS, roster.format(""))
    book = ("--gradebook", tmp_path / "class.db", "--course", WORDS)
    assert run("grades", "override", "Νίκος Παππάς 4716", 2.5, "--step", 1, "--reason", "oral exam", *book)[0] == 0
    office(TWINS, roster.format("4716"))
    assert {who: points for who, (points, _) in totals(tmp_path).items()} == {
        "006": 2.5,
        "007": 0,
        "Νίκος Παππάς 4717": 0,
    }
