"""Everything as one table, whose column `what` says what a row is about."""

from __future__ import annotations

from collections.abc import Sequence

from graders.exports.words import number
from graders.spreadsheets import csv_text
from graders.statistics.causes import Cause
from graders.statistics.figures import TENTHS, ClassFigures, Spread
from graders.text import cell

COLUMNS = (
    "what step check title judged passed pass_rate discrimination remark waited points_lost outcome message example "
    "hint results whose mean least lower_quartile median upper_quartile most of"
).split()
Row = dict[str, str]


def as_csv(figures: ClassFigures, causes: Sequence[Cause], advice: Sequence[str]) -> str:
    """Return the table: rows `score`, `tenth`, `step`, `check`, `wrong answer` and `tomorrow`."""
    rows: list[Row] = [{"what": "score", **_spread(figures.scores)}]
    width = 100 // TENTHS
    rows += [
        {"what": "tenth", "title": f"{at * width} % to {(at + 1) * width} %", "results": str(count)}
        for at, count in enumerate(figures.tenths)
    ]
    rows += [{"what": "step", "step": str(step), **_spread(spread)} for step, spread in figures.steps.items()]
    for check in figures.checks:
        rows.append(
            {
                "what": "check",
                "step": str(check.step),
                "check": check.id,
                "title": check.title,
                "judged": str(check.judged),
                "passed": str(check.passed),
                "pass_rate": "" if check.rate is None else f"{check.rate:.4f}",
                "discrimination": "" if check.discrimination is None else f"{check.discrimination:.4f}",
                "remark": check.remark,
                "waited": str(check.waited),
                "points_lost": _plain(check.lost),
            }
        )
    for cause in causes:
        rows.append(
            {
                "what": "wrong answer",
                "step": str(cause.step),
                "check": " ".join(cause.checks),
                "title": "; ".join(title.rstrip(".") for title in cause.checks.values()),
                "points_lost": _plain(cause.lost),
                "outcome": str(cause.outcome),
                "message": cause.message,
                "example": cause.example,
                "hint": cause.hint,
                "results": str(cause.results),
                "whose": ", ".join(cause.whose),
            }
        )
    rows += [{"what": "tomorrow", "message": sentence} for sentence in advice]
    cells = ([row.get(name, "") for name in COLUMNS] for row in rows)
    return csv_text([COLUMNS, *([one if _is_number(one) else cell(one) for one in row] for row in cells)])


def _spread(spread: Spread) -> Row:
    if not spread.count:
        return {"results": "0", "of": _plain(spread.of)}
    return {
        "results": str(spread.count),
        "mean": _plain(spread.mean),
        "least": _plain(spread.least),
        "lower_quartile": _plain(spread.lower),
        "median": _plain(spread.median),
        "upper_quartile": _plain(spread.upper),
        "most": _plain(spread.most),
        "of": _plain(spread.of),
    }


def _plain(value: float) -> str:
    return str(number(round(value, 4)))


def _is_number(value: str) -> bool:
    """Tell whether a spreadsheet may read a value as it stands, although it begins with a sign."""
    try:
        float(value)
    except ValueError:
        return False
    return True
