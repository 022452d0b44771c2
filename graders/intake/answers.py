"""The answers to a course's written questions, in a submission's Markdown.

An answer stands in a file of its step, or in the Markdown cells of a notebook, below a heading with the question's
number: `## 1.1 What it shows`, or, with the words that the course allows there, `# Question 1.1:`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence

from graders.course import Course
from graders.intake.notebooks.cells import TextCell
from graders.intake.package import NOT_TEXT, named
from graders.intake.strays import notes_on_headless, notes_on_strays
from graders.questions import Question, load_questions

ANSWER_CHARACTERS = 20_000
TEXT_CHARACTERS = 2 << 20
TOO_LONG = f"the text is longer than {TEXT_CHARACTERS >> 20} million characters"
HEADING_CHARACTERS = 200
NUMBERS_NAMED = 5

HEADING = re.compile(r" {0,3}(?P<marks>#{1,6})(?!#)[\s*_]*(?P<text>.*)", re.DOTALL)
NUMBER = r"(?P<id>[0-9]{1,2}\.[0-9]{1,2})(?![^\W_]|\.[0-9])"
LOWEST = 6  # level of a heading
BETWEEN = r"[\s*_:]+"
NOTHING = re.compile(r"(?!)")
FENCE = re.compile(r"\s*(`{3,}(?=[^`]*$)|~{3,})")
EMBEDDED = re.compile(r"data:[\w/+.-]+;base64,[\w+/=]+")


def answers_in_files(files: Mapping[str, bytes], course: Course) -> tuple[dict[str, str], list[str]]:
    """Read the answers in files, whichever of the files a question's heading stands in.

    Args:
        course: the course, with its questions.
        files: contents by file name, `stepNN.md`.

    Returns:
        The answers by their questions' ids, and what was left out, a sentence each.
    """
    reader = _Reader(course, ended_by=NOTHING)
    texts: list[tuple[str, str]] = []
    total = 0
    no_text: list[str] = []
    for name, data in sorted(files.items()):
        place = f"answers/{name}"
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            no_text.append(place)
            continue
        total += len(text)
        if total > TEXT_CHARACTERS:
            reader.notes.append(f"{place} and the files after it: left out, {TOO_LONG}")
            break
        reader.leave()
        texts.append((place, text))
        unclosed = reader.read(text)
        if unclosed:
            reader.notes.append(f"{place} line {unclosed}: the code block is not closed, no heading below it was seen")
    if no_text:
        reader.notes.append(f"{named(no_text)}: left out, {NOT_TEXT}")
    answers = reader.answers()
    strays = reader.notes_on_strays(texts, answers)
    return answers, [
        *reader.notes,
        *strays,
        *([] if reader.notes or strays else notes_on_headless(texts, course, reader.is_heading)),
    ]


def answers_in_cells(cells: Iterable[TextCell], course: Course) -> tuple[dict[str, str], list[str]]:
    """Read the answers in a notebook's Markdown cells; one may go on in the next cell, unless a step begins there.

    Args:
        cells: the Markdown cells.
        course: the course, with its questions.

    Returns:
        The answers by their questions' ids, and what was left out, a sentence each.
    """
    reader = _Reader(course, ended_by=re.compile(rf"(?:{_any_of(course.written.step_words)})\s*[0-9]", re.IGNORECASE))
    texts: list[tuple[str, str]] = []
    total = 0
    for number, cell in enumerate(cells, start=1):
        text = EMBEDDED.sub("embedded", cell.text)
        total += len(text)
        if total > TEXT_CHARACTERS:
            reader.notes.append(f"Markdown cell {number} and those after it: left out, {TOO_LONG}")
            break
        if cell.given:
            reader.read_given(text)
            continue
        texts.append((f"Markdown cell {number}", text))
        if cell.begins:
            reader.leave()
        if cell.question and not any(map(reader.is_heading, text.split("\n"))):
            reader.turn_to(cell.question, LOWEST)
        reader.read(text)
    answers = reader.answers()
    return answers, [*reader.notes, *reader.notes_on_strays(texts, answers)]


class _Reader:
    """Takes Markdown in, and keeps what stands below each question's heading.

    Args:
        course: the course, with its questions.
        ended_by: what a heading begins with that ends an answer, if it is not of a lower level than the answer's own.

    Attributes:
        notes: what was left out so far, a sentence each.
    """

    def __init__(self, course: Course, ended_by: re.Pattern[str]) -> None:
        self.questions = load_questions(course)
        self.marker = course.written.marker
        words = rf"(?:{_any_of(course.written.question_words)})(?!\w)"
        led_up = rf"(?:{words}{BETWEEN}(?:[^\W\d_]+{BETWEEN}){{0,2}})?{words}{BETWEEN}"  # Answer to question
        self._number = rf"(?:{led_up})?{NUMBER}"
        self.number = re.compile(self._number, re.IGNORECASE)
        self.ended_by = ended_by
        self.notes: list[str] = []
        self._bodies: dict[str, list[list[str]]] = {question.id: [] for question in self.questions}
        self._unknown: dict[str, None] = {}
        self._level = 0
        self.leave()

    def leave(self) -> None:
        """End the answer at hand: what follows belongs to no question, until a heading says so."""
        self._body: list[str] = []

    def turn_to(self, question: str, level: int) -> None:
        """End the answer at hand, and begin that to a question; nothing happens if the course does not ask it."""
        if question in self._bodies:
            self.leave()
            self._bodies[question].append(self._body)
            self._level = level

    def read_given(self, text: str) -> None:
        """Take in a text of the handout: its headings say which question follows; without one, none does."""
        self.leave()
        for line, since in _lines(text):
            heading = HEADING.match(line[:HEADING_CHARACTERS]) if not since else None
            if heading:
                self._turns_to(heading)

    def read(self, text: str) -> int:
        """Take in a text; return the line number of a code block in it that is not closed, or 0."""
        since = 0
        for line, since in _lines(text):
            heading = HEADING.match(line[:HEADING_CHARACTERS]) if not since else None
            if not (heading and self._turns_to(heading)):
                self._body.append(line)
        self._body.append("")
        return since

    def _turns_to(self, heading: re.Match[str]) -> bool:
        """Tell whether a heading ends the answer at hand, and turn to the question that it names, if it does."""
        level = len(heading["marks"])
        number = self.number.match(heading["text"])
        if number and number["id"] in self._bodies:
            self.turn_to(number["id"], level)
            return True
        if number:
            self._unknown[number["id"]] = None
        elif level <= self._level and self.ended_by.match(heading["text"]):
            self.leave()
            return True
        return False

    def is_heading(self, line: str) -> bool:
        """Tell whether a line is a heading of one of the questions."""
        heading = HEADING.match(line)
        number = self.number.match(heading["text"]) if heading else None
        return bool(number and number["id"] in self._bodies)

    def notes_on_strays(self, texts: Sequence[tuple[str, str]], answers: Mapping[str, str]) -> list[str]:
        """Say which lines name a question that has no answer, and are no headings."""
        return notes_on_strays(texts, self._bodies.keys() - answers.keys(), self._number)

    def answers(self) -> dict[str, str]:
        """Return the answers by their questions' ids; what stands below several headings of a question is joined."""
        if self._unknown:
            named = ", ".join(list(self._unknown)[:NUMBERS_NAMED])
            more = f" and {len(self._unknown) - NUMBERS_NAMED} more" if len(self._unknown) > NUMBERS_NAMED else ""
            self.notes.append(f"headings that name no written question: {named}{more}")
        answers = {question.id: self._answer(question) for question in self.questions}
        return {number: answer for number, answer in answers.items() if answer}

    def _answer(self, question: Question) -> str:
        if not self._bodies[question.id]:
            return ""
        prompt = re.compile(r"\s+".join(map(re.escape, question.prompt.split())))
        parts = [_own_words("\n".join(body), prompt, self.marker) for body in self._bodies[question.id]]
        answer = "\n\n".join(dict.fromkeys(part for part in parts if part))  # a cell may have been doubled
        if len(answer) > ANSWER_CHARACTERS:
            self.notes.append(f"the answer to {question.id} was cut after {ANSWER_CHARACTERS} characters")
        return answer[:ANSWER_CHARACTERS].rstrip()


def _lines(text: str) -> Iterator[tuple[str, int]]:
    """Yield each line, and the number of the line that opened the code block in which it stands, or 0."""
    fence, since = "", 0
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for number, line in enumerate(lines, start=1):
        if fence and _closes(line.strip(), fence):
            fence, since = "", 0
        elif not fence and (opening := FENCE.match(line)):
            fence, since = opening[1], number
        yield line, since


def _closes(line: str, fence: str) -> bool:
    return len(line) >= len(fence) and line == fence[0] * len(line)


def _own_words(body: str, prompt: re.Pattern[str], marker: str) -> str:
    """Return what stands below the marker; if nothing does, what stands above it, without the prompt."""
    above, _, below = body.partition(marker) if marker else (body, "", "")
    above = above.lstrip()
    unchanged = prompt.match(above)
    for text in (below.replace(marker, "") if marker else below, above[unchanged.end() :] if unchanged else above):
        if any(map(str.isalnum, text)):
            return text.strip()
    return ""


def _any_of(words: Sequence[str]) -> str:
    """Return an expression for any of the words, with or without their accents; without words, for nothing."""
    return "|".join("".join(map(_with_or_without_accent, word)) for word in words) or NOTHING.pattern


def _with_or_without_accent(letter: str) -> str:
    plain = unicodedata.normalize("NFD", letter)[0]
    return re.escape(letter) if plain == letter else f"[{re.escape(letter)}{re.escape(plain)}]"
