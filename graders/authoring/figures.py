"""Figures that a course has drawn by students' code, for `lab show`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Figure:
    """A figure that a student's code draws.

    Attributes:
        step: the number of its step.
        name: of its file, with a suffix that says the format, such as `tracks.png`.
        title: what it shows, in a few words.
        draw: returns the file's content; it is given the student's package, as checks are, and the folder of the
            course's data.
    """

    step: int
    name: str
    title: str
    draw: Callable[[Any, Path], bytes]
