"""Spreadsheets of other systems, read and written so that only the cells in question change."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from pathlib import Path

ENCODINGS = ("utf-8-sig", "utf-16", "cp1253")
DELIMITERS = ",;\t"


class BadSheet(Exception):
    """The file is not what it should be; the message says what is missing, and what to do."""


@dataclass
class Sheet:
    """A table of text, with what a spreadsheet program wrote it with.

    Attributes:
        rows: all rows, the header among them.
        delimiter: between cells.
        encoding: of the file.
        newline: at the end of rows.
    """

    rows: list[list[str]]
    delimiter: str = ","
    encoding: str = "utf-8-sig"
    newline: str = "\r\n"
    notes: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path) -> Sheet:
        """Read a CSV file; raises `BadSheet`."""
        try:
            data = path.read_bytes()
        except OSError as error:
            raise BadSheet(f"{path}: cannot be read ({error.strerror}).") from error
        for encoding in ENCODINGS:
            if encoding == "utf-16" and data[:2] not in {b"\xff\xfe", b"\xfe\xff"}:
                continue
            try:
                text = data.decode(encoding)
                break
            except UnicodeDecodeError:
                continue
        else:
            raise BadSheet(f"{path}: is no text; download it again.")
        with_mark = data.startswith(b"\xef\xbb\xbf")
        first = text.partition("\n")[0]
        delimiter = max(DELIMITERS, key=first.count)
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
        if not rows:
            raise BadSheet(f"{path}: is empty; download it again.")
        newline = "\r\n" if "\r\n" in text else "\n"
        return cls(rows, delimiter, encoding if with_mark or encoding != "utf-8-sig" else "utf-8", newline)

    def content(self) -> bytes:
        """Return the file again."""
        out = io.StringIO(newline="")
        csv.writer(out, delimiter=self.delimiter, lineterminator=self.newline).writerows(self.rows)
        return out.getvalue().encode(self.encoding)
