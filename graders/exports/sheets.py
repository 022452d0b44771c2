"""Spreadsheets of other systems, read and written so that only the cells in question change."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
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
        notes: what is to be said of it, a sentence each.
    """

    rows: list[list[str]]
    delimiter: str = ","
    encoding: str = "utf-8-sig"
    newline: str = "\r\n"
    notes: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path) -> Sheet:
        """Read a CSV file; raises `BadSheet`."""
        text, encoding, notes = read_table(path)
        delimiter = delimiter_of(text)
        table = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        try:
            rows = list(table)
        except csv.Error as error:
            raise BadSheet(f"{path}: line {table.line_num}: {error}; download it again.") from error
        if not rows:
            raise BadSheet(f"{path}: is empty; download it again.")
        return cls(rows, delimiter, encoding, "\r\n" if "\r\n" in text else "\n", notes)

    def filled(self, rows: list[list[str]], notes: Iterable[str]) -> Sheet:
        """Return the sheet with other rows, and more to be said."""
        return replace(self, rows=rows, notes=[*self.notes, *notes])

    def content(self) -> bytes:
        """Return the file again."""
        return csv_text(self.rows, self.delimiter, self.newline).encode(self.encoding)
