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
import torch
from rich import box
from rich.console import Console
from rich.table import Table
from torch import nn
from torch.utils.data import DataLoader

from graders.bench.figures import Figure as Figure  # noqa: PLC0414 - its users may take it from here
from graders.checks.bench import training_figures
from graders.checks.data.folders import TEN_GENRES
from graders.checks.data.tracks import MEL_BANDS, genre_tracks
from graders.checks.experiments.cnn import OVERFITTED
from graders.grading.run import DEFAULT_SEED, Finished, Graded, Task, grade_all, grade_one, one_thread, warm_up
from graders.judging.rubric import load_rubric
from graders.sandbox.client import WarmServer, Worker, order_for
from graders.sandbox.proxies import RemoteLab
from graders.sandbox.server import PRELOADED
from solutions.step05_lstm import Classifier, LSTMBackbone, overfit_batch
from solutions.step07_cnn import CNNBackbone

ROOT = Path(__file__).parents[2]
ECHO = "def echo(value):\n    return value\n"
MEGABYTE = 1 << 20
CLASS_SIZE = 20
FRAMES = 64
BATCH = 8
SETTLED = 0.5  # seconds until the server has reaped what has ended and forked its next spare


def measure(console: Console, out: Path | None) -> int:
    """Measure every figure, print the table, and return 0 if all hold, else 1."""
    figures: list[Figure] = []
    for group in GROUPS:
        figures += group()
    console.print(figure_table(figures))
    if out:
        out.write_bytes(msgspec.json.format(msgspec.json.encode(figures), indent=2))
    return 0 if all(figure.holds for figure in figures) else 1


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


def sandbox_figures(repeats: int = 30) -> list[Figure]:
    """Measure workers and calls; `repeats` fresh workers, a hundred times as many calls."""
    with WarmServer() as server, tempfile.TemporaryDirectory() as folder:
        package = Path(folder, "lab")
        package.mkdir()
        (package / "step00_echo.py").write_text(ECHO, encoding="utf-8")
        server.wait_until_warm()

        def fresh() -> tuple[Worker, Any]:
            worker = Worker(
                server.controls[0], order_for(package.parent, [], Path(tempfile.mkdtemp(dir=folder)), 0), 60.0
            )
            return worker, RemoteLab(_Held(worker)).step00_echo

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


class _Held(msgspec.Struct, frozen=True):
    held: Worker

    def worker(self) -> Worker:
        return self.held


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


def _grading_figures() -> list[Figure]:
    with WarmServer() as server:
        warm_up()
        server.wait_until_warm()
        control = server.controls[0]
        everything = Task(load_rubric(), DEFAULT_SEED, None)
        first_steps = Task(load_rubric(frozenset({1, 2, 3})), DEFAULT_SEED, None)

        def seconds(folder: str, task: Task, count: int) -> float:
            return _median(lambda: grade_one(ROOT / folder, folder, task, control, lambda _: None), count)

        with one_thread():
            reference, skeleton = seconds("solutions", everything, 3), seconds("lab", everything, 3)
            warm = seconds("solutions", first_steps, 5)
    cold = _cold_pytest_seconds()
    return [
        Figure("reference submission, all steps that have checks, one core", reference, "s", 30),
        Figure("untouched skeleton", skeleton, "s", 2),
        Figure(
            "steps 1-3: a cold process with the same libraries over a warm one", cold / warm, "times", 20, at_least=True
        ),
    ]


def _cold_pytest_seconds() -> float:
    """Time a new Python process that loads what the warm server holds and runs the same checks on the reference."""
    code = f"import {', '.join(PRELOADED)}; from graders.student import main; main()"
    with _reference_as_lab() as root:
        command = [sys.executable, "-c", code, "check", "1", "2", "3", "--root", str(root)]
        return _median(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL), 3)  # noqa: S603


@contextmanager
def _reference_as_lab() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(ROOT / "solutions", Path(folder, "lab"))
        yield Path(folder)


def _class_figures() -> list[Figure]:
    """Grade twenty submissions with one job and with two; the ratio of the times is the figure."""
    task = Task(load_rubric(), DEFAULT_SEED, None)
    times = []
    for jobs in (1, 2):
        with WarmServer(jobs) as server:
            warm_up()
            server.wait_until_warm()
            start = time.perf_counter()
            events = list(grade_all([ROOT / "solutions"] * CLASS_SIZE, task, server))
            times.append(time.perf_counter() - start)
        graded = [event for event in events if isinstance(event, Finished) and isinstance(event.outcome, Graded)]
        if len(graded) != CLASS_SIZE:
            raise RuntimeError(f"only {len(graded)} of {CLASS_SIZE} submissions were graded")
    cores = os.cpu_count() or 1
    what = f"two jobs over one, {CLASS_SIZE} submissions ({cores} cores)"
    return [Figure(what, times[0] / times[1], "times", 1.8, at_least=True)]


def _overfitting_figures() -> list[Figure]:
    """Count the iterations in which the reference's networks, in the report's sizes, overfit a batch of tracks."""
    cnn = _iterations_to_overfit(lambda: CNNBackbone((FRAMES, MEL_BANDS)), 100)
    lstm = _iterations_to_overfit(lambda: LSTMBackbone(MEL_BANDS, dropout=0.0), 300)
    what = f"iterations to a loss of {OVERFITTED:g} on a batch of {BATCH} tracks:"
    return [
        Figure(f"{what} CNN", cnn, "", 100),
        Figure(f"{what} LSTM (of 300 at most), more than the CNN", lstm, "", cnn + 1, at_least=True),
    ]


def _iterations_to_overfit(backbone: Callable[[], nn.Module], most: int) -> int:
    """Return the number of the first step of Adam whose loss is small enough; `most` if there is none before."""
    torch.manual_seed(DEFAULT_SEED)
    tracks = genre_tracks(train=True, timesteps=FRAMES)
    batch = [(tracks.x[i].copy(), int(tracks.labels[i]), int(tracks.lengths[i])) for i in range(BATCH)]
    model = Classifier(backbone(), len(TEN_GENRES))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    losses = overfit_batch(model, DataLoader(batch, BATCH), optimizer, iterations=most)  # type: ignore[arg-type]
    return next((step for step, loss in enumerate(losses, start=1) if loss <= OVERFITTED), most)


GROUPS: tuple[Callable[[], list[Figure]], ...] = (
    sandbox_figures,
    _grading_figures,
    _class_figures,
    _overfitting_figures,
    training_figures,
)
