"""Recipes of a document, as steps that a machine can follow: edits of files, and commands with what they print.

A recipe is a section whose heading begins with a number. The line before a fenced block says what the block is for:
"Write `FILE`:", "Add to the end of `FILE`:", "In `FILE`, replace:" and then "with:". A block of `console` holds commands,
each after `$ `, and the lines that they print; `...` stands for what is left out. A command ends with exit code 0,
unless the text right before its block says "`command` exits with 2".
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.courses.checkout import Checkout

RECIPE = re.compile(r"(?P<number>[0-9]+)\. (?P<title>.+)")
FENCE = "```"
CONSOLE = "console"
PROMPT = "$ "
WRITE = re.compile(r"Write `(?P<file>[^`]+)`:")
ADD = re.compile(r"Add to the end of `(?P<file>[^`]+)`:")
REPLACE = re.compile(r"In `(?P<file>[^`]+)`, replace:")
WITH = "with:"
EXIT_CODE = re.compile(r"`(?P<command>[^`]+)` exits with (?P<code>[0-9]+)")


class NoRecipe(Exception):
    """A section cannot be followed; the message says why."""


@dataclass(frozen=True)
class Write:
    """A file that is written anew."""

    file: str
    text: str

    def follow(self, checkout: Checkout) -> None:
        path = checkout.path(self.file)
        assert not path.exists(), f"{self.file} is there already"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.text, encoding="utf-8")


@dataclass(frozen=True)
class Add:
    """Text at the end of a file, after an empty line, or two in a Python module."""

    file: str
    text: str

    def follow(self, checkout: Checkout) -> None:
        path = checkout.path(self.file)
        apart = "\n\n" if path.suffix == ".py" else "\n"
        path.write_text(path.read_text(encoding="utf-8") + apart + self.text, encoding="utf-8")


@dataclass(frozen=True)
class Replace:
    """Text that stands in a file once, and what stands there instead."""

    file: str
    old: str
    new: str

    def follow(self, checkout: Checkout) -> None:
        path = checkout.path(self.file)
        before = path.read_text(encoding="utf-8")
        assert before.count(self.old) == 1, f"{self.file} holds {before.count(self.old)} times, not once: {self.old}"
        path.write_text(before.replace(self.old, self.new), encoding="utf-8")


@dataclass(frozen=True)
class Run:
    """A command, the lines that it prints, and its exit code."""

    command: str
    lines: tuple[str, ...]
    code: int

    def follow(self, checkout: Checkout) -> None:
        done = checkout.run(shlex.split(self.command))
        assert done.code == self.code, f"$ {self.command}\nends with {done.code}, not {self.code}:\n{done.output}"
        expected = "\n".join(self.lines)
        assert prints(done.output, self.lines), f"$ {self.command}\nprints:\n{done.output}\ninstead of:\n{expected}"


Step = Write | Add | Replace | Run


@dataclass(frozen=True)
class Recipe:
    """One recipe: its number and title, and its steps in their order."""

    number: int
    title: str
    steps: tuple[Step, ...]

    def follow(self, checkout: Checkout) -> None:
        for step in self.steps:
            step.follow(checkout)


def read_recipes(text: str) -> list[Recipe]:
    """Read the recipes of a document.

    Raises:
        NoRecipe: a block of a recipe is for nothing that is known, or a recipe runs no command.
    """
    sections = [part.partition("\n") for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:]]
    return [
        _recipe(int(match["number"]), match["title"], body)
        for heading, _, body in sections
        if (match := RECIPE.fullmatch(heading.strip()))
    ]


def _recipe(number: int, title: str, body: str) -> Recipe:
    steps = tuple(_steps(body))
    if not any(isinstance(step, Run) for step in steps):
        raise NoRecipe(f"{number}. {title}: no command shows that it works.")
    return Recipe(number, title, steps)


def _steps(body: str) -> Iterator[Step]:
    replaced: tuple[str, str] | None = None
    for paragraph, language, block in _blocks(body):
        last = paragraph.splitlines()[-1] if paragraph else ""
        if (replaced is None) != (last != WITH):
            raise NoRecipe(f'"{last}": after what is to be replaced comes "{WITH}", and only there.')
        if replaced:
            yield Replace(*replaced, block.removesuffix("\n"))
            replaced = None
        elif language == CONSOLE:
            yield from _runs(paragraph, block)
        elif match := WRITE.fullmatch(last):
            yield Write(match["file"], block)
        elif match := ADD.fullmatch(last):
            yield Add(match["file"], block)
        elif match := REPLACE.fullmatch(last):
            replaced = match["file"], block.removesuffix("\n")
        else:
            raise NoRecipe(f'"{last}": a block follows, and nothing says what to do with it.')


def _blocks(body: str) -> Iterator[tuple[str, str, str]]:
    """Yield each fenced block: the paragraph right before it, its language, and its text."""
    pieces = re.split(rf"^{FENCE}", body, flags=re.MULTILINE)
    if len(pieces) % 2 == 0:
        raise NoRecipe(f"{body.strip().splitlines()[0]!r} and so on: a block has no end.")
    for before, block in zip(pieces[::2], pieces[1::2], strict=False):
        language, _, text = block.partition("\n")
        yield before.strip().rpartition("\n\n")[2], language.strip(), text


def _runs(paragraph: str, block: str) -> Iterator[Run]:
    codes = {match["command"]: int(match["code"]) for match in EXIT_CODE.finditer(" ".join(paragraph.split()))}
    first, *commands = re.split(rf"^{re.escape(PROMPT)}", block, flags=re.MULTILINE)
    if first or not commands:
        raise NoRecipe(f'a block of commands does not begin with "{PROMPT}": {block}')
    for text in commands:
        command, *lines = text.splitlines()
        yield Run(command, tuple(line for line in lines if line.strip()), codes.pop(command, 0))
    if codes:
        raise NoRecipe(f"{', '.join(codes)}: the text says how it exits, and no command like it follows.")


def prints(output: str, lines: tuple[str, ...]) -> bool:
    """Tell whether an output is what the lines say: empty lines and the width of white space do not matter."""
    parts = [r"(?:[^\n]*\n)*?" if line.strip() == "..." else _line(line) for line in lines]
    plain = "".join(f"{' '.join(line.split())}\n" for line in output.splitlines() if line.strip())
    return re.fullmatch("".join(parts), plain) is not None


def _line(line: str) -> str:
    parts = re.split(r" ?\.\.\. ?", " ".join(line.split()))
    return r"[^\n]*".join(map(re.escape, parts)) + r"\n"


def places(text: str, path: Path) -> str:
    """Return a document in which `/srv/`, where an example keeps its data, is a folder of the test's own."""
    return text.replace("/srv/", f"{path}/")
