"""Canvas: a downloaded gradebook, with one assignment's column filled in.

Source: `app/models/gradebook_importer.rb` of instructure/canvas-lms.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from graders.exports.entries import Entry, alone, by_number
from graders.exports.sheets import Sheet
from graders.exports.words import rounded
from graders.spreadsheets import BadSheet

POINTS_POSSIBLE = "points possible"
READ_ONLY = "(read only)"
EXCUSED = "EX"
LEAST_COLUMNS = 4


def fill(sheet: Sheet, assignment: str, entries: Sequence[Entry]) -> Sheet:
    """Write points into an assignment's column; what Canvas would not take is left as it is, and noted.

    A row's student is found by the id of the roster, which is one of the university's in Canvas, then by Canvas's own
    number where hand-ins came from Canvas, and at last by a name that nobody else has.

    Args:
        sheet: the gradebook as Canvas exports it.
        assignment: the column: its title, its number, or both as in the header, `Lab 3 (1234)`.
        entries: the students' points.

    Raises:
        BadSheet: it is no gradebook of Canvas's, or has no such column, or several.
    """
    header = [name.strip() for name in sheet.rows[0]]
    if len(header) < LEAST_COLUMNS or "student" not in header[0].lower() or "id" not in header[1].lower():
        raise BadSheet("it is no gradebook of Canvas's: its columns begin with Student and ID. Export it again.")
    column = _column(header, assignment)
    if _locked(sheet, column):
        note = f"{header[column]}: Canvas says that it is read only; nothing was written"
        return sheet.filled(sheet.rows, [note])
    after_ids = next((place for place, name in enumerate(header) if "section" in name.lower()), 2)
    numbers, notes = by_number(entries, "canvas_user")
    students = {entry.student: entry for entry in entries if entry.student}
    names = Counter(row[0].strip() for row in sheet.rows[1:] if row)
    rows, used = [], set()
    for row in sheet.rows[1:]:
        cells = [*row, *[""] * (len(header) - len(row))]  # Canvas leaves out empty cells at the end
        rows.append(cells)
        name, number, *others = (cell.strip() for cell in cells[:after_ids])
        if POINTS_POSSIBLE in name.lower():
            continue
        ids = others if numbers else [number, *others]
        entry = next((students[one] for one in ids if one in students), None)
        entry = entry or numbers.get(number) or (alone(entries, name) if names[name] == 1 else None)
        if entry is None:
            continue
        used.add(id(entry))
        if cells[column].strip().upper() == EXCUSED:
            notes.append(f"{name}: excused in Canvas; left as it is")
        else:
            cells[column] = rounded(entry.points)
    notes += [f"{entry.name} ({entry.student}): not in this gradebook" for entry in entries if id(entry) not in used]
    return sheet.filled([sheet.rows[0], *rows], notes)


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
