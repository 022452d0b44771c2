"""How the checks of a submission are told: what is wrong once is said once, and what else comes of it in a line."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from rich.console import Group
from rich.text import Text

from graders.outcomes import OF_ONE_CAUSE, WAITS_FOR, Outcome, is_to_do
from graders.results.schema import CheckResult
from graders.results.scoring import max_points, message_for_student, points, steps_of
from graders.text import printable
from graders.words.spoken import ENGLISH_WORDS, Words, marked

COLOURS = {
    Outcome.PASSED: "green",
    Outcome.NOT_IMPLEMENTED: "dim",
    Outcome.BLOCKED: "dim",
    Outcome.HARNESS_FAULT: "bold red",
}
MARKS = {Outcome.PASSED: "✓", Outcome.NOT_IMPLEMENTED: "·"}
ENDED = {
    Outcome.FAILED: marked("failed"),
    Outcome.STUDENT_ERROR: marked("student_error"),
    Outcome.WRONG_TYPE: marked("wrong_type"),
    Outcome.TIMED_OUT: marked("timed_out"),
    Outcome.OUT_OF_MEMORY: marked("out_of_memory"),
    Outcome.DIED: marked("died"),
    Outcome.FORBIDDEN: marked("forbidden"),
    Outcome.BLOCKED: marked("blocked"),
    Outcome.HARNESS_FAULT: marked("harness_fault"),
}
NAMES = 8  # of checks in one line, at most
RAISED = re.compile(r"^(?:(?P<call>.*?) raised )?(?P<what>.*?)(?: \[(?P<lines>[^\[\]]*)\])?$", re.DOTALL)

Cause = tuple[str, ...]


def number(value: float) -> str:
    """Write points without needless decimals: 3, 2.5."""
    return f"{value:g}"


def mark_of(outcome: Outcome) -> str:
    """Return the sign before the title of what ended so."""
    return MARKS.get(outcome, "✗")


def ending(outcome: Outcome, message: str, words: Words = ENGLISH_WORDS) -> str:
    """Return a message for the terminal, after a word for how it ended unless it is only not written yet."""
    said = printable(words.text(message))
    return f"{words.say(ENDED[outcome])}: {said}" if outcome in ENDED else said


def check_lines(checks: Sequence[CheckResult], words: Words = ENGLISH_WORDS) -> Group:
    """Return each step's checks: passed ones in a line, the others with message and hint."""
    lines: list[Text] = []
    telling = Telling(words)
    for step, one in steps_of(checks).items():
        lines += [Text(), step_line(step, one.checks, words)]
        for check in one.checks:
            lines += telling.of(check)
        lines += telling.rest()
    return Group(*lines)


def step_line(step: int, checks: Sequence[CheckResult], words: Words = ENGLISH_WORDS) -> Text:
    """Return the heading of a step: its points."""
    got, most = points(checks), max_points(checks)
    said = words.count(
        "Step {step}: {points} of {most} point",
        "Step {step}: {points} of {most} points",
        most,
        step=step,
        points=got,
        most=most,
    )
    return Text(said, style="bold")


class Telling:
    """Tells the checks of a submission one by one, as they end, and at the end of each step what was left out.

    Args:
        words: in which language.
    """

    def __init__(self, words: Words = ENGLISH_WORDS) -> None:
        self._words = words
        self._first: dict[Cause, CheckResult] = {}
        self._alike: dict[Cause, list[CheckResult]] = {}
        self._waiting: dict[str, list[CheckResult]] = {}
        self._said: set[str] = set()

    def of(self, check: CheckResult) -> list[Text]:
        """Return the lines of a check; none if it waits for another one, or ends as one does that was told."""
        if check.dropped:
            return self._of_dropped(check)
        if check.outcome is Outcome.BLOCKED and check.message.startswith(WAITS_FOR):
            self._waiting.setdefault(check.message.removeprefix(WAITS_FOR), []).append(check)
            return []
        cause = cause_of(check)
        if cause and cause in self._first:
            self._alike.setdefault(cause, []).append(check)
            return []
        if cause:
            self._first[cause] = check
        return self._whole(check)

    def _whole(self, check: CheckResult) -> list[Text]:
        title = self._words.text(check.title)
        lines = [Text(f"  {mark_of(check.outcome)} {title}", style=COLOURS.get(check.outcome, "red"))]
        message = ending(check.outcome, message_for_student(check), self._words)
        is_new = not is_to_do(check.message) and message not in self._said
        if check.outcome is Outcome.NOT_IMPLEMENTED and is_new:
            self._said.add(message)
            lines.append(Text(f"      {message}"))
        if check.outcome not in {Outcome.PASSED, Outcome.NOT_IMPLEMENTED}:
            lines.append(Text(f"      {message}"))
            if check.hint:
                hint = self._words.say("hint: {hint}", hint=printable(self._words.text(check.hint)))
                lines.append(Text(f"      {hint}", style="italic"))
        return lines

    def rest(self) -> list[Text]:
        """Return the lines of those checks of the step that were not told one by one, by the one that was."""
        waiting = {check.title: title for title, checks in self._waiting.items() for check in checks}
        alike = {check.title: self._first[cause].title for cause, checks in self._alike.items() for check in checks}
        followers: dict[str, list[CheckResult]] = {}
        for check in (one for checks in (*self._alike.values(), *self._waiting.values()) for one in checks):
            followers.setdefault(_root(check.title, waiting | alike), []).append(check)
        steps = {first.title: first.step for first in self._first.values()}
        lines: list[Text] = []
        for title, checks in followers.items():
            step = steps.get(title, checks[0].step)
            which = self._words.say("this one")
            if step != checks[0].step:
                which = self._words.say("this one of step {step}", step=step)
            lines += self._together(checks, which, title)
        self._alike, self._waiting = {}, {}
        return lines

    def _together(self, checks: Sequence[CheckResult], which: str, title: str) -> list[Text]:
        words = self._words
        worth = words.count("{number} point", "{number} points", max_points(checks))
        values = {"worth": worth, "which": which, "title": words.text(title)}
        count = len(checks)
        blocked = sum(check.outcome is Outcome.BLOCKED for check in checks)
        if 0 < blocked < count:
            said = words.count(
                "1 check ({worth}) ends in the same way as {which}, or waits for it: {title}",
                "{number} checks ({worth}) end in the same way as {which}, or wait for it: {title}",
                count,
                **values,
            )
        elif blocked:
            said = words.count(
                "1 check ({worth}) waits for {which}: {title}",
                "{number} checks ({worth}) wait for {which}: {title}",
                count,
                **values,
            )
        else:
            said = words.count(
                "1 check ({worth}) ends in the same way as {which}: {title}",
                "{number} checks ({worth}) end in the same way as {which}: {title}",
                count,
                **values,
            )
        names = ", ".join(check.id.partition(".")[2] for check in checks[:NAMES])
        if len(checks) > NAMES:
            names = words.say("{names} and {count} more", names=names, count=len(checks) - NAMES)
        return [
            Text(f"  ✗ {said}", style=COLOURS[Outcome.BLOCKED]),
            Text(f"      {names}", style=COLOURS[Outcome.BLOCKED]),
        ]

    def _of_dropped(self, check: CheckResult) -> list[Text]:
        words = self._words
        said = words.say("dropped: {reason}", reason=printable(words.text(check.dropped)))
        if check.points:
            said = words.count(
                "{dropped}; everybody gets its {number} point",
                "{dropped}; everybody gets its {number} points",
                check.points,
                dropped=said,
            )
        title = words.text(check.title)
        return [Text(f"  – {title}", style="dim"), Text(f"      {said}", style="dim")]


def _root(title: str, follows: Mapping[str, str]) -> str:
    """Return the title of the check that was told, for whose sake this one was not."""
    seen: set[str] = set()
    while title in follows and title not in seen:
        seen.add(title)
        title = follows[title]
    return title


def cause_of(check: CheckResult) -> Cause:
    """Return what checks that end for the same reason have in common; nothing of a check that stands for itself."""
    if check.visibility == "hidden":
        return ()
    if check.outcome is Outcome.WRONG_TYPE:
        return check.outcome, check.message
    if check.outcome not in OF_ONE_CAUSE:
        return ()
    found = RAISED.match(check.message)
    assert found  # it matches every text
    call, what, lines = (found[name] or "" for name in ("call", "what", "lines"))
    if check.outcome in {Outcome.TIMED_OUT, Outcome.DIED}:
        return check.outcome, what.partition("(")[0]
    line = lines.rpartition("; ")[2]
    return check.outcome, what, line or call.partition("(")[0]
