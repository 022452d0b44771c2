"""How the checks of a submission are told: what is wrong once is said once, and what else comes of it in a line."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from rich.console import Group
from rich.text import Text

from graders.outcomes import OF_ONE_CAUSE, STILL_TO_DO, WAITS_FOR, Outcome
from graders.results.schema import CheckResult
from graders.results.scoring import max_points, message_for_student, points, steps_of
from graders.text import printable

COLOURS = {
    Outcome.PASSED: "green",
    Outcome.NOT_IMPLEMENTED: "dim",
    Outcome.BLOCKED: "dim",
    Outcome.HARNESS_FAULT: "bold red",
}
MARKS = {Outcome.PASSED: "✓", Outcome.NOT_IMPLEMENTED: "·"}
NAMES = 8  # of checks in one line, at most
RAISED = re.compile(r"^(?:(?P<call>.*?) raised )?(?P<what>.*?)(?: \[(?P<lines>[^\[\]]*)\])?$", re.DOTALL)

Cause = tuple[str, ...]


def number(value: float) -> str:
    """Write points without needless decimals: 3, 2.5."""
    return f"{value:g}"


def check_lines(checks: Sequence[CheckResult]) -> Group:
    """Return each step's checks: passed ones in a line, the others with message and hint."""
    lines: list[Text] = []
    telling = Telling()
    for step, one in steps_of(checks).items():
        lines += [Text(), step_line(step, one.checks)]
        for check in one.checks:
            lines += telling.of(check)
        lines += telling.rest()
    return Group(*lines)


def step_line(step: int, checks: Sequence[CheckResult]) -> Text:
    """Return the heading of a step: its points."""
    return Text(f"Step {step}: {number(points(checks))} of {number(max_points(checks))} points", style="bold")


class Telling:
    """Tells the checks of a submission one by one, as they end, and at the end of each step what was left out."""

    def __init__(self) -> None:
        self._first: dict[Cause, CheckResult] = {}
        self._alike: dict[Cause, list[CheckResult]] = {}
        self._waiting: dict[str, list[CheckResult]] = {}
        self._said: set[str] = set()

    def of(self, check: CheckResult) -> list[Text]:
        """Return the lines of a check; none if it waits for another one, or ends as one does that was told."""
        if check.dropped:
            return _dropped(check)
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
        lines = [
            Text(f"  {MARKS.get(check.outcome, '✗')} {check.title}", style=COLOURS.get(check.outcome, "red")),
        ]
        message = printable(message_for_student(check))
        if check.outcome is Outcome.NOT_IMPLEMENTED and STILL_TO_DO not in message and message not in self._said:
            self._said.add(message)
            lines.append(Text(f"      {message}"))
        if check.outcome not in {Outcome.PASSED, Outcome.NOT_IMPLEMENTED}:
            lines.append(Text(f"      {check.outcome}: {message}"))
            if check.hint:
                lines.append(Text(f"      hint: {printable(check.hint)}", style="italic"))
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
            where = f" of step {steps[title]}" if steps.get(title, checks[0].step) != checks[0].step else ""
            kinds = {check.outcome is Outcome.BLOCKED for check in checks}
            lines += _together(checks, kinds, f"this one{where}", title)
        self._alike, self._waiting = {}, {}
        return lines


def _together(checks: Sequence[CheckResult], blocked: set[bool], which: str, title: str) -> list[Text]:
    one = len(checks) == 1
    ends = f"{'ends' if one else 'end'} in the same way as {which}"
    waits = f"{'waits' if one else 'wait'} for {which}"
    both = f"end in the same way as {which}, or wait for it"
    count = "1 check" if one else f"{len(checks)} checks"
    worth = number(max_points(checks))
    names = ", ".join(check.id.partition(".")[2] for check in checks[:NAMES])
    more = f" and {len(checks) - NAMES} more" if len(checks) > NAMES else ""
    unit = "point" if worth == "1" else "points"
    what = both if len(blocked) > 1 else waits if True in blocked else ends
    return [
        Text(f"  ✗ {count} ({worth} {unit}) {what}: {title}", style=COLOURS[Outcome.BLOCKED]),
        Text(f"      {names}{more}", style=COLOURS[Outcome.BLOCKED]),
    ]


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


def _dropped(check: CheckResult) -> list[Text]:
    worth = f"; everybody gets its {number(check.points)} points" if check.points else ""
    return [
        Text(f"  – {check.title}", style="dim"),
        Text(f"      dropped: {printable(check.dropped)}{worth}", style="dim"),
    ]
