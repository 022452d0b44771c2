"""Libraries that a course uses beside NumPy: their arrays and functions cross the wire, their generators are seeded.

A course registers each where its checks and its kit are imported; the engine asks for them here. None of them has to be
loaded: what is not loaded owns no value.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
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
        maker: full name of its function that makes one of NumPy's array.
    """

    name: str
    word: str
    kind: str
    dtypes: frozenset[str]
    maker: str

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


PACKAGES = frozenset({"numpy", "builtins"})  # whose functions cross by name, besides those of the libraries
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


def function_name(value: object) -> str | None:
    """Return the dotted name of a public function or class of a library, such as `numpy.median`, or None."""
    module = getattr(value, "__module__", None)
    name = getattr(value, "__name__", None)
    if not isinstance(module, str) or not isinstance(name, str):
        return None
    package = module.split(".", maxsplit=1)[0]
    if package not in _packages() or getattr(sys.modules.get(package), name, None) is not value:
        return None
    return f"{package}.{name}"


def find_function(name: str, modules: Mapping[str, Any]) -> object:
    """Return what `function_name` named; raises `LookupError` for any other name."""
    package, _, attribute = name.partition(".")
    if package not in _packages() or not hasattr(modules.get(package), attribute):
        raise LookupError(f"no library function is called {name!r}")
    return getattr(modules[package], attribute)


def _packages() -> frozenset[str]:
    return PACKAGES | {library.name for library in libraries()}
