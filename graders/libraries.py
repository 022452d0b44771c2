"""Libraries that a course uses beside NumPy: their arrays cross the wire and are compared, their generators are seeded.

A course registers each where its checks and its kit are imported; the engine asks for them here. None of them has to be
loaded: what is not loaded owns no value.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np


class NoPlainArray(Exception):
    """An array of a library that NumPy cannot hold, such as a sparse one."""


class ArrayLibrary(Protocol):
    """A library with arrays of its own.

    Attributes:
        name: import name, by which its functions cross the wire.
        word: how messages call one of its arrays.
        kind: full name of the class of its arrays.
        dtypes: names of NumPy's dtypes that its arrays can have.
    """

    name: str
    word: str
    kind: str
    dtypes: frozenset[str]

    def owns(self, value: object) -> bool:
        """Tell whether a value is one of its arrays."""
        ...

    def dtype(self, value: Any) -> str:
        """Return the name of an array's dtype, without the library's own."""
        ...

    def to_numpy(self, value: Any) -> np.ndarray:
        """Return an array as NumPy's; raises `NoPlainArray` if that cannot be."""
        ...

    def from_numpy(self, array: np.ndarray) -> Any:
        """Return NumPy's array, of one of `dtypes`, as one of the library's."""
        ...

    def seed(self, seed: int) -> None:
        """Seed the library's global generator, if it is loaded; from 0 to 2**128 - 1."""
        ...


_registered: dict[str, ArrayLibrary] = {}


def register(library: ArrayLibrary) -> None:
    """Let this process know a library; once more changes nothing."""
    _registered[library.name] = library


def libraries() -> Iterator[ArrayLibrary]:
    """Yield the libraries that this process knows."""
    yield from _registered.values()


def owner_of(value: object) -> ArrayLibrary | None:
    """Return the library whose array a value is, or None."""
    return next((library for library in _registered.values() if library.owns(value)), None)
