"""A run of a class, watched: throughput, memory that stays flat, and what it costs the process that hands out work."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from rich import box
from rich.console import Console
from rich.table import Table

from graders.bench.figures import Figure
from graders.course import PROJECT, Course, Step

SIZE, SETTLED = 200, 50  # submissions of the class, and after how many of them a process is as large as it gets
FIRST_STEPS = 4  # that a large class is graded in
LOOKS = 0.05  # seconds between two looks at a run
TICKS, KIB, MIB = os.sysconf("SC_CLK_TCK"), 1 << 10, 1 << 20
MOST_GROWTH = 5  # MB
SERVER = b"graders.sandbox"


class _Memory(NamedTuple):
    """What a process takes, in bytes: what it maps of the machine's, and its share of that (PSS)."""

    resident: int
    proportional: int


class _Look(NamedTuple):
    """A run as it was at some time.

    Attributes:
        graded: submissions that have a result.
        at: seconds of the clock.
        seconds: processor time of the driver so far.
        driver: its memory.
        server: the warm server's.
    """

    graded: int
    at: float
    seconds: float
    driver: _Memory
    server: _Memory


def long_run_figures(course: Course) -> list[Figure]:
    """Grade the first step of skeletons that differ in a comment, into a gradebook, and look at the main process."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        for number in range(SIZE):
            package = place / "class" / f"student{number:03d}" / course.package
            shutil.copytree(course.skeletons, package, ignore=shutil.ignore_patterns("__pycache__"))
            _make_unlike(package / f"{course.steps[0].module}.py", number)
        settled, *_, end = _watched(course, place, course.steps[:1], SETTLED)
    what = f"of the process that hands out work, {SIZE} submissions into a gradebook"
    growth = (end.driver.resident - settled.driver.resident) / MIB
    return [
        Figure(f"processor time {what}, for each", _each(settled, end) * 1e3, "ms", 5),
        Figure(f"growth after the first {SETTLED} {what}", growth, "MB", MOST_GROWTH),
    ]


def measure_class(course: Course, count: int, console: Console, numbers: Collection[int] = ()) -> bool:
    """Grade a class made of the corpus as `graders run` does, print what that takes; tell whether memory stays flat.

    The server loads some libraries once a submission names them. So memory is flat if the second half adds none.

    Args:
        course: the course.
        count: submissions of the class: right ones, mistakes and mutants in turn.
        console: where it is printed.
        numbers: of the steps that are graded; none means the first ones.
    """
    steps = [step for step in course.steps if step.number in numbers] or course.steps[:FIRST_STEPS]
    settled_after = min(SETTLED, count // 4)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        kinds = _hand_in_corpus(course, steps, count, place)
        settled, *others, end = _watched(course, place, steps, settled_after)
    half = next((look for look in others if look.graded >= count // 2), settled)
    graded = ", ".join(str(step.number) for step in steps)
    made = ", ".join(f"{kind}: {many}" for kind, many in kinds.items())
    rate, each = (end.graded - settled.graded) / (end.at - settled.at), _each(settled, end) * 1e3
    console.print(f"{count} submissions ({made}), steps {graded}, two jobs, into a gradebook", highlight=False)
    console.print(f"{rate * 60:.0f} submissions a minute", highlight=False)
    console.print(f"the driver's own processor time: {each:.1f} ms each", highlight=False)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("memory, MB", *(f"after {look.graded}" for look in (settled, half, end))):
        table.add_column(name, justify="left" if name == "memory, MB" else "right")
    for who in ("driver", "server"):
        for kind in _Memory._fields:
            sizes = (getattr(getattr(look, who), kind) / MIB for look in (settled, half, end))
            table.add_row(f"{who}, {kind}", *(f"{size:.1f}" for size in sizes))
    console.print(table)
    growth = (end.driver.resident - half.driver.resident, end.server.resident - half.server.resident)
    return max(growth) <= MOST_GROWTH * MIB


def _hand_in_corpus(course: Course, steps: Sequence[Step], count: int, place: Path) -> Counter[str]:
    """Stage the hand-ins of a class, each unlike all others; return how many there are of each kind."""
    kinds: Counter[str] = Counter()
    corpus = list(_corpus(course, steps, place / "corpus"))
    for number, (kind, source) in zip(range(count), itertools.cycle(corpus), strict=False):
        package = place / "class" / f"student{number:04d}" / course.package
        shutil.copytree(source / course.package, package)
        _make_unlike(package / f"{steps[0].module}.py", number)
        kinds[kind] += 1
    return kinds


def _corpus(course: Course, steps: Sequence[Step], place: Path) -> Iterator[tuple[str, Path]]:
    """Yield right submissions, mistakes and mutants in turn, each with its kind, while there are any."""
    from graders.audit.corpus import all_mistakes, stage_reference  # noqa: PLC0415 - of `graders audit`
    from graders.audit.mutants import mutants_of  # noqa: PLC0415
    from graders.audit.specimens import right_specimens  # noqa: PLC0415

    def mistakes() -> Iterator[Path]:
        for number, mistake in enumerate(all_mistakes(course)):
            if course.step_of_check(mistake.check) in steps:
                folder = place / f"mistake-{number}"
                stage_reference(course, folder)
                mistake.make_in(folder, course)
                yield folder

    def mutants() -> Iterator[Path]:
        for step in steps:
            for mutant in mutants_of(course, step):
                folder = place / f"mutant-{mutant.key}"
                stage_reference(course, folder)
                (folder / course.package / f"{step.module}.py").write_text(mutant.source, encoding="utf-8")
                yield folder

    right = (one.place for step in steps for one in right_specimens(course, step, place / step.label))
    for group in itertools.zip_longest(right, mistakes(), mutants()):
        yield from ((kind, one) for kind, one in zip(("right", "mistakes", "mutants"), group, strict=True) if one)


def _make_unlike(module: Path, number: int) -> None:
    with module.open("a", encoding="utf-8") as file:
        file.write(f"\n# {number}\n")


def _each(settled: _Look, end: _Look) -> float:
    """Return the processor time that a submission costs the driver."""
    return (end.seconds - settled.seconds) / (end.graded - settled.graded)


def _watched(course: Course, place: Path, steps: Sequence[Step], settled_after: int) -> list[_Look]:
    """Grade the class below a folder; return how the run was after its first submissions, and each time since then.

    Raises:
        RuntimeError: the run failed, or was seen only once.
    """
    out = place / "out"
    command = [sys.executable, "-m", "graders", "run", str(place / "class"), "--layout", "plain", "--jobs", "2"]
    options = [*(f"--step={step.number}" for step in steps), "--course", str(course.folder)]
    into = ["--out", str(out), "--gradebook", str(place / "class.db")]
    looks: list[_Look] = []
    with subprocess.Popen([*command, *options, *into], cwd=PROJECT, stdout=subprocess.DEVNULL) as run:  # noqa: S603
        while run.poll() is None:
            graded = sum((folder / "result.json").exists() for folder in out.iterdir()) if out.is_dir() else 0
            if graded >= settled_after and (seen := _look(run.pid, graded)):
                looks.append(seen)
            time.sleep(LOOKS)
    if run.returncode or not looks or looks[-1].graded <= looks[0].graded:
        raise RuntimeError(f"the run of a class ended with {run.returncode}")
    return looks


def _look(pid: int, graded: int) -> _Look | None:
    """Look at a driver and its server; None if they have just ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        server = next(child for child in _children(pid) if SERVER in Path(f"/proc/{child}/cmdline").read_bytes())
        seconds = (int(fields[11]) + int(fields[12])) / TICKS
        return _Look(graded, time.monotonic(), seconds, _memory(pid), _memory(server))
    except (OSError, LookupError, StopIteration):
        return None


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]


def _memory(pid: int) -> _Memory:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    sizes = {name: int(rest.split()[0]) * KIB for name, _, rest in (line.partition(":") for line in lines[1:])}
    return _Memory(sizes["Rss"], sizes["Pss"])
