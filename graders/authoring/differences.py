"""Where two values differ, in words that let a reader see the difference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from graders.authoring.describe import describe
from graders.text import beginning
from graders.words.spoken import marked

KEYS = 4  # named at most
BEFORE, AFTER = 12, 40  # characters shown of long texts, before and after their first difference
DIGITS = (6, 9, 12, 17)
# What is put together of a place and of what is wrong there, as templates of the whole.
WHOLE = (
    marked("{place} is {mine}; expected {right}"),
    marked("{place} has {count}; expected {length}"),
    marked("{place} lacks the key {key}"),
    marked("{place} has the key {key}, which is not expected"),
    marked("{place} is not equal to what is expected"),
    marked("{item} of {place}"),
    marked("item {index}"),
    marked("key {key}"),
    marked("{one} and {other}"),
    marked("{one} or {other}"),
)


def first_difference(got: Any, expected: Any, names: Sequence[str] = ()) -> str:
    """Say where plain data first differ: the place, what is there, and what is expected; "" where they are equal.

    Args:
        got: what came, as `plain` makes it: lists, dicts, numbers, text, None.
        expected: what is right.
        names: what the items of the outermost list are about, such as the track of each.
    """
    found = _difference(got, expected, names)
    if found is None:
        return ""
    place, words = found
    return f"{place} {words}".strip()


def _difference(got: Any, expected: Any, names: Sequence[str] = ()) -> tuple[str, str] | None:
    """Find the first difference: its place, from the innermost item outwards, and what is wrong there."""
    if got == expected:
        return None
    if isinstance(got, list) and isinstance(expected, list):
        return _of_lists(got, expected, names)
    if isinstance(got, dict) and isinstance(expected, dict):
        return _of_dicts(got, expected)
    mine, right = told_apart(got, expected)
    return "", f"is {mine}; expected {right}"


def _of_lists(got: list[Any], expected: list[Any], names: Sequence[str]) -> tuple[str, str]:
    for index, (mine, right) in enumerate(zip(got, expected, strict=False)):
        found = _difference(mine, right)
        if found:
            name = f" ({names[index]})" if index < len(names) else ""
            return _inside(f"item {index}{name}", found)
    return "", f"has {_count(len(got))}; expected {len(expected)}"


def _of_dicts(got: Mapping[Any, Any], expected: Mapping[Any, Any]) -> tuple[str, str]:
    missing = [key for key in expected if key not in got]
    further = [key for key in got if key not in expected]
    if missing or further:
        parts = [f"lacks the key {_keys(missing)}"] if missing else []
        parts += [f"has the key {_keys(further)}, which is not expected"] if further else []
        return "", " and ".join(parts)
    for key, right in expected.items():
        found = _difference(got[key], right)
        if found:
            return _inside(f"key {describe(key)}", found)
    return "", "is not equal to what is expected"


def _inside(place: str, found: tuple[str, str]) -> tuple[str, str]:
    inner, words = found
    return f"{inner} of {place}" if inner else place, words


def _keys(keys: Sequence[Any]) -> str:
    shown = ", ".join(map(describe, keys[:KEYS]))
    return f"{shown} and {len(keys) - KEYS} more" if len(keys) > KEYS else shown


def _count(number: int) -> str:
    return f"{number} item" if number == 1 else f"{number} items"


def told_apart(got: Any, expected: Any) -> tuple[str, str]:
    """Describe two values that differ, so that the descriptions do too."""
    mine, right = describe(got), describe(expected)
    if mine != right:
        return mine, right
    if isinstance(got, str) and isinstance(expected, str):
        return _texts(got, expected)
    return mine, right


def _texts(got: str, expected: str) -> tuple[str, str]:
    pairs = enumerate(zip(got, expected, strict=False))
    first = next((at for at, (mine, right) in pairs if mine != right), min(len(got), len(expected)))
    start = max(0, first - BEFORE)
    mark = "…" if start else ""
    mine, right = (f"{mark}{beginning(text[start:], BEFORE + AFTER)!a}" for text in (got, expected))
    return mine, right


def numbers_apart(got: Any, expected: Any) -> tuple[str, str]:
    """Write two numbers that differ with as few digits as show it, six or more."""
    for digits in DIGITS:
        mine, right = f"{got:.{digits}g}", f"{expected:.{digits}g}"
        if mine != right:
            break
    return mine, right
