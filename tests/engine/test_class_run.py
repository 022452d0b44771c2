"""A class, from its bulk download to the grades: the commands that an instructor types."""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
import zipfile

import pytest
from click.testing import CliRunner

from graders.cli import graders
from graders.results.files import read_result
from tests.support import ROOT

WORDS = ROOT / "tests" / "courses" / "words"
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

    assert run("run", download, *options, *into)[0] == 0
    _, history, _ = run("grades", "history", "--gradebook", tmp_path / "class.db")
    assert history.count(",graded,") == 3


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
