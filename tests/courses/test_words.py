"""A second course: two steps on strings, a kit and a written question of its own, without PyTorch and librosa.

It goes through the same commands as the course of this repository, in processes where importing either raises.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from graders.audit.corpus import all_mistakes, stage_reference
from graders.course import load_course
from graders.grading.grade import grade_one
from graders.grading.task import Task
from graders.judging.rubric import load_rubric
from graders.outcomes import Outcome
from graders.results.schema import Result
from graders.sandbox.client import WarmServer
from tests.support import GRADERS, LAB, ROOT, WORDS, copy_of_words, run_python

ANSWER = "Είκοσι πέντε κλειδιά."
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Give a copy of the course, to change."""
    return copy_of_words(tmp_path / "words")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run a command of the harness where PyTorch and librosa cannot be imported."""
    blocked = tmp_path / "blocked"
    blocked.mkdir()
    for name in ("torch", "librosa"):
        (blocked / f"{name}.py").write_text(f"raise ImportError('{name} is blocked')\n", encoding="utf-8")
    command = {"graders": GRADERS, "lab": LAB}

    def do(name: str, *arguments: object, cwd: Path = tmp_path) -> subprocess.CompletedProcess[str]:
        return run_python(command[name], *arguments, cwd=cwd, PYTHONPATH=f"{blocked}{os.pathsep}{ROOT}")

    return do


def outcomes(out: Path, name: str) -> dict[str, str]:
    result = json.loads((out / name / "result.json").read_text(encoding="utf-8"))
    return {check["id"]: check["outcome"] for check in result["checks"]}


def test_its_skeleton_is_made_from_its_reference_and_kept_up_to_date(copy: Path, run: Run) -> None:
    shutil.rmtree(copy / "words")
    assert run("graders", "skeleton", "--course", copy).returncode == 0
    made = {path.relative_to(copy).as_posix(): path.read_bytes() for path in (copy / "words").rglob("*.*")}
    assert made == {
        path.relative_to(WORDS).as_posix(): path.read_bytes()
        for path in (WORDS / "words").rglob("*.*")
        if "__pycache__" not in path.parts
    }
    (copy / "words" / "step01_counting.py").write_text("solved = True\n", encoding="utf-8")
    stale = run("graders", "skeleton", "--check", "--course", copy)
    assert (stale.returncode, stale.stdout) == (1, "")
    assert stale.stderr.startswith("graders: Not the skeletons of the reference: step01_counting.py in ")


def test_students_check_it_at_home(copy: Path, run: Run, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(copy / "words", home / "words")
    untouched = run("lab", "check", "--course", copy, cwd=home)
    assert untouched.returncode == 1, untouched.stderr
    assert "0 of 5.5 points of the public checks." in untouched.stdout
    assert "Written: 0 of 1 answered in words/answers/step02.md" in untouched.stdout

    shutil.rmtree(home / "words")
    shutil.copytree(copy / "variants" / "split_by_hand", home / "words")  # without an __init__.py
    solved = run("lab", "check", "1", "step02_ciphers", "--course", copy, cwd=home)
    assert solved.returncode == 0, solved.stdout + solved.stderr
    assert "5.5 of 5.5 points" in solved.stdout

    unknown = run("lab", "check", "3", "--course", copy, cwd=home)
    assert unknown.returncode == 2
    assert "'3' is no step of this course; its steps: 1, 2." in unknown.stderr
    other = run("lab", "check", "step01_ciphers", "--course", copy, cwd=home)
    assert other.returncode == 2
    assert "'step01_ciphers' is no module of this course; step 1 is step01_counting." in other.stderr


def test_it_is_graded(copy: Path, run: Run, tmp_path: Path) -> None:
    answered = tmp_path / "Άννα"
    shutil.copytree(copy / "words_reference", answered / "words")
    with (answered / "words" / "answers" / "step02.md").open("a", encoding="utf-8") as file:
        file.write(f"\n{ANSWER}\n")
    out = tmp_path / "grades"
    done = run(
        "graders", "run", copy / "words", copy / "variants" / "split_by_hand", answered, "--out", out, "--course", copy
    )
    assert done.returncode == 0, done.stderr
    assert "Isolation: full" in done.stdout
    assert "Written answers to be marked: Άννα 1 of 1." in done.stdout
    assert set(outcomes(out, "words").values()) == {"not_implemented"}
    assert set(outcomes(out, "split_by_hand").values()) == {"passed"}
    result = json.loads((out / "Άννα" / "result.json").read_text(encoding="utf-8"))
    assert (result["score"], result["max_score"], result["course"]) == (6, 6, "Words: a course of two steps")
    assert [(one["id"], one["answer"]) for one in result["written"]] == [("2.1", ANSWER)]
    assert set(result["versions"]) == {"python", "pytest", "hypothesis"}
    again = run("graders", "run", answered, "--out", out, "--course", copy)
    assert "unchanged since an earlier run" in again.stdout


PLANTED = "import pathlib\npathlib.Path(__file__).with_name('imported').touch()\n"


def test_where_all_checks_of_a_step_were_dropped_none_of_the_current_folder_runs(
    copy: Path, run: Run, tmp_path: Path
) -> None:
    """Without a test to collect, pytest takes whatever lies in the current folder, such as a student's files."""
    for name in ("letters_are_shifted", "shifts_are_undone"):
        add(copy, f'\n[[dropped]]\ncheck = "step02.{name}"\nreason = "x"\npoints = "to all"\n')
    here = Path(shutil.copytree(copy / "words_reference", tmp_path / "anna" / "words")).parent
    for name in ("test_student.py", "conftest.py"):
        (here / name).write_text(PLANTED, encoding="utf-8")
    done = run("graders", "run", here, "--step", 2, "--course", copy, "--out", tmp_path / "grades", cwd=here)
    assert done.returncode == 0, done.stderr
    assert not (here / "imported").exists()
    assert (tmp_path / "grades" / "anna" / "result.json").exists()


FAULTY = """
@check(points=1, hint="Nothing can be done.")
@examples(of=st.integers().map(lambda number: number // 0))
def test_faulty(words: Any, of: int) -> None:
    \"\"\"No example of this can be drawn.\"\"\"
"""


def test_examples_that_cannot_be_drawn_cost_their_check_alone(copy: Path, run: Run, tmp_path: Path) -> None:
    with (copy / "words_checks" / "step01_counting.py").open("a", encoding="utf-8") as file:
        file.write(f"\n{FAULTY}")
    out = tmp_path / "grades"
    done = run("graders", "run", copy / "words_reference", "--step", 1, "--course", copy, "--out", out)
    assert (done.returncode, "a check ended in harness_fault" in done.stderr) == (3, True), done.stderr
    found = outcomes(out, "words_reference")
    assert (found.pop("step01.faulty"), set(found.values())) == ("harness_fault", {"passed"})


PLANTED_TABLE = [["Ll", [[ord("x"), ord("x")]]]]
OTHER_LETTERS = """
@check(points=1, hint="Nothing can be done.")
@examples(of=st.text(min_size=1))
def test_letters(words: Any, of: str) -> None:
    \"\"\"An example holds another letter than x.\"\"\"
    assert set(of) == {"x"}, "another letter"
"""


def test_what_lies_in_the_current_folder_changes_no_example(copy: Path, run: Run, tmp_path: Path) -> None:
    """Hypothesis keeps its table of characters there: one that is handed in would say what is drawn."""
    with (copy / "words_checks" / "step01_counting.py").open("a", encoding="utf-8") as file:
        file.write(f"\n{OTHER_LETTERS}")
    table = tmp_path / ".hypothesis" / "unicode_data" / unicodedata.unidata_version / "charmap.json.gz"
    table.parent.mkdir(parents=True)
    table.write_bytes(gzip.compress(json.dumps(PLANTED_TABLE).encode()))
    out = tmp_path / "grades"
    done = run("graders", "run", copy / "words_reference", "--step", 1, "--course", copy, "--out", out)
    assert done.returncode == 0, done.stderr
    assert outcomes(out, "words_reference")["step01.letters"] == "failed"


def test_a_notebook_is_graded_too(copy: Path, run: Run, tmp_path: Path) -> None:
    source = (copy / "variants" / "split_by_hand" / "step01_counting.py").read_text(encoding="utf-8")
    cells = [
        {"cell_type": "code", "source": source, "metadata": {}, "outputs": [], "execution_count": None},
        {"cell_type": "markdown", "source": f"# Ερώτηση 2.1\n{ANSWER}", "metadata": {}},
    ]
    notebook = {"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": cells}
    (tmp_path / "Νίκος.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    out = tmp_path / "grades"
    done = run("graders", "run", tmp_path / "Νίκος.ipynb", "--out", out, "--course", copy)
    assert done.returncode == 0, done.stderr
    found = outcomes(out, "Νίκος")
    assert {outcome for check_id, outcome in found.items() if check_id.startswith("step01")} == {"passed"}
    assert {outcome for check_id, outcome in found.items() if check_id.startswith("step02")} == {"not_implemented"}
    result = json.loads((out / "Νίκος" / "result.json").read_text(encoding="utf-8"))
    assert result["written"][0]["answer"] == ANSWER


def test_messages_about_a_notebook_name_cells_and_lines(copy: Path, run: Run, tmp_path: Path) -> None:
    sources = [
        "import no_such_library as n\nWORDS = max([])",
        "%time\n\ndef count_words(text):\n    # γραμμή\n    return len(WORDS)",
        "def longest_word(text):\n    return n.longest(text)",
    ]
    cells: list[dict[str, object]] = [
        {"cell_type": "code", "source": source, "metadata": {}, "outputs": [], "execution_count": None}
        for source in sources
    ]
    notebook = {"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": cells}
    (tmp_path / "Νίκος.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    out = tmp_path / "grades"
    assert run("graders", "run", tmp_path / "Νίκος.ipynb", "--out", out, "--course", copy).returncode == 0
    result = json.loads((out / "Νίκος" / "result.json").read_text(encoding="utf-8"))
    messages = " ".join(check["message"] for check in result["checks"])
    assert "name 'WORDS' is not defined: cell 1 line 2 gives it, and failed (ValueError: " in messages
    assert "[cell 2 line 5, in count_words]" in messages
    assert "name 'n' is not defined: cell 1 line 1 gives it, and failed (ModuleNotFoundError: " in messages
    assert result["notes"] == [
        "magics and shell lines were skipped: cell 2 line 1 `%time`",
        "cell 1 line 1: no_such_library is not installed where this is graded; it is used in `longest_word`",
    ]


def test_a_worker_holds_its_kit_and_none_of_another_course(copy: Path, run: Run, tmp_path: Path) -> None:
    told = (
        "import sys\n\n\ndef count_words(text):\n"
        "    loaded = {name.partition('.')[0] for name in sys.modules}\n"
        "    raise ValueError(sorted(loaded & {'torch', 'librosa', 'lab', 'solutions', 'fixtures', 'pytest',\n"
        "                                      'words_checks', 'words_reference'}))\n"
    )
    (copy / "words" / "step01_counting.py").write_text(told, encoding="utf-8")
    done = run("graders", "run", copy / "words", "--out", tmp_path / "grades", "--course", copy)
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "grades" / "words" / "result.json").read_text(encoding="utf-8"))
    assert "ValueError: ['words_checks']" in result["checks"][0]["message"]


@pytest.mark.parametrize("place", ["words_reference/step01_counting.py", "words_checks/kit.py", "held_out.txt"])
def test_a_worker_reads_nothing_of_the_course(copy: Path, run: Run, tmp_path: Path, place: str) -> None:
    module = copy / "words" / "step01_counting.py"
    module.write_text(f"def count_words(text):\n    return len(open({str(copy / place)!r}).read())\n", encoding="utf-8")
    done = run("graders", "run", copy / "words", "--out", tmp_path / "grades", "--course", copy)
    assert done.returncode == 0, done.stderr
    assert outcomes(tmp_path / "grades", "words")["step01.words_are_counted"] == "forbidden"


def test_each_mistake_fails_the_check_that_is_about_it(tmp_path: Path) -> None:
    course = load_course(WORDS)
    with WarmServer(course) as server:
        server.wait_until_warm()
        for mistake in all_mistakes(course):
            place = tmp_path / mistake.name
            stage_reference(course, place)
            mistake.make_in(place, course)
            task = Task(course, load_rubric(course), 420, None)
            result: Result = grade_one(place, mistake.name, task, server.controls[0], lambda _: None).result
            found = {check.id: check.outcome for check in result.checks}
            assert found[mistake.check] is Outcome.FAILED


# --- whose fault it is


def test_a_faulty_check_is_the_harness_s_fault_and_a_wrong_value_the_student_s(
    copy: Path, run: Run, tmp_path: Path
) -> None:
    checks = copy / "words_checks" / "step02_ciphers.py"
    with checks.open("a", encoding="utf-8") as file:
        file.write(
            '\n\n@check(points=1, hint="A hint.")\ndef test_faulty(words: Any) -> None:\n    """A title."""\n'
            '    words.step02_ciphers.shift("a", 1).no_such_attribute()\n'
            '\n\n@check(points=1, hint="A hint.")\ndef test_sound(words: Any) -> None:\n    """Another title."""\n'
            '    assert len(words.step02_ciphers.shift("a", 1)) == 1\n'
        )
    change(copy, "points = 6", "points = 8")
    module = copy / "words" / "step02_ciphers.py"
    module.write_text("def shift(text, by):\n    return 7\n", encoding="utf-8")
    done = run("graders", "run", copy / "words", "--out", tmp_path / "grades", "--course", copy)
    found = outcomes(tmp_path / "grades", "words")
    assert (found["step02.faulty"], found["step02.sound"]) == ("harness_fault", "wrong_type")
    assert done.returncode == 3
    assert "harness fault, nothing is charged to the student" in done.stderr
    assert "The reference does not pass this check either." in done.stdout


def test_an_error_whose_text_raises_is_an_error_of_the_student_s(copy: Path, run: Run) -> None:
    module = copy / "words" / "step01_counting.py"
    evil = "class Evil(Exception):\n    def __str__(self): raise RuntimeError\n\n\ndef count_words(text): raise Evil\n"
    module.write_text(evil, encoding="utf-8")
    done = run("lab", "check", "1", "--course", copy, cwd=copy)
    assert done.returncode == 1, done.stderr
    assert "student_error: Evil: (its text cannot be had: RuntimeError) [step01_counting.py line 5" in done.stdout


def test_what_a_course_lacks_is_said_in_one_sentence(copy: Path, run: Run) -> None:
    none = run("graders", "calibrate", "--course", copy)
    assert none.returncode == 2
    assert "has no checks with thresholds" in none.stderr
    change(copy, "[audit]", '[audit]\nexperiments = "words_checks.experiments"')
    (copy / "words_checks" / "experiments.py").write_text(EXPERIMENT, encoding="utf-8")
    shutil.rmtree(copy / "variants")
    lacking = run("graders", "calibrate", "--course", copy, "--out", copy / "thresholds.json")
    assert lacking.returncode == 2
    assert lacking.stderr.count("\n") == 1
    assert "variants is not there: submissions whose verdicts are known come with a checkout" in lacking.stderr


EXPERIMENT = """
from graders.authoring.experiments import Experiment

EXPERIMENTS = (Experiment("step01.words_are_counted", lambda *_: 1.0, "high"),)
"""


# --- what is wrong with a course is said in one sentence

WRONG: dict[str, tuple[Callable[[Path], object], str]] = {
    "no such folder": (shutil.rmtree, "cannot be read"),
    "a key that nobody knows": (lambda copy: add(copy, 'colour = "red"\n', first=True), "unknown field `colour`"),
    "no TOML": (lambda copy: add(copy, "title = = 1\n"), "Invalid"),
    "points that do not add up": (lambda copy: change(copy, "points = 6", "points = 7"), "worth 6 points together"),
    "checks that are not there": (lambda copy: change(copy, '"words_checks"\nfig', '"gone"\nfig'), "no package gone"),
    "a package without steps": (lambda copy: change(copy, '"words_checks"\nfig', '"mistakes"\nfig'), "holds no step"),
    "a dropped check that is not there": (
        lambda copy: add(copy, '\n[[dropped]]\ncheck = "step01.gone"\nreason = "x"\n'),
        "there is no such check",
    ),
    "held-out data that are not there": (lambda copy: (copy / "held_out.txt").unlink(), "Ask the course staff for it."),
}


def add(copy: Path, text: str, *, first: bool = False) -> None:
    path = copy / "course.toml"
    before = path.read_text(encoding="utf-8")
    path.write_text(text + before if first else before + text, encoding="utf-8")


def change(copy: Path, old: str, new: str) -> None:
    path = copy / "course.toml"
    before = path.read_text(encoding="utf-8")
    assert old in before
    path.write_text(before.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_course_is_refused_in_one_sentence(copy: Path, run: Run, name: str) -> None:
    break_it, says = WRONG[name]
    submission = shutil.copytree(copy / "words_reference", copy.parent / "submission")
    break_it(copy)
    done = run("graders", "run", submission, "--course", copy)
    assert done.returncode == (3 if "held-out" in name else 2), done.stderr
    assert says in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("graders: ")
