"""Where the course's data are: what its `course.toml` says."""

from __future__ import annotations

from pathlib import Path

from graders.course import load_course

COURSE = load_course(Path(__file__).resolve().parents[1])
DATA = COURSE.path(COURSE.data)
"""The data set, in the layout of the course's own."""

HELD_OUT = COURSE.path(COURSE.held_out.files[0])
"""The tracks that students are not given; a checkout that was handed out has no such file."""
