"""What tests of all rooms share: the course of this repository, and how it is judged quietly."""

from __future__ import annotations

from pathlib import Path

from graders.course import load_course

ROOT = Path(__file__).resolve().parents[1]
COURSE = load_course()
SEED = 420
# Without the two plugins that collect garbage at the end of a run, which takes longer than most runs here.
QUIETLY = ("-p", "no:terminal", "-p", "no:unraisableexception", "-p", "no:threadexception", "--capture=no")


def step_number(name: str) -> int:
    """Return the step of a module or of a check's id: 4 for `step04_dataset` and `step04.labels_are_sorted`."""
    return int(name[4:6])
