"""Texts with places for values: which values a finished text has in these places.

A message is made in English where something happens, with its values in it. To translate it, it is compared with the
templates that such messages are made from. A template has names in braces, as an f-string has expressions.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

NAME = re.compile(r"[a-z_]\w*")


@dataclass(frozen=True)
class Template:
    """A text with places for values.

    Attributes:
        text: the whole, as catalogues have it.
        literals: what stands before, between and after the places; one more than there are places.
        names: the places, in their order.
    """

    text: str
    literals: Sequence[str]
    names: Sequence[str]

    @property
    def weight(self) -> int:
        """How many characters it demands."""
        return sum(map(len, self.literals))

    def match(self, text: str) -> dict[str, str] | None:
        """Return what stands in the places of a finished text, or None if it is not made from this template.

        Each value is as short as can be, so that this takes time in proportion to the text's length, whoever wrote it.
        """
        first, *middle, last = self.literals
        if not text.startswith(first):
            return None
        at, end = len(first), len(text) - len(last)
        values: dict[str, str] = {}
        for name, literal in zip(self.names, middle, strict=False):
            found = text.find(literal, at)
            if found < 0 or values.setdefault(name, text[at:found]) != text[at:found]:
                return None
            at = found + len(literal)
        if end < at or not text.endswith(last) or values.setdefault(self.names[-1], text[at:end]) != text[at:end]:
            return None
        return values


def template_of(text: str) -> Template | None:
    """Return a text as a template, or None if it has no places."""
    try:
        parts = list(string.Formatter().parse(text))
    except ValueError:  # its braces are its own
        return None
    literals, names = [""], []
    for literal, name, _, _ in parts:
        literals[-1] += literal
        if name is None:
            continue
        if not NAME.fullmatch(name):
            return None
        names.append(name)
        literals.append("")
    return Template(text, tuple(literals), tuple(names)) if names else None


def places(text: str) -> list[str]:
    """Return the names of a text's places."""
    found = template_of(text)
    return sorted(found.names) if found else []


def templates_of(texts: Iterable[str]) -> list[Template]:
    """Return those texts that are templates, those that demand most first."""
    found = [template for text in texts if (template := template_of(text))]
    return sorted(found, key=lambda one: -one.weight)
