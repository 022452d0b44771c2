"""Results on disk: `NAME/result.json` for each submission, and the summary of a folder of them."""

from __future__ import annotations

import hashlib
import itertools
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from graders.outcomes import Outcome
from graders.results.schema import SCHEMA, Result
from graders.results.scoring import steps_of
from graders.spreadsheets import csv_text, for_excel
from graders.text import beginning, cell, escaped_json

ANSWERED = "written_answered"
NOTES = "notes"
NOTES_CHARACTERS = 2000
RESULT = "result.json"
SUMMARY = "summary.csv"
EARLIER = "earlier-{}.json"
DAMAGED = "is damaged, or of another version"
NOT_SEALED = "has a seal that does not fit: it was changed after it was graded, or another version wrote it"


def write_result(result: Result, folder: Path) -> Result:
    """Write `folder/result.json`, sealed, and whole or not at all; return the result as it is read again."""
    read = msgspec.json.decode(msgspec.json.encode(result), type=Result)  # 900 is 900.0 then
    result = msgspec.structs.replace(read, seal=_seal(read))
    text = msgspec.json.format(msgspec.json.encode(result), indent=2).decode()
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / RESULT, escaped_json(text).encode())
    return result


def write_whole(file: Path, content: bytes) -> None:
    """Write a file so that it is there whole, or as it was before, also after a crash of the machine."""
    part = file.with_name(f".{file.name}.part")
    try:
        with part.open("wb") as written:
            written.write(content)
            written.flush()
            os.fsync(written.fileno())
        if file.exists():
            shutil.copymode(file, part)
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)


def keep_earlier(folder: Path) -> Path:
    """Copy `folder/result.json` to `earlier-1.json`, or the first number that is free, beside it; return that file."""
    free = (folder / EARLIER.format(number) for number in itertools.count(1))
    kept = next(path for path in free if not path.exists())
    write_whole(kept, (folder / RESULT).read_bytes())
    return kept


def read_result(folder: Path) -> Result | None:
    """Read `folder/result.json`; None if there is none, or not one of this schema."""
    try:
        result = msgspec.json.decode((folder / RESULT).read_bytes(), type=Result)
    except (OSError, ValueError, RecursionError):
        return None
    return result if result.schema == SCHEMA else None


def is_sealed(result: Result) -> bool:
    """Tell whether a result is as it was written."""
    return result.seal == _seal(result)


def _seal(result: Result) -> str:
    return hashlib.sha256(msgspec.json.encode(msgspec.structs.replace(result, seal=""))).hexdigest()


class Unfit(NamedTuple):
    """A file that should hold a result as it was written, and does not; `why` goes on after its name."""

    file: Path
    why: str


def each_result(folder: Path) -> Iterator[Result]:
    """Read the results below a folder one by one, those of earlier runs too, in the order of their names.

    Only those that are as they were written are results; `unfit_results` has the others.
    """
    for path in sorted(folder.iterdir()):
        if path.is_dir() and isinstance(result := _as_written(path), Result):
            yield result


def unfit_results(folder: Path) -> list[Unfit]:
    """Return the files below a folder that should hold a result and do not: damaged, changed, or of another schema."""
    found = ((path / RESULT, _as_written(path)) for path in sorted(folder.iterdir()) if path.is_dir())
    return [Unfit(file, read) for file, read in found if isinstance(read, str) and file.exists()]


def _as_written(folder: Path) -> Result | str:
    """Return the result in a folder, or why there is none that is as it was written."""
    result = read_result(folder)
    if result is None:
        return DAMAGED
    return result if is_sealed(result) else NOT_SEALED


def write_summary(results: Iterable[Result], folder: Path) -> None:
    """Write `folder/summary.csv`, a row for each submission.

    It has the score, each step's points, counts of outcomes, the number of written questions that are answered, and
    the notes on what was read.

    Args:
        results: the results, of which one at a time is held.
        folder: the folder for results.
    """
    _write_rows([_summary_row(result) for result in results], folder)


class Summary:
    """The rows of `summary.csv`, noted while results come, so that these need not be read again."""

    def __init__(self) -> None:
        self._rows: dict[str, _SummaryRow] = {}

    def note(self, result: Result) -> None:
        """Keep the row of a result as it was written."""
        self._rows[result.submission] = _summary_row(result)

    def write(self, folder: Path) -> list[Unfit]:
        """Write `folder/summary.csv` as `write_summary` does, with a row for each result below the folder.

        Only results that were not noted are read.

        Returns:
            The files that should hold a result as it was written, and do not.
        """
        rows, unfit = [], []
        for file in (path / RESULT for path in sorted(folder.iterdir()) if path.is_dir()):
            if not file.exists():
                continue
            if row := self._rows.get(file.parent.name):
                rows.append(row)
            elif isinstance(read := _as_written(file.parent), Result):
                rows.append(_summary_row(read))
            else:
                unfit.append(Unfit(file, read))
        _write_rows(rows, folder)
        return unfit


def _write_rows(rows: Sequence[_SummaryRow], folder: Path) -> None:
    steps = sorted({step for row in rows for step in row.steps})
    header = ["submission", "score", "max_score", *[f"step_{step}" for step in steps], *Outcome, ANSWERED, NOTES]
    table = ([*row.before, *(row.steps.get(step, 0) for step in steps), *row.after] for row in rows)
    write_whole(folder / SUMMARY, for_excel(csv_text([header, *table], quoted=True)))


class _SummaryRow(NamedTuple):
    before: tuple[str | float, ...]
    steps: dict[int, float]
    after: tuple[str | float, ...]


def _summary_row(result: Result) -> _SummaryRow:
    steps = {step: one.points for step, one in steps_of(result.checks).items()}
    counts = dict.fromkeys(Outcome, 0)
    for check in result.checks:
        counts[check.outcome] += not check.dropped
    notes = cell(beginning("; ".join(result.notes), NOTES_CHARACTERS))
    return _SummaryRow(
        (cell(result.submission), result.score, result.max_score), steps, (*counts.values(), result.answered, notes)
    )
