"""Lines that make a call again: whatever data it was given, a fresh Python comes to the same result."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from graders.judging.replay import Calls, NotRepeatable, Replay

SOURCE = '''
from pathlib import Path
import numpy as np

def shown(*args, **options):
    """Say what came, to the last digit."""
    return [describe(one) for one in [*args, *options.values()]]

def describe(one):
    if isinstance(one, np.ndarray):
        return one.dtype.str, one.shape, one.tobytes().hex()
    return type(one).__name__, sorted(map(repr, one)) if isinstance(one, set) else repr(one)

def changed(values, by=1):
    values.append(by)
    return values

def read(path):
    return Path(path).read_text(encoding="utf-8")

def names(folder, *, suffix):
    return sorted(path.name for path in Path(folder).rglob("*" + suffix))

def each(values):
    for value in values:
        values = None
        yield value

class Scale:
    def __init__(self, factor, offset=0):
        self.factor, self.offset = factor, offset
    def of(self, x):
        return x * self.factor + self.offset
    def make(self):
        def inner(x):
            return x + self.offset
        return inner
'''


@pytest.fixture
def own(tmp_path: Path) -> Iterator[ModuleType]:
    """Give a module of a student's package."""
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "step01_own.py").write_text(SOURCE, encoding="utf-8")
    sys.path.insert(0, str(tmp_path))
    try:
        yield importlib.import_module("own.step01_own")
    finally:
        sys.path.remove(str(tmp_path))
        for name in ("own", "own.step01_own"):
            sys.modules.pop(name, None)


def replay(tmp_path: Path, check: Callable[[], object], root: bool = True) -> tuple[object, list[str]]:
    """Return what a check's last call came to, and the lines that make it again."""
    (tmp_path / "temporary").mkdir(exist_ok=True)
    calls = Calls("own")
    calls.begin()
    try:
        result = check()
    finally:
        calls.end()
    writer = Replay("own", tmp_path if root else None, tmp_path / "temporary", tmp_path / "saved")
    return result, writer.lines(calls.calls)


def run(lines: list[str]) -> str:
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", "\n".join(lines)], capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.rstrip("\n")


DATA: list[Any] = [
    (3, -2.5, 1e300, True, None, "α'\"\n", b"\x00", 2j, ..., range(3), slice(1, None)),
    ([], [1, [2]], (), (1,), ((1, 2), [3]), {}, {"a": {1: (2,)}}, {1, 2}, frozenset({1}), set()),
    (float("inf"), np.float32(0.1), np.int64(3), np.bool_(True)),
    (np.float32("nan"), np.float64("-inf"), np.str_("α"), np.bytes_(b"a"), np.complex64(1j)),
    (np.array([1.5, 2], np.float32), np.zeros((0, 3)), np.array(4), np.array(["a", "β"])),
    (np.random.default_rng(0).normal(size=(40, 3)), [np.arange(100)], np.array([np.nan, 1.0])),
    (np.float32, len, Path("a") / "b"),
]


@pytest.mark.parametrize("data", DATA, ids=range(len(DATA)))
def test_data_are_the_same_again(own: ModuleType, tmp_path: Path, data: tuple[object, ...]) -> None:
    result, lines = replay(tmp_path, lambda: own.shown(*data, last=data[-1]))
    assert run(lines) == str(result)


def test_an_argument_that_the_call_changes_is_as_it_was_given(own: ModuleType, tmp_path: Path) -> None:
    result, lines = replay(tmp_path, lambda: own.changed([1, 2], by=3))
    assert run(lines) == str(result) == "[1, 2, 3]"
    assert lines[-2] == "result = changed([1, 2], 3)"


def test_a_generator_stands_as_it_was_called_though_it_goes_on_after_each_value(
    own: ModuleType, tmp_path: Path
) -> None:
    _, lines = replay(tmp_path, lambda: list(own.each([1, 2, 3])))
    assert lines[-2] == "result = each([1, 2, 3])"


def test_a_path_beside_what_the_check_wrote_stays_as_it_is(own: ModuleType, tmp_path: Path) -> None:
    _, lines = replay(tmp_path, lambda: own.shown(str(tmp_path / "temporary2")))
    assert lines[-2] == f"result = shown({str(tmp_path / 'temporary2')!r})"


def test_noting_a_call_copies_no_object_of_the_check_s(own: ModuleType, tmp_path: Path) -> None:
    class Counted:
        copies = 0

        def __deepcopy__(self, memo: object) -> object:
            Counted.copies += 1
            return self

        __copy__ = __reduce__ = __deepcopy__  # type: ignore[assignment]

    with pytest.raises(NotRepeatable, match=r"object \(Counted\)"):
        replay(tmp_path, lambda: own.shown([Counted()], {1: Counted()}, np.array([Counted()], dtype=object)))
    assert Counted.copies == 0


def test_large_arrays_are_saved_and_loaded(own: ModuleType, tmp_path: Path) -> None:
    _, lines = replay(tmp_path, lambda: own.shown(np.arange(1000)))
    assert f"data = np.load({str(tmp_path / 'saved' / 'data.npz')!r})" in lines
    assert lines[-2] == "result = shown(data['array_1'])"


def test_files_that_the_check_wrote_stay(own: ModuleType, tmp_path: Path) -> None:
    folder = tmp_path / "temporary" / "x"
    folder.mkdir(parents=True)
    (folder / "a.txt").write_text("Ναι", encoding="utf-8")
    read, lines = replay(tmp_path, lambda: own.read(folder / "a.txt"))
    names, of_folder = replay(tmp_path, lambda: own.names(str(folder), suffix=".txt"))
    (folder / "a.txt").unlink()
    assert run(lines) == read == "Ναι"
    assert run(of_folder) == str(names) == "['a.txt']"


def test_a_method_s_object_is_made_as_the_check_made_it(own: ModuleType, tmp_path: Path) -> None:
    def check() -> object:
        other, scale = own.Scale(7), own.Scale(2, offset=5)
        other.of(1)
        return scale.of(4)

    result, lines = replay(tmp_path, check)
    assert run(lines) == str(result) == "13"
    made, again = replay(tmp_path, lambda: own.Scale(3).factor)
    assert made == 3
    assert "own.step01_own.Scale object" in run(again)


def test_functions_of_libraries_stand_by_their_names(own: ModuleType, tmp_path: Path) -> None:
    _, lines = replay(tmp_path, lambda: own.shown(np.median))
    assert "import numpy" in lines
    assert "result = shown(numpy.median)" in lines


def test_in_a_notebook_names_need_no_import(own: ModuleType, tmp_path: Path) -> None:
    _, lines = replay(tmp_path, lambda: own.changed([1]), root=False)
    assert lines == ["result = changed([1], 1)", "print(result)"]


def test_what_cannot_be_repeated_says_why(own: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(NotRepeatable, match=r"an argument is an object \(generator\) that the check has made"):
        replay(tmp_path, lambda: own.shown(one for one in "ab"))
    with pytest.raises(NotRepeatable, match=r"an argument is an object \(datetime64\) that the check has made"):
        replay(tmp_path, lambda: own.shown(np.datetime64("2026-12-01")))
    with pytest.raises(NotRepeatable, match=r"defined inside of a function \(Scale.make.<locals>.inner\)"):
        replay(tmp_path, lambda: own.Scale(1).make()(2))
    with pytest.raises(NotRepeatable, match="the check did not come to call your code"):
        replay(tmp_path, lambda: None)
