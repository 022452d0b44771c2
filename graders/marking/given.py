"""What a marker gives: points by key or by number, lines of the rubric, a comment; kept as points and one comment."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from graders.exports.words import number
from graders.questions import Question
from graders.results.gradebook.rows import Marked
from graders.spreadsheets import number_in
from graders.text import REPLACEMENT, encodable
from graders.words.spoken import ENGLISH_WORDS, Words

KEYS = "123456789"
MOST_CHARACTERS = 10_000  # of a comment
STEPS = (0.25, 0.5, 1.0, 2.0, 2.5, 5.0, 10.0, 20.0, 25.0, 50.0)  # between the points that have a key


class NoMark(Exception):
    """What was given is no mark; the message says why, to the marker."""


@dataclass(frozen=True)
class Choice:
    """Points that a key gives, or a line of the rubric that it chooses: it has no text, or one."""

    key: str
    points: float
    text: str = ""


@dataclass(frozen=True)
class Given:
    """What stands in the form.

    Attributes:
        chosen: the places of the chosen points, or of the chosen lines of the rubric, among `choices`.
        points: points as they were typed, in place of those that are chosen.
        comment: for the student, without the lines of the rubric.
    """

    chosen: tuple[int, ...] = ()
    points: str = ""
    comment: str = ""


def choices(question: Question) -> list[Choice]:
    """Return what the number keys choose: lines of the rubric that have points, or else points from 0 to the most."""
    if question.items:
        keys = [*KEYS, *[""] * len(question.items)]
        return [Choice(key, item.points, item.text) for key, item in zip(keys, question.items, strict=False)]
    step = next((one for one in STEPS if question.points / one <= len(KEYS)), question.points)
    there = [step * index for index in range(math.ceil(question.points / step))]
    return [Choice(str(index), points) for index, points in enumerate([*there, question.points])]


def given_by(mark: Marked | None, question: Question, words: Words = ENGLISH_WORDS) -> Given:
    """Return a mark as it stands in the form, in some language."""
    if mark is None:
        return Given()
    options = choices(question)
    if not question.items:
        chosen = tuple(place for place, option in enumerate(options) if option.points == mark.points)
        return Given(chosen, "" if chosen else words.figure(str(number(mark.points))), mark.comment)
    lines = mark.comment.split("\n")
    chosen = tuple(place for place, item in enumerate(question.items) if item.line in lines)
    rest = "\n".join(line for line in lines if line not in {item.line for item in question.items})
    summed = chosen and _sum(chosen, options, question) == mark.points
    return Given(chosen, "" if summed else words.figure(str(number(mark.points))), rest)


def mark_of(given: Given, question: Question, marker: str) -> Marked:
    """Return what stands in the form as a mark.

    Raises:
        NoMark: there are no points, or too many; or the comment is too long.
    """
    options = choices(question)
    chosen = tuple(place for place in given.chosen if 0 <= place < len(options))
    if given.points.strip():
        points = number_in(given.points.strip())
        if points is None or not 0 <= points <= question.points:
            raise NoMark(
                f"Not saved: {given.points.strip()!r} is no number of points between 0 and {number(question.points)}."
            )
    elif chosen:
        points = _sum(chosen, options, question) if question.items else options[chosen[-1]].points
    else:
        raise NoMark("Not saved: choose points first.")
    comment = clean(given.comment)
    if len(comment) > MOST_CHARACTERS:
        raise NoMark(f"Not saved: the comment has more than {MOST_CHARACTERS:,} characters.")
    lines = [question.items[place].line for place in chosen] if question.items else []
    return Marked(question.id, points, marker, "\n".join([*lines, *([comment] if comment else [])]))


def clean(comment: str) -> str:
    """Return a comment as a gradebook can hold it: lines end in one way, and what no database keeps is replaced."""
    lines = encodable(comment).replace("\r\n", "\n").replace("\r", "\n").replace("\0", REPLACEMENT)
    return lines.strip()


def remembered(marks: Iterable[Marked], question: Question) -> list[str]:
    """Return the comments that were given for a question, the most frequent first, without the lines of its rubric."""
    counts: dict[str, int] = {}
    for mark in marks:
        if comment := given_by(mark, question).comment:
            counts[comment] = counts.get(comment, 0) + 1
    return sorted(counts, key=lambda comment: -counts[comment])


def _sum(chosen: Sequence[int], options: Sequence[Choice], question: Question) -> float:
    return min(max(sum(options[place].points for place in chosen), 0.0), question.points)
