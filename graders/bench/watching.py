"""How long a student who has saved a step waits for its verdicts, while `lab check --watch` runs."""

from __future__ import annotations

import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from graders.bench.figures import Figure
from graders.course import PROJECT, Course

SAVES = 15
SECONDS = 0.5
MAIN = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from graders.student import main; main()"
)


def watch_figures(course: Course) -> list[Figure]:
    """Save the first step of the reference again and again, each time with another comment."""
    step = course.steps[0]
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder, course.package)
        shutil.copytree(course.reference_folder, package, ignore=shutil.ignore_patterns("__pycache__"))
        module = package / f"{step.module}.py"
        text = module.read_text(encoding="utf-8")
        with _watching(course, package, step.number) as process:
            _wait(process, package.name)
            waited = []
            for number in range(SAVES):
                start = time.perf_counter()
                _save(module, f"{text}\n# {number}\n")
                _wait(process, package.name)
                waited.append(time.perf_counter() - start)
    what = f"lab check {step.number} --watch, from saving to the last verdict (median)"
    return [Figure(what, statistics.median(waited), "s", SECONDS)]


@contextmanager
def _watching(course: Course, package: Path, step: int) -> Iterator[subprocess.Popen[str]]:
    where = ["--root", str(package.parent), "--course", str(course.folder), "--lang", "en"]
    command = [sys.executable, "-u", "-c", MAIN, "check", str(step), "--watch", *where]
    with subprocess.Popen(  # noqa: S603 - this command
        command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate()


def _wait(process: subprocess.Popen[str], package: str) -> None:
    """Read what is printed, up to the line that comes after all verdicts.

    Raises:
        RuntimeError: the command ended.
    """
    lines = []
    for line in process.stdout or ():
        if line.startswith(f"lab: waiting until {package} changes"):
            return
        lines.append(line)
    raise RuntimeError(f"lab check --watch ended with {process.wait()}: {''.join(lines)}")


def _save(module: Path, text: str) -> None:
    """Save as editors do: whole, in the place of what was there."""
    new = module.with_suffix(".new")
    new.write_text(text, encoding="utf-8")
    new.replace(module)
