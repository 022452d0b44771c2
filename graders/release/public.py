"""What students may see of a course: its public checks, and of its other files what these need."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import msgspec
import tomli_w

from graders.authoring.thresholds import Calibrated
from graders.course import FILE, Course
from graders.judging.rubric import Check
from graders.release.skeleton import bound_name, used_names
from graders.words.po import Entry, written

KEPT_KEYS = (
    "title",
    "root",
    "package",
    "reference",
    "checks",
    "data",
    "figures",
    "words",
    "written",
    "notebooks",
    "hints",
)
KEPT_OF_SANDBOX = ("kit", "adaptations", "unreadable", "environment")
KEPT_OF_THRESHOLDS = ("check", "better", "threshold", "source")


def public_part(source: str, hidden: Collection[str], imported: Collection[str] = ()) -> str:
    """Return a module of checks without its hidden checks, and without what served these alone.

    Args:
        source: the module's text.
        hidden: names of the functions that are hidden checks.
        imported: names that other modules import from this one.
    """
    tree = ast.parse(source)
    gone: list[ast.stmt] = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name in hidden]
    if not gone:
        return source
    lines = source.splitlines()
    kept = [node for node in tree.body if node not in gone]
    served = _used(gone)
    while useless := [node for node in kept if _serves_only(node, kept, served - set(imported))]:
        gone += useless
        kept = [node for node in kept if node not in useless]
        served = _used(gone)
    still = _used(kept) | set(imported)
    left_out: set[int] = set()
    for node in gone:
        left_out.update(range(_first(node, lines), (node.end_lineno or node.lineno) + 1))
    for node in kept:
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        needed = [alias for alias in node.names if bound_name(alias) in still or bound_name(alias) not in served]
        if len(needed) < len(node.names):
            left_out.update(range(node.lineno + 1, (node.end_lineno or node.lineno) + 1))
            node.names = needed
            lines[node.lineno - 1] = ast.unparse(node)
    text = "\n".join(line for number, line in enumerate(lines, start=1) if number not in left_out)
    while "\n\n\n\n" in text:
        text = text.replace("\n\n\n\n", "\n\n\n")
    return text.rstrip() + "\n"


def imported_from(sources: Iterable[bytes]) -> dict[str, set[str]]:
    """Return the names that modules import from others, by the last part of these modules' names."""
    found: dict[str, set[str]] = {}
    for source in sources:
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.ImportFrom) and node.module:
                found.setdefault(node.module.rpartition(".")[2], set()).update(alias.name for alias in node.names)
    return found


def public_course(course: Course, public: Sequence[Check]) -> bytes:
    """Return the `course.toml` of the kit: without what only grading and its audit need."""
    whole = tomllib.loads((course.folder / FILE).read_text(encoding="utf-8"))
    ids = {check.id for check in public}
    told: dict[str, Any] = {name: whole[name] for name in KEPT_KEYS if name in whole}
    told["points"] = sum(check.max_points for check in public)
    if "sandbox" in whole:
        told["sandbox"] = {name: whole["sandbox"][name] for name in KEPT_OF_SANDBOX if name in whole["sandbox"]}
    if course.held_out.files:
        told["held_out"] = {"files": list(course.held_out.files)}
    if dropped := [one for one in whole.get("dropped", []) if one["check"] in ids]:
        told["dropped"] = dropped
    return tomli_w.dumps(told).encode()


def public_thresholds(content: bytes, public: Sequence[Check]) -> bytes:
    """Return a file of thresholds without the values that submissions reached, and without hidden checks."""
    ids = {check.id for check in public}
    rows = msgspec.json.decode(content, type=list[Calibrated])
    bare = [{name: getattr(row, name) for name in KEPT_OF_THRESHOLDS} for row in rows if row.check in ids]
    return msgspec.json.format(msgspec.json.encode(bare), indent=1) + b"\n"


def public_questions(content: bytes) -> bytes:
    """Return a file of questions without what their points are for."""
    whole = tomllib.loads(content.decode())
    if not any("rubric" in question for question in whole["question"]):
        return content
    told = [{name: value for name, value in one.items() if name != "rubric"} for one in whole["question"]]
    return tomli_w.dumps({"question": told}).encode()


def public_words(entries: Iterable[Entry], told: Collection[str]) -> bytes:
    """Return a file of translations with only those of texts that students may see."""
    return written(entry for entry in entries if not entry.texts["msgid"] or entry.texts["msgid"] in told).encode()


def _serves_only(node: ast.stmt, kept: Sequence[ast.stmt], served: set[str]) -> bool:
    """Tell whether a statement gives names to what is left out, and to nothing else."""
    names = _given(node)
    return bool(names) and names <= served and not names & _used(one for one in kept if one is not node)


def _given(node: ast.stmt) -> set[str]:
    match node:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            return {name}
        case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
            return {bound_name(alias) for alias in aliases}
        case ast.Assign() | ast.AnnAssign():
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            return {part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)}
    return set()


def _used(nodes: Iterable[ast.stmt]) -> set[str]:
    return {name for node in nodes for name in used_names(node)}


def _first(node: ast.stmt, lines: Sequence[str]) -> int:
    """Return the first line of a statement, with its decorators and the comments right above them."""
    decorators = node.decorator_list if isinstance(node, ast.FunctionDef | ast.ClassDef) else []
    line = min([node.lineno, *(decorator.lineno for decorator in decorators)])
    while line > 1 and lines[line - 2].startswith("#"):
        line -= 1
    return line
