"""Sheets of answers to mark without a browser: Markdown to read, CSV to fill in, a pair for each question."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from graders.exports.words import number
from graders.questions import Question
from graders.results.gradebook.answers import Answer
from graders.results.gradebook.rows import Marked, digest_of, of_marker
from graders.spreadsheets import BadSheet, csv_text, number_in, records
from graders.text import cell, printable
from graders.words.spoken import ENGLISH, ENGLISH_WORDS, Words

COLUMNS = ("answer", "students", "points", "of", "comment", "text")
NEEDED = ("answer", "points")
DIGEST_DIGITS = 10
FENCE = "~"


class BadMarks(BadSheet):
    """Marks that do not fit; the message has a line for each problem."""


@dataclass(frozen=True)
class NewMark:
    """A mark that was read from a sheet.

    Attributes:
        answer: the answer that it is for.
        points: its points.
        comment: for the student.
    """

    answer: Answer
    points: float
    comment: str


def key_of(answer: Answer) -> str:
    """Return what an answer is called in sheets: another text of the same hand-in has another name."""
    return f"{answer.handin}-{digest_of(answer.question + answer.text)[:DIGEST_DIGITS]}"


def markdown(question: Question, answers: Sequence[Answer], *, anonymous: bool, words: Words = ENGLISH_WORDS) -> str:
    """Return the question, its rubric and every answer, to be read; an answer is shown as it was typed."""
    parts = [f"# {question.id} {words.text(question.title)}", prompt_of(question, words)]
    parts.append(words.say("Points: 0 to {most}.", most=question.points))
    parts += ["\n".join(f"- {line}" for line in question.lines)] if question.rubric else []
    for answer in in_order(answers):
        text = "\n".join(printable(line) for line in answer.text.splitlines())
        fence = FENCE * (max((len(line) - len(line.lstrip(FENCE)) for line in text.splitlines()), default=0) + 3)
        owner = "" if anonymous else f", {printable(whose(answer))}"
        parts.append(f"## {key_of(answer)}{owner}\n\n{fence}\n{text}\n{fence}")
    return "\n\n".join(parts) + "\n"


def prompt_of(question: Question, words: Words) -> str:
    """Return what a question asks: as it stands in the course's file, or in one line of another language."""
    if words.language == ENGLISH:
        return question.prompt.strip()
    return words.text(" ".join(question.prompt.split()))


def table(question: Question, answers: Sequence[Answer], marker: str, *, anonymous: bool) -> str:
    """Return the sheet to fill in; what this marker has given stands in it already."""
    rows: list[Sequence[str]] = [COLUMNS]
    for answer in in_order(answers):
        mine = of_marker(marker, answer.marks)
        owner = "" if anonymous else cell(whose(answer))
        points, comment = (str(number(mine.points)), cell(mine.comment)) if mine else ("", "")
        rows.append([key_of(answer), owner, points, str(number(question.points)), comment, cell(answer.text)])
    return csv_text(rows)


def unsaved(text: str, answers: Iterable[Answer]) -> bool:
    """Tell whether a sheet holds points or comments that are no mark yet: somebody has begun to fill it in.

    Raises:
        BadSheet: it lacks a column, or is damaged.
    """
    known = {key_of(answer): answer for answer in answers}
    for _, row in records(text, NEEDED):
        answer = known.get(row["answer"])
        points, comment = row["points"], row.get("comment", "")
        marks = answer.marks if answer else ()
        if (points or comment) and not any(_stands(mark, points, comment) for mark in marks):
            return True
    return False


def read(text: str, questions: Iterable[Question], answers: Iterable[Answer], marker: str) -> list[NewMark]:
    """Read a sheet that was filled in; rows without points are not marked yet.

    Args:
        text: the sheet, with commas, semicolons or tabs, and decimal points or commas.
        questions: the course's.
        answers: what there is to mark.
        marker: who marks: a comment of theirs that came back as it was written out is theirs, letter by letter.

    Raises:
        BadSheet: it lacks a column, or is damaged.
        BadMarks: a row is of no answer, or of one that has changed since; its points are no number, or too many; an
            answer has two rows. Nothing of the sheet counts then.
    """
    known = {key_of(answer): answer for answer in answers}
    most = {question.id: question.points for question in questions}
    marks: dict[str, NewMark] = {}
    problems = []
    for line, row in records(text, NEEDED):
        written = row["points"]
        if not written:
            continue
        key = row["answer"]
        answer = known.get(key)
        points = number_in(written)
        where = f"line {line}: "
        if answer is None:
            problems.append(f"{where}{key!r} is no answer in this gradebook, or has changed since; export it again.")
        elif key in marks:
            problems.append(f"{where}{key} is there twice.")
        elif points is None:
            problems.append(f"{where}{written!r} is no number of points.")
        elif not 0 <= points <= most[answer.question]:
            problems.append(f"{where}{written} is not between 0 and {number(most[answer.question])}.")
        else:
            marks[key] = NewMark(answer, points, _comment(row.get("comment", ""), answer, marker))
    if problems:
        raise BadMarks("\n".join(problems))
    return list(marks.values())


def _stands(mark: Marked, points: str, comment: str) -> bool:
    return number_in(points) == mark.points and (_is_of(mark, comment) or _typed(comment) == mark.comment)


def _comment(written: str, answer: Answer, marker: str) -> str:
    before = of_marker(marker, answer.marks)
    return before.comment if before and _is_of(before, written) else _typed(written)


def _is_of(mark: Marked, written: str) -> bool:
    """Tell whether a comment is that of a mark, as it was written out."""
    return written == cell(mark.comment).strip()


def _typed(written: str) -> str:
    """Return a comment without what keeps spreadsheets from taking it for a formula."""
    return written.removeprefix("'") if cell(written.removeprefix("'")) == written else written


def in_order(answers: Sequence[Answer]) -> list[Answer]:
    """Return answers in an order that says nothing of whose they are, with the same texts beside one another."""
    return sorted(answers, key=lambda answer: (digest_of(answer.text), answer.handin))


def whose(answer: Answer) -> str:
    """Return whose an answer is: ids, and the name where that says more."""
    students = " ".join(answer.students)
    return students if answer.name in answer.students else f"{students} {answer.name}"
