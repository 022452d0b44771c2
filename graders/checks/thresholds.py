"""The thresholds of this course."""

from __future__ import annotations

from pathlib import Path

from graders.authoring.thresholds import Thresholds

THRESHOLDS = Thresholds(Path(__file__).with_name("thresholds.json"))
expect_reached = THRESHOLDS.expect_reached
