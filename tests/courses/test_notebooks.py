"""Notebooks for students, of the small course: written, worked on, checked in a kernel, and read back by intake."""

from __future__ import annotations

import copy
import json
import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graders.course import load_course
from graders.intake.answers import answers_in_cells
from graders.intake.notebooks.notebook import read_notebook
from graders.intake.submission import Submission, read_submission
from graders.notebooks.running import Run, merged
from graders.notebooks.writing import write_notebook
from tests.support import LAB, ROOT, WORDS, copy_of_words, lab, run_python, solve_words

COURSE = load_course(WORDS)
ANSWER = "Είκοσι πέντε κλειδιά."


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Give a student's folder of the small course."""
    return copy_of_words(tmp_path / "home")


def written(home: Path) -> list[dict[str, Any]]:
    """Write the notebook that `lab notebook` writes, `out.ipynb`, and return its cells."""
    made = write_notebook(COURSE, COURSE.steps, home / COURSE.package, "out.ipynb").content
    (home / "out.ipynb").write_bytes(made)
    return list(json.loads(made)["cells"])


def read(cells: Sequence[dict[str, Any]], folder: Path) -> Submission:
    file = folder / "anna.ipynb"
    file.write_text(json.dumps(document(cells)), encoding="utf-8")
    return read_submission(file, COURSE)


def answers_in(cells: Sequence[dict[str, Any]]) -> dict[str, str]:
    """Return the written answers in a notebook, which is read in this process."""
    return answers_in_cells(read_notebook(json.dumps(document(cells)).encode(), COURSE).markdown, COURSE)[0]


def document(cells: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": list(cells)}


def cell(cell_id: str, source: str, kind: str = "code") -> dict[str, Any]:
    return {"cell_type": kind, "id": cell_id, "metadata": {}, "source": source} | (
        {"outputs": [], "execution_count": None} if kind == "code" else {}
    )


def text_of(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


# --- written


def test_it_holds_the_handout_the_skeletons_checks_and_questions(home: Path) -> None:
    cells = written(home)
    nbformat.validate(document(cells))
    shown = [(cell["cell_type"], text_of(cell).split("\n")[0]) for cell in cells]
    assert shown == [
        ("markdown", "# Words: a course of two steps"),
        ("code", "from graders.notebooks.check import check"),
        ("markdown", "## Βήμα 1: words in a text"),
        ("code", "from collections.abc import Iterable"),
        ("code", "def count_words(text: str) -> int:"),
        ("code", "def longest_word(text: str) -> str:"),
        ("code", "def count_lines(lines: Iterable[str]) -> int:"),
        ("code", "check(1)"),
        ("markdown", "## Βήμα 2: a cipher that shifts letters"),
        ("code", "def shift(text: str, by: int) -> str:"),
        ("code", "def unshift(text: str, by: int) -> str:"),
        ("code", "check(2)"),
        ("markdown", "### 2.1 Γιατί σπάει"),
    ]
    assert written(home) == cells


def test_one_step_makes_a_notebook_of_its_own_also_from_inside_the_package(home: Path) -> None:
    done = lab("notebook", "--step", "2", cwd=home / "words")
    assert (done.returncode, done.stderr) == (0, "")
    file = home / "words-step02.ipynb"
    assert done.stdout == f"Wrote {file}\n"
    text = file.read_text(encoding="utf-8")
    assert "def shift" in text
    assert "count_words" not in text


def test_a_notebook_with_work_in_it_is_not_written_over(home: Path) -> None:
    assert lab("notebook", cwd=home).returncode == 0
    file = home / "words.ipynb"
    file.write_text("{}", encoding="utf-8")
    again = lab("notebook", cwd=home)
    assert again.returncode == 2
    assert f"{file} is there already, perhaps with work of yours: name another file with --out." in again.stderr
    assert file.read_text(encoding="utf-8") == "{}"


def test_what_cannot_be_written_is_told_in_one_sentence(home: Path) -> None:
    unknown = lab("notebook", "--step", "7", cwd=home)
    assert unknown.returncode == 2
    assert "--step 7: this course has no such step; it has 1, 2." in unknown.stderr
    without = run_python(f"import sys; sys.modules['jupytext'] = None; {LAB}", "notebook", cwd=home)
    assert (without.returncode, without.stderr.count("\n")) == (2, 1)
    assert without.stderr.startswith("lab: notebooks are written with jupytext, which is not installed: pip install ")
    (home / "words" / "step02_ciphers.py").write_text("def shift(\n", encoding="utf-8")
    damaged = lab("notebook", cwd=home)
    assert (damaged.returncode, damaged.stderr.count("\n")) == (2, 1)
    assert "step02_ciphers.py is no Python (line 1: '(' was never closed); mend it first." in damaged.stderr


def test_what_stands_in_step_modules_and_answers_goes_into_it(home: Path) -> None:
    solve_words(home)
    marks = "# %% a cell of an editor\nLETTERS = 26\n\n\n# %timeit shift('a', 1)\n"
    with (home / "words" / "step02_ciphers.py").open("a", encoding="utf-8") as file:
        file.write(f"\n\n{marks}\n\ndef count_words(text: str) -> int:\n    return 0\n")
    with (home / "words" / "answers" / "step02.md").open("a", encoding="utf-8") as file:
        file.write(f"\n{ANSWER}\n")
    done = lab("notebook", cwd=home)
    assert done.returncode == 0
    assert done.stderr == (
        "lab: count_words is defined in several step modules; in a notebook the last one counts: "
        "give them different names.\n"
    )
    cells = json.loads((home / "words.ipynb").read_text(encoding="utf-8"))["cells"]
    assert "# -- a cell of an editor\nLETTERS = 26" in map(text_of, cells)
    assert "# %timeit shift('a', 1)\n\n\ndef count_words(text: str) -> int:\n    return 0" in map(text_of, cells)
    assert answers_in(cells) == {"2.1": ANSWER}


# --- read back


def test_an_untouched_one_is_read_without_a_note(home: Path) -> None:
    submission = read(written(home), home)
    assert (submission.notes, submission.answers) == ([], {})
    assert {"step01_counting.py", "step02_ciphers.py"} <= submission.files.keys()


def test_solved_it_passes_the_same_checks_as_the_modules(home: Path) -> None:
    solve_words(home)
    written(home)
    done = lab("check", "out.ipynb", cwd=home)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "5.5 of 5.5 points of the public checks." in done.stdout
    assert "Note" not in done.stdout


def test_it_is_handed_in_as_it_is(home: Path) -> None:
    solve_words(home)
    path = home / "words" / "step02_ciphers.py"
    path.write_text(f"from __future__ import annotations\n\n{path.read_text(encoding='utf-8')}", encoding="utf-8")
    cells = written(home)
    told = lab("submit", "out.ipynb", "--name", "Anna", cwd=home).stdout
    assert told.splitlines() == ["Step 2: not answered: 2.1.", f"Hand in {home / 'Anna.ipynb'}"]
    submission = read(cells, home)
    assert submission.notes == []
    compile(submission.files["notebook.py"], "notebook.py", "exec", dont_inherit=True)


@pytest.fixture(scope="module")
def solved(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    home = tmp_path_factory.mktemp("solved")
    shutil.copytree(WORDS, home, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    solve_words(home)
    with (home / "words" / "answers" / "step02.md").open("a", encoding="utf-8") as file:
        file.write(f"\n{ANSWER}\n")
    return written(home)


MINE: list[dict[str, Any]] = [
    {"cell_type": "code", "metadata": {}, "source": "print('mine')", "outputs": [], "execution_count": None},
    {"cell_type": "code", "metadata": {}, "source": "import math\nHALF = math.pi / 2", "outputs": []},
    {"cell_type": "markdown", "metadata": {}, "source": "# Mine\n\nA few words."},
]
edits = st.lists(
    st.tuples(st.sampled_from(["add", "double", "delete", "move"]), st.integers(0, 40), st.integers(0, 40))
)


def edited(cells: Sequence[dict[str, Any]], todo: Sequence[tuple[str, int, int]]) -> list[dict[str, Any]]:
    """Return cells after edits, as a student's hand makes them."""
    made = copy.deepcopy(list(cells))
    for what, one, other in todo:
        at, to = one % (len(made) + 1), other % (len(made) + 1)
        if what == "add":
            made.insert(at, copy.deepcopy(MINE[other % len(MINE)]))
        elif at < len(made):
            cell = made[at] if what == "double" else made.pop(at)
            if what != "delete":
                made.insert(to, copy.deepcopy(cell))
    return made


DEFINED = ("count_words", "longest_word", "count_lines", "shift", "unshift")


@settings(deadline=None, derandomize=True, max_examples=60, suppress_health_check=list(HealthCheck))
@given(todo=edits)
def test_whatever_is_done_to_cells_each_definition_that_is_there_counts(
    solved: list[dict[str, Any]], todo: list[tuple[str, int, int]]
) -> None:
    cells = edited(solved, todo)
    code = [text_of(cell) for cell in cells if cell["cell_type"] == "code"]
    there = {name: sum(f"def {name}(" in text for text in code) for name in DEFINED}
    notebook = read_notebook(json.dumps(document(cells)).encode(), COURSE)
    kept = notebook.files["notebook.py"].decode()
    for name, count in there.items():
        assert kept.count(f"def {name}(") == count
    told = " ".join(note for note in notebook.notes if note.startswith("defined more than once, the last counts"))
    assert {name for name in DEFINED if f"`{name}` in " in told} == {name for name, count in there.items() if count > 1}


@settings(deadline=None, derandomize=True, max_examples=30, suppress_health_check=list(HealthCheck))
@given(todo=edits)
def test_wherever_an_answer_is_moved_it_is_found(
    solved: list[dict[str, Any]], todo: list[tuple[str, int, int]]
) -> None:
    cells = edited(solved, todo)
    is_there = any(ANSWER in text_of(cell) for cell in cells)
    found = answers_in(cells)
    assert found.keys() == ({"2.1"} if is_there else set())
    assert [answer.replace("\n\n# Mine\n\nA few words.", "") for answer in found.values()] == [ANSWER] * is_there


def test_of_a_doubled_function_the_last_counts(home: Path) -> None:
    solve_words(home)
    cells = written(home)
    [shift] = [cell for cell in cells if text_of(cell).startswith("def shift")]
    wrong = copy.deepcopy(shift) | {"source": "def shift(text, by):\n    return text", "id": "another"}
    cells.insert(cells.index(shift), wrong)
    (home / "out.ipynb").write_text(json.dumps(document(cells)), encoding="utf-8")
    assert "2 of 2 points" in lab("check", "out.ipynb", "2", cwd=home).stdout
    cells.append(wrong)
    (home / "out.ipynb").write_text(json.dumps(document(cells)), encoding="utf-8")
    told = lab("check", "out.ipynb", "2", cwd=home).stdout
    assert "0 of 2 points" in told
    assert "defined more than once, the last counts: `shift` in cells 8-9 and 12" in told


def test_an_answer_without_its_heading_is_that_of_its_cell(home: Path) -> None:
    cells = written(home)
    cells[-1]["source"] = ANSWER
    assert answers_in(cells) == {"2.1": ANSWER}


def test_an_answer_does_not_go_on_in_the_handout(home: Path) -> None:
    cells = written(home)
    cells[-1]["source"] = f"### 2.1\n{ANSWER}"
    handout = [cell for cell in cells if cell["metadata"].get("graders", {}).get("handout")]
    assert len(handout) == 3
    for moved in handout:
        assert answers_in([cells[-1], moved | {"source": "Read this first."}]) == {"2.1": ANSWER}


# --- a notebook of nbgrader's


def nbgrader(kind: str, source: str, **what: object) -> dict[str, Any]:
    cell: dict[str, Any] = {
        "cell_type": kind,
        "metadata": {"nbgrader": {"schema_version": 3, **what}},
        "source": source,
    }
    return cell | ({"outputs": [], "execution_count": None} if kind == "code" else {})


SOLUTION = {"grade": False, "solution": True, "locked": False}
MARKED = {"grade": True, "solution": True, "locked": False, "points": 2}
TEST = {"grade": True, "solution": False, "locked": True, "points": 1}
GIVEN = {"grade": False, "solution": False, "locked": True}
RELEASED = [
    nbgrader("markdown", "# Question 2.1\n\nThink about keys.", grade_id="text-1", **GIVEN),
    nbgrader("markdown", ANSWER, grade_id="q2_1", **MARKED),
    nbgrader("markdown", "# Next\n\nNow write code.", grade_id="text-2", **GIVEN),
    nbgrader("code", "import string", grade_id="imports", **GIVEN),
    nbgrader("code", "def count_words(text):\n    return len(text.split())", grade_id="count", **SOLUTION),
    nbgrader("code", "def count_words(text):\n    raise RuntimeError\nassert shift('a', 1) == 'b'", grade_id="t1", **TEST),
    nbgrader("code", "def shift(text, by):\n    # YOUR CODE HERE\n    raise NotImplementedError()", grade_id="s", **SOLUTION),
]  # fmt: skip


def test_tests_of_nbgrader_are_no_work(home: Path) -> None:
    submission = read(RELEASED, home)
    kept = submission.files["notebook.py"].decode()
    assert "RuntimeError" not in kept
    assert "return len(text.split())" in kept
    assert submission.notes == ["tests of nbgrader were left out: cell 3"]
    done = lab("check", "anna.ipynb", "1", cwd=home)
    assert "✓ count_words returns the number of words" in done.stdout


def test_a_marked_cell_of_nbgrader_answers_the_question_that_it_names() -> None:
    assert answers_in(RELEASED) == {"2.1": ANSWER}
    nameless = [cell for cell in RELEASED if not text_of(cell).startswith("# Q")]
    assert answers_in(nameless) == {"2.1": ANSWER}
    by_heading = copy.deepcopy(RELEASED)
    by_heading[1]["metadata"]["nbgrader"]["grade_id"] = "cell-1f3c"
    assert answers_in(by_heading) == {"2.1": ANSWER}


def test_what_nbgrader_puts_where_an_answer_is_to_stand_is_none() -> None:
    assert answers_in([RELEASED[0], RELEASED[1] | {"source": "YOUR ANSWER HERE\n"}]) == {}


@pytest.mark.parametrize(
    "metadata", ["text", 3, None, {"grade": "x", "grade_id": 4, "solution": []}, {"grade_id": "²"}]
)
def test_odd_metadata_cost_nothing(metadata: object) -> None:
    for name in ("nbgrader", "graders"):
        cells = [
            {"cell_type": "markdown", "metadata": {name: metadata}, "source": f"# 2.1\n{ANSWER}"},
            {
                "cell_type": "code",
                "metadata": {name: metadata},
                "source": "def shift(t, by):\n    return t",
                "outputs": [],
            },
        ]
        assert answers_in(cells) == {"2.1": ANSWER}


# --- in a kernel


def run_in_kernel(cells: Sequence[dict[str, Any]], folder: Path) -> list[dict[str, Any]]:
    """Run a notebook from top to bottom in a Jupyter kernel; return its cells with their outputs."""
    nbclient = pytest.importorskip("nbclient")
    (folder / "runtime").mkdir(exist_ok=True)
    before = dict(os.environ)
    os.environ |= {"JUPYTER_RUNTIME_DIR": str(folder / "runtime"), "IPYTHONDIR": str(folder / "ipython"),
                   "PYTHONPATH": str(ROOT)}  # fmt: skip
    try:
        notebook = nbformat.reads(json.dumps(document(cells)), as_version=4)
        client = nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder)}})
        return list(client.execute()["cells"])
    finally:
        os.environ.clear()
        os.environ.update(before)


def output_of(cells: Sequence[dict[str, Any]], source: str) -> dict[str, str]:
    [cell] = [cell for cell in cells if text_of(cell) == source]
    [shown] = cell["outputs"]
    return dict(shown["data"])


@pytest.mark.filterwarnings("ignore")
def test_in_a_kernel_the_checks_are_shown_in_place(home: Path) -> None:
    cells = written(home)
    untouched = cells[:8]  # up to check(1)
    solve_words(home)
    solution = written(home)
    hidden = "x" * 3 + "<script>alert(1)</script>"
    wrong = cell("w", f"def shift(text, by):\n    raise ValueError({hidden!r})\n")
    work = cell("v", "model = [n for n in range(3)]")
    again = cell("c", "check('1-2')")
    ran = run_in_kernel([*untouched, *solution[2:], work, wrong, again], home)

    first, last = (cell["outputs"] for cell in ran if text_of(cell) == "check(1)")
    assert "Step 1: 0 of 3.5 points" in first[0]["data"]["text/plain"]
    assert "✓ count_words returns the number of words" in last[0]["data"]["text/plain"]
    assert "3.5 of 3.5 points." in last[0]["data"]["text/plain"]
    assert "4 checks passed" in last[0]["data"]["text/html"]
    assert "2 of 2 points." in output_of(ran, "check(2)")["text/plain"]

    shown = output_of(ran, "check('1-2')")
    assert "student_error" in shown["text/plain"]
    assert "work at the top level that no definition needs was skipped" in shown["text/plain"]
    assert "<script>" not in shown["text/html"]
    assert "&lt;script&gt;" in shown["text/html"]


def test_outside_of_a_notebook_the_modules_are_checked_and_told_in_plain_text(home: Path) -> None:
    solve_words(home)
    done = run_python("from graders.notebooks.check import check; check(2)", cwd=home)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Step 2: 2 of 2 points" in done.stdout
    assert "Written: 0 of 1 answered." in done.stdout
    wrong = run_python("from graders.notebooks.check import check; check(9)", cwd=home)
    assert "'9' is no step of this course" in wrong.stdout


@pytest.mark.parametrize(
    ("locale", "says"),
    [
        ("C", "hints='2': give the number 1 to read where to look, or 2 to read what to do.\n"),
        ("el_GR.UTF-8", "hints='2': δώσε τον αριθμό 1 για να διαβάσεις πού να κοιτάξεις, ή 2 για το τι να κάνεις.\n"),
    ],
)
def test_hints_that_are_no_number_are_told_in_one_sentence(
    home: Path, monkeypatch: pytest.MonkeyPatch, locale: str, says: str
) -> None:
    monkeypatch.setenv("LANGUAGE", locale)
    told = run_python("from graders.notebooks.check import check; check(2, hints='2')", cwd=home)
    assert (told.returncode, told.stdout, told.stderr) == (0, says, "")


# --- which cells a check in a kernel is about


SAVED = time.time()


def test_cells_that_ran_since_the_file_was_saved_count_as_they_ran() -> None:
    file = [cell("t", "# text", "markdown"), cell("a", "x = 1"), cell("b", "y = 1"), cell("c", "z = 1")]
    runs = [
        Run("b", "y = 2", SAVED + 1),  # changed and run, not saved
        Run("a", "x = 0", SAVED - 9),  # changed and saved after it ran
        Run("d", "w = 1", SAVED + 1),  # new
        Run("e", "v = 1", SAVED - 9),  # deleted before the file was saved
        Run("", "from graders.notebooks.check import check", SAVED + 1),
    ]
    assert [one["source"] for one in merged(file, SAVED, runs)] == ["# text", "x = 1", "y = 2", "z = 1", "w = 1"]


def test_where_no_cell_is_known_by_its_id_those_that_ran_count() -> None:
    file = [cell("t", "# 2.1", "markdown"), cell("a", "x = 1")]
    runs = [Run("", "x = 2", SAVED + 1), Run("", "y = 1", SAVED - 1)]
    assert [one["source"] for one in merged(file, SAVED, runs)] == ["# 2.1", "x = 2", "y = 1"]
