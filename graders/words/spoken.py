"""Words: how what is written in English reads in the language that was chosen."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from graders.words.po import Catalogue, read_po
from graders.words.templates import Template, templates_of

ENGLISH = "en"
MOMENT = "%Y-%m-%d %H:%M"
SENTENCES = re.compile(r"(?<=[.!?:]) (?=\S)")
LINES = re.compile(r"(?P<head>.*) \[(?P<lines>[^\[\]]* line \d[^\[\]]*)\](?P<tail>\.?)", re.DOTALL)
LINE = re.compile(r"(?P<file>\S+) line (?P<number>\d+)(?:, in (?P<function>\S+))?")
STUDENTS = frozenset({"text", "error"})  # places for what student code or Python says: that stays as it is
LONGEST, SENTENCES_AT_MOST, DEEPEST, CANDIDATES = 4000, 16, 8, 4


class Words:
    """The words of one language.

    Args:
        language: its code, such as `el`.
        catalogues: its translations, those that come first count; none for English.
    """

    def __init__(self, language: str = ENGLISH, catalogues: Sequence[Catalogue] = ()) -> None:
        self.language = language
        self._catalogues = catalogues
        self._header = {name: value for one in reversed(catalogues) for name, value in one.header.items()}
        self._text = functools.lru_cache(4096)(self._translated)

    def say(self, text: str, /, **values: object) -> str:
        """Return a text with values in its places, numbers as the language writes them."""
        return self._of(text).format(**{name: self._shown(value) for name, value in values.items()})

    def count(self, one: str, many: str, number: float, /, **values: object) -> str:
        """Return the text for one or for many, by a number, which stands in the place `number`."""
        whole = int(number) if number == int(number) else 2  # half a point is of points
        text = one if number == 1 else many
        for catalogue in self._catalogues:
            if one in catalogue.plurals:
                forms = catalogue.plurals[one]
                text = forms[min(catalogue.form(whole), len(forms) - 1)]
                break
        return text.format(**{name: self._shown(value) for name, value in {"number": number, **values}.items()})

    def text(self, message: str) -> str:
        """Return a finished English text in this language, as far as its words are known; its values stay."""
        if not self._catalogues or not message or len(message) > LONGEST:
            return message
        return self._text(message, 0)[0]

    def number(self, value: float) -> str:
        """Write a number without needless decimals: 3, 2.5 or 2,5."""
        return f"{value:g}".replace(".", self._header.get("X-Decimal", "."))

    def moment(self, text: str) -> str:
        """Write a time in ISO 8601 as people do; another text as it is."""
        try:
            when = datetime.fromisoformat(text)
        except ValueError:
            return text
        return f"{when.strftime(self._header.get('X-Moment', MOMENT))} {when:%Z}".rstrip()

    def _shown(self, value: object) -> object:
        return self.number(value) if isinstance(value, int | float) else value

    def _of(self, text: str) -> str:
        return next((one.texts[text] for one in self._catalogues if text in one.texts), text)

    @functools.cached_property
    def _templates(self) -> list[Template]:
        return templates_of({text for one in self._catalogues for text in one.texts})

    def _translated(self, text: str, depth: int) -> tuple[str, int]:
        """Return a text in this language, and how many of its characters were known."""
        bare = text.strip()
        start, end = text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]
        for known, mark in ((bare, ""), (bare.removesuffix("."), "."), (f"{bare}.", "")):
            if any(known in one.texts for one in self._catalogues):
                said = self._of(known)
                said = said if mark or known == bare else said.removesuffix(".")
                return f"{start}{said}{mark if known != bare else ''}{end}", len(bare)
        if depth >= DEEPEST or " " not in text:
            return text, 0
        if found := LINES.fullmatch(bare):
            head, weight = self._text(found["head"], depth + 1)
            lines = LINE.sub(self._line, found["lines"])
            return f"{start}{head} [{lines}]{found['tail']}{end}", weight
        whole = self._by_template(bare, depth)
        parts = self._by_sentences(bare, depth)
        best, weight = max(whole, parts, key=lambda one: one[1])
        return f"{start}{best}{end}", weight

    def _line(self, found: re.Match[str]) -> str:
        if found["function"]:
            return self.say("{file} line {number}, in {function}", **found.groupdict())
        return self.say("{file} line {number}", file=found["file"], number=found["number"])

    def _by_template(self, text: str, depth: int) -> tuple[str, int]:
        """Return a text that one template makes, that of those that demand most which is known best."""
        best, found = (text, 0), 0
        for template in self._templates:
            values = template.match(text)
            if values is None:
                continue
            shown, weight = {}, template.weight
            for name, value in values.items():
                shown[name], more = (value, len(value)) if name in STUDENTS else self._text(value, depth + 1)
                weight += more
            if weight > best[1]:
                best = self._of(template.text).format(**shown), weight
            found += 1
            if found == CANDIDATES:
                break
        return best

    def _by_sentences(self, text: str, depth: int) -> tuple[str, int]:
        """Return a text of several sentences that do not belong together."""
        parts = SENTENCES.split(text)
        if not 1 < len(parts) <= SENTENCES_AT_MOST:
            return text, 0
        best = text, 0
        for end in range(len(parts) - 1, 0, -1):
            head = " ".join(parts[:end])
            if any(head in one.texts for one in self._catalogues) or end == 1:
                first, known = self._text(head, depth + 1)
                rest, further = self._text(" ".join(parts[end:]), depth + 1)
                if known + further > best[1]:
                    best = f"{first} {rest}", known + further
        return best


ENGLISH_WORDS = Words()


def marked(text: str) -> str:
    """Return a text as it is: its name tells those who look for what there is to translate."""
    return text


# What joins texts, as templates of the whole.
JOINED = (
    marked("{one}; {other}"),
    marked("{file} line {number}"),
    marked("{file} line {number}, in {function}"),
)


def words_of(language: str, folders: Sequence[Path]) -> Words:
    """Return the words of a language.

    Args:
        language: its code.
        folders: those that hold a folder for each language; what the first ones say counts.

    Raises:
        BadInput: a catalogue cannot be read.
    """
    files = [path for folder in folders for path in sorted((folder / language).glob("*.po"))]
    return Words(language, [read_po(path) for path in files])
