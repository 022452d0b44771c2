"""Functions and classes of libraries, which cross the wire by their names, such as `numpy.median`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from graders.libraries import libraries

PACKAGES = frozenset({"numpy", "builtins"})  # and a course's libraries


def function_name(value: object) -> str | None:
    """Return the dotted name of a public function or class of a library, or None."""
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
