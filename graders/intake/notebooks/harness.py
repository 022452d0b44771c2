"""What a notebook says to the harness, such as `check(4)`: it is no part of the work, and nobody need be told so."""

from __future__ import annotations

import ast
from collections.abc import Collection, Sequence

from graders.course import ENGINE
from graders.intake.notebooks.remarks import Remarks
from graders.intake.notebooks.statements import Statement

WHY = "the checks are no part of a submission"


def without_harness(statements: Sequence[Statement], remarks: Remarks) -> list[Statement]:
    """Return the statements that neither import from the harness nor only call what was imported from it.

    Args:
        statements: those of all cells, in order.
        remarks: which names are missing now is added.
    """
    kept = []
    own: set[str] = set()
    for statement in statements:
        node = statement.node
        if names := _imported_from_harness(node):
            own |= names
            remarks.lacking.update(dict.fromkeys(sorted(names), f"{statement.place} gives it, and {WHY}"))
        elif not _asks(node, own):
            kept.append(statement)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                own.discard(node.name)
    return kept


def _asks(node: ast.stmt, own: Collection[str]) -> bool:
    """Tell whether a statement does nothing but call one of these names, or something that belongs to one."""
    if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Call):
        return False
    called = node.value.func
    while isinstance(called, ast.Attribute):
        called = called.value
    return isinstance(called, ast.Name) and called.id in own


def _imported_from_harness(node: ast.stmt) -> set[str]:
    """Return the names that a statement imports from the harness, if it imports nothing else."""
    match node:
        case ast.ImportFrom(module=str() as module, level=0, names=aliases) if _is_harness(module):
            return {alias.asname or alias.name for alias in aliases}
        case ast.Import(names=aliases) if all(_is_harness(alias.name) for alias in aliases):
            return {alias.asname or alias.name.partition(".")[0] for alias in aliases}
    return set()


def _is_harness(module: str) -> bool:
    return module.partition(".")[0] == ENGINE
