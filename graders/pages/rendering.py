"""How pages are made: all that students wrote is escaped, and what would reorder or hide text is replaced."""

from __future__ import annotations

import functools
from collections.abc import Mapping

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context

from graders.pages.pictures import lines_of, panels_of
from graders.text import without_orders
from graders.words.spoken import ENGLISH_WORDS, Words

ROOM = "graders.pages"
MOST_CHARACTERS = 20_000  # of one text that a student wrote


def render(template: str, values: Mapping[str, object], words: Words = ENGLISH_WORDS, room: str = ROOM) -> bytes:
    """Return a page.

    Args:
        template: its file's name, without the ending.
        values: what it shows; every text in it is escaped.
        words: its language.
        room: the package that has the template, which may build on those of this one.
    """
    values = {**values, "words": words}
    return _environment(room).get_template(f"{template}.html.j2").render(values).encode("utf-8", "replace")


def plain(text: str) -> str:
    """Return a text whose lines a page shows as they are, and no character of which it obeys; long ones are cut."""
    shown = text[:MOST_CHARACTERS]
    lines = [without_orders(line.replace("\t", "    ")) for line in shown.splitlines()]
    if len(text) > len(shown):
        lines.append(f"… ({len(text) - len(shown):,} more characters)")
    return "\n".join(lines)


@pass_context
def points(context: Context, value: float) -> str:
    """Write points as people do: 3, 2.5, 2.33."""
    return _words(context).number(round(value, 2))


@pass_context
def exact(context: Context, value: float) -> str:
    """Write a value of an array, in four digits."""
    return _words(context).figure(f"{value:.4g}")


@pass_context
def two(context: Context, value: float) -> str:
    """Write a value with two decimals, as in a column of them."""
    return _words(context).figure(f"{value:.2f}")


@pass_context
def moment(context: Context, text: str) -> str:
    """Write a time in ISO 8601 as people do; another text as it is."""
    return _words(context).moment(text)


@pass_context
def spoken(context: Context, text: str) -> str:
    """Return what was written in English in the language of the page."""
    return _words(context).text(text)


def _words(context: Context) -> Words:
    words = context["words"]
    assert isinstance(words, Words)  # `render` gives it to every page
    return words


@functools.cache
def _environment(room: str) -> Environment:
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(room), PackageLoader(ROOM)]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["plain"] = plain
    environment.filters["spoken"] = spoken
    environment.filters["moment"] = moment
    environment.filters["points"] = points
    environment.filters["exact"] = exact
    environment.filters["two"] = two
    environment.filters["panels"] = panels_of
    environment.filters["lines"] = lines_of
    return environment
