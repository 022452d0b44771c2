"""Moodle: a downloaded grading worksheet filled in, whatever its language, and the zip of feedback files.

Source: `mod/assign/feedback/offline/importgradeslib.php` and `mod/assign/feedback/file/importziplib.php` of
moodle/moodle.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import msgspec

from graders.exports.entries import Entry, alone, by_number
from graders.exports.sheets import Sheet
from graders.exports.words import number, rounded
from graders.intake.layouts.handin import Handin
from graders.intake.packed.zips import zip_of
from graders.spreadsheets import BadSheet, number_in
from graders.text import folder_name

IDENTIFIER = re.compile(r"\S.*?(?P<id>\d+)")  # "Participant 123", in the language of the platform
LEAST_COLUMNS = 5
FIRST_MOST = 3  # after identifier, name or status, and grade
ENGLISH = ("Grade", "Maximum grade")
NO_GRADE = frozenset({"", "-"})
PARTICIPANT = "moodle_participant"
FEEDBACK = "assignfeedback_file"


class Columns(NamedTuple):
    """Where a worksheet has what, told by what stands in its cells: its headers are in the platform's language."""

    grade: int
    most: int


def fill(sheet: Sheet, entries: Sequence[Entry]) -> Sheet:
    """Write points by participant number; header, order, comments and times of the worksheet stay.

    Who handed in elsewhere is found as `numbered` does.

    Raises:
        BadSheet: it is no grading worksheet, or which of its columns has the grades cannot be told.
    """
    places = find_columns(sheet)
    entries = numbered(sheet, entries)
    comma = any("," in row[places.most] for row in sheet.rows[1:] if len(row) > places.most)
    known, notes = by_number(entries, PARTICIPANT)
    notes += [
        f"{one.name}: no participant of Moodle's, and in this worksheet neither the id {one.student} nor one such name"
        for one in entries
        if not one.number_at(PARTICIPANT)
    ]
    rows, used = [], set()
    for row in sheet.rows[1:]:
        cells = list(row)
        rows.append(cells)
        match = IDENTIFIER.fullmatch(cells[0].strip()) if len(cells) > places.most else None
        entry = known.get(match["id"]) if match else None
        if match is None or entry is None:
            continue
        used.add(match["id"])
        most = number_in(cells[places.most])
        if most is not None and entry.points > most:
            notes.append(f"{cells[0]}: {number(entry.points)} is above Moodle's {cells[places.most]}; not written")
        else:
            cells[places.grade] = _written(entry.points, comma=comma)
    notes += [f"participant {who}: not in this worksheet" for who in known if who not in used]
    return sheet.filled([sheet.rows[0], *rows], notes)


def numbered(sheet: Sheet, entries: Sequence[Entry]) -> list[Entry]:
    """Return the entries, those of hand-ins from elsewhere with Moodle's numbers too, where these are clear.

    Such a student's row has the id of the roster in a cell before the grade, or the name, which nobody else has there.

    Raises:
        BadSheet: as `find_columns` does.
    """
    grade = find_columns(sheet).grade
    rows: dict[str, set[str]] = {}
    for row in sheet.rows[1:]:
        if match := IDENTIFIER.fullmatch(row[0].strip()):
            for cell in row[1:grade]:
                rows.setdefault(cell.strip(), set()).add(match["id"])

    def known(entry: Entry) -> Entry:
        names = [entry.name] if alone(entries, entry.name) else []
        found = next((rows[one] for one in (entry.student, *names) if one and len(rows.get(one, ())) == 1), None)
        if entry.number_at(PARTICIPANT) or found is None:
            return entry
        handin = entry.handin or Handin(name=entry.name)
        return replace(entry, handin=msgspec.structs.replace(handin, ids={**handin.ids, PARTICIPANT: min(found)}))

    return [known(entry) for entry in entries]


def find_columns(sheet: Sheet) -> Columns:
    """Find the columns of grade and maximum: every row has the same maximum, and no grade beside it is above that.

    Where further columns look so, as those of a university's own numbers may, Moodle's English header tells.

    Raises:
        BadSheet: it is no grading worksheet, or none of its columns can have the grades, or several can.
    """
    header, *rows = sheet.rows
    rows = [row for row in rows if len(row) == len(header)]
    if len(header) < LEAST_COLUMNS or not rows or not all(IDENTIFIER.fullmatch(row[0].strip()) for row in rows):
        raise BadSheet(
            "it is no grading worksheet of Moodle's: each row begins with `Participant` and a number. "
            "Download it with View all submissions, Download grading worksheet."
        )
    found = [Columns(most - 1, most) for most in range(FIRST_MOST, len(header)) if _fits(rows, most)]
    if not found:
        raise BadSheet("which column has the grades cannot be told: none holds the same maximum grade in every row.")
    named = [one for one in found if (header[one.grade].strip(), header[one.most].strip()) == ENGLISH]
    if len(found) > 1 and len(named) != 1:
        pairs = ", ".join(f"{header[one.grade]} beside {header[one.most]}" for one in found)
        raise BadSheet(
            f"which column has the grades cannot be told: {pairs}. Delete the columns of numbers that are no grades "
            "from the worksheet; Moodle does not need them."
        )
    return (named or found)[0]


def _fits(rows: Sequence[Sequence[str]], column: int) -> bool:
    """Tell whether a column may have the maximum grade, and the one before it grades."""
    values = {row[column].strip() for row in rows}
    most = number_in(next(iter(values))) if len(values) == 1 else None
    before = [number_in(cell) for cell in {row[column - 1].strip() for row in rows} - NO_GRADE]
    return most is not None and most > 0 and all(one is not None and 0 <= one <= most for one in before)


def feedback_zip(pages: Mapping[str, tuple[str, str]]) -> bytes:
    """Return the zip that Moodle takes as feedback files.

    Args:
        pages: the name of a participant and the text of their page, by participant number.
    """
    files = {}
    for participant, (name, content) in sorted(pages.items()):
        plain = folder_name(name).replace("_", " ")
        files[f"{plain}_{participant}_{FEEDBACK}/feedback.txt"] = content.encode()
    return zip_of(files)


def _written(points: float, *, comma: bool) -> str:
    text = rounded(points)
    return text.replace(".", ",") if comma else text
