"""`lab submit`: what is handed in has the student's name, and is what intake reads."""

from __future__ import annotations

import io
import re
import shutil
import zipfile
from pathlib import Path, PurePosixPath

import pytest
from click.testing import CliRunner, Result

from graders.course import load_course
from graders.intake.layouts.plain import take_apart
from graders.intake.submission import read_submission
from graders.results.roster import Student, assign
from graders.student import lab
from tests.engine.notebooks import notebook
from tests.support import ROOT, WORDS, copy_of_words

ANSWER = "Είκοσι πέντε κλειδιά."


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the folder of a student who has a whole copy of the small course, and work there."""
    folder = copy_of_words(tmp_path / "home")
    monkeypatch.chdir(folder)
    return folder


def submit(*arguments: str) -> Result:
    return CliRunner().invoke(lab, ["submit", *arguments], catch_exceptions=False)


def solve(home: Path) -> None:
    for source in (WORDS / "variants" / "split_by_hand").glob("*.py"):
        shutil.copy(source, home / "words")
    with (home / "words" / "answers" / "step02.md").open("a", encoding="utf-8") as file:
        file.write(f"\n{ANSWER}\n")


def zip_of(name: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(zipfile.ZipInfo(name, (2026, 1, 2, 3, 4, 6)), "x = 1\n")
    return packed.getvalue()


def test_what_is_missing_is_said_and_it_is_packed_all_the_same(home: Path) -> None:
    with (home / "words" / "step02_ciphers.py").open("a", encoding="utf-8") as file:
        file.write("\n\ndef count_words():\n    return 1\n")
    done = submit("--name", "Άννα Παπαδοπούλου")
    assert done.exit_code == 0
    assert done.stdout == (
        "Step 1: still to do: count_words, longest_word, count_lines.\n"
        "Step 2: still to do: shift, unshift; not answered: 2.1.\n"
        f"Hand in {home / 'Άννα Παπαδοπούλου.zip'}\n"
    )


def test_it_is_read_where_it_is_graded_as_it_was_written(home: Path) -> None:
    solve(home)
    (home / "words" / "helper.py").write_text("x = 1\n", encoding="utf-8")
    (home / "words" / "__pycache__").mkdir()
    (home / "words" / "__pycache__" / "helper.pyc").write_bytes(b"x")
    (home / "words" / "data.csv").write_text("large", encoding="utf-8")
    done = submit("--name", "001", "--out", "out")
    assert done.stdout == f"Nothing is missing. Hand in {home / 'out' / '001.zip'}\n"
    with zipfile.ZipFile(home / "out" / "001.zip") as packed:
        assert packed.namelist() == [
            "words/__init__.py", "words/answers/step02.md", "words/helper.py",
            "words/step01_counting.py", "words/step02_ciphers.py",
        ]  # fmt: skip
    course = load_course(WORDS)
    handed_in, folder = read_submission(home / "out" / "001.zip", course), read_submission(home / "words", course)
    assert handed_in.digest == folder.digest
    assert handed_in.answers == {"2.1": ANSWER}


def test_from_a_folder_below_it_is_packed_beside_the_package(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home / "words" / "answers")
    done = submit("--name", "001")
    assert done.stdout.endswith(f"Hand in {home / '001.zip'}\n")
    assert (home / "001.zip").is_file()


def test_the_same_work_makes_the_same_file(home: Path) -> None:
    submit("--name", "001")
    first = (home / "001.zip").read_bytes()
    (home / "words" / "step01_counting.py").touch()
    submit("--name", "001")
    assert (home / "001.zip").read_bytes() == first


def test_a_later_hand_in_replaces_an_earlier_one_and_nothing_else(home: Path) -> None:
    submit("--name", "001")
    first = (home / "001.zip").read_bytes()
    solve(home)
    assert submit("--name", "001").exit_code == 0
    assert (home / "001.zip").read_bytes() != first
    for content in (b"PK, but no zip", zip_of("photos/cat.jpg"), zip_of("words/mine.py")):
        (home / "001.zip").write_bytes(content)
        refused = submit("--name", "001")
        assert (refused.exit_code, refused.stdout) == (2, "")
        assert f"{home / '001.zip'} is there already with other content: rename it, or" in refused.stderr
        assert (home / "001.zip").read_bytes() == content


def test_a_notebook_replaces_no_other_notebook(home: Path) -> None:
    draft, other = notebook("x = 1"), notebook("x = 2")
    (home / "draft.ipynb").write_bytes(draft)
    (home / "anna.ipynb").write_bytes(other)
    refused = submit("draft.ipynb", "--name", "anna")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert f"{home / 'anna.ipynb'} is there already with other content: rename it, or" in refused.stderr
    assert (home / "anna.ipynb").read_bytes() == other
    assert submit("anna.ipynb", "--name", "anna").exit_code == 0
    assert submit("draft.ipynb", "--name", "anna", "--out", "out").exit_code == 0
    assert submit("draft.ipynb", "--name", "anna", "--out", "out").exit_code == 0


def test_what_cannot_be_written_leaves_what_was_there(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    submit("--name", "001")
    first = (home / "001.zip").read_bytes()
    solve(home)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    failed = submit("--name", "001")
    assert failed.exit_code == 2
    assert "001.zip: cannot be written (No space left on device)." in failed.stderr
    assert (home / "001.zip").read_bytes() == first


@pytest.mark.parametrize("name", ["001", "Παπαδοπούλου Άννα", "άννα  παπαδοπούλου", "Papadopoulou.A"])
def test_the_class_s_roster_knows_whose_it_is(home: Path, name: str) -> None:
    submit("--name", name, "--out", "out")
    files = [PurePosixPath(path.name) for path in (home / "out").iterdir()]
    [part] = take_apart(files).parts
    anna = Student("001", "Παπαδοπούλου Άννα", email="papadopoulou.a@example.org")
    assigned = assign([part.handin], [anna, Student("002", "Βασιλείου Γιώργος")])
    assert [one.students for one in assigned.handins] == [["001"]]


@pytest.mark.parametrize(("name", "file"), [("a/../b", "a_.._b.zip"), ("..x", "_x.zip"), ("Α: Β?", "Α_ Β_.zip")])
def test_a_name_leads_nowhere(home: Path, name: str, file: str) -> None:
    submit("--name", name, "--out", "out")
    assert [path.name for path in (home / "out").iterdir()] == [file]


@pytest.mark.parametrize("name", ["", "  ", "..", "/"])
def test_without_a_name_nothing_is_written(home: Path, name: str) -> None:
    done = submit("--name", name, "--out", "out")
    assert done.exit_code == 2
    assert "give your student number or your full name." in done.stderr
    assert not (home / "out").exists()


def test_a_file_that_python_cannot_read_and_a_missing_one_are_told(home: Path) -> None:
    solve(home)
    (home / "words" / "helper.py").write_bytes(b"x = 1\0")
    with (home / "words" / "step01_counting.py").open("a", encoding="utf-8") as file:
        file.write("\n\ndef twice(one, one):\n    return 1\n")
    line = len((home / "words" / "step01_counting.py").read_text(encoding="utf-8").splitlines()) - 1
    (home / "words" / "step02_ciphers.py").rename(home / "words" / "ciphers.txt")
    done = submit("--name", "001")
    assert done.stdout.startswith("helper.py cannot be read by Python")
    assert f"Step 1: step01_counting.py cannot be read by Python (line {line}).\n" in done.stdout
    assert "Step 2: step02_ciphers.py is missing.\n" in done.stdout
    assert "Nothing is missing" not in done.stdout
    for path in (home / "words").glob("step*.py"):
        path.unlink()
    nothing = submit("--name", "001", "--out", "out")
    assert nothing.exit_code == 2
    assert "This would not be taken: " in nothing.stderr
    assert not (home / "out").exists()


def test_what_is_done_in_the_package_is_missing_in_a_notebook_all_the_same(home: Path) -> None:
    solve(home)
    given = "def own_helper() -> None: ...\n\n\ndef count_words"
    module = home / "words" / "step01_counting.py"
    module.write_text(module.read_text(encoding="utf-8").replace("def count_words", given), encoding="utf-8")
    unfinished = (WORDS / "words" / "step02_ciphers.py").read_text(encoding="utf-8")
    (home / "lab.ipynb").write_bytes(notebook("if True:\n    count_words = len", unfinished, ("markdown", "## 2.1")))
    done = submit("lab.ipynb", "--name", "001")
    assert done.stdout.splitlines()[:2] == [
        "Step 1: done in words/step01_counting.py, but not in the notebook: own_helper, longest_word, count_lines.",
        "Step 2: done in words/step02_ciphers.py, but not in the notebook: shift, unshift; not answered: 2.1.",
    ]
    module.write_text("def", encoding="utf-8")
    assert (
        "Step 1: words/step01_counting.py cannot be read by Python (line 1).\n"
        in submit("lab.ipynb", "--name", "1").stdout
    )


def test_a_name_that_stands_for_a_name_is_told(home: Path) -> None:
    """As the README of a kit has it, in each of its languages."""
    note = "Note: the file has no name of yours; give that with --name.\n"
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "graders" / "release" / "templates").glob("README*")]
    names = {name for text in texts for name in re.findall(r'--name "([^"]+)"', text)}
    assert len(names) > len(texts) > 1
    for name in names:
        assert note in submit("--name", name).stdout, name
    assert note not in submit("--name", "Anna Your").stdout


def test_what_is_not_packed_although_it_looks_like_work_is_told(home: Path) -> None:
    solve(home)
    (home / "words" / "words-step01.ipynb").write_bytes(notebook("x = 1"))
    (home / "words" / "μέρος1.txt").write_text("Η απάντησή μου.", encoding="utf-8")
    done = submit("--name", "001")
    assert "Note: words-step01.ipynb: not read, " in done.stdout
    assert "Note: μέρος1.txt: left out; " in done.stdout
    with zipfile.ZipFile(home / "001.zip") as packed:
        assert not [name for name in packed.namelist() if name.endswith((".ipynb", ".txt"))]


def test_a_notebook_is_handed_in_as_it_is(home: Path) -> None:
    source = (WORDS / "variants" / "split_by_hand" / "step01_counting.py").read_text(encoding="utf-8")
    handed_in = notebook(source, "%time\nprint(1)")
    (home / "lab.ipynb").write_bytes(handed_in)
    done = submit("lab.ipynb", "--name", "001")
    assert done.exit_code == 0
    assert "Step 1" not in done.stdout
    assert "Step 2: still to do: shift, unshift; not answered: 2.1.\n" in done.stdout
    assert "Note: magics and shell lines were skipped: cell 2 line 1 `%time`.\n" in done.stdout
    assert (home / "001.ipynb").read_bytes() == handed_in
    (home / "bad.ipynb").write_text("{", encoding="utf-8")
    bad = submit("bad.ipynb", "--name", "002")
    assert bad.exit_code == 2
    assert "This would not be taken: bad.ipynb: not a Jupyter notebook" in bad.stderr
