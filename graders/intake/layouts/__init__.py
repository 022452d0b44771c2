"""How learning platforms lay out the hand-ins of a class, a module for each: what belongs to whom."""

from __future__ import annotations

from typing import Literal, get_args

Layout = Literal["auto", "canvas", "moodle", "gradescope", "github", "plain"]
LAYOUTS: tuple[Layout, ...] = get_args(Layout)
