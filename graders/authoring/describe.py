"""Short descriptions of values and calls, for messages that a student reads."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

import numpy as np

from graders.libraries import owner_of
from graders.text import beginning

TEXT_CHARACTERS = 60
ITEMS = 3


class AsItIs(str):
    """A text that stands in a shown call without quotes: a few words for an argument, such as "40 items"."""

    __slots__ = ()


def describe(value: Any) -> str:
    """Describe a value in a few words: an array by dtype and shape, a path by its name, the rest by its text."""
    if isinstance(value, np.ndarray):
        return f"array {value.dtype} {list(value.shape)}"
    library = owner_of(value)
    if library:
        return f"{library.word} {library.dtype(value)} {list(value.shape)}"
    if isinstance(value, PurePath):
        return f"'{value.name}'"
    if isinstance(value, list | tuple | dict):
        return _describe_items(value)
    if callable(value) and hasattr(value, "__name__"):
        return str(value.__name__)
    return str(value) if isinstance(value, AsItIs) else beginning(repr(value), TEXT_CHARACTERS)


def _describe_items(value: list[Any] | tuple[Any, ...] | dict[Any, Any]) -> str:
    if len(value) > ITEMS:
        return f"{type(value).__name__} of {len(value)} items"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{describe(key)}: {describe(item)}' for key, item in value.items())}}}"
    inner = ", ".join(describe(item) for item in value)
    return f"[{inner}]" if isinstance(value, list) else f"({inner})"


def describe_call(function: str, args: tuple[object, ...], kwargs: Mapping[str, object]) -> str:
    """Write a call down as code, with its arguments described."""
    named = [f"{name}={describe(value)}" for name, value in kwargs.items()]
    return f"{function}({', '.join([*map(describe, args), *named])})"
