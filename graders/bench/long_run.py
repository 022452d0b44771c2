"""What a run of a class costs the process that hands out the work: memory that stays flat, and time."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from graders.bench.figures import Figure
from graders.course import PROJECT, Course

SIZE, SETTLED = 200, 50  # submissions of the class, and after how many of them the process is as large as it gets
LOOKS = 0.05  # seconds between two looks at it
TICKS, KIB, MIB = os.sysconf("SC_CLK_TCK"), 1 << 10, 1 << 20


class _Cost(NamedTuple):
    graded: int
    seconds: float
    memory: int


def long_run_figures(course: Course) -> list[Figure]:
    """Grade the first step of skeletons that differ in a comment, into a gradebook, and look at the main process."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        for number in range(SIZE):
            package = place / "class" / f"student{number:03d}" / course.package
            shutil.copytree(course.skeletons, package, ignore=shutil.ignore_patterns("__pycache__"))
            module = package / f"{course.steps[0].module}.py"
            module.write_text(f"{module.read_text(encoding='utf-8')}\n# {number}\n", encoding="utf-8")
        settled, end = _costs(course, place)
    each = (end.seconds - settled.seconds) / (end.graded - settled.graded)
    what = f"of the process that hands out work, {SIZE} submissions into a gradebook"
    return [
        Figure(f"processor time {what}, for each", each * 1e3, "ms", 5),
        Figure(f"growth after the first {SETTLED} {what}", (end.memory - settled.memory) / MIB, "MB", 5),
    ]


def _costs(course: Course, place: Path) -> tuple[_Cost, _Cost]:
    """Return what the run has cost after its first submissions, and the last time that it was seen."""
    out = place / "out"
    command = [sys.executable, "-m", "graders", "run", str(place / "class"), "--layout", "plain", "--jobs", "2"]
    options = ["--step", str(course.steps[0].number), "--course", str(course.folder)]
    into = ["--out", str(out), "--gradebook", str(place / "class.db")]
    settled = end = None
    with subprocess.Popen([*command, *options, *into], cwd=PROJECT, stdout=subprocess.DEVNULL) as run:  # noqa: S603
        while run.poll() is None:
            seen = _cost(run.pid, out)
            if seen and seen.graded >= SETTLED:
                settled, end = settled or seen, seen
            time.sleep(LOOKS)
    if run.returncode or settled is None or end is None or end.graded <= settled.graded:
        raise RuntimeError(f"the run of a class ended with {run.returncode}")
    return settled, end


def _cost(pid: int, out: Path) -> _Cost | None:
    """Return what a process has cost so far, without its children; None if it has just ended."""
    graded = sum((folder / "result.json").exists() for folder in out.iterdir()) if out.is_dir() else 0
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    resident = [int(line.split()[1]) * KIB for line in status.splitlines() if line.startswith("VmRSS:")]
    return _Cost(graded, (int(fields[11]) + int(fields[12])) / TICKS, resident[0]) if resident else None
