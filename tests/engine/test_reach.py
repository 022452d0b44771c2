"""What a step can reach of a submission: what it names, and all of it where names are made at run time."""

from __future__ import annotations

import pytest

from graders.intake.reach import Reach

FILES = {
    "__init__.py": b"",
    "step01_a.py": b"import numpy\nfrom .helpers import plots\n",
    "step02_b.py": b"from .step01_a import f\n",
    "step03_c.py": b"def f(data): return data\n",
    "data.py": b"",
    "helpers/__init__.py": b"",
    "helpers/plots.py": b"from . import colours\n",
    "helpers/colours.py": b"",
    "helpers/unused.py": b"",
    "other/data.py": b"",
}


def names(module: str, files: dict[str, bytes] | None = None) -> list[str]:
    return list(Reach(FILES if files is None else files).of([module]))


def test_a_step_reaches_what_it_names_and_what_that_names() -> None:
    helpers = ["helpers/__init__.py", "helpers/plots.py", "helpers/colours.py"]
    assert names("step01_a") == ["__init__.py", "step01_a.py", *helpers]
    assert names("step02_b") == ["__init__.py", "step01_a.py", "step02_b.py", *helpers]


def test_a_word_that_happens_to_be_a_module_is_too_much_rather_than_too_little() -> None:
    assert names("step03_c") == ["__init__.py", "step03_c.py", "data.py"]


@pytest.mark.parametrize(
    "source",
    ["import importlib", "m = __import__('data')", "from importlib import import_module as load", "import pkgutil"],
)
def test_where_names_are_made_at_run_time_a_step_reaches_everything(source: str) -> None:
    assert names("step01_a", {**FILES, "step01_a.py": source.encode()}) == list(FILES)


def test_the_packages_own_init_is_run_and_counts() -> None:
    assert "step03_c.py" in names("step01_a", {**FILES, "__init__.py": b"from . import step03_c"})


def test_names_in_greek_are_found_in_whatever_form_they_are_written() -> None:
    files = {
        "__init__.py": b"",
        "step01_a.py": "from . import βοη\u0301θεια".encode(),
        "βοήθεια.py": b"",
        "άλλο.py": b"",
    }
    assert names("step01_a", files) == ["__init__.py", "step01_a.py", "βοήθεια.py"]


def test_a_module_that_is_not_there_reaches_the_package_alone() -> None:
    assert names("step09_gone") == ["__init__.py"]


@pytest.mark.parametrize(
    "source",
    [b"a" * 2_000_000, b"x = [" + b"lambda: 0, " * 150_000, "a\u0316\u0301".encode() * 300_000, b"\xff" * 2_000_000],
    ids=["a word", "many words", "many marks", "no text"],
)
def test_no_source_keeps_it_busy(source: bytes) -> None:
    """For minutes, as some of them keep a parser or a normaliser busy: the time limit of tests would say so."""
    assert names("step01_a", {"__init__.py": b"", "step01_a.py": source}) == ["__init__.py", "step01_a.py"]


def test_a_long_chain_of_modules_is_followed_to_its_end() -> None:
    chain = {f"m{n}.py": b"from . import m%d" % (n + 1) for n in range(4000)}

    assert len(Reach({"step01_a.py": b"from . import m0", **chain, "other.py": b""}).of(["step01_a"])) == 4001
