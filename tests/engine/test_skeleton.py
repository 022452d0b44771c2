import ast
import importlib
import inspect
import subprocess
import sys
import textwrap
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest
from click.testing import CliRunner

import lab
import solutions
from graders.cli import graders
from graders.release.skeleton import skeleton_of

LAB = Path(lab.__file__).parent
STEPS = sorted(path.stem for path in Path(solutions.__file__).parent.glob("step*.py"))
ANSWERS = sorted(path.name for path in (Path(solutions.__file__).parent / "answers").iterdir())


def skeleton(source: str) -> str:
    return skeleton_of(textwrap.dedent(source).lstrip(), "step03_things")


def exercises() -> Iterator[Any]:
    """Every function and method of the lab that no `# given` marks: (step, class or None, name)."""
    for step in STEPS:
        text = (LAB / f"{step}.py").read_text(encoding="utf-8") if (LAB / f"{step}.py").exists() else ""
        for node in ast.parse(text).body:
            for item in [node, *(node.body if isinstance(node, ast.ClassDef) else [])]:
                if isinstance(item, ast.FunctionDef) and "# given" not in text.splitlines()[item.body[0].lineno - 2]:
                    owner = None if item is node else getattr(node, "name", None)
                    yield pytest.param(step, owner, item.name, id=f"{step}.{owner or ''}.{item.name}")


@pytest.mark.parametrize("step", STEPS)
def test_lab_is_what_the_generator_makes(step: str) -> None:
    source = (Path(solutions.__file__).parent / f"{step}.py").read_text(encoding="utf-8")

    assert (LAB / f"{step}.py").read_text(encoding="utf-8") == skeleton_of(source, step)


@pytest.mark.parametrize("name", ANSWERS)
def test_files_for_answers_are_copied(name: str) -> None:
    source = (Path(solutions.__file__).parent / "answers" / name).read_text(encoding="utf-8")

    assert (LAB / "answers" / name).read_text(encoding="utf-8") == source


@pytest.mark.parametrize(("step", "owner", "name"), list(exercises()))
def test_every_exercise_is_unsolved(step: str, owner: str | None, name: str) -> None:
    module = importlib.import_module(f"lab.{step}")
    function = getattr(module if owner is None else getattr(module, owner), name)
    function = getattr(function, "fget", function)
    required = [
        p
        for p in inspect.signature(function).parameters.values()
        if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD
    ]

    with pytest.raises(NotImplementedError, match=f"{name} is yours to write: step {int(step[4:6])}"):
        function(*(MagicMock() for _ in required))


@pytest.mark.parametrize("step", STEPS)
def test_signatures_and_docstrings_are_those_of_the_solution(step: str) -> None:
    ours, theirs = (importlib.import_module(f"{package}.{step}") for package in ("solutions", "lab"))

    for name, thing in vars(theirs).items():
        if getattr(thing, "__module__", None) == theirs.__name__ and not name.startswith("_"):
            solved = getattr(ours, name)
            assert inspect.getdoc(thing) == inspect.getdoc(solved)
            if not typing.is_typeddict(thing):  # it has no signature
                assert str(inspect.signature(thing)) == str(inspect.signature(solved)).replace("solutions", "lab")


def test_lab_imports_nothing_of_the_harness() -> None:
    code = f"""
import sys
import lab
for step in {STEPS}:
    __import__("lab." + step)
print(sorted({{"solutions", "graders", "fixtures"}} & set(sys.modules)))
"""
    answer = subprocess.run(
        [sys.executable, "-W", "error::SyntaxWarning", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=LAB.parent,
    )
    assert answer.stdout.strip() == "[]"


def test_bodies_go_and_signatures_and_docstrings_stay() -> None:
    made = skeleton('''
        """A step."""

        import math


        def area(
            radius: float,  # metres
            scale: float = 1.0,
        ) -> float:
            """Return the area."""
            # how it is done
            return math.pi * radius**2 * scale
    ''')

    assert (
        made
        == textwrap.dedent('''
        """A step."""


        def area(
            radius: float,  # metres
            scale: float = 1.0,
        ) -> float:
            """Return the area."""
            raise NotImplementedError("area is yours to write: step 3")
    ''').lstrip()
    )


def test_private_names_disappear_with_their_imports() -> None:
    made = skeleton('''
        """A step."""

        import math
        from collections.abc import Iterable, Sequence

        import numpy as np

        from .step01_spectrograms import read_labels

        _SECRET = 42


        def _helper(values: Iterable[int]) -> float:
            return math.fsum(values)


        class _Node:
            """Private."""


        def mean(values: Sequence[int]) -> float:
            """Return the mean."""
            return _helper(values) / len(np.array(values)) + _SECRET
    ''')

    assert (
        made
        == textwrap.dedent('''
        """A step."""

        from collections.abc import Sequence


        def mean(values: Sequence[int]) -> float:
            """Return the mean."""
            raise NotImplementedError("mean is yours to write: step 3")
    ''').lstrip()
    )


def test_given_parts_stay_as_they_are() -> None:
    source = textwrap.dedent('''
        """A step."""

        import math

        # Why it is so.
        TABLE = {  # given
            "a":   1,
        }
        Pair = tuple[int, int]  # given: a shape


        def helper(x: float) -> float:  # given
            """Return the root."""
            return math.sqrt(x)


        def longer(
            x: float,
        ) -> float:  # given
            """Return the root."""
            return math.sqrt(x)


        class Whole:  # given
            """Kept whole."""

            def _private(self) -> int:
                return 1
    ''').lstrip()

    assert skeleton(source) == source


def test_classes_keep_docstring_fields_and_public_methods() -> None:
    made = skeleton('''
        """A step."""

        from dataclasses import dataclass
        from functools import cache


        @dataclass(frozen=True)
        class Scores:
            """Scores of a model."""

            accuracy: float
            _hidden: int = 0

            @property
            def error(self) -> float:
                """Return the error."""
                return 1 - self.accuracy

            def _secret(self) -> int:
                return 1

            @staticmethod
            @cache
            def empty() -> "Scores":
                """Return no scores."""
                return Scores(0)


        class Model:
            """A model."""

            def __init__(self, size: int) -> None:  # given
                # sizes first
                self.size = size

            def __len__(self) -> int:
                """Return the size."""
                return self.size
    ''')

    assert (
        made
        == textwrap.dedent('''
        """A step."""

        from dataclasses import dataclass


        @dataclass(frozen=True)
        class Scores:
            """Scores of a model."""

            accuracy: float

            @property
            def error(self) -> float:
                """Return the error."""
                raise NotImplementedError("Scores.error is yours to write: step 3")

            @staticmethod
            def empty() -> "Scores":
                """Return no scores."""
                raise NotImplementedError("Scores.empty is yours to write: step 3")


        class Model:
            """A model."""

            def __init__(self, size: int) -> None:  # given
                # sizes first
                self.size = size

            def __len__(self) -> int:
                """Return the size."""
                raise NotImplementedError("Model.__len__ is yours to write: step 3")
    ''').lstrip()
    )


def test_constructor_without_docstring_is_an_exercise() -> None:
    made = skeleton('''
        """A step."""


        class Model:
            """A model."""

            def __init__(self, size: int) -> None:
                # first the size
                self.size = size
    ''')

    assert made.endswith(
        "    def __init__(self, size: int) -> None:\n"
        '        raise NotImplementedError("Model.__init__ is yours to write: step 3")\n'
    )


def test_signature_that_needs_an_ungiven_name_is_refused() -> None:
    with pytest.raises(ValueError, match=r"SIZE.*# given"):
        skeleton('''
            """A step."""

            SIZE = 3


            def area(size: int = SIZE) -> int:
                """Return the area."""
                return size
        ''')


def test_names_written_as_strings_keep_their_imports() -> None:
    made = skeleton('''
        """A step."""

        from pathlib import Path


        def size(path: "Path") -> int:
            """Return the size."""
            return path.stat().st_size
    ''')

    assert "from pathlib import Path" in made


def test_command_writes_the_lab_and_check_agrees(tmp_path: Path) -> None:
    written = CliRunner().invoke(graders, ["skeleton", "--out", str(tmp_path)])
    checked = CliRunner().invoke(graders, ["skeleton", "--out", str(tmp_path), "--check"])

    assert (written.exit_code, checked.exit_code, checked.output) == (0, 0, "")
    assert sorted(path.stem for path in tmp_path.glob("*.py")) == STEPS
    assert sorted(path.name for path in (tmp_path / "answers").iterdir()) == ANSWERS
    assert [f"step{step:02d}.md" for step in (1, 2, 3, 6, 7, 8, 9, 10)] == ANSWERS


def test_check_names_the_files_that_differ_and_writes_nothing(tmp_path: Path) -> None:
    CliRunner().invoke(graders, ["skeleton", "--out", str(tmp_path)])
    changed, missing = tmp_path / f"{STEPS[0]}.py", tmp_path / f"{STEPS[1]}.py"
    changed.write_text("solved = True\n")
    missing.unlink()
    (tmp_path / "step99_leftover.py").write_text("")
    (tmp_path / "answers" / "step06.md").write_text("# 6.1\nσωστό", encoding="utf-8")
    (tmp_path / "answers" / "step04.md").write_text("")
    (tmp_path / "answers" / "step01.md").unlink()

    checked = CliRunner().invoke(graders, ["skeleton", "--out", str(tmp_path), "--check"])

    assert checked.exit_code == 1
    answers = ["answers/step01.md", "answers/step04.md", "answers/step06.md"]
    for name in (changed.name, missing.name, "step99_leftover.py", *answers):
        assert name in checked.stderr
    assert STEPS[2] not in checked.stderr
    assert "step02.md" not in checked.stderr
    assert len(checked.stderr.strip().splitlines()) == 1
    assert changed.read_text() == "solved = True\n"
    assert not missing.exists()


def test_this_checkout_passes_the_check() -> None:
    assert CliRunner().invoke(graders, ["skeleton", "--check"]).exit_code == 0


def test_long_imports_are_wrapped_as_ruff_does() -> None:
    names = [f"quite_a_long_name_for_a_type_number_{i}" for i in range(4)]
    used = ",\n    ".join(f"argument_{i}: {name}" for i, name in enumerate(names))
    listed = "".join(f"    {name},\n" for name in names)

    made = skeleton_of(
        f'"""A step."""\n\nfrom kinds import (\n    extra,\n{listed})\n\n\n'
        f'def pick(\n    {used},\n) -> None:\n    """Pick."""\n    extra()\n',
        "step03_things",
    )

    assert f"from kinds import (\n{listed})\n" in made


def test_bodies_that_are_only_dots_stay() -> None:
    source = textwrap.dedent('''
        """A step."""

        from typing import Protocol


        class Backbone(Protocol):
            """What every backbone has."""

            def features(self) -> int:
                """Return the number of features."""
                ...
    ''').lstrip()

    assert skeleton(source).count("NotImplementedError") == 0
