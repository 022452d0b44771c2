"""One submission as platforms and CI give it: its metadata, and the points below which a run fails."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from graders.cli import graders
from graders.results.files import read_result
from graders.results.schema import Result
from tests.support import WORDS

METADATA = {
    "id": 123456,
    "created_at": "2026-11-02T13:30:00.000000+02:00",
    "assignment": {"due_date": "2026-11-01T23:59:00.000000+02:00", "title": "Words", "total_points": "6.0"},
    "submission_method": "upload",
    "users": [
        {"email": "anna@example.org", "id": 1, "name": "Άννα Παπαδοπούλου"},
        {"email": "giorgos@example.org", "id": 2, "name": "Γιώργος Βασιλείου"},
    ],
    "previous_submissions": [{"submission_time": "2026-10-30T10:00:00.000000+02:00", "score": "0.0", "results": {}}],
}


def run(*arguments: object) -> tuple[int, str, str]:
    ended = CliRunner().invoke(graders, ["run", *map(str, arguments), "--course", str(WORDS)])
    return ended.exit_code, ended.stdout, ended.stderr


@pytest.fixture
def autograder(tmp_path: Path) -> Path:
    """Make a folder laid out as Gradescope's /autograder."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(WORDS / "words_reference", tmp_path / "autograder" / "submission" / "words", ignore=ignored)
    place = tmp_path / "autograder" / "submission_metadata.json"
    place.write_text(json.dumps(METADATA, ensure_ascii=False), encoding="utf-8")
    return tmp_path / "autograder"


def only(out: Path) -> Result:
    (file,) = out.glob("*/result.json")
    result = read_result(file.parent)
    assert result
    return result


def test_gradescope_says_whose_a_submission_is(autograder, tmp_path):
    code, _, told = run(autograder / "submission", "--out", tmp_path / "out", "--step", 1)
    assert code == 0, told
    handin = only(tmp_path / "out").handin
    assert handin
    assert handin.name == "Άννα Παπαδοπούλου, Γιώργος Βασιλείου"
    assert (handin.attempt, handin.submitted, handin.late) == (2, "2026-11-02T11:30:00+00:00", True)
    assert handin.ids == {
        "gradescope_submission": "123456",
        "gradescope_email": "anna@example.org giorgos@example.org",
    }
    assert handin.digest == only(tmp_path / "out").digest


def test_a_group_on_gradescope_is_found_in_the_roster(autograder, tmp_path):
    roster = tmp_path / "roster.csv"
    roster.write_text("id,name,email\n1,Άννα Π,anna@example.org\n2,Γιώργος Β,giorgos@example.org\n", encoding="utf-8")
    moved = shutil.move(autograder / "submission_metadata.json", tmp_path / "whose.json")
    options = ("--metadata", moved, "--roster", roster, "--gradebook", tmp_path / "class.db")
    assert run(autograder / "submission", "--out", tmp_path / "out", "--step", 1, *options)[0] == 0
    handin = only(tmp_path / "out").handin
    assert handin
    assert handin.students == ["1", "2"]


def test_what_lies_beside_another_folder_could_be_a_students(autograder, tmp_path):
    (autograder / "submission").rename(autograder / "lab")
    assert run(autograder / "lab", "--out", tmp_path / "out", "--step", 1)[0] == 0
    assert only(tmp_path / "out").handin is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"users": 3}', "[" * 100_000])
def test_metadata_that_say_nothing_are_refused_in_a_sentence(autograder, tmp_path, text):
    (tmp_path / "broken.json").write_text(text, encoding="utf-8")
    code, _, told = run(autograder / "submission", "--metadata", tmp_path / "broken.json", "--out", tmp_path / "out")
    assert code == 2
    assert "does not say whose the submission is" in told


def test_metadata_are_of_one_submission(autograder, tmp_path):
    metadata = autograder / "submission_metadata.json"
    code, _, told = run(autograder / "submission", WORDS / "words", "--metadata", metadata)
    assert code == 2
    assert "--metadata is of one SUBMISSION" in told


def test_a_run_fails_under_so_many_points(tmp_path):
    reference, skeleton = WORDS / "words_reference", WORDS / "words"
    options = ("--out", tmp_path / "out", "--fail-under")
    assert run(reference, *options, 6)[0] == 0
    code, _, told = run(reference, skeleton, *options, "0.5")
    assert code == 1
    assert "fewer than 0.5 points: words." in told
    (tmp_path / "broken.zip").write_bytes(b"PK\3\4 and no more")
    assert run(tmp_path / "broken.zip", *options, 1)[0] == 2
    assert run(reference, *options, "nan")[0] == 2
