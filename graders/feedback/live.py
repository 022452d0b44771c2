"""The checks of a student's checkout as they end, one by one, with what was printed meanwhile."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from graders.feedback.checks import Telling, step_line
from graders.outcomes import Outcome
from graders.results.schema import CheckResult
from graders.text import printable
from graders.words.spoken import ENGLISH_WORDS, Words


class LiveReport:
    """Prints each check when it has ended, with its points, and the points of a step at its end.

    Args:
        console: where to print.
        dropped: checks that do not run; they are told at the end of their step.
        words: in which language.
    """

    def __init__(self, console: Console, dropped: Sequence[CheckResult] = (), words: Words = ENGLISH_WORDS) -> None:
        self._words = words
        self._console = console
        self._dropped = dropped
        self._telling = Telling(words)
        self._mine: list[CheckResult] = []

    def add(self, check: CheckResult, printed: Sequence[str] = (), *, told: bool = False) -> None:
        """Tell a check, and what student code printed in it; one that was told already only counts."""
        if self._mine and self._mine[-1].step != check.step:
            self.end_step(told=told)
        if not self._mine:
            self._print([Text(), Text(self._words.say("Step {step}", step=check.step), style="bold")], told)
        self._mine.append(check)
        lines = self._telling.of(check)
        if lines:
            lines[0].append(self._points(check))
        self._print(
            [*lines, *printed_lines(printed, "" if lines else self._words.text(check.title), self._words)], told
        )

    def end_step(self, *, told: bool = False) -> None:
        """Tell what is left of a step, and its points; without checks, nothing."""
        if not self._mine:
            return
        step = self._mine[0].step
        mine, self._mine = self._mine, []
        dropped = [check for check in self._dropped if check.step == step]
        lines = [line for check in dropped for line in self._telling.of(check)]
        self._print([*lines, *self._telling.rest(), step_line(step, [*mine, *dropped], self._words)], told)

    def _points(self, check: CheckResult) -> str:
        if check.outcome is Outcome.PASSED:
            return f"  {self._words.number(check.points)}"
        return f"  {self._words.say('{points} of {most}', points=0, most=check.max_points)}"

    def _print(self, lines: Sequence[Text], told: bool) -> None:
        for line in lines if not told else ():
            self._console.print(line, soft_wrap=True)


def printed_lines(printed: Sequence[str], title: str = "", words: Words = ENGLISH_WORDS) -> list[Text]:
    """Return lines that student code printed, below what is said of the check, or with its title."""
    if not printed:
        return []
    head = words.say("printed during '{title}':", title=title) if title else words.say("printed:")
    return [Text(f"      {head}", style="dim"), *(Text(f"        {printable(line)}", style="dim") for line in printed)]
