"""The same submissions, graded by each grader in turn: how long whole runs take, and the ratios between them."""

from __future__ import annotations

import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from graders.bench.driver import FIRST_STEPS
from graders.bench.peers.assignment import Assignment, make_submissions
from graders.bench.peers.tools import Nbgrader, Otter, Ours, Tool
from graders.course import Course
from graders.judging.rubric import load_rubric
from graders.outcomes import BadInput

QUIET = 0.1  # of the processors, as much as others may use
BASE = "nbgrader"


class Run(NamedTuple):
    """One run of a tool: seconds on the wall, of processors, and the share of the processors that others used."""

    wall: float
    processor: float
    others: float


def compare(course: Course, count: int, rounds: int, console: Console) -> None:
    """Grade submissions of the first steps with each grader in turn; print medians, and ratios to nbgrader.

    Args:
        course: the course; nbgrader and otter-grader are installed in the same environment.
        count: how many submissions.
        rounds: how many times each grader grades all of them.
        console: where the tables are printed.

    Raises:
        BadInput: they are not installed.
    """
    about = _about_tools()
    steps = course.steps[:FIRST_STEPS]
    with tempfile.TemporaryDirectory(prefix="graders-peers-") as place:
        folder = Path(place)
        rubric = load_rubric(course, [step.number for step in steps])
        submissions = make_submissions(course, steps, count, folder / "submissions")
        assignment = Assignment(course, steps, rubric, submissions)
        tools: list[Tool] = [Ours(assignment, folder), Nbgrader(assignment, folder), Otter(assignment, folder)]
        console.print(f"{about}\n{_about(assignment, rounds)}", soft_wrap=True)
        alone = _compared(tools, submissions[:1], rounds)
        console.print(_table("one submission from cold", alone))
        whole = _compared([*tools, Ours(assignment, folder, jobs=2)], submissions, rounds)
        console.print(_table(f"{len(submissions)} submissions", whole))
        for tool in tools:
            console.print(_agreement(tool, tools[0]), soft_wrap=True)


def _compared(tools: Sequence[Tool], submissions: Sequence[Path], rounds: int) -> dict[str, list[Run]]:
    """Have each tool grade the submissions, one tool after the other, some rounds of that."""
    runs: dict[str, list[Run]] = {tool.name: [] for tool in tools}
    for _ in range(rounds):
        for tool in tools:
            runs[tool.name].append(_timed(tool, submissions))
    return runs


def _timed(tool: Tool, submissions: Sequence[Path]) -> Run:
    wall, own, all_ = time.perf_counter(), _processor_of_children(), _processor_of_all()
    tool.grade(submissions)
    wall, own, all_ = time.perf_counter() - wall, _processor_of_children() - own, _processor_of_all() - all_
    return Run(wall, own, max(0.0, all_ - own) / wall / (os.cpu_count() or 1))


def _processor_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _processor_of_all() -> float:
    """Return the seconds that the machine's processors have computed, for whomever."""
    fields = Path("/proc/stat").read_text(encoding="ascii").splitlines()[0].split()[1:]
    user, nice, system, _idle, _waiting, interrupts, soft_interrupts, *_ = map(int, fields)
    return (user + nice + system + interrupts + soft_interrupts) / os.sysconf("SC_CLK_TCK")


def _table(title: str, runs: dict[str, list[Run]]) -> Table:
    table = Table(title=title, title_justify="left", pad_edge=False)
    for name in ("grader", "wall", f"over {BASE}", "processor", f"over {BASE}", "others' use"):
        table.add_column(name, justify="left" if name == "grader" else "right")
    for name, rows in runs.items():
        others = max(row.others for row in rows)
        pairs = list(zip(rows, runs[BASE], strict=True))
        table.add_row(
            name,
            f"{statistics.median(row.wall for row in rows):.1f} s",
            f"{statistics.median(row.wall / base.wall for row, base in pairs):.2f}",
            f"{statistics.median(row.processor for row in rows):.1f} s",
            f"{statistics.median(row.processor / base.processor for row, base in pairs):.2f}",
            f"{others:.0%}, not quiet" if others > QUIET else f"{others:.0%}",
        )
    return table


def _about_tools() -> str:
    try:
        versions = ", ".join(f"{name} {version(name)}" for name in ("nbgrader", "otter-grader"))
    except PackageNotFoundError as error:
        raise BadInput(f"{error.name} is not installed; tox -e peers installs it, and compares.") from error
    cpu = next(line for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines() if "model name" in line)
    return f"{os.cpu_count()} processors,{cpu.partition(':')[2]}, Python {sys.version.split()[0]}, {versions}"


def _about(assignment: Assignment, rounds: int) -> str:
    steps = ", ".join(str(step.number) for step in assignment.steps)
    return f"steps {steps}: {len(assignment.rubric)} checks; medians of {rounds} rounds, ratios within each round"


def _agreement(tool: Tool, ours: Tool) -> str:
    full = {name: points == max(ours.points().values()) for name, points in ours.points().items()}
    theirs = tool.points()
    same = sum((points == max(theirs.values())) == full[name] for name, points in theirs.items())
    return f"{tool.name}: {len(theirs)} graded; full marks or not as graders says: {same}"
