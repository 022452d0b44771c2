"""Spreadsheets of other systems, read and written so that only the cells in question change."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from pathlib import Path

from graders.spreadsheets import BadSheet, csv_text, delimiter_of, read_table


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
        text, encoding = read_table(path)
        delimiter = delimiter_of(text)
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
        if not rows:
            raise BadSheet(f"{path}: is empty; download it again.")
        return cls(rows, delimiter, encoding, "\r\n" if "\r\n" in text else "\n")

    def content(self) -> bytes:
        """Return the file again."""
        return csv_text(self.rows, self.delimiter, self.newline).encode(self.encoding)
