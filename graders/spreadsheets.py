"""Tables as spreadsheet programs save them: whatever their encoding, and whatever stands between cells."""

from __future__ import annotations

import codecs
import csv
import io
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal, NamedTuple

from graders.outcomes import BadInput

UTF8, WITH_MARK, GREEK, WESTERN = "utf-8", "utf-8-sig", "cp1253", "cp1252"
UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # how files of Excel, new and old, and of LibreOffice begin
WORD = re.compile(rb"[A-Za-z\xa2\xb8-\xba\xbc\xbe-\xff]{2,}")  # letters of ASCII, and what is one on Greek Windows
DELIMITERS = ",;\t"
NUMBER = re.compile(r"[+-]?([0-9]+([.,][0-9]*)?|[.,][0-9]+)([eE][+-]?[0-9]+)?")  # float() reads 1_0 too, as 10


class BadSheet(BadInput):
    """The file is not what it should be; the message says what is missing, and what to do."""


class Decoded(NamedTuple):
    """A file's text, its encoding, and what is to be said of that: nothing, unless it was guessed."""

    text: str
    encoding: str
    notes: list[str]


def read_table(path: Path) -> Decoded:
    """Return the text of a table; raises `BadSheet` if it cannot be read, or is no text."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadSheet(f"{path}: cannot be read ({error.strerror}).") from error
    if data.startswith(WORKBOOKS):
        raise BadSheet(f"{path}: is a workbook, whatever its name says; save it as CSV UTF-8 from the spreadsheet.")
    marked = data.startswith(codecs.BOM_UTF8)
    sure = "utf-16" if data.startswith(UTF16_MARKS) else WITH_MARK if marked else UTF8
    with suppress(UnicodeDecodeError):
        text = data.decode(sure)
        if "\0" not in text:
            return Decoded(text, sure, [])
    guessed = GREEK if _looks_greek(data) else WESTERN
    try:
        text = data.decode(guessed)
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise BadSheet(f"{path}: is not text in UTF-8; save it as CSV UTF-8.")
    whose = "Greek" if guessed == GREEK else "Western European"
    note = f"is not in UTF-8; read as {whose} Windows writes ({guessed}). If names look wrong, save it as CSV UTF-8"
    return Decoded(text, guessed, [note])


def _looks_greek(data: bytes) -> bool:
    """Tell Greek from Western text: a Greek word has Greek letters alone, while `é` stands among those of ASCII."""
    words = [word for word in WORD.findall(data) if not word.isascii()]
    greek = sum(not any(byte < 0x80 for byte in word) for word in words)  # noqa: PLR2004 - where ASCII ends
    return greek > len(words) / 2


def records(text: str, needed: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield each row of a table that is not empty: the number of its last line, and its cells by their columns.

    Names of columns are compared in small letters, and without blanks around them.

    Args:
        text: the table.
        needed: columns that it has to have.

    Raises:
        BadSheet: it lacks one, or a row is damaged.
    """
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter_of(text))
    try:
        names = [name.strip().lower() for name in rows.fieldnames or ()]
        if lacking := [name for name in needed if name not in names]:
            raise BadSheet(f"line 1 has no column {lacking[0]!r}.")
        rows.fieldnames = names
        for row in rows:
            values = {name: (value or "").strip() for name, value in row.items() if name is not None}
            if any(values.values()):
                yield rows.line_num, values
    except csv.Error as error:
        raise BadSheet(f"line {rows.line_num + 1}: {error}.") from error


def number_in(cell: str) -> float | None:
    """Return the number that a cell holds, with a decimal point or comma; None if it holds none."""
    if not NUMBER.fullmatch(cell.strip()):
        return None
    value = float(cell.strip().replace(",", "."))
    return value if math.isfinite(value) else None


def csv_text(
    rows: Iterable[Iterable[object]], delimiter: str = ",", newline: str = "\r\n", *, quoted: bool = False
) -> str:
    """Return rows as CSV.

    Args:
        rows: the rows, the header among them.
        delimiter: between cells.
        newline: at the end of rows.
        quoted: all cells that are no numbers are quoted, and not only where it is needed.
    """
    out = io.StringIO(newline="")
    quoting: Literal[0, 2] = csv.QUOTE_NONNUMERIC if quoted else csv.QUOTE_MINIMAL
    csv.writer(out, delimiter=delimiter, lineterminator=newline, quoting=quoting).writerows(rows)
    return out.getvalue()


def for_excel(text: str) -> bytes:
    """Return a table as a file: with the byte order mark without which Excel takes Greek for something else."""
    return text.encode("utf-8-sig")


def delimiter_of(text: str) -> str:
    """Return what stands between the cells of a table, by its first line."""
    first = text.partition("\n")[0]
    return max(DELIMITERS, key=first.count)
