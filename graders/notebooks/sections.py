"""A step module as the parts of a notebook: its text, and code in pieces that are worked on one by one."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

BLANK_LINES = re.compile(r"\n{3,}")
_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


class NoModule(ValueError):
    """A module is no Python; the message says where."""


@dataclass(frozen=True)
class Section:
    """A step module in parts.

    Attributes:
        title: the first paragraph of its docstring, in one line.
        text: the rest of its docstring, Markdown.
        code: its code: what stands between functions and classes together, and each of these alone.
        names: the functions and classes that it defines.
    """

    title: str = ""
    text: str = ""
    code: Sequence[tuple[str, str]] = ()
    names: Sequence[str] = field(default=())


def section_of(source: str, package: str) -> Section:
    """Take a step module apart.

    What it imports from other step modules is left out: in a notebook, their names are there already.

    Args:
        source: its text.
        package: import name of what students write.

    Returns:
        Its parts; each piece of code has a name of its own, that of its function or class.

    Raises:
        NoModule: it is no Python.
    """
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        raise NoModule(f"line {error.lineno}: {error.msg}") from error
    except ValueError as error:
        raise NoModule(str(error)) from error
    title, _, text = (ast.get_docstring(tree) or "").partition("\n\n")
    pieces = list(_joined(_pieces(source.split("\n"), tree, package)))
    names = [node.name for node in tree.body if isinstance(node, _Definition)]
    return Section(" ".join(title.split()), text.strip(), pieces, names)


def _pieces(lines: Sequence[str], tree: ast.Module, package: str) -> Iterator[tuple[str, str]]:
    """Yield each statement with the comments above it, by the name of what it defines, or none."""
    before = 0
    for index, node in enumerate(tree.body):
        last = node.end_lineno or node.lineno
        text = "\n".join(lines[before:last])
        before = last
        is_docstring = index == 0 and isinstance(node, ast.Expr) and ast.get_docstring(tree) is not None
        if not is_docstring and text.strip():
            yield (node.name, text) if isinstance(node, _Definition) else ("", _without_own(node, text, package))
    if rest := "\n".join(lines[before:]).strip():
        yield "", rest


def _joined(pieces: Iterator[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Yield definitions alone, and what stands between them together; a class and what changes it stay apart."""
    waiting: list[str] = []
    number = 0
    for name, text in [*pieces, ("end", "")]:
        if not name:
            waiting += [text] if text else []
            continue
        if waiting:
            number += 1
            yield f"code-{number}", BLANK_LINES.sub("\n\n", "\n".join(waiting)).strip("\n")
            waiting = []
        if text:
            yield name, text.strip("\n")


def _without_own(node: ast.stmt, text: str, package: str) -> str:
    """Return a statement's text; of an import from another step module, what gives the names that it gives."""
    if not isinstance(node, ast.ImportFrom):
        return text
    module = node.module or ""
    if not (node.level or module == package or module.startswith(f"{package}.")):
        return text
    return "\n".join(f"{alias.asname} = {alias.name}" for alias in node.names if alias.asname not in {None, alias.name})
