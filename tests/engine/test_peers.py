"""The assignment that other graders are given is the same: its cells pass and fail as the checks do."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from graders.bench.peers.assignment import Assignment, make_submissions, name_of, write_notebook
from graders.course import load_course
from graders.grading.jobs import grade_all
from graders.grading.task import Finished, Graded, Task
from graders.judging.rubric import load_rubric
from graders.outcomes import Outcome
from graders.sandbox.client import WarmServer
from tests.support import ROOT

WORDS = load_course(ROOT / "tests" / "courses" / "words")
RUN = """
import json, sys
failed = []
for cell in json.load(open(sys.argv[1], encoding="utf-8"))["cells"]:
    source = cell["source"]
    if source.startswith("%%writefile "):
        path, _, text = source.removeprefix("%%writefile ").partition("\\n")
        open(path, "w", encoding="utf-8").write(text)
        continue
    try:
        exec(source)
    except Exception:  # as in a kernel: whatever a cell raises, the next one runs
        failed.append(cell["metadata"]["nbgrader"]["grade_id"])
print(json.dumps(failed))
"""


@pytest.fixture(scope="module")
def assignment(tmp_path_factory: pytest.TempPathFactory) -> Assignment:
    submissions = make_submissions(WORDS, WORDS.steps, 5, tmp_path_factory.mktemp("class"))
    return Assignment(WORDS, WORDS.steps, load_rubric(WORDS), submissions)


def failed_cells(assignment: Assignment, submission: Path, folder: Path) -> list[str]:
    write_notebook(assignment, submission, folder / "lab.ipynb", with_checks=True)
    command = [sys.executable, "-c", RUN, "lab.ipynb"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=True)
    failed: list[str] = json.loads(done.stdout)
    return failed


def test_a_right_notebook_passes_each_cell(assignment: Assignment, tmp_path: Path) -> None:
    assert failed_cells(assignment, assignment.submissions[0], tmp_path) == []


def test_a_wrong_notebook_fails_cells_of_checks(assignment: Assignment, tmp_path: Path) -> None:
    failed = failed_cells(assignment, assignment.submissions[-1], tmp_path)
    with WarmServer(WORDS) as server:
        server.wait_until_warm()
        task = Task(WORDS, assignment.rubric, 420, None)
        (event,) = (one for one in grade_all([assignment.submissions[-1]], task, server) if isinstance(one, Finished))
    assert isinstance(event.outcome, Graded)
    ended = {row.id: row.outcome for row in event.outcome.result.checks}
    wrong = {name_of(row) for row in assignment.rubric if ended[row.id] is Outcome.FAILED}
    assert wrong
    assert wrong <= set(failed)
    assert set(failed) <= {name_of(row) for row in assignment.rubric if ended[row.id] is not Outcome.PASSED}
