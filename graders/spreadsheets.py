"""Tables as spreadsheet programs save them: whatever their encoding, and whatever stands between cells."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from graders.outcomes import BadInput

ENCODINGS = ("utf-8-sig", "cp1253")  # the second is that of Greek Windows
DELIMITERS = ",;\t"


class BadSheet(BadInput):
    """The file is not what it should be; the message says what is missing, and what to do."""


def read_table(path: Path) -> tuple[str, str]:
    """Return the text of a table, and its encoding; raises `BadSheet` if it cannot be read, or is no text."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadSheet(f"{path}: cannot be read ({error.strerror}).") from error
    in_utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    for encoding in ("utf-16",) if in_utf16 else ENCODINGS:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        marked = encoding != "utf-8-sig" or data.startswith(codecs.BOM_UTF8)
        return text, encoding if marked else "utf-8"
    raise BadSheet(f"{path}: is not UTF-8 text; save it as CSV in UTF-8.")


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
    quoting = csv.QUOTE_NONNUMERIC if quoted else csv.QUOTE_MINIMAL
    csv.writer(out, delimiter=delimiter, lineterminator=newline, quoting=quoting).writerows(rows)
    return out.getvalue()


def for_excel(text: str) -> bytes:
    """Return a table as a file: with the byte order mark without which Excel takes Greek for something else."""
    return text.encode("utf-8-sig")


def delimiter_of(text: str) -> str:
    """Return what stands between the cells of a table, by its first line."""
    first = text.partition("\n")[0]
    return max(DELIMITERS, key=first.count)
