"""Python source as passages of tokens in which names, literals, comments and layout are seen through.

A lexer of our own: Python's parser takes minutes over some short sources, and refuses those with a mistake in them.
Its time grows with the length of the source alone: no pattern can fail after it has read on.
"""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

TOKEN = re.compile(
    r"""(?P<comment>\#[^\n]*+)
      | (?P<blank>(?:[^\S\n]|\\\r?\n)++)
      | (?P<end>\n)
      | (?P<string>[rRbBuUfFtT]{0,2}+(?:
            \"{3}(?:[^"\\]|\\(?:.|\Z)|"(?!""))*+(?:\"{3}|\Z)
          | '{3}(?:[^'\\]|\\(?:.|\Z)|'(?!''))*+(?:'{3}|\Z)
          | "(?:[^"\\\n]|\\(?:.|\Z))*+(?:"|(?=\n)|\Z)
          | '(?:[^'\\\n]|\\(?:.|\Z))*+(?:'|(?=\n)|\Z)))
      | (?P<number>(?:\d|\.\d)(?:[eE][+-]\d|[\w.])*+)
      | (?P<name>[^\W\d]\w*+)
      | (?P<sign>\*\*=|//=|>>=|<<=|\.\.\.|[-+*/%&|^@=<>!:]=|->|\*\*|//|<<|>>|.)""",
    re.VERBOSE | re.DOTALL,
)
NAME, STRING, NUMBER = "name", "string", "number"
OPENING, CLOSING = frozenset("([{"), frozenset(")]}")
BUILTINS = frozenset(name for name in dir(builtins) if not name.startswith("_"))
LOGICAL = frozenset({"True", "False"})
OWNERS = frozenset({"self", "cls"})
DEFINING = frozenset({"def", "class"})
MOST_TOKENS = 200_000  # of a submission: twenty times a complete one


class Token(NamedTuple):
    """A token as it stands in the source, or what it is seen as."""

    kind: str
    text: str
    line: int


@dataclass(frozen=True)
class Passage:
    """Tokens that belong together: the body of a function or class up to the next definition, or what stands outside.

    Attributes:
        file: where it stands.
        tokens: what each token is seen as.
        lines: the line of each.
    """

    file: str
    tokens: tuple[str, ...]
    lines: tuple[int, ...]


def passages_of(files: Iterable[tuple[str, str]]) -> list[Passage]:
    """Return the passages of a submission's files, up to `MOST_TOKENS` tokens.

    Headers of functions and classes, imports, decorators, docstrings and annotations are left out. A new definition
    begins a new passage, so that the order of definitions does not matter.
    """
    statements: dict[str, list[list[Token]]] = {}
    left = MOST_TOKENS
    for name, source in files:
        found = []
        for statement in _statements(source):
            left -= len(statement)
            if left < 0:
                break
            found.append(statement)
        statements[name] = found
    defined = {
        after.text
        for found in statements.values()
        for statement in found
        for before, after in pairwise(statement)
        if before.text in DEFINING
    }
    return [passage for name, found in statements.items() for passage in _passages(name, found, defined)]


def _statements(source: str) -> Iterator[list[Token]]:
    """Yield the tokens of each logical line."""
    line, depth = 1, 0
    statement: list[Token] = []
    for match in TOKEN.finditer(source):
        kind, text = match.lastgroup or "", match[0]
        if kind == "end" and depth == 0:
            if statement:
                yield statement
            statement = []
        elif kind not in {"end", "comment", "blank"}:
            depth = max(0, depth + (text in OPENING) - (text in CLOSING))
            if statement and _opens_a_definition(text, statement, depth):  # a bracket above was never closed
                yield statement
                statement, depth = [], 0
            statement.append(Token(kind, text, line))
        line += text.count("\n")
    if statement:
        yield statement


def _opens_a_definition(text: str, statement: Sequence[Token], depth: int) -> bool:
    return text in DEFINING and depth > 0 and statement[-1].text != "."


def _passages(file: str, statements: Iterable[list[Token]], defined: set[str]) -> Iterator[Passage]:
    seen: list[Token] = []
    for statement in statements:
        first = statement[0].text
        if first in {"import", "from"} or all(token.kind == STRING for token in statement):
            continue
        if first in {"@", "async", *DEFINING}:
            if seen:
                yield _passage(file, seen)
            seen = []
            statement = _after_header(statement) if first != "@" else []  # noqa: PLW2901
        seen += _seen_through(_without_annotation(statement), defined)
    if seen:
        yield _passage(file, seen)


def _passage(file: str, seen: Sequence[Token]) -> Passage:
    return Passage(file, tuple(token.text for token in seen), tuple(token.line for token in seen))


def _after_header(statement: list[Token]) -> list[Token]:
    """Return what stands behind the header of a definition on the same line."""
    at = _first_outside(statement, ":")
    return [] if at is None else statement[at + 1 :]


def _without_annotation(statement: list[Token]) -> list[Token]:
    """Return an assignment `name: kind = value` without its kind."""
    if not statement or statement[0].kind != NAME or keyword.iskeyword(statement[0].text):
        return statement
    colon, equals = _first_outside(statement, ":"), _first_outside(statement, "=")
    if colon is None or (equals is not None and equals < colon):
        return statement
    return statement[:colon] + (statement[equals:] if equals is not None else [])


def _first_outside(statement: Sequence[Token], text: str) -> int | None:
    depth = 0
    for at, token in enumerate(statement):
        depth += (token.text in OPENING) - (token.text in CLOSING)
        if depth == 0 and token.text == text:
            return at
    return None


def _seen_through(statement: Sequence[Token], defined: set[str]) -> Iterator[Token]:
    for at, token in enumerate(statement):
        before = statement[at - 1].text if at else ""
        after = statement[at + 1].text if at + 1 < len(statement) else ""
        match token.kind:
            case "name":
                owner = statement[at - 2].text if at > 1 else ""
                yield token._replace(text=_name(token.text, before, after, owner, defined))
            case "number":
                yield token._replace(text="0")
            case "string":
                if not at or statement[at - 1].kind != STRING:
                    yield token._replace(text="''")
            case _ if token.text == ";" or (token.text == "," and after in CLOSING):
                continue
            case _:
                yield token


def _name(name: str, before: str, after: str, owner: str, defined: set[str]) -> str:
    """Return what a name is seen as: only what the student cannot rename stays."""
    if before == ".":
        return "n" if owner in OWNERS or name in defined else f".{name}"
    if name in LOGICAL:
        return "0"
    if keyword.iskeyword(name) or (name in BUILTINS and after == "(" and name not in defined):
        return name
    return "n"
