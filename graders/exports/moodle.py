"""Moodle: a downloaded grading worksheet filled in, whatever its language, and the zip of feedback files.

Source: `mod/assign/feedback/offline/importgradeslib.php` and `mod/assign/feedback/file/importziplib.php` of
moodle/moodle.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass

from graders.exports.sheets import Sheet
from graders.exports.words import number
from graders.spreadsheets import BadSheet
from graders.text import folder_name

IDENTIFIER = re.compile(r"\S.*?(?P<id>\d+)")  # "Participant 123", in the language of the platform
LEAST_COLUMNS = 5
FEEDBACK = "assignfeedback_file"


@dataclass(frozen=True)
class Columns:
    """Where a worksheet has what, told by what stands in its cells: its headers are in the platform's language."""

    grade: int
    most: int
    feedback: int | None


def fill(
    sheet: Sheet, totals: Mapping[str, float], feedback: Mapping[str, str], columns: Columns | None = None
) -> Sheet:
    """Write totals and comments by participant number; header, order and times of the worksheet stay.

    Raises:
        BadSheet: it is no grading worksheet, or which of its columns has the grades cannot be told.
    """
    places = columns or find_columns(sheet)
    comma = any("," in row[places.most] for row in sheet.rows[1:] if len(row) > places.most)
    filled, used, notes = [], set(), []
    for row in sheet.rows[1:]:
        row = list(row)  # noqa: PLW2901
        match = IDENTIFIER.fullmatch(row[0].strip()) if row else None
        who = match["id"] if match else ""
        if who in totals:
            used.add(who)
            most = _value(row[places.most])
            if most is not None and totals[who] > most:
                notes.append(
                    f"{row[0]}: {number(totals[who])} is above Moodle's maximum {row[places.most]}; not written"
                )
            else:
                row[places.grade] = _written(totals[who], comma=comma)
                if places.feedback is not None and who in feedback:
                    row[places.feedback] = feedback[who]
        filled.append(row)
    notes += [f"participant {who}: not in this worksheet" for who in totals if who not in used]
    return Sheet([sheet.rows[0], *filled], sheet.delimiter, sheet.encoding, sheet.newline, notes)


def find_columns(sheet: Sheet) -> Columns:
    """Find the columns of grade, maximum and comments: the maximum is the one number that all rows share.

    The grade stands before it, as Moodle writes them; comments are the last column.
    """
    header, *rows = sheet.rows
    rows = [row for row in rows if len(row) == len(header)]
    if len(header) < LEAST_COLUMNS or not rows or not all(IDENTIFIER.fullmatch(row[0].strip()) for row in rows):
        raise BadSheet(
            "it is no grading worksheet of Moodle's: each row begins with `Participant` and a number. "
            "Download it with View all submissions, Download grading worksheet."
        )
    for column in range(2, len(header)):
        values = {row[column].strip() for row in rows}
        before = {row[column - 1].strip() for row in rows} - {"", "-"}
        if len(values) == 1 and (_value(values.pop()) or 0) > 0 and all(_value(cell) is not None for cell in before):
            last = len(header) - 1
            return Columns(column - 1, column, last if last > column + 1 else None)
    raise BadSheet("which column has the grades cannot be told: none holds the same maximum grade in every row.")


def feedback_zip(pages: Mapping[str, tuple[str, bytes]], suffix: str = ".html") -> bytes:
    """Return the zip that Moodle takes as feedback files.

    Args:
        pages: the name of a participant and the content of their page, by participant number.
        suffix: of the files.
    """
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for number_, (name, content) in sorted(pages.items()):
            plain = folder_name(name).replace("_", " ")
            archive.writestr(f"{plain}_{number_}_{FEEDBACK}/feedback{suffix}", content)
    return packed.getvalue()


def _value(text: str) -> float | None:
    try:
        return float(text.strip().replace(",", "."))
    except ValueError:
        return None


def _written(points: float, *, comma: bool) -> str:
    text = str(number(round(points, 2)))
    return text.replace(".", ",") if comma else text
