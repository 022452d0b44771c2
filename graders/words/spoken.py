"""Words: how what is written in English reads in the language that was chosen."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from graders.words.matching import Matching
from graders.words.po import Catalogue, read_po

ENGLISH = "en"
MOMENT = "%Y-%m-%d %H:%M"
LINE = re.compile(r"(?P<file>\S+) line (?P<number>\d+)(?:, in (?P<function>\S+))?")
LONGEST = 4000  # longer messages stay as they are


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
        return self._matching.of(message)

    def number(self, value: float) -> str:
        """Write a number without needless decimals: 3, 2.5 or 2,5."""
        return self.figure(f"{value:g}")

    def figure(self, text: str) -> str:
        """Return a number as it was written in English, such as 0.50, with this language's mark before decimals."""
        return text.replace(".", self._header.get("X-Decimal", "."))

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
    def _matching(self) -> Matching:
        return Matching(
            {name: text for one in reversed(self._catalogues) for name, text in one.texts.items()}, self._lines
        )

    def _lines(self, text: str) -> str:
        return LINE.sub(self._line, text)

    def _line(self, found: re.Match[str]) -> str:
        if found["function"]:
            return self.say("{file} line {number}, in {function}", **found.groupdict())
        return self.say("{file} line {number}", file=found["file"], number=found["number"])


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
