"""The rubric: what a check must declare, and what the checks of the course add up to."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from graders import checks
from graders.authoring.check import ATTRIBUTE, CheckInfo, check
from graders.judging.rubric import Check, load_rubric, step_modules, step_number

POINTS = {1: 6, 2: 6, 3: 4, 4: 24, 5: 16, 6: 12, 7: 12, 8: 8, 9: 5, 10: 7}
Write = Callable[..., None]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Give the course check modules that a test writes, in place of its own."""
    monkeypatch.setattr(checks, "__path__", [str(tmp_path)])
    before = set(sys.modules)

    def do(name: str, *functions: str) -> None:
        body = "\n\n".join(functions)
        (tmp_path / f"{name}.py").write_text(f"from graders.authoring.check import check\n\n{body}\n", encoding="utf-8")

    yield do
    for module in [name for name in sys.modules if name not in before and name.startswith(f"{checks.__name__}.")]:
        del sys.modules[module]
        delattr(checks, module.rpartition(".")[2])


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


def test_checks_come_in_the_order_of_steps_and_of_definition(write: Write) -> None:
    write("step78_b", source("test_z", title="\n    First line.\n\n    More.\n    "), source("test_a"))
    write("step77_a", source("test_z"), "def test_no_check(lab):\n    '''No check.'''")
    rows = load_rubric()

    assert [row.id for row in rows] == ["step77.z", "step78.z", "step78.a"]
    assert [row.step for row in rows] == [77, 78, 78]
    assert rows[1].title == "First line."
    assert rows[1].node.endswith("step78_b.py::test_z")
    assert [row.id for row in load_rubric(frozenset({78}))] == ["step78.z", "step78.a"]
    assert load_rubric(frozenset({5})) == []


def test_needs_are_ids_of_the_same_module(write: Write) -> None:
    write("step77_a", source("test_a"), source("test_b", "1, 'A hint.', needs=('test_a',)"))

    assert [row.needs for row in load_rubric()] == [[], ["step77.a"]]


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
    write: Write, functions: list[str]
) -> None:
    write("step77_a", *functions)
    with pytest.raises(ValueError, match=r"step77\.b is there twice, or needs what does not come before it"):
        load_rubric()


def test_only_step_modules_hold_checks(write: Write) -> None:
    for name in ("step77_a", "step7_b", "step77", "axes", "test_step01_a"):
        write(name)

    assert step_modules() == ["step77_a"]
    assert step_number("step77_a") == 77


# The course's own rubric


@pytest.fixture(scope="module")
def rubric() -> list[Check]:
    return load_rubric()


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
    lab = Path(__file__).parents[1] / "lab"
    modules = sorted(path.stem for path in lab.glob("step*.py"))

    assert step_modules() == modules
    assert {row.step for row in rubric} == {step_number(name) for name in modules}


def test_the_rubric_loads_without_what_makes_the_data() -> None:
    code = "import sys, graders.grading.run, graders.judging.rubric as r; r.load_rubric(); sys.exit('librosa' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[1], check=False).returncode == 0
