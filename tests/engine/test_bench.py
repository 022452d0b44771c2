"""What a submission costs besides its checks is told part by part."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from graders.bench.driver import driver_figures
from graders.bench.long_run import measure_class
from graders.bench.watching import SAVES, watch_figures
from graders.course import load_course
from tests.support import ROOT

WORDS = ROOT / "tests" / "courses" / "words"


def test_the_parts_of_a_submissions_own_cost_add_up_to_all_of_it() -> None:
    *parts, whole = driver_figures(load_course(WORDS))
    names = [part.what.partition(": ")[2] for part in parts]
    assert names == [
        "reading it and planning its steps", "staging and removing its files", "scoring and writing its result",
        "forking its judge, which tells its result and ends", "its row of the summary",
    ]  # fmt: skip
    assert all(part.value > 0 for part in parts)
    assert whole.value == pytest.approx(sum(part.value for part in parts))


def test_what_a_student_waits_for_after_saving_is_measured_and_the_reference_is_left_as_it_was() -> None:
    course = load_course(WORDS)
    before = {path: path.read_bytes() for path in sorted(course.reference_folder.rglob("*.py"))}
    [figure] = watch_figures(course)
    assert figure.what == "lab check 1 --watch, from saving to the last verdict (median)"
    assert figure.value > 0
    assert SAVES % 2
    assert {path: path.read_bytes() for path in sorted(course.reference_folder.rglob("*.py"))} == before


def test_a_class_is_made_of_right_submissions_mistakes_and_mutants_and_watched() -> None:
    console = Console(file=io.StringIO(), record=True, width=100)
    measure_class(load_course(WORDS), 6, console)
    told = console.export_text()
    assert "6 submissions (right: 2, mistakes: 2, mutants: 2), steps 1, 2, two jobs" in told
    assert "submissions a minute\nthe driver's own processor time: " in told
    assert all(row in told for row in ("driver, resident", "driver, proportional", "server, resident", "after 6"))
