"""What is graded again after a change, and what stands: tried with a copy of the engine and of the course on words."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import ROOT, WORDS, copy_of_words


class Place:
    """A copy of the engine, a course, a submission and its results."""

    def __init__(self, folder: Path) -> None:
        self.engine = folder / "graders"
        self.course = folder / "words"
        self.submission = folder / "anna"
        self.out = folder / "grades"
        self.folder = folder

    @classmethod
    def made_in(cls, folder: Path) -> Place:
        """Make the copies, with what is compiled already, so that a command has less to compile."""
        shutil.copytree(ROOT / "graders", folder / "graders")
        copy_of_words(folder / "words")
        shutil.copytree(WORDS / "variants" / "split_by_hand", folder / "anna")
        return cls(folder)

    def run(self, *options: str) -> str:
        """Grade the submission, and return what is said of it."""
        where = ["--out", str(self.out), "--course", str(self.course)]
        done = subprocess.run(
            [sys.executable, "-m", "graders", "run", str(self.submission), *where, *options],
            capture_output=True, text=True, encoding="utf-8", cwd=self.folder, timeout=120, check=False,
            env={**os.environ, "PYTHONPATH": str(self.folder)},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()[0]

    def rescore(self) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "graders", "rescore", str(self.out), "--course", str(self.course)],
            capture_output=True, text=True, encoding="utf-8", cwd=self.folder, timeout=120, check=False,
            env={**os.environ, "PYTHONPATH": str(self.folder)},
        )  # fmt: skip

    def result(self) -> dict[str, object]:
        return dict(json.loads((self.out / "anna" / "result.json").read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Place, Path]:
    """Give a place in which the submission was graded once, and a copy of all that is in it then."""
    place = Place.made_in(tmp_path_factory.mktemp("place"))
    assert "unchanged" not in place.run()
    return place, Path(shutil.copytree(place.folder, tmp_path_factory.mktemp("kept") / "place"))


@pytest.fixture
def place(graded: tuple[Place, Path]) -> Place:
    """Give the place as it was right after the submission was graded; its path is part of what a result says."""
    place, kept = graded
    shutil.rmtree(place.folder)
    shutil.copytree(kept, place.folder)
    return place


def add(path: Path, text: str = "\n# A comment.\n") -> None:
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


def test_nothing_is_graded_twice(place: Place) -> None:
    assert place.run() == "anna  6 of 6  (unchanged since an earlier run)"


def test_a_change_of_what_decides_no_verdict_regrades_nothing(place: Place) -> None:
    for module in (
        "feedback/terminal.py",
        "commands/run.py",
        "results/files.py",
        "intake/archives.py",
        "checks/course.toml",
    ):
        add(place.engine / module)
    assert "unchanged since an earlier run" in place.run()


@pytest.mark.parametrize("module", ["judging/judge.py", "sandbox/wire.py", "authoring/expect.py"])
def test_a_change_of_what_judges_regrades_everything(place: Place, module: str) -> None:
    add(place.engine / module)
    assert "unchanged" not in place.run()


def test_a_change_of_a_check_regrades_its_step_alone(place: Place) -> None:
    check = place.course / "words_checks" / "step02_ciphers.py"
    check.write_text(check.read_text(encoding="utf-8").replace("Beyond z", "Behind z"), encoding="utf-8")
    assert "step 1 unchanged since an earlier run" in place.run()


def test_a_change_of_a_step_s_file_regrades_that_step_alone(place: Place) -> None:
    add(place.submission / "step01_counting.py")
    assert "step 2 unchanged since an earlier run" in place.run()


def test_a_change_of_points_regrades_nothing_and_all_have_the_points_of_today(place: Place) -> None:
    check = place.course / "words_checks" / "step02_ciphers.py"
    check.write_text(check.read_text(encoding="utf-8").replace("points=1", "points=2"), encoding="utf-8")
    course = place.course / "course.toml"
    course.write_text(course.read_text(encoding="utf-8").replace("points = 6", "points = 8"), encoding="utf-8")
    assert place.run().startswith("anna  8 of 8  (unchanged since an earlier run)")


def test_a_change_of_the_kit_or_of_held_out_data_regrades_everything(place: Place) -> None:
    for path in (place.course / "words_checks" / "kit.py", place.course / "held_out.txt"):
        add(path)
        assert "unchanged" not in place.run()


def test_a_result_that_was_edited_is_graded_again(place: Place) -> None:
    file = place.out / "anna" / "result.json"
    for old, new in (('"score": 6.0', '"score": 5.0'), ('"passed"', '"failed"'), ('"seal": "', '"seal": "0')):
        text = file.read_text(encoding="utf-8")
        assert old in text
        file.write_text(text.replace(old, new, 1), encoding="utf-8")
        assert "unchanged" not in place.run()
        assert place.result()["score"] == 6


def test_a_result_of_less_isolation_does_not_stand_for_one_of_more(place: Place) -> None:
    text = (place.engine / "sandbox" / "confinement.py").read_text(encoding="utf-8")
    assert 'importlib.import_module("landlockpy")' in text
    lacking = text.replace('importlib.import_module("landlockpy")', 'importlib.import_module("no_landlock")')
    (place.engine / "sandbox" / "confinement.py").write_text(lacking, encoding="utf-8")
    assert "unchanged" not in place.run("--require", "partial")
    assert "unchanged" in place.run("--require", "partial")
    (place.engine / "sandbox" / "confinement.py").write_text(text, encoding="utf-8")
    assert "unchanged" not in place.run()


DROPPED = """
[[dropped]]
check = "step02.letters_are_shifted"
reason = "It asks for more than the step says."
points = "to all"
"""


def test_dropping_a_check_regrades_what_it_had_blocked_and_taking_it_back_regrades_its_step(place: Place) -> None:
    course = place.course / "course.toml"
    before = course.read_text(encoding="utf-8")
    solved = (place.submission / "step02_ciphers.py").read_text(encoding="utf-8")
    wrong = solved.replace("- 97 + by", "- 96 + by")
    assert wrong != solved
    (place.submission / "step02_ciphers.py").write_text(wrong, encoding="utf-8")
    assert place.run().startswith("anna  4 of 6")  # one failed, and what builds on it is blocked
    course.write_text(before + DROPPED, encoding="utf-8")
    assert place.run().startswith("anna  5 of 6  (")
    assert "unchanged since" in place.run()
    course.write_text(before, encoding="utf-8")
    assert place.run().startswith("anna  4 of 6  (")


def test_scoring_again_trusts_no_result_that_was_edited_copied_or_damaged(place: Place) -> None:
    file = place.out / "anna" / "result.json"
    sound = file.read_text(encoding="utf-8")
    assert place.rescore().returncode == 0
    assert file.read_text(encoding="utf-8") == sound
    for edited in (
        sound.replace('"passed"', '"failed"', 1),
        sound.replace('"submission": "anna"', '"submission": "../anna"'),
        sound[:500],
    ):
        file.write_text(edited, encoding="utf-8")
        done = place.rescore()
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)
        assert "again" in done.stderr
        assert file.read_text(encoding="utf-8") == edited
        assert (place.out / "summary.csv").read_text(encoding="utf-8-sig").count("\n") == 1  # the header
    file.write_text(sound, encoding="utf-8")
    shutil.copytree(place.out / "anna", place.out / "anna.bak")
    done = place.rescore()
    assert done.returncode == 2
    assert "anna.bak" in done.stderr


def test_a_result_of_another_course_is_not_replaced(place: Place) -> None:
    toml = place.course / "course.toml"
    toml.write_text(
        toml.read_text(encoding="utf-8").replace('title = "Words', 'title = "Other words'), encoding="utf-8"
    )
    with pytest.raises(AssertionError, match=r"result\.json is of another course, 'Words: a course of two steps'"):
        place.run()
    assert place.result()["course"] == "Words: a course of two steps"


def test_a_result_that_cannot_be_kept_is_told_in_one_sentence(place: Place) -> None:
    shutil.rmtree(place.out / "anna")
    (place.out / "anna").mkdir()
    (place.out / "anna" / ".result.json.part").mkdir()  # stands in the way
    with pytest.raises(AssertionError, match=r"result\.json: cannot be written"):
        place.run()
