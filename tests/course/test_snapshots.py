"""What students read of typical mistakes, word for word: snapshots that a person has read and found clear.

After a change of checks, hints or output, renew them with `pytest tests/course/test_snapshots.py --renew-snapshots`, and
read the difference as a student would: what failed, why, and what to do.
"""

from __future__ import annotations

import io
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from graders.audit.corpus import Mistake, all_mistakes, stage_reference
from graders.feedback.checks import check_lines
from graders.judging.collection import CollectedChecks
from graders.judging.confined import ConfinedSubject
from graders.judging.judge import judge
from graders.judging.rubric import Check, load_rubric, with_needs
from graders.results.scoring import score
from graders.sandbox.client import WarmServer
from tests.support import COURSE, ROOT, SEED, step_number

SNAPSHOTS = ROOT / "tests" / "course" / "snapshots"
CASES = tomllib.loads((ROOT / "tests" / "course" / "typical.toml").read_text(encoding="utf-8"))["case"]
LINE = re.compile(r"\bline \d+")
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


def make(case: Any, folder: Path) -> Mistake | None:
    """Write the reference with a case's mistake below a folder; return the mistake, if the corpus has it."""
    stage_reference(COURSE, folder)
    step = step_number(case["module"])
    if "mistake" in case:
        found = [one for one in all_mistakes(COURSE) if one.name == case["mistake"] and step_number(one.check) == step]
        found[0].make_in(folder, COURSE)
        return found[0]
    path = folder / COURSE.package / f"{case['module']}.py"
    source = path.read_text(encoding="utf-8")
    if "old" in case:
        assert source.count(case["old"]) == 1, case["old"]
        source = source.replace(case["old"], case["new"])
    path.write_text(f"{source}\n\n{case['end']}\n" if "end" in case else source, encoding="utf-8")
    return None


def concerned(case: Any, mistake: Mistake | None) -> list[Check]:
    """Return the checks that are judged: few, so that all cases together take seconds."""
    step = load_rubric(COURSE, {step_number(case["module"])})
    wanted = set(case.get("checks", ())) or set(mistake.fails if mistake else (row.id for row in step))
    for row in step:
        if mistake and wanted.intersection(row.needs):
            wanted.add(row.id)
    assert wanted <= {row.id for row in step}
    return with_needs(wanted, step)


def read_by_a_student(case: Any, folder: Path, server: WarmServer, collected: CollectedChecks) -> str:
    """Judge a case, and return what the terminal shows."""
    rubric = concerned(case, make(case, folder))
    with ConfinedSubject(COURSE, server.controls[0], folder, SEED) as subject:
        results = score(rubric, judge(COURSE, rubric, subject, SEED, collected=collected))
    shown = io.StringIO()
    Console(file=shown, width=120).print(
        check_lines([one for one in results if one.outcome != "passed"]), soft_wrap=True
    )
    # The line changes with the reference, and the version with the Python that runs.
    return LINE.sub("line N", shown.getvalue().lstrip("\n").replace(PYTHON, "3.x"))


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"].replace(" ", "-")) for case in CASES])
def test_what_a_student_reads(
    case: Any,
    warm_server: WarmServer,
    collected: CollectedChecks,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    text = read_by_a_student(case, tmp_path, warm_server, collected)
    file = SNAPSHOTS / f"{case['name'].replace(' ', '-')}.txt"
    if request.config.getoption("--renew-snapshots"):
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8"), "Read it as a student; if it is clear, --renew-snapshots keeps it."


def test_there_are_thirty_and_no_others() -> None:
    names = [f"{case['name'].replace(' ', '-')}.txt" for case in CASES]
    assert len(names) >= 30
    assert sorted(path.name for path in SNAPSHOTS.iterdir()) == sorted(names)
