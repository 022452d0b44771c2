"""What looks like an answer to a written question, and stands below no question's heading."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

from graders.course import Course
from graders.text import quoted

LINE_CHARACTERS = 200
SHOWN_CHARACTERS = 40
NOTES = 10


def notes_on_strays(texts: Sequence[tuple[str, str]], unanswered: Collection[str], number: str) -> list[str]:
    """Say which lines name a question that has no answer, and are no headings.

    Args:
        texts: the name of each text, and the text.
        unanswered: the ids of questions without an answer.
        number: an expression for a question's number, with what may stand before it; its group `id` is the number.
    """
    line_of = re.compile(rf"[\s>*_-]*{number}", re.IGNORECASE)
    found: dict[str, str] = {}
    for place, line, text in _lines(texts):
        stray = line_of.match(text)
        if stray and stray["id"] in unanswered and stray["id"] not in found:
            shown = quoted(text.strip(), SHOWN_CHARACTERS)
            found[stray["id"]] = (
                f"{place} line {line}: what stands below `{shown}` was not read as an answer to {stray['id']}, "
                f"since that line is no heading; write `# {stray['id']}`"
            )
    return list(found.values())[:NOTES]


def notes_on_headless(texts: Sequence[tuple[str, str]], course: Course, is_heading: Callable[[str], bool]) -> list[str]:
    """Say which files hold text of the student's above the first question's heading.

    Args:
        texts: the name of each file, and its text.
        course: the course, whose own files of answers have such text too.
        is_heading: tells whether a line is a question's heading.
    """
    notes = []
    given = _given_lines(course.reference_folder, course.skeletons)
    for place, text in texts:
        for number, line in enumerate(text.splitlines(), start=1):
            if is_heading(line[:LINE_CHARACTERS]):
                break
            if line.strip() not in given and not line.startswith("#") and any(map(str.isalnum, line)):
                notes.append(f"{place} line {number}: text that stands below no question's heading was not read")
                break
    return notes[:NOTES]


@functools.lru_cache(maxsize=2)  # read once for a class
def _given_lines(*packages: Path) -> frozenset[str]:
    """Return the lines of all files of answers as they are handed out, whatever a student calls the files."""
    folders = (package / "answers" for package in packages)
    texts = (path.read_text(encoding="utf-8", errors="replace") for folder in folders for path in folder.glob("*.md"))
    return frozenset(line.strip() for text in texts for line in text.splitlines())


def _lines(texts: Sequence[tuple[str, str]]) -> Iterator[tuple[str, int, str]]:
    for place, text in texts:
        for number, line in enumerate(text.splitlines(), start=1):
            yield place, number, line[:LINE_CHARACTERS]
