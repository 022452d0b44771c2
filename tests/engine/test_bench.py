"""What a submission costs besides its checks is told part by part."""

from __future__ import annotations

import pytest

from graders.bench.driver import driver_figures
from graders.course import load_course
from tests.support import ROOT


def test_the_parts_of_a_submissions_own_cost_add_up_to_all_of_it() -> None:
    *parts, whole = driver_figures(load_course(ROOT / "tests" / "courses" / "words"))
    names = [part.what.partition(": ")[2] for part in parts]
    assert names == [
        "reading it", "planning its steps", "staging and removing its files", "forking its judge", "writing its result",
        "its row of the summary",
    ]  # fmt: skip
    assert all(part.value > 0 for part in parts)
    assert whole.value == pytest.approx(sum(part.value for part in parts))
