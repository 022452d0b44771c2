"""What was left out of a notebook, told in few notes; and which names are missing because of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from enum import StrEnum

SHOWN = 5
PLACES = 12
NOTE_CHARACTERS = 480
NOTES = 60
DAMAGES = 8


class Kind(StrEnum):
    """Why something was left out; the text begins a note on all of its kind."""

    MAGIC = "magics and shell lines were skipped"
    OTHER_CELL = "cells that are not Python were skipped whole"
    WORK = "work at the top level that no definition needs was skipped"
    LONG = "a definition needs these, but they were skipped, since they train, wait or ask"
    AWAIT = "statements that wait with await were skipped"
    HIDES = "skipped, since a function or class of that name would be hidden"
    UNTOUCHED = "skipped, since it only raises NotImplementedError and another cell has the work"
    NO_PYTHON = "skipped"


class Remarks:
    """Collects what is left out.

    Attributes:
        lacking: the names that are missing because of it, and why.
        others: notes that stand for themselves.
    """

    def __init__(self) -> None:
        self.lacking: dict[str, str] = {}
        self.others: list[str] = []
        self._damage: list[tuple[int, str, tuple[str, ...]]] = []
        self._groups: dict[Kind, list[tuple[int, int, str]]] = {kind: [] for kind in Kind}

    def add(
        self, kind: Kind, cell: int, line: int, shown: str, *, gives: Iterable[str] = (), whole: bool = False
    ) -> None:
        """Remark that something was left out.

        Args:
            kind: why.
            cell: its cell.
            line: its first line there.
            shown: its beginning; for what is no Python, what is wrong.
            gives: the names that are missing now.
            whole: whether the cell went with it.
        """
        gives = tuple(dict.fromkeys(gives))
        if kind is Kind.NO_PYTHON:
            place = f"cell {cell} line {line}"
            note = f"{place}: skipped the cell, {shown}" if whole else f"{place}: skipped, {shown}"
            self._damage.append((cell, note, gives))
            why = f"cell {cell}, which gives it, was skipped: line {line}: {shown}"
        else:
            self._groups[kind].append((cell, line, shown))
            why = f"cell {cell} line {line} gives it, and was skipped: `{shown}`"
        self.lacking.update(dict.fromkeys(gives, why))

    def note(self, note: str) -> None:
        """Add a note that stands for itself."""
        self.others.append(note)

    def notes(self, given: Collection[str]) -> list[str]:
        """Return all notes; `given` are the names that other statements give."""
        grouped = [f"{kind}: {_places(places)}" for kind, places in self._groups.items() if places]
        damage = [f"{note}; {_lost(names, given)}".removesuffix("; ") for _, note, names in self._damage[:DAMAGES]]
        if len(self._damage) > DAMAGES:
            more = self._damage[DAMAGES:]
            cells = in_cells(cell for cell, _, _ in more)
            one = len(more) == 1
            damage.append(
                f"1 more line is no Python, in {cells}" if one else f"{len(more)} more lines are no Python, in {cells}"
            )
        notes = [note[:NOTE_CHARACTERS] for note in [*grouped, *damage, *self.others]]
        rest = len(notes) - NOTES
        others = "... and 1 more note" if rest == 1 else f"... and {rest} more notes"
        return [*notes[:NOTES], others] if rest > 0 else notes


def _lost(names: Iterable[str], given: Collection[str]) -> str:
    lost = [f"`{name}`" for name in names if name not in given]
    return f"missing without it: {_listed(lost, SHOWN)}" if lost else ""


def _places(places: list[tuple[int, int, str]]) -> str:
    shown = "; ".join(
        f"cell {cell} `{text}`" if text.startswith("%%") and line == 1 else f"cell {cell} line {line} `{text}`"
        for cell, line, text in places[:SHOWN]
    )
    more = places[SHOWN:]
    if not more:
        return shown
    return f"{shown}; and {len(more)} more, in {in_cells(cell for cell, _, _ in more)}"


def in_cells(numbers: Iterable[int]) -> str:
    """Return cells as part of a sentence: `cells 1, 3-5 and 8`."""
    runs: list[list[int]] = []
    for number in sorted(set(numbers)):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    words = [str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs]
    return f"cell{'s' if len(words) > 1 or len(runs[0]) > 1 else ''} {_listed(words, PLACES)}"


def _listed(words: list[str], most: int) -> str:
    """Return words as a list in a sentence, the first of them."""
    more = len(words) - most
    if more > 0:
        return f"{', '.join(words[:most])} and {more} more"
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
