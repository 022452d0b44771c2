"""Names that a notebook gives more than once, and exercises that it only imports."""

from __future__ import annotations

import ast
from collections.abc import Collection, Sequence

from graders.intake.notebooks.needed import DEFINITIONS, Part
from graders.intake.notebooks.package import last_imported
from graders.intake.notebooks.remarks import Remarks, in_cells

NAMES_SHOWN = 8


def remark_repeats(
    parts: Sequence[Part], exercises: Collection[str], own_modules: Collection[str], remarks: Remarks
) -> None:
    """Remark what is defined twice, of which the last counts, and which exercises are imported, which is no answer."""
    defined: dict[str, list[Part]] = {}
    for part in parts:
        if isinstance(part.statement.node, DEFINITIONS):
            for name in part.defines:
                defined.setdefault(name, []).append(part)
    repeated = [
        f"`{name}` in {in_cells(part.statement.cell for part in several)}"
        for name, several in defined.items()
        if len(several) > 1 and not any(_builds_on(part.statement.node, name) for part in several[1:])
    ]
    if repeated:
        more = [f"and {len(repeated) - NAMES_SHOWN} more"] if len(repeated) > NAMES_SHOWN else []
        remarks.note(f"defined more than once, the last counts: {'; '.join([*repeated[:NAMES_SHOWN], *more])}")
    for name, (place, index) in last_imported(parts, exercises, own_modules).items():
        if index < 0:
            remarks.note(f"{place}: imports {name}, which is no answer to the exercise of that name; define it")
        else:
            remarks.note(f"{place}: imports {name}; the one of {parts[index].statement.place} is graded")


def _builds_on(node: ast.stmt, name: str) -> bool:
    """Tell whether a definition uses an earlier one of its name, as `class A(A)` and `@f.register` do."""
    above = [*getattr(node, "decorator_list", []), *getattr(node, "bases", [])]
    return any(isinstance(one, ast.Name) and one.id == name for part in above for one in ast.walk(part))
