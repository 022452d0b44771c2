"""GitHub Actions: annotations in the log, and a summary of the step; both within GitHub's limits."""

from __future__ import annotations

import html
from collections.abc import Iterator

from graders.exports.words import number, told
from graders.outcomes import Outcome
from graders.results.schema import Result
from graders.results.scoring import StepScore, steps_of

ANNOTATIONS = 10  # of a kind that GitHub shows for a step
SUMMARY_BYTES = 1 << 20
CUT = "\n\nCut here: GitHub takes no longer summary; all of it stands in result.json.\n"
MESSAGE_CHARACTERS = 2000


def annotation_lines(result: Result) -> Iterator[str]:
    """Yield lines for the log: what did not pass as errors, the last of them for what GitHub would not show."""
    failed = [check for check in result.checks if check.outcome is not Outcome.PASSED and not check.dropped]
    shown = failed if len(failed) <= ANNOTATIONS else failed[: ANNOTATIONS - 1]
    for check in shown:
        yield f"::error title={_property(check.title)}::{_data(told(check)[:MESSAGE_CHARACTERS])}"
    if len(shown) < len(failed):
        yield f"::error title=More checks::{len(failed) - len(shown)} more did not pass; the summary has them all."
    yield f"::notice title=Points::{number(result.score)} of {number(result.max_score)}"


def summary(result: Result) -> str:
    """Return Markdown for the step's summary, in which student text is shown as it is."""
    parts = [f"## {_text(result.submission)}: {number(result.score)} of {number(result.max_score)} points\n"]
    parts += [f"- {_text(note)}\n" for note in result.notes]
    for step, one in steps_of(result.checks).items():
        parts += _step(step, one)
    whole, limit = "", SUMMARY_BYTES - len(CUT.encode())
    size = 0
    for part in parts:
        size += len(part.encode())
        if size > limit:
            return whole + CUT
        whole += part
    return whole


def _step(step: int, score: StepScore) -> Iterator[str]:
    yield f"\n### Step {step}: {number(score.points)} of {number(score.max_points)}\n\n"
    for check in score.checks:
        passed = check.outcome is Outcome.PASSED
        mark = "✅" if passed or check.dropped else "❌"
        of = f"{number(check.points)} of {number(check.max_points)}"
        if passed and not check.dropped:
            yield f"- {mark} {_text(check.title)} ({of})\n"
        else:
            yield (
                f"<details><summary>{mark} {_text(check.title)} ({of})</summary>\n\n"
                f"<pre>{_text(told(check)[:MESSAGE_CHARACTERS])}</pre>\n\n</details>\n"
            )


def _text(text: str) -> str:
    """Return text that neither HTML nor Markdown changes: references stand for what would be markup."""
    return "".join(f"&#{ord(sign)};" if sign in "\\`*_{}[]()#+-.!|~<>@:/" else sign for sign in html.escape(text))


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
