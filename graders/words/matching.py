"""How a finished English text becomes one of another language: by the templates that it is made from."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from graders.words.templates import templates_of

SENTENCES = re.compile(r"(?<=[.!?:;]) (?=\S)")
LINES = re.compile(r"(?P<head>.*) \[(?P<lines>[^\[\]]* line \d[^\[\]]*)\](?P<tail>\.?)", re.DOTALL)
STUDENTS = frozenset({"text", "error"})  # places for what student code or Python says: that stays as it is
SENTENCES_AT_MOST, WORDS_AT_MOST, DEEPEST, CANDIDATES = 16, 40, 8, 6
PARTS = 400  # of a text that are looked at
DEMANDING = 8  # characters: a template that demands less, such as `{one} of {other}`, must make the whole of a text
# What is code, a value or a quotation, and no words of ours.
NO_WORDS = re.compile(r"`[^`]*`|'[^']*'|\"[^\"]*\"|[\w.]*\([^()]*\)|\[[^\[\]]*\]|\{[^{}]*\}|<[^<>]*>")
WORD = re.compile(r"[A-Za-z][a-z’-]+[.,;:?!]*")


@dataclass(frozen=True)
class Shown:
    """A text, as far as it could be translated.

    Attributes:
        text: the text.
        left: how many words of it are still English.
        known: how many characters the translations demanded.
    """

    text: str
    left: int
    known: int

    @property
    def rank(self) -> tuple[int, int]:
        """The less is left and the more was demanded, the better it is: the greatest is the best."""
        return -self.left, self.known


class Matching:
    """Translates finished texts.

    Args:
        texts: translations by their English texts, templates among them.
        lines: writes the lines of code that a message ends with.
    """

    def __init__(self, texts: Mapping[str, str], lines: Callable[[str], str]) -> None:
        self._texts = texts
        self._lines = lines
        self._templates = [(max(one.literals, key=len), one) for one in templates_of(texts)]
        self.of = functools.lru_cache(4096)(self._of)
        self._parts: dict[str, Shown] = {}

    def _of(self, text: str) -> str:
        """Return a text in the other language, as far as its words are known."""
        self._parts = {}
        return self._shown(text, 0).text

    def _shown(self, text: str, depth: int) -> Shown:
        """Return a part of a text; one that was looked at is looked up, and of a text with too many, the rest stays."""
        if text not in self._parts:
            if len(self._parts) > PARTS or depth > DEEPEST:
                return Shown(text, words_left(text), 0)
            self._parts[text] = self._anew(text, depth)
        return self._parts[text]

    def _anew(self, text: str, depth: int) -> Shown:
        bare = text.strip()
        start, end = text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]
        best = self._best(bare, depth)
        return Shown(f"{start}{best.text}{end}", best.left, best.known)

    def _best(self, text: str, depth: int) -> Shown:
        if (known := self._exactly(text)) is not None:
            return Shown(known, 0, len(text))
        here = Shown(text, words_left(text), 0)
        if " " not in text or not WORD.search(text):
            return here
        if found := LINES.fullmatch(text):
            head = self._shown(found["head"], depth + 1)
            return Shown(f"{head.text} [{self._lines(found['lines'])}]{found['tail']}", head.left, head.known)
        best = max([here, *self._by_templates(text, depth)], key=lambda one: one.rank)
        if best.left:
            best = max([best, *self._by_sentences(text, depth)], key=lambda one: one.rank)
        if best.left:
            best = max([best, *self._by_ends(text, depth)], key=lambda one: one.rank)
        return best if best.left < here.left or (best.known and not here.left) else here

    def _exactly(self, text: str) -> str | None:
        """Return the translation of a text, that may lack the stop or comma at its end, or have one more."""
        if text in self._texts:
            return self._texts[text]
        for mark in (".", ","):
            if text.endswith(mark) and text[:-1] in self._texts:
                return f"{self._texts[text[:-1]]}{mark}"
            if f"{text}{mark}" in self._texts:
                return self._texts[f"{text}{mark}"].removesuffix(mark)
        return None

    def _by_templates(self, text: str, depth: int) -> Iterator[Shown]:
        """Yield what a text becomes by each of the templates that demand most of it."""
        count = 0
        with_mark = f"{text},"
        for longest, template in self._templates:
            if longest not in with_mark:  # says quickly of most that they do not fit
                continue
            mark = ","
            values = template.match(text)
            if values is None and template.literals[-1].endswith(mark):
                values = template.match(with_mark)
            else:
                mark = ""
            if values is None:
                continue
            shown = {name: self._value(name, value, depth) for name, value in values.items()}
            said = self._texts[template.text].format(**{name: one.text for name, one in shown.items()})
            said = said.removesuffix(mark).replace(",: ", ": ")
            left, known = sum(one.left for one in shown.values()), sum(one.known for one in shown.values())
            if left and template.weight < DEMANDING and WORD.search("".join(template.literals)):
                continue
            yield Shown(said, left, known + template.weight)
            count += 1
            if count == CANDIDATES:
                return

    def _value(self, name: str, value: str, depth: int) -> Shown:
        return Shown(value, 0, 0) if name in STUDENTS else self._shown(value, depth + 1)

    def _by_sentences(self, text: str, depth: int) -> Iterator[Shown]:
        """Yield what becomes of a text of sentences that do not belong together."""
        parts = SENTENCES.split(text)
        for end in range(1, min(len(parts), SENTENCES_AT_MOST)):
            head, rest = (self._shown(" ".join(some), depth + 1) for some in (parts[:end], parts[end:]))
            yield Shown(f"{head.text} {rest.text}", head.left + rest.left, head.known + rest.known)
            if head.left and parts[end - 1].endswith(":"):
                head = self._shown(" ".join(parts[:end])[:-1], depth + 1)
                yield Shown(f"{head.text}: {rest.text}", head.left + rest.left, head.known + rest.known)

    def _by_ends(self, text: str, depth: int) -> Iterator[Shown]:
        """Yield what becomes of a text whose end alone is known, such as a value with words after it."""
        parts = text.split(" ")
        if len(parts) > WORDS_AT_MOST:
            return
        for start in range(1, len(parts)):
            head, end = " ".join(parts[:start]), " ".join(parts[start:])
            for one in self._by_templates(end, depth) if WORD.match(end) else ():
                if not one.left:
                    yield Shown(f"{head} {one.text}", words_left(head), one.known)


def words_left(text: str) -> int:
    """Return how many words of a text are English, and neither code nor names nor quoted."""
    before = ""
    while text != before:
        before, text = text, NO_WORDS.sub(" ", text)
    return sum(bool(WORD.fullmatch(word)) for word in text.split())
