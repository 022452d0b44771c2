"""How checks compare: each function says what was asked, what came, what was expected, and what may have gone wrong."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from graders.authoring.describe import describe
from graders.authoring.differences import first_difference, numbers_apart
from graders.authoring.pictures import picture_of
from graders.libraries import NoPlainArray, owner_of
from graders.outcomes import HarnessFault, Outcome, Picture, SubmissionError, WrongType
from graders.text import beginning, text_of
from graders.words.spoken import marked

LARGEST = sys.float_info.max
PLAIN_ITEMS = 100_000  # what a check compares item by item is small
SAID = 120  # characters of what an exception says
LEAST = 1e-6  # by which what is unlike must differ
BESIDE_UNLIKE = 1e-3  # of what is unlike's middle distance: the most that what is the same may differ
Mistakes = Sequence[tuple[Any, str]]
"""Wrong values that are well known, each with a hint for whoever returned it."""
DTYPE_NAMES = {"f": marked("floating point"), "i": marked("integers"), "b": marked("booleans")}


class Unlike(AssertionError):
    """A comparison failed; a picture shows what came beside what was expected, if that is worth looking at."""

    def __init__(self, message: str, picture: Picture | None = None) -> None:
        super().__init__(message)
        self.picture = picture


class Recognised(Unlike):
    """A comparison failed, and the hint says why, if the wrong value is a well-known one; else it is empty."""

    def __init__(self, message: str, hint: str, picture: Picture | None = None) -> None:
        super().__init__(message, picture)
        self.hint = hint


def _hint(mistakes: Mistakes, came: Callable[[Any], bool]) -> str:
    return next((hint for wrong, hint in mistakes if came(wrong)), "")


def as_array(value: Any, call: str) -> np.ndarray:
    """Return an array or a tensor as an array.

    Raises:
        WrongType: the value is neither.
    """
    library = owner_of(value)
    if library:
        try:
            return library.to_numpy(value)
        except NoPlainArray as error:
            raise WrongType(
                f"{call} returned {describe(value)}, which is no NumPy array; expected a dense one."
            ) from error
    if not isinstance(value, np.ndarray):
        raise WrongType(f"{call} returned {describe(value)}; expected an array.")
    return value


def expect_shape(value: Any, shape: Sequence[int], call: str) -> np.ndarray:
    """Return an array or tensor, as an array, once its shape is as expected."""
    array = as_array(value, call)
    if array.shape != tuple(shape):
        swapped = array.ndim == 2 and array.shape == tuple(shape)[::-1]  # noqa: PLR2004 - a matrix
        advice = " The axes are swapped: transpose the array." if swapped else ""
        raise AssertionError(f"{call} returned shape {array.shape}; expected {tuple(shape)}.{advice}")
    return array


def expect_dtype(value: Any, kind: str, call: str) -> np.ndarray:
    """Return an array or tensor, as an array, once its dtype is of the kind: `f` floating, `i` integer, `b` boolean."""
    array = as_array(value, call)
    if array.dtype.kind.replace("u", "i") != kind:
        raise AssertionError(f"{call} has dtype {array.dtype}; expected {DTYPE_NAMES[kind]}.")
    return array


def expect_array(
    value: Any,
    expected: ArrayLike,
    call: str,
    tolerance: float = 1e-5,
    *,
    names: Sequence[str] = (),
    mistakes: Mistakes = (),
) -> np.ndarray:
    """Return an array or tensor, as an array, once shape and values are as expected.

    Args:
        value: what student code returned.
        expected: what is right; its shape is demanded too.
        call: the call, as a student would write it.
        tolerance: largest difference allowed, relative to the largest expected magnitude (at least 1).
        names: what the rows are about (the items of the first axis), for messages.
        mistakes: wrong arrays that are well known, each with its hint.
    """
    right = np.asarray(expected)
    array = as_array(value, call)
    try:
        expect_shape(array, right.shape, call)
    except AssertionError as error:
        raise Unlike(str(error), picture_of(call, array, right)) from None
    if array.dtype.kind not in "fiub":
        raise WrongType(f"{call} has dtype {array.dtype}; expected numbers.")
    if not array.size:
        return array
    magnitudes = np.abs(right.astype(np.float64))
    scale = float(magnitudes[np.isfinite(magnitudes)].max(initial=1.0))

    def unlike(other: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore", over="ignore"):
            same: np.ndarray = (array == other) | (np.abs(array.astype(np.float64) - other) <= tolerance * scale)
        return ~same

    wrong = unlike(right)
    if wrong.any():
        at = tuple(int(i) for i in np.argwhere(wrong)[0])
        got, wanted = numbers_apart(array[at], right[at])
        place = f"{at} ({names[at[0]]})" if at and at[0] < len(names) else f"{at}"
        raise Recognised(
            f"{call} is wrong at {int(wrong.sum())} of {wrong.size} places, first at index {place}: "
            f"got {got}; expected {wanted}.",
            _hint(mistakes, lambda one: array.shape == np.shape(one) and not unlike(np.asarray(one)).any()),
            picture_of(call, array, right),
        )
    return array


def expect_as_before(value: Any, before: np.ndarray, unlike: np.ndarray, call: str, tolerance: float = 1e-5) -> None:
    """Demand that a submission gives the same as it did before, and something else for what is unlike.

    Since both come from the submission, it is not enough that they differ little beside their own magnitude, which a
    huge term could set: they must also differ little beside how far what is unlike is away.

    Args:
        value: what student code returned now.
        before: what it returned before; its shape is demanded too.
        unlike: what it returned for something else, such as other tracks in the same places; of the same shape.
        call: the call, as a student would write it.
        tolerance: as for `expect_array`.
    """
    array = expect_array(expect_dtype(value, "f", call), before, call, tolerance).astype(np.float64)
    first, other = before.astype(np.float64), unlike.astype(np.float64)
    away = np.abs(other - first)
    if not away.max() > LEAST or np.allclose(other, first):
        raise AssertionError(f"{call} is the same for what is unlike; expected it to depend on the input.")
    difference = np.abs(array - first)
    if not difference.max() <= BESIDE_UNLIKE * np.median(away[away > 0]):
        at = tuple(int(i) for i in np.unravel_index(np.argmax(difference), first.shape))
        raise AssertionError(
            f"{call} is not as before, most at index {at}: got {array[at]:.6g}; expected {first[at]:.6g}."
        )


def expect_number(value: Any, expected: float, call: str, tolerance: float = 1e-6, *, mistakes: Mistakes = ()) -> None:
    """Demand a real number, as a Python number, NumPy scalar, or array or tensor without axes.

    Args:
        value: what student code returned.
        expected: what is right.
        call: the call, as a student would write it.
        tolerance: largest difference allowed, relative to the expected magnitude (at least 1).
        mistakes: wrong numbers that are well known, each with its hint.
    """
    if isinstance(value, np.generic):
        value = value.item()
    elif isinstance(getattr(value, "shape", None), tuple) and value.shape == ():
        value = as_array(value, call).item()
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise WrongType(f"{call} returned {describe(value)}; expected a number.")

    def near(other: float) -> bool:
        return abs(value) < LARGEST and abs(value - other) <= tolerance * max(1.0, abs(other))

    if not near(expected):
        whole = isinstance(value, int)
        got, right = (describe(value), f"{expected:.10g}") if whole else numbers_apart(value, expected)
        raise Recognised(f"{call} returned {got}; expected {right}.", _hint(mistakes, near))


def expect_equal(value: Any, expected: Any, call: str, *, names: Sequence[str] = (), mistakes: Mistakes = ()) -> None:
    """Demand equal plain data; lists, tuples and arrays of the same items count as equal, and so do NumPy scalars.

    Args:
        value: what student code returned.
        expected: what is right.
        call: the call, as a student would write it.
        names: what the items are about, for messages: "item 0 (Rock) is 1", where the call says nothing of Rock.
        mistakes: wrong values that are well known, each with its hint.
    """
    got, right = plain(value, call), plain(expected, call)
    if got == right:
        return
    found = first_difference(got, right, names)
    nested = isinstance(got, list | dict) and isinstance(right, list | dict)
    what = found.removeprefix("is ")
    message = f"{call.removesuffix(',')}: {found}." if nested else f"{call} returned {what}."
    raise Recognised(message, _hint(mistakes, lambda wrong: bool(got == plain(wrong, call))))


def plain(value: Any, call: str) -> Any:
    """Turn arrays, tuples and NumPy scalars inside a value into lists and Python scalars.

    Raises:
        WrongType: something in it is no plain data.
    """
    if isinstance(value, np.ndarray | np.generic) or owner_of(value):
        if max(math.prod(value.shape), *value.shape, 0) > PLAIN_ITEMS:
            raise WrongType(f"{call} returned {describe(value)}; expected at most {PLAIN_ITEMS} items.")
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [plain(item, call) for item in value]
    if isinstance(value, dict):
        return {_key(plain(key, call)): plain(item, call) for key, item in value.items()}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise WrongType(f"{call} returned {describe(value)}; expected plain data (lists, tuples, dicts, numbers, text).")


def _key(key: Any) -> Any:
    return tuple(_key(item) for item in key) if isinstance(key, list) else key


def expect_length(value: Any, length: int, call: str) -> Any:
    """Return a list, tuple or array once it has the expected number of items."""
    if not isinstance(value, list | tuple | np.ndarray) or not getattr(value, "shape", (1,)):
        raise WrongType(f"{call} returned {describe(value)}; expected a sequence of {length}.")
    if len(value) != length:
        raise AssertionError(f"{call} has {len(value)} items; expected {length}.")
    return value


def expect_text(value: Any, call: str) -> str:
    """Return a text, once it is one."""
    if not isinstance(value, str):
        raise WrongType(f"{call} is {describe(value)}; expected text.")
    return value


@contextmanager
def expect_error(
    kinds: type[Exception] | tuple[type[Exception], ...], call: str, *, naming: Mapping[str, str] | None = None
) -> Iterator[None]:
    """Demand that the block raises one of the exceptions: bad input is refused, not passed on.

    Args:
        kinds: the exceptions.
        call: the call, as a student would write it.
        naming: the words or numbers that the exception's text must hold, each with what it is, for messages.
    """
    wanted = kinds if isinstance(kinds, tuple) else (kinds,)
    names = " or ".join(kind.__name__ for kind in wanted)
    try:
        yield
    except SubmissionError as error:
        if error.outcome is not Outcome.STUDENT_ERROR:
            raise
        if not isinstance(error, wanted):
            told = str(error).rstrip(".")
            raise AssertionError(f"{told}. Expected {names}.") from error
        _expect_named(error.raised.text if error.raised else str(error), naming, call)
    except (NotImplementedError, HarnessFault):
        raise
    except wanted as error:
        _expect_named(text_of(error), naming, call)
    except Exception as error:
        raise AssertionError(f"{call} raised {type(error).__name__}: {error}; expected {names}.") from error
    else:
        raise AssertionError(f"{call} raised nothing; expected {names}.")


def _expect_named(text: str, naming: Mapping[str, str] | None, call: str) -> None:
    """Raise unless the text of an exception holds each word, and not as a part of a longer one."""
    for word, what in (naming or {}).items():
        part = r"\d" if word.isdigit() else r"\w"
        if not re.search(f"(?<!{part}){re.escape(word)}(?!{part})", text):
            said = f"says {beginning(text, SAID)!r}" if text else "says nothing"
            raise AssertionError(f"{call} raises an error that {said}; expected it to name {what}: {word}.")
