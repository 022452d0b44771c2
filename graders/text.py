"""Text that students may have written, made harmless for what reads it: a terminal, a spreadsheet, a file."""

from __future__ import annotations

import json
import os
import re
import unicodedata

COMMAND = re.compile(r"(?<=#)#(?!\s|$)|^(\s*):(?=:)")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
FORMULA_STARTS = ("=", "+", "-", "@")
REPLACEMENT = "\ufffd"
UNUSUAL = re.compile("[\x7f-\xa0\xad\u0600-\U0010ffff]")  # what is not here is no order: ASCII, Latin, Greek, Cyrillic
OBEYED = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})  # categories of characters that terminals obey, or reorder text by
SEPARATORS = re.compile(r"[/\\\x00-\x1f]")  # of folders, on any system; and what no name can hold


def printable(text: str) -> str:
    """Return a text without what a terminal would obey or reorder, or a CI runner would take for a command.

    Each character of an escape sequence and the like becomes a replacement character, and so does one of `::` at the
    start of the text, and of `##` anywhere unless a blank follows: what runners of CI obey in a log begins with these.
    """
    kept = (" " if char in "\n\r\t" else char for char in text)
    plain = without_orders("".join(kept))
    return COMMAND.sub(lambda match: f"{match[1] or ''}{REPLACEMENT}", plain)


def printable_name(text: str) -> str:
    """Return a name for a table, which folds it where a column ends: no line of it may be taken for a command."""
    return printable(text).replace("::", f"{REPLACEMENT}:")


def beginning(text: object, most: int) -> str:
    """Return the first `most` characters of a text, and a mark where it went on."""
    whole = str(text)
    return whole if len(whole) <= most else f"{whole[: most - 1]}…"


def quoted(text: object, most: int) -> str:
    """Return the beginning of a text that may quote a submission, as one line of printable characters."""
    line = " ".join(str(text)[: 2 * most].split())
    return beginning("".join(char if char.isprintable() else REPLACEMENT for char in line), most)


def without_colours(text: str) -> str:
    """Return a text without the colours that libraries put into some of their messages."""
    return COLOUR.sub("", text)


def encodable(text: str) -> str:
    """Return a text without lone surrogates, which student code may put into an error and no file can hold."""
    return text.encode("utf-8", "replace").decode()


def name_of_file(name: str) -> str:
    """Return a file's name as text, whatever its bytes are."""
    return os.fsencode(name).decode("utf-8", "replace")


def folder_name(name: str) -> str:
    """Return a name as that of one folder, wherever it comes from: nothing in it leads out of the folder above."""
    one = SEPARATORS.sub("_", without_orders(name_of_file(name)))
    return "_" if one.strip() in {"", ".", ".."} else one


def without_orders(text: str) -> str:
    """Return a text in which each character that a terminal obeys, or reorders text by, is a replacement character."""
    return "".join(REPLACEMENT if unicodedata.category(char) in OBEYED else char for char in text)


def escaped_json(text: str) -> str:
    """Return JSON in which characters that a terminal obeys are escapes: it says the same, and is harmless to print."""
    return UNUSUAL.sub(lambda match: _escaped(match[0]), text)


def _escaped(char: str) -> str:
    return json.dumps(char)[1:-1] if char == "\x7f" or unicodedata.category(char) in OBEYED else char


def cell(text: str) -> str:
    """Return a text as one line that a spreadsheet does not read as a formula, in whatever width it is written."""
    line = printable(text)
    start = unicodedata.normalize("NFKC", line.lstrip()[:1])
    return f"'{line}" if start.startswith(FORMULA_STARTS) else line


def text_of(error: BaseException) -> str:
    """Return the text of an exception, whatever its own `__str__` does."""
    try:
        return str(error)
    except Exception as broken:  # noqa: BLE001 - an exception class of a student's may do anything
        return f"(its text cannot be had: {type(broken).__name__})"
