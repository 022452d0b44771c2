"""The rubric: what a check must declare, and what the checks of the course add up to."""

import dataclasses
import re
import subprocess
import sys
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import pytest

from graders.authoring.check import ATTRIBUTE, CheckInfo, check
from graders.course import BadCourse, Course, Loads
from graders.judging.rubric import Check, load_rubric
from tests.support import COURSE, ROOT, step_number

POINTS = {1: 6, 2: 6, 3: 4, 4: 24, 5: 16, 6: 12, 7: 12, 8: 8, 9: 5, 10: 7}
Write = Callable[..., None]


@pytest.fixture
def course(tmp_path: Path) -> Iterator[Course]:
    """Give a course whose check modules a test writes, each step of whose checks is worth what they say."""
    (tmp_path / "written_checks").mkdir()
    (tmp_path / "written_checks" / "__init__.py").touch()
    yield dataclasses.replace(COURSE, root=tmp_path, checks="written_checks")
    for module in [name for name in sys.modules if name.partition(".")[0] == "written_checks"]:
        del sys.modules[module]
    sys.path.remove(str(tmp_path)) if str(tmp_path) in sys.path else None


@pytest.fixture
def write(course: Course) -> Write:
    def do(name: str, *functions: str) -> None:
        body = "\n\n".join(functions)
        path = course.folder_of(course.checks) / f"{name}.py"
        path.write_text(f"from graders.authoring.check import check\n\n{body}\n", encoding="utf-8")

    return do


def read(course: Course, steps: Collection[int] = ()) -> list[Check]:
    """Read the rubric of a course whose points add up."""
    worth = float(
        sum(len(re.findall("@check", path.read_text())) for path in (course.root / "written_checks").glob("*.py"))
    )
    return load_rubric(dataclasses.replace(course, points=worth), steps)


def source(name: str, arguments: str = "1, 'A hint.'", title: str = "The title.") -> str:
    return f"@check({arguments})\ndef {name}(lab):\n    '''{title}'''\n"


# Declaring a check


def test_a_check_is_its_function_with_a_declaration() -> None:
    def function() -> None:
        """The title."""

    declared = check(1.25, "A hint.", visibility="hidden", needs=("test_a",), seconds=2)(function)

    assert declared is function
    assert getattr(function, ATTRIBUTE) == CheckInfo(1.25, "A hint.", "hidden", ("test_a",), 2)


@pytest.mark.parametrize("points", [0.25, 0.5, 1, 24])
def test_points_are_multiples_of_a_quarter(points: float) -> None:
    @check(points, "A hint.")
    def function() -> None:
        """The title."""

    assert getattr(function, ATTRIBUTE).points == points


@pytest.mark.parametrize("points", [0, -1, 0.1, 0.3, 1.0000001, float("nan"), float("inf")])
def test_other_points_are_refused(points: float) -> None:
    with pytest.raises(ValueError, match=r"function: .* points; expected a positive multiple of 0\.25"):

        @check(points, "A hint.")
        def function() -> None:
            """The title."""


@pytest.mark.parametrize("hint", ["", "  \n"])
def test_a_hint_is_mandatory(hint: str) -> None:
    with pytest.raises(ValueError, match="a hint and a docstring"):

        @check(1, hint)
        def function() -> None:
            """The title."""


@pytest.mark.parametrize("title", [None, "", " \n "])
def test_a_title_is_mandatory(title: str | None) -> None:
    def function() -> None: ...

    function.__doc__ = title
    with pytest.raises(ValueError, match="a hint and a docstring"):
        check(1, "A hint.")(function)


# Reading the rubric


def test_checks_come_in_the_order_of_steps_and_of_definition(course: Course, write: Write) -> None:
    write("step78_b", source("test_z", title="\n    First line.\n\n    More.\n    "), source("test_a"))
    write("step77_a", source("test_z"), "def test_no_check(lab):\n    '''No check.'''")
    rows = read(course)

    assert [row.id for row in rows] == ["step77.z", "step78.z", "step78.a"]
    assert [row.step for row in rows] == [77, 78, 78]
    assert rows[1].title == "First line."
    assert rows[1].node.endswith("step78_b.py::test_z")
    assert [row.id for row in read(course, frozenset({78}))] == ["step78.z", "step78.a"]
    assert read(course, frozenset({5})) == []


def test_needs_are_ids_of_the_same_module(course: Course, write: Write) -> None:
    write("step77_a", source("test_a"), source("test_b", "1, 'A hint.', needs=('test_a',)"))

    assert [row.needs for row in read(course)] == [[], ["step77.a"]]


@pytest.mark.parametrize(
    "functions",
    [
        [source("test_b", "1, 'A hint.', needs=('test_a',)"), source("test_a")],
        [source("test_b", "1, 'A hint.', needs=('test_gone',)")],
        [source("test_b", "1, 'A hint.', needs=('test_b',)")],
        [source("test_b"), source("b")],
        [source("test_b"), "test_c = test_b"],
    ],
)
def test_needs_that_do_not_come_before_and_ids_that_are_there_twice_are_refused(
    course: Course, write: Write, functions: list[str]
) -> None:
    write("step77_a", *functions)
    with pytest.raises(BadCourse, match=r"step77\.b is there twice, or needs what does not come before it"):
        read(course)


def test_only_step_modules_hold_checks(course: Course, write: Write) -> None:
    for name in ("step77_a", "step7_b", "step77", "axes", "test_step01_a"):
        write(name)

    assert course.modules == ["step77_a"]


# The course's own rubric


@pytest.fixture(scope="module")
def rubric() -> list[Check]:
    return load_rubric(COURSE)


@pytest.mark.parametrize(("step", "points"), POINTS.items())
def test_each_step_is_worth_its_points(rubric: list[Check], step: int, points: float) -> None:
    assert sum(row.info.points for row in rubric if row.step == step) == points


def test_the_steps_together_are_worth_a_hundred_points(rubric: list[Check]) -> None:
    assert sum(row.info.points for row in rubric) == sum(POINTS.values()) == 100


def test_ids_and_titles_are_unique(rubric: list[Check]) -> None:
    assert len({row.id for row in rubric}) == len(rubric)
    assert len({(row.step, row.title) for row in rubric}) == len(rubric)


def test_every_check_has_a_one_line_title_and_a_hint_that_are_sentences(rubric: list[Check]) -> None:
    for row in rubric:
        for text in (row.title, row.info.hint):
            assert text == text.strip(), row.id
            assert text.endswith((".", "?")), row.id
            assert text.isprintable(), row.id


def test_points_and_deadlines_are_sound(rubric: list[Check]) -> None:
    for row in rubric:
        assert row.info.points * 4 == int(row.info.points * 4) > 0, row.id
        assert 0 < row.info.seconds <= 60, row.id
        assert row.info.visibility in {"public", "hidden"}, row.id


def test_every_lab_module_has_checks_and_the_other_way_round(rubric: list[Check]) -> None:
    modules = sorted(path.stem for path in (ROOT / "lab").glob("step*.py"))

    assert COURSE.modules == modules
    assert {row.step for row in rubric} == {step_number(name) for name in modules}


def test_the_rubric_loads_without_what_makes_the_data() -> None:
    code = (
        "import sys, graders.grading.jobs; from graders.course import load_course; from graders.judging.rubric import load_rubric;"
        "load_rubric(load_course()); sys.exit('librosa' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_what_several_loads_say_of_one_module_holds_together() -> None:
    loads = (
        Loads(named={"a": ("x", "y"), "b": ("z",)}),
        Loads(steps=(1,), named={"a": ("y", "w")}),
        Loads(steps=(2,), named={"a": ("v",)}),
    )
    course = dataclasses.replace(COURSE, loads=loads)
    assert course.loads_for([1]).named == {"a": ("x", "y", "w"), "b": ("z",)}
    assert course.loads_for([]).named == {"a": ("x", "y", "w", "v"), "b": ("z",)}
