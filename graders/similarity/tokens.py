"""Python source as passages of tokens in which names, literals, comments and layout are seen through.

A lexer of our own: Python's parser takes minutes over some short sources, and refuses those with a mistake in them.
Its time grows with the length of the source alone: no pattern can fail after it has read on.
"""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
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
LEFT_OUT = frozenset({"import", "from", "print", "pass"})  # statements that begin so do not count
MOST_TOKENS = 200_000  # of a submission: twenty times a complete one


class Token(NamedTuple):
    """A token as it stands in the source, or what it is seen as."""

    kind: str
    text: str
    line: int


class Names(NamedTuple):
    """Names of a file: those that the submission defines, and those that it imports from libraries."""

    defined: Collection[str]
    imported: Mapping[str, str]


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

    Headers of functions and classes, imports, decorators, docstrings, annotations and what only prints are left out. A
    new definition begins a new passage, so that the order of definitions does not matter.
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
    return [
        passage
        for name, found in statements.items()
        for passage in _passages(name, found, Names(defined, _imported(found, defined)))
    ]


def _imported(statements: Iterable[Sequence[Token]], defined: Collection[str]) -> dict[str, str]:
    """Return the names that a file imports from libraries, each with what it is called there; "" for a module."""
    found: dict[str, str] = {}
    for statement in statements:
        if statement[0].text not in {"import", "from"}:
            continue
        texts = [token.text for token in statement if token.text not in "()"]
        if texts[0] == "import":
            for part in _split(texts[1:]):
                found[part[-1] if "as" in part else part[0]] = ""
        elif "import" in texts and texts[1] not in {".", "..."}:
            for part in _split(texts[texts.index("import") + 1 :]):
                if part[0] not in defined:
                    found[part[-1]] = part[0]
    return found


def _split(texts: Sequence[str]) -> Iterator[list[str]]:
    """Yield what stands between commas."""
    part: list[str] = []
    for text in [*texts, ","]:
        if text != ",":
            part.append(text)
        elif part:
            yield part
            part = []


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


def _passages(file: str, statements: Iterable[list[Token]], names: Names) -> Iterator[Passage]:
    seen: list[Token] = []
    for statement in statements:
        first = statement[0].text
        if first in LEFT_OUT or all(token.kind == STRING for token in statement):
            continue
        if first in {"@", "async", *DEFINING}:
            if seen:
                yield _passage(file, seen)
            seen = []
            statement = _after_header(statement) if first != "@" else []  # noqa: PLW2901
        seen += _seen_through(_without_annotation(statement), names)
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


def _seen_through(statement: Sequence[Token], names: Names) -> Iterator[Token]:
    at = 0
    while at < len(statement):
        token = statement[at]
        before = statement[at - 1].text if at else ""
        if token.kind == NAME and before != "." and token.text in names.imported:
            at, text = _of_a_library(statement, at, names)
            yield token._replace(text=text)
            continue
        after = statement[at + 1].text if at + 1 < len(statement) else ""
        match token.kind:
            case "name":
                owner = statement[at - 2].text if at > 1 else ""
                yield token._replace(text=_name(token.text, before, after, owner, names.defined))
            case "number":
                yield token._replace(text="0")
            case "string":
                if not at or statement[at - 1].kind != STRING:
                    yield token._replace(text="''")
            case _ if token.text == ";" or (token.text == "," and after in CLOSING):
                pass
            case _:
                yield token
        at += 1


def _of_a_library(statement: Sequence[Token], at: int, names: Names) -> tuple[int, str]:
    """Return what a library's name is seen as, however it was imported: its last part; and what stands behind it."""
    last = names.imported[statement[at].text]
    at += 1
    while at + 1 < len(statement) and statement[at].text == "." and statement[at + 1].kind == NAME:
        last = statement[at + 1].text
        at += 2
    return at, f".{last}" if last else "n"


def _name(name: str, before: str, after: str, owner: str, defined: Collection[str]) -> str:
    """Return what a name is seen as: only what the student cannot rename stays."""
    if before == ".":
        return "n" if owner in OWNERS or name in defined else f".{name}"
    if name in LOGICAL:
        return "0"
    if keyword.iskeyword(name) or (name in BUILTINS and after == "(" and name not in defined):
        return name
    return "n"
