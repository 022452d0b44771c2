"""The bench: the figures that the design promises, measured on this machine, each beside its bound."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

from graders.bench.driver import FIRST_STEPS, driver_figures
from graders.bench.figures import Figure
from graders.bench.long_run import long_run_figures
from graders.bench.watching import watch_figures
from graders.course import PROJECT, Course
from graders.grading.grade import grade_one, with_collected
from graders.grading.jobs import grade_all, warm_up
from graders.grading.processes import one_thread
from graders.grading.task import Finished, Graded, Task
from graders.judging.rubric import load_rubric
from graders.sandbox.client import WarmServer, Worker, order_for
from graders.sandbox.proxies import OneWorker, RemotePackage

PACKAGE = "measured"
SEED = 420
ECHO = "def echo(value):\n    return value\n"
MEGABYTE = 1 << 20
CLASS_SIZE = 20
SETTLED = 0.5  # seconds until the server has reaped what has ended and forked its next spare


def measure(course: Course, console: Console, out: Path | None) -> bool:
    """Measure every figure, print the table, and tell whether all hold."""
    figures = [figure for group in GROUPS for figure in group(course)]
    console.print(figure_table(figures))
    if out:
        out.write_bytes(msgspec.json.format(msgspec.json.encode(figures), indent=2))
    return all(figure.holds for figure in figures)


def figure_table(figures: list[Figure]) -> Table:
    """Return the table of figures beside their bounds."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("figure", "measured", "bound", "holds"):
        table.add_column(name, justify="left" if name == "figure" else "right")
    for figure in figures:
        sign = "≥" if figure.at_least else "≤"
        verdict = "yes" if figure.holds else "[bold red]no[/]"
        table.add_row(
            figure.what,
            f"{figure.value:.3g} {figure.unit}",
            f"{sign} {figure.bound:g} {figure.unit}",
            verdict,
        )
    return table


def sandbox_figures(course: Course, repeats: int = 30) -> list[Figure]:
    """Measure workers and calls; `repeats` fresh workers, a hundred times as many calls."""
    with WarmServer(course) as server, tempfile.TemporaryDirectory() as folder:
        package = Path(folder, PACKAGE)
        package.mkdir()
        (package / "step00_echo.py").write_text(ECHO, encoding="utf-8")
        server.wait_until_warm()

        def fresh() -> tuple[Worker, Any]:
            order = order_for(package.parent, PACKAGE, [], Path(tempfile.mkdtemp(dir=folder)), 0)
            worker = Worker(server.controls[0], order, 60.0)
            return worker, RemotePackage(OneWorker(worker), PACKAGE).step00_echo

        def first_answer() -> float:
            start = time.perf_counter()
            worker, echo = fresh()
            echo.echo(1)
            elapsed = time.perf_counter() - start
            worker.close()
            time.sleep(0.1)  # as between the steps of a submission; the server forks its next spare meanwhile
            return elapsed

        with one_thread():  # as a judge
            start_up = statistics.median(first_answer() for _ in range(repeats))
            worker, module = fresh()
            small = _median(lambda: module.echo(1), 100 * repeats)
            array = np.zeros(25 * MEGABYTE, np.uint8)
            large = _median(lambda: module.echo(array), repeats)
            added = _memory_of_further_workers(server, fresh)
            worker.close()
    return [
        Figure("fresh confined worker, from request to first answer (median)", start_up * 1e3, "ms", 25),
        Figure("small call and answer (median)", small * 1e6, "us", 150),
        Figure("25 MB array there and back (median)", large * 1e3, "ms", 60),
        Figure("memory each further worker adds (PSS)", added / MEGABYTE, "MB", 150),
    ]


def _median(action: Callable[[], object], count: int) -> float:
    times = []
    for _ in range(count):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def _memory_of_further_workers(server: WarmServer, fresh: Callable[[], tuple[Worker, Any]]) -> float:
    """Return by how many bytes the proportional set size of server and workers grows with each further worker."""
    count = 4
    time.sleep(SETTLED)
    before = _proportional_set_size([server.process.pid, *_children(server.process.pid)])
    workers = [fresh() for _ in range(count)]
    for _, module in workers:
        module.echo(1)
    time.sleep(SETTLED)
    after = _proportional_set_size([server.process.pid, *_children(server.process.pid)])
    for worker, _ in workers:
        worker.close()
    return (after - before) / count


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]


def _proportional_set_size(pids: list[int]) -> int:
    lines = (Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines() for pid in pids)
    return sum(int(line.split()[1]) * 1024 for rollup in lines for line in rollup if line.startswith("Pss:"))


def _grading_figures(course: Course) -> list[Figure]:
    with WarmServer(course) as server:
        warm_up(course)
        server.wait_until_warm()
        control = server.controls[0]
        everything = Task(course, load_rubric(course), SEED, None)
        steps = [step.number for step in course.steps[:FIRST_STEPS]]
        first_steps = Task(course, load_rubric(course, steps), SEED, None)

        def seconds(folder: Path, task: Task, count: int) -> float:
            def graded(task: Task) -> float:
                return _median(lambda: grade_one(folder, folder.name, task, control, lambda _: None), count)

            return with_collected(task, graded)

        with one_thread():
            reference, skeleton = (
                seconds(course.reference_folder, everything, 3),
                seconds(course.skeletons, everything, 3),
            )
            warm = seconds(course.reference_folder, first_steps, 5)
    cold = _cold_pytest_seconds(course, steps)
    return [
        Figure("reference submission, all steps, one core", reference, "s", 30),
        Figure("untouched skeleton", skeleton, "s", 2),
        Figure(
            f"steps {steps[0]}-{steps[-1]}: a cold process with the same libraries over a warm one",
            cold / warm,
            "times",
            20,
            at_least=True,
        ),
    ]


def _cold_pytest_seconds(course: Course, steps: list[int]) -> float:
    """Time a new Python process that loads what the warm server holds and runs the same checks on the reference."""
    code = f"import {', '.join(course.loads_for(()).server)}; from graders.student import main; main()"
    with _reference_as_submission(course) as root:
        where = ["--root", str(root), "--course", str(course.folder)]
        command = [sys.executable, "-c", code, "check", *map(str, steps), *where]
        return _median(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=PROJECT), 3)  # noqa: S603


@contextmanager
def _reference_as_submission(course: Course) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(course.reference_folder, Path(folder, course.package))
        yield Path(folder)


def _class_figures(course: Course) -> list[Figure]:
    """Grade twenty submissions with one job and with two; the ratio of the times is the figure."""
    task = Task(course, load_rubric(course), SEED, None)
    one, two = with_collected(task, lambda task: [_seconds_for_class(task, jobs) for jobs in (1, 2)])
    cores = os.cpu_count() or 1
    what = f"two jobs over one, {CLASS_SIZE} submissions ({cores} cores)"
    return [Figure(what, one / two, "times", 1.8, at_least=True)]


def _seconds_for_class(task: Task, jobs: int) -> float:
    with WarmServer(task.course, jobs) as server:
        warm_up(task.course)
        server.wait_until_warm()
        start = time.perf_counter()
        events = list(grade_all([task.course.reference_folder] * CLASS_SIZE, task, server))
        elapsed = time.perf_counter() - start
    graded = [event for event in events if isinstance(event, Finished) and isinstance(event.outcome, Graded)]
    if len(graded) != CLASS_SIZE:
        raise RuntimeError(f"only {len(graded)} of {CLASS_SIZE} submissions were graded")
    return elapsed


def _figures_of_course(course: Course) -> list[Figure]:
    groups = course.load(course.audit.figures).GROUPS if course.audit.figures else ()
    return [figure for group in groups for figure in group()]


GROUPS: tuple[Callable[[Course], list[Figure]], ...] = (
    sandbox_figures,
    _grading_figures,
    _class_figures,
    driver_figures,
    long_run_figures,
    watch_figures,
    _figures_of_course,
)
