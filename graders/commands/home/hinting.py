"""Hints at a student's home: what an exception means at once, where to look and what to do on request."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from graders.judging.rubric import Check
from graders.outcomes import Outcome, Verdict
from graders.words.spoken import Words

WHERE, WHAT = 1, 2
FOUND_BY_CHECK = frozenset({Outcome.FAILED, Outcome.WRONG_TYPE})


class Hints:
    """Hints, as far as somebody asked for them.

    Where a check found fault with what came, its hint says how the exercise is done, and so is told last. What an
    exception or a death means is no part of the exercise, and is always told.

    Args:
        stage: 0, or `WHERE` to look, or `WHAT` to do.
        words: in which language.

    Attributes:
        withheld: the step of the first check of which there is more to be told; 0 for none.
    """

    def __init__(self, stage: int, words: Words) -> None:
        self._stage = min(stage, WHAT)
        self._words = words
        self.withheld = 0

    def of(self, check: Check, verdict: Verdict, asked: Mapping[str, object]) -> str:
        """Return the hint of a check that has ended.

        Args:
            check: the check.
            verdict: its verdict.
            asked: what it asked for of the step modules, by name, in this order.
        """
        if self._stage == WHAT or verdict.outcome not in FOUND_BY_CHECK:
            return verdict.hint or check.info.hint
        self.withheld = self.withheld or check.step
        return self._where(asked) if self._stage == WHERE else ""

    def more(self, command: Callable[[str], str]) -> str:
        """Return how to be told more, in a line; nothing where all is told.

        Args:
            command: returns the command that tells the hints of a stage, of which it is given the options.
        """
        if not self.withheld:
            return ""
        where, what = command("--hints"), command("--hints --hints")
        if self._stage == WHERE:
            return self._words.say("{command} says what to do.", command=what)
        return self._words.say("hints: {where} says where to look, {what} says what to do.", where=where, what=what)

    def _where(self, asked: Mapping[str, object]) -> str:
        if not asked:
            return ""
        name, member = list(asked.items())[-1]
        place = place_of(member)
        return self._words.say(
            "Look at {name}{place}, and at what its docstring asks.",
            name=name.rpartition(".")[2],
            place=f" [{place}]" if place else "",
        )


def place_of(member: Any) -> str:
    """Return where a function or class is defined, as `FILE line 3`; nothing if that is not known."""
    try:
        member = inspect.unwrap(member)
    except ValueError:  # it wraps itself
        return ""
    if isinstance(member, type):
        methods = [value for value in vars(member).values() if inspect.isfunction(value)]
        try:
            return f"{Path(inspect.getsourcefile(member) or '').name} line {inspect.getsourcelines(member)[1]}"
        except (OSError, TypeError):  # of a notebook's cell
            member = methods[0] if methods else None
    code = getattr(member, "__code__", None)
    return f"{Path(code.co_filename).name} line {code.co_firstlineno}" if code else ""
