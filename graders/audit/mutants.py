"""Mutants: copies of the reference with one small fault each, made by operators over its syntax tree.

The operators are mutmut's and the course's own, in mutmut's form: a type of node, and a function that yields what may
stand in the place of such a node. What is the same bytecode as the reference is no mutant.
"""

from __future__ import annotations

import ast
import difflib
import hashlib
import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import CodeType
from typing import Any, TypeAlias

import libcst as cst
import libcst.matchers as m
from libcst.metadata import CodeRange, MetadataWrapper, PositionProvider, WhitespaceInclusivePositionProvider
from mutmut.mutation.mutators import mutation_operators

from graders.course import Course, Step

Operator: TypeAlias = tuple[type[cst.CSTNode], Callable[[Any], Iterable[cst.CSTNode]]]

KEY_DIGITS = 12  # hexadecimal
CONTEXT = 2  # lines of a diff before and after a change
# An error's words are nobody's contract, annotations do nothing, and a wrong decorator or import fails at once.
SKIPPED = (cst.Annotation, cst.Decorator, cst.Import, cst.ImportFrom, cst.Raise)
NEVER_WITHOUT_ARGUMENT = m.Call(func=m.Name("len") | m.Name("isinstance"))  # without one they raise in any case


@dataclass(frozen=True)
class Mutant:
    """One module of the reference with one fault.

    Attributes:
        step: its step.
        operator: what made it.
        place: the function or class that it is in, `Class.method`; empty at the top of the module.
        line: where, from 1.
        original: the module as it is in the reference.
        source: the whole module.
        key: a digest of the change and its place, which stays while other parts of the module change.
    """

    step: Step
    operator: str
    place: str
    line: int
    original: str
    source: str
    key: str

    @property
    def diff(self) -> str:
        """The change, as a unified diff."""
        before, after = (text.splitlines(keepends=True) for text in (self.original, self.source))
        name = f"{self.step.module}.py"
        return "".join(difflib.unified_diff(before, after, name, name, n=CONTEXT))


def mutants_of(course: Course, step: Step) -> list[Mutant]:
    """Return all mutants of what students write of a step, in the order of their places."""
    own: Sequence[Operator] = course.load(course.audit.operators).OPERATORS if course.audit.operators else ()
    source, given = (
        (folder / f"{step.module}.py").read_text(encoding="utf-8")
        for folder in (course.reference_folder, course.skeletons)
    )
    return mutants_in(source, step, [*mutation_operators, *own], given)


def mutants_in(source: str, step: Step, operators: Iterable[Operator], given: str = "") -> list[Mutant]:
    """Return the mutants of a source; of those that are the same bytecode as it, or as one another, none or the first.

    Args:
        source: of a module.
        step: whose module it is.
        operators: what makes them.
        given: the module as students get it; what stands at the top of both is not theirs to write.
    """
    finder = _Finder(tuple(operators))
    MetadataWrapper(cst.parse_module(source)).visit(finder)
    statements = _statements(source)
    originals = {start: _behaviour(source[start:end]) for start, end in statements}
    seen = set(originals.items())
    not_theirs = {_behaviour(given[start:end]) for start, end in _statements(given)}
    counts: Counter[str] = Counter()
    mutants = []
    for change in sorted(finder.changes, key=lambda one: one.start):
        begin, end = next(span for span in statements if span[0] <= change.start < span[1])
        behaviour = _behaviour(source[begin : change.start] + change.text + source[change.end : end])
        if behaviour is None or (begin, behaviour) in seen or originals[begin] in not_theirs:
            continue
        seen.add((begin, behaviour))
        content = f"{step.module} {change.place}: {source[change.start : change.end]} -> {change.text}"
        counts[content] += 1
        key = hashlib.sha256(f"{content} {counts[content]}".encode()).hexdigest()[:KEY_DIGITS]
        changed = source[: change.start] + change.text + source[change.end :]
        mutants.append(Mutant(step, change.operator, change.place, change.line, source, changed, key))
    return mutants


@dataclass(frozen=True)
class _Change:
    """What stands from one character of a source to another in a mutant."""

    operator: str
    place: str
    line: int
    start: int
    end: int
    text: str


class _Finder(cst.CSTVisitor):
    """Collects the changes that operators make."""

    METADATA_DEPENDENCIES = (PositionProvider, WhitespaceInclusivePositionProvider)

    def __init__(self, operators: Sequence[Operator]) -> None:
        super().__init__()
        self.operators = operators
        self.changes: list[_Change] = []
        self._module = cst.Module([])
        self._starts: list[int] = []
        self._place: list[str] = []
        self._indents: list[str] = []

    def on_visit(self, node: cst.CSTNode) -> bool:
        if isinstance(node, cst.Module):
            self._module = node
            lines = node.code.splitlines(keepends=True)
            self._starts = [0, *itertools.accumulate(map(len, lines))]
        if isinstance(node, SKIPPED):
            return False
        if not m.matches(node, NEVER_WITHOUT_ARGUMENT):
            self.changes += self._changes_of(node)
        if isinstance(node, cst.FunctionDef | cst.ClassDef):
            self._place.append(node.name.value)
        if isinstance(node, cst.IndentedBlock):
            self._indents.append(node.indent or self._module.default_indent)
        return True

    def on_leave(self, original_node: cst.CSTNode) -> None:
        if isinstance(original_node, cst.FunctionDef | cst.ClassDef):
            self._place.pop()
        if isinstance(original_node, cst.IndentedBlock):
            self._indents.pop()

    def _changes_of(self, node: cst.CSTNode) -> Iterator[_Change]:
        for kind, operator in self.operators:
            if isinstance(node, kind):
                for changed in operator(node):
                    span = self.get_metadata(WhitespaceInclusivePositionProvider, node)
                    line = self.get_metadata(PositionProvider, node).start.line
                    name = operator.__name__.removeprefix("operator_").replace("_", " ")
                    start, end = self._offsets(span)
                    yield _Change(name, ".".join(self._place), line, start, end, self._text(changed))

    def _text(self, node: cst.CSTNode) -> str:
        """Return the code of a node as it stands in its block."""
        return self._module.code_for_node(node).replace("\n", "\n" + "".join(self._indents))

    def _offsets(self, span: CodeRange) -> tuple[int, int]:
        return tuple(self._starts[at.line - 1] + at.column for at in (span.start, span.end))  # type: ignore[return-value]


def _statements(source: str) -> list[tuple[int, int]]:
    """Return from which character to which each statement at the top of a source goes, with what stands before it."""
    ends = list(itertools.accumulate(map(len, source.splitlines(keepends=True))))
    stops = [ends[statement.end_lineno - 1] for statement in ast.parse(source).body if statement.end_lineno]
    return list(itertools.pairwise([0, *stops]))


def _behaviour(source: str) -> str | None:
    """Return what a source does when it runs, without where it stands; None if it cannot run."""
    try:
        return repr(_parts(compile(source, "", "exec", dont_inherit=True)))
    except (SyntaxError, ValueError):
        return None


def _parts(code: CodeType) -> tuple[object, ...]:
    constants = [
        _parts(one) if isinstance(one, CodeType) else (type(one).__name__, repr(one)) for one in code.co_consts
    ]
    flags = (code.co_flags, code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount)
    names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
    return (code.co_name, code.co_code, code.co_exceptiontable, flags, names, constants)
