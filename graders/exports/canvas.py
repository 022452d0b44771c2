"""Canvas: a downloaded gradebook, with one assignment's column filled in.

Source: `app/models/gradebook_importer.rb` of instructure/canvas-lms.
"""

from __future__ import annotations

from collections.abc import Mapping

from graders.exports.sheets import Sheet
from graders.exports.words import number
from graders.spreadsheets import BadSheet

POINTS_POSSIBLE = "points possible"
READ_ONLY = "(read only)"
EXCUSED = "EX"


def fill(sheet: Sheet, assignment: str, totals: Mapping[str, float]) -> Sheet:
    """Write totals into an assignment's column; what Canvas would not take is left as it is, and noted.

    Args:
        sheet: the gradebook as Canvas exports it.
        assignment: the column: its title, its number, or both as in the header, `Lab 3 (1234)`.
        totals: points by a student's Canvas number, SIS number, login, or name.

    Raises:
        BadSheet: it is no gradebook of Canvas's, or has no such column, or several.
    """
    header = [name.strip() for name in sheet.rows[0]]
    if len(header) < 4 or "student" not in header[0].lower() or "id" not in header[1].lower():  # noqa: PLR2004
        raise BadSheet("it is no gradebook of Canvas's: its columns begin with Student and ID. Export it again.")
    column = _column(header, assignment)
    first_assignment = next((i + 1 for i, name in enumerate(header) if name.lower() == "section"), 2)
    filled, used = [], set()
    for row in sheet.rows[1:]:
        row = [*row, *[""] * (len(header) - len(row))]  # noqa: PLW2901 - Canvas leaves out empty cells at the end
        names = [row[0].strip(), *(cell.strip() for cell in row[1:first_assignment])]
        who = next((name for name in names if name and name in totals), None)
        if POINTS_POSSIBLE in row[0].lower() or who is None or _locked(sheet, column):
            filled.append(row)
            continue
        used.add(who)
        if row[column].strip().upper() == EXCUSED:
            sheet.notes.append(f"{names[0]}: excused in Canvas; left as it is")
        else:
            row[column] = str(number(round(totals[who], 2)))
        filled.append(row)
    notes = [*sheet.notes, *(f"{who}: not in this gradebook" for who in totals if who not in used)]
    if _locked(sheet, column):
        notes.append(f"{header[column]}: Canvas says that it is read only; nothing was written")
    return Sheet([sheet.rows[0], *filled], sheet.delimiter, sheet.encoding, sheet.newline, notes)


def _column(header: list[str], assignment: str) -> int:
    def fits(name: str) -> bool:
        title, _, rest = name.rpartition(" (")
        return assignment in {name, title} or (bool(title) and rest == f"{assignment})")

    found = [index for index, name in enumerate(header) if fits(name)]
    if len(found) != 1:
        there = ", ".join(name for name in header if name.endswith(")"))
        raise BadSheet(f"{len(found) or 'no'} columns are called {assignment!r}; the assignments are {there}.")
    return found[0]


def _locked(sheet: Sheet, column: int) -> bool:
    return any(len(row) > column and READ_ONLY in row[column].lower() for row in sheet.rows[1:3])
