"""The skeleton, with each name of a step's contract replaced by one that pretends: a family of submissions.

`pretences.toml` has a family for each way to pretend. All of them are made from the skeleton's signatures, so that a
new exercise is pretended to as well.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import msgspec

from tests.support import COURSE, ROOT

HERE = Path(__file__).parent
SKELETON = ROOT / COURSE.package


class Pretence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A way to pretend.

    Attributes:
        name: what the functions of such a submission do.
        code: defines `answer(name, returns, parameters, called)`, what a call of a function or a method returns, and
            may define `function` and `kind` anew, which make them.
    """

    name: str
    code: str


class _Table(msgspec.Struct, forbid_unknown_fields=True):
    prelude: str
    pretence: list[Pretence]


def all_pretences() -> list[Pretence]:
    """Return the ways to pretend, each with what its code needs."""
    table = msgspec.toml.decode((HERE / "pretences.toml").read_bytes(), type=_Table)
    return [msgspec.structs.replace(one, code=f"{table.prelude}\n{one.code}") for one in table.pretence]


def stage(pretence: Pretence, package_parent: Path) -> None:
    """Write a submission of a family below a folder: all steps of the skeleton."""
    package = package_parent / COURSE.package
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    for path in sorted(SKELETON.glob("step*.py")):
        skeleton = path.read_text(encoding="utf-8")
        made = "".join(_made(ast.parse(skeleton)))
        (package / path.name).write_text(f"{skeleton}\n{pretence.code}\n{made}", encoding="utf-8")


def _made(tree: ast.Module) -> Iterator[str]:
    """Yield the lines that make each name of the contract anew."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and _is_to_do(node):
            yield f"{node.name} = function(*{_signature(node)!r})\n"
        elif isinstance(node, ast.ClassDef) and any(isinstance(part, ast.FunctionDef) for part in node.body):
            methods = [_signature(part) for part in node.body if isinstance(part, ast.FunctionDef)]
            yield f"{node.name} = kind({node.name!r}, {node.name}.__bases__, {methods!r})\n"


def _is_to_do(node: ast.FunctionDef) -> bool:
    return any(isinstance(part, ast.Raise) for part in node.body)


def _signature(node: ast.FunctionDef) -> tuple[str, str, list[tuple[str, str]]]:
    """Return the name, what is returned, and the parameters, each with its type, of a function."""
    parameters = [(one.arg, ast.unparse(one.annotation) if one.annotation else "") for one in node.args.args]
    returns = ast.unparse(node.returns) if node.returns else ""
    return node.name, returns, [one for one in parameters if one[0] != "self"]
