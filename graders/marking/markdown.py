"""Answers in Markdown as HTML that is harmless: text and its structure; no link, no image, no student's element."""

from __future__ import annotations

import functools

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup

from graders.pages.rendering import plain

# What reads a text as a link, or fetches something; of these, the text stays as it was typed.
LEFT_OUT = ["link", "autolink", "image", "reference"]
MOST_BARS = 1_000  # of columns in tables: more make no table, since each row is filled up to the width of the first
ELEMENTS = frozenset("p br strong em s code pre blockquote ol ul li hr table thead tbody tr th td".split())
ATTRIBUTES = {"ol": {"start"}}


@functools.lru_cache(maxsize=256)
def harmless(text: str) -> Markup:
    """Return an answer as HTML; headings become paragraphs, since the page has its own."""
    shown = plain(text)
    reader = _reader(tables=shown.count("|") <= MOST_BARS)
    tokens = reader.parse(shown)
    for token in tokens:
        if token.type in {"heading_open", "heading_close"}:
            token.tag = "p"
    made: str = reader.renderer.render(tokens, reader.options, {})
    return Markup(nh3.clean(made, tags=set(ELEMENTS), attributes=ATTRIBUTES))  # noqa: S704 - made of ELEMENTS alone


@functools.cache
def _reader(*, tables: bool) -> MarkdownIt:
    reader = MarkdownIt("commonmark", {"html": False}).enable("strikethrough").disable(LEFT_OUT)
    return reader.enable("table") if tables else reader
