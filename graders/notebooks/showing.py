"""What came of checks, shown in a notebook: HTML for its page, plain text elsewhere."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.text import Text

from graders.feedback.checks import Telling, step_line
from graders.feedback.live import printed_lines
from graders.outcomes import Outcome
from graders.results.schema import AnswerStatus, CheckResult, WrittenAnswer
from graders.results.scoring import max_points, points, steps_of
from graders.text import printable
from graders.words.spoken import Words

COLOURS = {"green": "#2e8b57", "red": "#d1495b", "bold red": "#d1495b", "dim": "#808080"}
MONOSPACE = "font-family: monospace; white-space: pre-wrap"


@dataclass(frozen=True)
class Shown:
    """What one run of checks is shown as.

    Attributes:
        checks: the checks that ran, in their order.
        printed: lines that student code printed meanwhile, by the ids of checks.
        written: the written questions of the steps, with their answers.
        notes: what was left out of the notebook, or is odd about it, a sentence each.
        next: what to do next.
    """

    checks: Sequence[CheckResult]
    printed: Mapping[str, Sequence[str]]
    written: Sequence[WrittenAnswer]
    notes: Sequence[str]
    next: str


def mime_bundle(shown: Shown, words: Words) -> dict[str, str]:
    """Return it as plain text and as a part of a page, by their MIME types.

    The page's colours can be read on light and on dark ground; passed checks are folded there.
    """
    passed = [check for check in shown.checks if check.outcome is Outcome.PASSED]
    others = [check for check in shown.checks if check.outcome is not Outcome.PASSED]
    text = "\n".join(line.plain for line in _lines(shown, shown.checks, words))
    page = _folded(passed, words) + "".join(map(_division, _lines(shown, others, words)))
    return {"text/plain": text, "text/html": f'<div class="lab-check" style="{MONOSPACE}">{page}</div>'}


def _folded(passed: Sequence[CheckResult], words: Words) -> str:
    if not passed:
        return ""
    count = words.count("{number} check passed", "{number} checks passed", len(passed))
    titles = "".join(
        f"<div>{html.escape(words.text(check.title))}  {words.number(check.points)}</div>" for check in passed
    )
    return f'<details><summary style="color: {COLOURS["green"]}">✓ {html.escape(count)}</summary>{titles}</details>'


def _lines(shown: Shown, checks: Sequence[CheckResult], words: Words) -> Iterator[Text]:
    """Yield the lines of some of the checks, and those about all."""
    telling = Telling(words)
    told = {step: one.checks for step, one in steps_of(checks).items()}
    for step, one in steps_of(shown.checks).items():
        yield step_line(step, one.checks, words)
        for check in told.get(step, ()):
            lines = telling.of(check)
            if lines:
                lines[0].append(f"  {_points(check, words)}")
            yield from lines
            title = "" if lines else words.text(check.title)
            yield from printed_lines(shown.printed.get(check.id, ()), title, words)
        yield from telling.rest()
    answered = sum(one.status is AnswerStatus.TO_BE_MARKED for one in shown.written)
    if shown.written:
        yield Text(words.say("Written: {answered} of {all} answered.", answered=answered, all=len(shown.written)))
    yield from (Text(words.say("Note: {note}", note=printable(words.text(note)))) for note in shown.notes)
    reached, most = points(shown.checks), max_points(shown.checks)
    said = words.count("{points} of {most} point.", "{points} of {most} points.", most, points=reached, most=most)
    yield Text(said, style="bold")
    yield Text(printable(words.say("next: {text}", text=shown.next)))


def _points(check: CheckResult, words: Words) -> str:
    if check.outcome is Outcome.PASSED:
        return words.number(check.points)
    return words.say("{points} of {most}", points=check.points, most=check.max_points)


def _division(line: Text) -> str:
    style = str(line.style)
    colour = f"color: {COLOURS[style]}" if style in COLOURS else "font-weight: bold" if style == "bold" else ""
    return f'<div style="{colour}">{html.escape(line.plain)}</div>'
