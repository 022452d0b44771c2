"""Which source files a module depends on: itself and what it imports, directly or not, of some packages."""

from __future__ import annotations

import ast
import functools
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path


def sources_of(modules: Iterable[str], packages: Mapping[str, Path]) -> list[Path]:
    """Return the files that modules depend on, sorted.

    Args:
        modules: import names.
        packages: the packages to follow imports into: the folder of each by its import name.
    """
    found: dict[str, Path | None] = {}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found[name] = path = _file_of(name, packages)
        if path is None:
            continue
        waiting += [name.rpartition(".")[0], *_imports(path, name, path.name == "__init__.py", path.stat().st_mtime_ns)]
    return sorted({path for path in found.values() if path})


def modules_below(package: str, folder: Path) -> Iterator[str]:
    """Yield the import names of all modules of a package, which may be a single module."""
    if folder.with_suffix(".py").is_file():
        yield package
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder).with_suffix("").parts
        yield ".".join([package, *parts]).removesuffix(".__init__")


def statements(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield all statements, also those in others, but no expressions, which are many and import nothing."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        for part in ("body", "orelse", "finalbody", "handlers", "cases"):
            waiting += getattr(node, part, ())


def _file_of(name: str, packages: Mapping[str, Path]) -> Path | None:
    """Return a module's file, if the module belongs to one of the packages."""
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        folder = packages.get(".".join(parts[:count]))
        if folder is not None:
            place = folder.joinpath(*parts[count:])
            files = (place / "__init__.py", place.with_suffix(".py"))
            return next((file for file in files if file.is_file()), None)
    return None


@functools.lru_cache(maxsize=1024)
def _imports(path: Path, name: str, is_package: bool, _changed: int) -> Collection[str]:
    """Return what a file may import: of `from a import b` both `a` and `a.b`, since `b` may be a module."""
    wanted: set[str] = set()
    base = name if is_package else name.rpartition(".")[0]
    for node in statements(ast.parse(path.read_bytes())):
        match node:
            case ast.Import(names=names):
                wanted.update(alias.name for alias in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                parts = base.split(".")[: len(base.split(".")) - level + 1] if level else []
                origin = ".".join([*parts, module] if module else parts)
                wanted.add(origin)
                wanted.update(f"{origin}.{alias.name}" for alias in names)
    return wanted
