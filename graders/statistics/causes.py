"""What went wrong in a class: wrong answers, grouped by what the messages have in common."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from graders.outcomes import OF_ONE_CAUSE, WAITS_FOR, Outcome
from graders.results.schema import CheckResult
from graders.statistics.judged import Judged
from graders.text import beginning, printable
from graders.words.spoken import ENGLISH_WORDS, Words, marked

MOST_CHARACTERS = 300
SOURCE_CHARACTERS = 4000  # of a message, from which the normal form is made
HIDDEN = marked("(a hidden check: its title is all that is shown)")
NOT_DONE = marked("not done yet")
VALUE = "…"
# Values in a message, in this order: what is quoted, paths, numbers. An apostrophe inside a word quotes nothing.
QUOTED = re.compile(r"""(?<!\w)(?:'[^']{0,400}'|"[^"]{0,400}"|«[^»]{0,400}»|“[^”]{0,400}”|‘[^’]{0,400}’)(?!\w)""")
PATH = re.compile(r"(?<![\w/\\<])(?:[A-Za-z]:[\\/]|~?/|\.{1,2}/|\w[\w.-]{0,80}[\\/](?=[^\s:,;]*\.\w))[^\s:,;()\[\]]++")
NUMBER = re.compile(
    r"(?<![\w.])[-+]?(?:0x[0-9a-fA-F]++|(?:\d++(?:\.(?:\d++|(?=[,\])])))?|\.\d++)(?:[eE][-+]?\d++)?|nan|inf)(?!\w)"
)
SERIES = re.compile(r"…(?:(?:, | x |×|:)…)++,?")


@dataclass
class Cause:
    """Wrong answers that are wrong in the same way.

    Attributes:
        step: the number of the first step in which it was seen.
        outcome: how checks ended.
        message: the normal form of what was said; of hidden checks, nothing of it.
        hint: what to do about it, as a student was told.
        checks: the titles of the checks that ended so, by their ids.
        whose: those whose answers they are.
        results: how many results that is.
        lost: the points that it cost, those of checks that waited for it among them.
        example: a message as it was.
        is_hidden: whether it is of a hidden check.
    """

    step: int
    outcome: Outcome
    message: str
    hint: str = ""
    checks: dict[str, str] = field(default_factory=dict)
    whose: list[str] = field(default_factory=list)
    results: int = 0
    lost: float = 0.0
    example: str = ""
    is_hidden: bool = False


def normal_form(message: str) -> str:
    """Return a message without its numbers, paths and quoted values, so that the same fault reads the same."""
    text = " ".join(printable(message[:SOURCE_CHARACTERS]).split())
    for pattern in (QUOTED, PATH, NUMBER):
        text = pattern.sub(VALUE, text)
    return beginning(SERIES.sub(VALUE, text), MOST_CHARACTERS)


def causes_of(judged: Sequence[Judged], words: Words = ENGLISH_WORDS) -> list[Cause]:
    """Return what went wrong, what cost the class most first, in some language."""
    found: dict[tuple[object, ...], Cause] = {}
    for one in judged:
        by_title = {check.title: check for check in one.checks}
        mine: set[tuple[object, ...]] = set()
        for check in one.checks:
            if check.outcome is Outcome.PASSED:
                continue
            root = _root(check, by_title)
            key = _key(root)
            cause = found.setdefault(key, _new(root, words))
            cause.lost += check.max_points - check.points
            if check is root:
                cause.checks.setdefault(check.id, words.text(check.title))
            mine.add(key)
        for key in mine:
            found[key].results += 1
            found[key].whose += [who for who in one.whose if who not in found[key].whose]
    return sorted(found.values(), key=lambda cause: (-cause.lost, -cause.results, cause.step, cause.message))


def _root(check: CheckResult, by_title: Mapping[str, CheckResult]) -> CheckResult:
    """Return the check that a blocked one waits for in the end; another one is its own."""
    seen = {check.id}
    while check.outcome is Outcome.BLOCKED:
        waited = by_title.get(check.message.removeprefix(WAITS_FOR))
        if waited is None or waited.id in seen or waited.outcome is Outcome.PASSED:
            break
        seen.add(waited.id)
        check = waited
    return check


def _key(check: CheckResult) -> tuple[object, ...]:
    if check.outcome is Outcome.NOT_IMPLEMENTED:
        return (check.step, check.outcome)
    if check.visibility == "hidden":
        return (check.step, check.id)
    if check.outcome in OF_ONE_CAUSE:
        return (check.outcome, normal_form(check.message))
    return (check.step, check.id, check.outcome, normal_form(check.message))


def _new(check: CheckResult, words: Words) -> Cause:
    if check.outcome is Outcome.NOT_IMPLEMENTED:
        return Cause(check.step, check.outcome, words.say(NOT_DONE))
    if check.visibility == "hidden":
        return Cause(check.step, check.outcome, words.say(HIDDEN), is_hidden=True)
    message, hint = words.text(check.message), printable(words.text(check.hint))
    example = beginning(printable(message), MOST_CHARACTERS)
    return Cause(check.step, check.outcome, normal_form(message), hint, example=example)
