"""Files of translations: brought up to date with what there is to translate, and looked through."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from graders.course import Course
from graders.outcomes import BadInput
from graders.translating.sources import Text, course_texts, engine_texts, instructor_texts
from graders.words.choice import OWN_WORDS
from graders.words.po import Entry, read_entries, written
from graders.words.templates import places

ENGINE_FILE = "engine.po"
INSTRUCTORS_FILE = "instructors.po"
CHOICE = "choice"  # the place of a word that depends on a value, such as an s: other languages may do without
NUMBER = "number"  # the place of the number that decides which form of the plural it is
HEADER = """Language: {language}
MIME-Version: 1.0
Content-Type: text/plain; charset=UTF-8
Content-Transfer-Encoding: 8bit
Plural-Forms: nplurals=2; plural=(n != 1);
X-Decimal: .
X-Moment: %Y-%m-%d %H:%M
"""


@dataclass(frozen=True)
class Problem:
    """What is wrong with one entry of a file of translations: the file's path, the English text, and what it is."""

    file: Path
    text: str
    what: str

    def __str__(self) -> str:
        """Return a sentence."""
        return f"{self.file}: {self.text!r} {self.what}."


def texts_by_file(course: Course | None) -> dict[tuple[Path, str], list[Text]]:
    """Return what is to be translated, by the folder of words and the name of the file that holds it there.

    Args:
        course: whose texts; None for the engine's own.

    Raises:
        BadInput: the course has no folder for words.
    """
    if course is None:
        return {(OWN_WORDS, ENGINE_FILE): engine_texts(), (OWN_WORDS, INSTRUCTORS_FILE): instructor_texts()}
    folder = course.words_folder
    if folder is None:
        raise BadInput(f'{course.folder}: course.toml names no folder of words; add words = "words" to it.')
    return {(folder, name): texts for name, texts in course_texts(course).items()}


def updated(path: Path, language: str, texts: Sequence[Text]) -> str:
    """Return a file of translations as it is to be: with all texts, in their order, without those that are no more.

    Args:
        path: the file, if there is one; what a text is in another file beside it, it is in this one too.
        language: its language.
        texts: what is to be translated.

    Raises:
        BadInput: a file cannot be read.
    """
    beside = {text: entry for file in sorted(path.parent.glob("*.po")) for text, entry in _entries(file).items()}
    there = {**beside, **_entries(path)}
    header = beside.get("", Entry({"msgid": "", "msgstr": HEADER.format(language=language)}))
    return written([header, *(_kept(there.get(one.text), one) for one in texts)])


def _kept(entry: Entry | None, wanted: Text) -> Entry:
    """Return the entry of a text: with the translations that it had, or none."""
    names = {"msgid": wanted.text, **({"msgid_plural": wanted.plural} if wanted.plural else {})}
    if entry and ("msgid_plural" in entry.texts) == bool(wanted.plural):
        return Entry({**entry.texts, **names}, entry.comments, entry.fuzzy)
    return Entry({**names, **({"msgstr[0]": "", "msgstr[1]": ""} if wanted.plural else {"msgstr": ""})})


def problems_of(path: Path, texts: Sequence[Text]) -> list[Problem]:
    """Return what a file of translations lacks, what of it is wrong, and what of it nothing says any more."""
    there = _entries(path)
    wanted = {one.text: one for one in texts}
    found = [Problem(path, text, what) for text, one in wanted.items() for what in _faults(there.get(text), one)]
    return found + [Problem(path, text, "is said nowhere any more") for text in there if text and text not in wanted]


def _faults(entry: Entry | None, wanted: Text) -> list[str]:
    if entry is None or not all(entry.forms) or entry.texts.get("msgid_plural", "") != wanted.plural:
        return ["is not translated"]
    if entry.fuzzy:
        return ["is marked fuzzy: look at it, and take the mark away"]
    allowed, needed = set(places(wanted.text)), set(places(wanted.text))
    if wanted.plural:
        allowed |= {*places(wanted.plural), NUMBER}
        needed = (needed & set(places(wanted.plural))) - {NUMBER}
    needed = {name for name in needed if not name.startswith(CHOICE)}
    wrong = [form for form in entry.forms if not needed <= set(places(form)) <= allowed]
    return [f"has other places in its translation, {wrong[0]!r}"] if wrong else []


def _entries(path: Path) -> dict[str, Entry]:
    return {entry.texts["msgid"]: entry for entry in read_entries(path)} if path.is_file() else {}
