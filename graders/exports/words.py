"""What formats share: what a check is called, and what is said of how it ended."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from graders.outcomes import Outcome
from graders.results.gradebook.grades import Mark
from graders.results.schema import CheckResult, Result
from graders.results.scoring import message_for_student, steps_of
from graders.text import printable
from graders.words.spoken import ENGLISH_WORDS, Words, marked

# What XML 1.0 cannot hold, and no text needs: control characters, lone surrogates and two non-characters.
NOT_DONE = marked("not_implemented")
NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def told(check: CheckResult, words: Words = ENGLISH_WORDS) -> str:
    """Return what a student is told of a check in some language: how it ended, why, and what to do."""
    ended = words.say(NOT_DONE if check.outcome is Outcome.NOT_IMPLEMENTED else str(check.outcome)).replace("_", " ")
    if check.dropped:
        ended = words.say("dropped: {reason}", reason=words.text(check.dropped))
    hint = f"{words.say('Hint:')} {words.text(check.hint)}" if check.hint else ""
    parts = [ended, words.text(message_for_student(check)), hint]
    return "\n".join(lines(part) for part in parts if part)


def lines(text: str) -> str:
    """Return a text line by line, each without what a terminal or a page would obey."""
    return "\n".join(printable(line) for line in text.splitlines())


def feedback(
    result: Result,
    total: Sequence[str] = (),
    marks: Mapping[str, Mark] = MappingProxyType({}),
    words: Words = ENGLISH_WORDS,
) -> str:
    """Return what a student is told of a result, as plain text.

    Args:
        result: the result.
        total: what comes of it, and how, a sentence each.
        marks: those of the written answers, by the questions' ids.
        words: its language.
    """
    of_checks = words.count(
        "Checks of {submission}: {points} of {most} point",
        "Checks of {submission}: {points} of {most} points",
        result.max_score,
        submission=lines(result.submission),
        points=result.score,
        most=result.max_score,
    )
    parts = [lines(words.text(sentence)) for sentence in total]
    parts += [of_checks, ""]
    parts += [lines(words.text(note)) for note in result.notes]
    titles = {written.id: f"{written.id} {words.text(written.title)}" for written in result.written}
    for question, mark in marks.items():
        parts += ["", f"{lines(titles.get(question, question))}: {words.number(round(mark.points, 2))}"]
        parts += [lines(comment) for comment in mark.comments]
    for step, one in steps_of(result.checks).items() if result.was_read else ():
        of_step = words.count(
            "Step {step}: {points} of {most} point",
            "Step {step}: {points} of {most} points",
            one.max_points,
            step=step,
            points=one.points,
            most=one.max_points,
        )
        parts += ["", of_step]
        for check in one.checks:
            if check.outcome is not Outcome.PASSED or check.dropped:
                of = words.say("{points} of {most}", points=check.points, most=check.max_points)
                parts += ["", f"- {lines(words.text(check.title))} ({of})", told(check, words)]
    return "\n".join(parts) + "\n"


def for_xml(text: str) -> str:
    """Return a text without what XML 1.0 cannot hold."""
    return NO_XML.sub("\ufffd", text)


def number(points: float) -> float | int:
    """Return points as people write them: 7 and not 7.0."""
    return int(points) if points == int(points) else points


def rounded(points: float) -> str:
    """Return points as people read them, with two decimals at most: 7, 2.33."""
    return str(number(round(points, 2)))


def seconds(result: Result) -> float:
    """Return how long the checks of a result took together."""
    return round(sum(check.seconds for check in result.checks), 3)
