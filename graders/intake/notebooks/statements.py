"""A cell's code as statements. What is no Python costs its statement, and is told; magics are taken out."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from graders.intake.notebooks.remarks import Kind, Remarks
from graders.text import quoted

MAGIC = re.compile(
    r"^(?P<indent>\s*)(?:[%!?]|(?P<given>\w[\w., ]*)=\s*[%!]|[\w.]+\?{1,2}\s*$|pip3?\s+(?:install|uninstall)\s)"
)
TIMED = re.compile(r"^(?P<indent>\s*)%time\s+(?=\w[\w., ]*=[^=])")
BODY_MAGICS = frozenset({"%%time", "%%timeit", "%%capture", "%%prun"})
DEFINES = re.compile(r"^(?:(?:async\s+)?(?:def|class)\s+(?P<defined>\w+)|(?P<given>\w+)\s*(?::[^=]*)?=(?!=))")
GOES_ON = re.compile(r"[\s)\]}#]|$|(?:else|elif|except|finally)\b")
OPENED_ON = re.compile(r"expected an indented block after .* on line (\d+)")
REASON_CHARACTERS = 150
SHOWN_CHARACTERS = 60
LINES_TAKEN_OUT = 50
DAMAGE = (SyntaxError, ValueError, RecursionError, MemoryError)
VERSION = f"Python {sys.version_info.major}.{sys.version_info.minor}"


@dataclass(frozen=True)
class Statement:
    """One statement at the top level of a cell.

    Attributes:
        cell: the cell's number.
        line: its first line there, which may be a decorator's.
        node: it, parsed.
        text: its text; `if 1:` stands before what is indented in the cell.
        lines_before: lines of the text that are not the cell's.
    """

    cell: int
    line: int
    node: ast.stmt
    text: str
    lines_before: int = 0

    @property
    def place(self) -> str:
        """How notes and messages call it."""
        return f"cell {self.cell} line {self.line}"

    @property
    def shown(self) -> str:
        """Its beginning, for a note."""
        return quoted(self.text.split("\n")[self.lines_before].strip(), SHOWN_CHARACTERS)


def statements_of(cell: int, source: str, remarks: Remarks) -> list[Statement]:
    """Return the statements of a cell, and remark what was left out of it."""
    first = source.lstrip().split("\n", maxsplit=1)[0].split(" ", maxsplit=1)[0]
    if first.startswith("%%") and first not in BODY_MAGICS:
        remarks.add(Kind.OTHER_CELL, cell, 1, quoted(first, SHOWN_CHARACTERS))
        return []
    code, tree = _parsed(cell, source, remarks)
    lines = code.encode().split(b"\n")
    return [statement for node in tree.body for statement in _statements(cell, node, lines)] if tree else []


def _statements(cell: int, node: ast.stmt, lines: list[bytes]) -> Iterator[Statement]:
    """Yield a statement; in place of a main guard, which holds in a notebook, what stands below it."""
    if not _is_main_guard(node):
        yield Statement(cell, _first_line(node), node, _text_of(node, lines))
        return
    assert isinstance(node, ast.If)
    starts = [_first_line(child) for child in node.body]
    ends = [child.end_lineno or 0 for child in node.body]
    if any(end >= start for end, start in zip([node.lineno, *ends], starts, strict=False)):  # they share a line
        below = starts[0] > node.lineno
        inside = b"\n".join(lines[starts[0] - 1 : ends[-1]])
        text = b"if 1:\n" + inside if below else b"if 1:" + inside[node.body[0].col_offset :]
        yield Statement(cell, starts[0], node, text.decode(), below)
        return
    for child, start, end in zip(node.body, starts, ends, strict=True):
        yield Statement(cell, start, child, b"\n".join([b"if 1:", *lines[start - 1 : end]]).decode(), 1)


def _is_main_guard(node: ast.stmt) -> bool:
    match node:
        case ast.If(
            test=ast.Compare(left=ast.Name("__name__"), ops=[ast.Eq()], comparators=[ast.Constant("__main__")])
        ):
            return not node.orelse
    return False


def _first_line(node: ast.stmt) -> int:
    decorators = getattr(node, "decorator_list", [])
    return decorators[0].lineno if decorators else node.lineno


def _text_of(node: ast.stmt, lines: list[bytes]) -> str:
    decorated = bool(getattr(node, "decorator_list", []))
    first, start = _first_line(node), 0 if decorated else node.col_offset
    last, end = node.end_lineno or first, node.end_col_offset
    if first == last:  # a line may hold any number of statements: none may cost more than its own length
        return lines[first - 1][start:end].decode()
    return b"\n".join([lines[first - 1][start:], *lines[first : last - 1], lines[last - 1][:end]]).decode()


def _parsed(cell: int, source: str, remarks: Remarks) -> tuple[str, ast.Module | None]:
    """Parse a cell; where that fails, a magic is taken out, or else the statement, and it is tried again."""
    lines = source.split("\n")
    for _ in range(LINES_TAKEN_OUT):
        code = "\n".join(lines)
        try:
            tree = ast.parse(code)
            compile(tree, f"cell {cell}", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
        except DAMAGE as error:
            number = min(getattr(error, "lineno", None) or 1, len(lines))
            timed = TIMED.match(lines[number - 1])
            if timed:
                lines[number - 1] = timed["indent"] + lines[number - 1][timed.end() :]
                continue
            magic = MAGIC.match(lines[number - 1])
            shown = quoted(lines[number - 1].strip(), SHOWN_CHARACTERS)
            if magic:
                names = re.findall(r"\w+", magic["given"] or "")
                remarks.add(Kind.MAGIC, cell, number, shown, gives=names)
                lines[number - 1] = f"{magic['indent']}pass"
                continue
            why = f"it is not {VERSION}: {quoted(_reason(error), REASON_CHARACTERS)}"
            span = _span(lines, number, error) if isinstance(error, SyntaxError) and error.lineno else None
            if not span or not any(map(str.strip, lines[span.start : span.stop])):
                remarks.add(Kind.NO_PYTHON, cell, number, why, gives=_defined_in(lines), whole=True)
                return "", None
            remarks.add(Kind.NO_PYTHON, cell, number, why, gives=_defined_in(lines[span.start : span.stop]))
            lines[span.start : span.stop] = [""] * len(span)
        else:
            return code, tree
    why = f"more than {LINES_TAKEN_OUT} of its lines are no Python"
    remarks.add(Kind.NO_PYTHON, cell, 1, why, gives=_defined_in(lines), whole=True)
    return "", None


def _reason(error: BaseException) -> str:
    return str(getattr(error, "msg", error)) or "too large or too deep"


def _span(lines: list[str], number: int, error: SyntaxError) -> range:
    """Return which lines the statement takes that is no Python, counted from 0."""
    opened = OPENED_ON.match(str(error.msg))
    at = (int(opened[1]) if opened else number) - 1
    at = min(max(at, 0), len(lines) - 1)
    start = at
    while start > 0 and (GOES_ON.match(lines[start]) or lines[start - 1].startswith("@")):
        start -= 1
    if isinstance(error, IndentationError) and not opened and _is_simple("\n".join(lines[start:at])):
        start = at  # a line that is indented for no reason: what stands before it is whole
    end = at + 1
    while end < len(lines) and GOES_ON.match(lines[end]):
        end += 1
    return range(start, end)


def _is_simple(code: str) -> bool:
    """Tell whether code is one statement or more of a line each."""
    try:
        body = ast.parse(code).body
    except DAMAGE:
        return False
    return bool(body) and not any(hasattr(node, "body") for node in body)


def _defined_in(lines: list[str]) -> list[str]:
    found = (DEFINES.match(line) for line in lines)
    return [match["defined"] or match["given"] for match in found if match]
