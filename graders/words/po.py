"""Catalogues of translations, as gettext's tools write them: a `.po` file, read as it is."""

from __future__ import annotations

import gettext
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from graders.outcomes import BadInput

LINE = re.compile(r'(?:(msgid|msgid_plural|msgstr(?:\[\d\])?)\s+)?(".*")\s*')
FORMS = re.compile(r"plural\s*=\s*([^;\n]+)")


@dataclass(frozen=True)
class Catalogue:
    """The translations of one file.

    Attributes:
        texts: each by its English text.
        plurals: those of texts about a number, by the English text for one.
        header: what the file says of itself, such as `Plural-Forms`.
        form: which of the plurals a number needs, by the header.
    """

    texts: Mapping[str, str] = field(default_factory=dict)
    plurals: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    header: Mapping[str, str] = field(default_factory=dict)
    form: Callable[[int], int] = lambda number: int(number != 1)


@dataclass
class Entry:
    """An entry of a file.

    Attributes:
        texts: by their keywords: `msgid`, `msgid_plural`, `msgstr`, `msgstr[0]`.
        comments: what translators noted, with their marks.
        fuzzy: whether somebody has still to look at it.
    """

    texts: dict[str, str] = field(default_factory=dict)
    comments: list[str] = field(default_factory=list)
    fuzzy: bool = False

    @property
    def forms(self) -> tuple[str, ...]:
        """Its translations: one, or one for each form of the plural."""
        return tuple(self.texts[name] for name in sorted(self.texts) if name.startswith("msgstr"))


def read_po(path: Path) -> Catalogue:
    """Read a file of translations; entries that are marked fuzzy, or not translated, do not count.

    Raises:
        BadInput: it is no such file; the message says where.
    """
    texts: dict[str, str] = {}
    plurals: dict[str, tuple[str, ...]] = {}
    for entry in read_entries(path):
        if entry.fuzzy or not all(entry.forms):
            continue
        if "msgid_plural" in entry.texts:
            plurals[entry.texts["msgid"]] = entry.forms
        else:
            texts[entry.texts["msgid"]] = entry.texts["msgstr"]
    header = dict(line.split(": ", 1) for line in texts.pop("", "").splitlines() if ": " in line)
    return Catalogue(texts, plurals, header, _form(path, header.get("Plural-Forms", "")))


def read_entries(path: Path) -> list[Entry]:
    """Return all entries of a file, the header first, whose `msgid` is empty.

    Raises:
        BadInput: it is no file of translations; the message says where.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: cannot be read as UTF-8 ({error}); restore the file.") from error
    found = [Entry()]
    keyword = ""
    for number, line in enumerate(lines, start=1):
        if found[-1].texts and (not line.strip() or line.startswith(("#", "msgid "))):
            found.append(Entry())
            keyword = ""
        if line.startswith("#"):
            found[-1].fuzzy |= line.startswith("#,") and "fuzzy" in line
            found[-1].comments += [line] if line[:2] in {"#", "# "} else []
        elif line.strip():
            keyword = _add(found[-1], keyword, line, f"{path} line {number}")
    whole = [entry for entry in found if entry.texts]
    if lacking := [entry for entry in whole if "msgid" not in entry.texts or not entry.forms]:
        raise BadInput(f"{path}: an entry lacks its msgid or its msgstr: {lacking[0].texts}; mend it, or take it out.")
    return whole


def _add(entry: Entry, keyword: str, line: str, place: str) -> str:
    """Add a line to an entry; return the keyword that goes on in the next line."""
    found = LINE.fullmatch(line)
    if found is None or not (found[1] or keyword):
        raise BadInput(f"{place}: this is no line of a catalogue; mend it, or take it out.")
    keyword = found[1] or keyword
    entry.texts[keyword] = entry.texts.get(keyword, "") + _unquoted(found[2], place)
    return keyword


def _unquoted(quoted: str, place: str) -> str:
    if "\\" not in quoted:
        return quoted[1:-1]
    try:
        return str(json.loads(quoted))
    except ValueError as error:
        raise BadInput(f'{place}: a quotation mark or backslash is amiss; write it as \\" or \\\\.') from error


def _form(path: Path, rule: str) -> Callable[[int], int]:
    found = FORMS.search(rule)
    if not found:
        return Catalogue().form
    try:
        return gettext.c2py(found[1].strip())
    except ValueError as error:
        raise BadInput(f"{path}: Plural-Forms of the header is no rule that gettext knows ({error}).") from error


def written(entries: Iterable[Entry]) -> str:
    """Return a file of entries."""
    return "\n".join(_entry(entry) for entry in entries)


def _entry(entry: Entry) -> str:
    lines = [*entry.comments, *(["#, fuzzy"] if entry.fuzzy else [])]
    for keyword, text in entry.texts.items():
        parts = text.splitlines(keepends=True) if "\n" in text else [text]
        lines += [f"{keyword} {_quoted(parts[0])}"] if len(parts) == 1 else [f'{keyword} ""', *map(_quoted, parts)]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
