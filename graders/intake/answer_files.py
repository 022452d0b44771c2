"""Which files of a submission are its written answers.

They stand in `answers/stepNN.md` in the package. Where one reading is possible, and no file has the right name, a file
is read whose name is near that, and a folder of answers beside the package.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import NamedTuple

from graders.course import Course, step_label
from graders.intake.archives import Member
from graders.intake.package import chosen, named
from graders.intake.spelling import COPY_OF, MARK

ANSWERS = "answers"
TEXT = (".md", ".markdown", ".mdown", ".txt", ".md.txt")
READABLE = f"answers are read from {ANSWERS}/{step_label(1)}.md and so on, in the folder of the step modules"
DOCUMENTS = (".doc", ".docx", ".odt", ".rtf", ".pdf", ".pages", ".tex", ".html", ".htm", ".rst", *TEXT)
# What stands beside work in most projects, and answers nothing.
OTHER_TEXTS = frozenset("authors changelog changes contributing copying licence license readme requirements".split())


class AnswerFiles(NamedTuple):
    """The files of answers in a submission.

    Attributes:
        read: the files that are read, by their names.
        renamed: the step's file that is meant by one of them, where its name is another.
        beside: whether they stand beside the package, not in it.
        left: what else looks like answers, and is not read.
    """

    read: dict[str, Member]
    renamed: dict[str, str]
    beside: bool
    left: list[PurePosixPath]

    @property
    def notes(self) -> list[str]:
        """What is odd about them, a sentence each."""
        renamed = ", ".join(f"{ANSWERS}/{name} as {meant}" for name, meant in self.renamed.items())
        return [
            *([f"{ANSWERS}/: read, though it stands beside the folder of the step modules"] if self.beside else []),
            *([f"read under the name that is meant: {renamed}"] if renamed else []),
            *([f"{named(self.left)}: left out; {READABLE}"] if self.left else []),
        ]


def find_answers(members: Iterable[Member], root: PurePosixPath, course: Course) -> AnswerFiles:
    """Find the files of answers.

    Args:
        members: all files of a submission.
        root: the folder of its package.
        course: the course, with the numbers of its steps.
    """
    labels = {step.number: step.label for step in course.steps}
    of_step = _step_pattern(course)
    spellings: dict[PurePosixPath, dict[str, Member]] = defaultdict(dict)
    for member in members:
        if is_document(member.name) or _is_in_answers(member.name):
            spellings[member.name][member.spelled] = member
    documents = {name: chosen(spelled, str(name)) for name, spelled in spellings.items()}
    inside, beside = root / ANSWERS, root.parent / ANSWERS
    texts = _texts_in(documents, inside)
    is_beside = not texts and root != root.parent
    if is_beside:
        texts = _texts_in(documents, beside)
    read, renamed = _choose(texts, of_step, labels)
    taken = {read[name].name for name in read}
    left = [
        name
        for name in documents
        if name not in taken and is_document(name) and (_is_in_answers(name) or of_step.fullmatch(name.name))
    ]
    return AnswerFiles(read, renamed, is_beside and bool(read), sorted(left))


def is_document(name: PurePosixPath) -> bool:
    """Tell whether a file may hold a text that a person wrote, by its name."""
    lower = name.name.lower()
    return lower.endswith(DOCUMENTS) and lower.partition(".")[0] not in OTHER_TEXTS and not lower.endswith(".py.txt")


def _is_in_answers(name: PurePosixPath) -> bool:
    return name.parent.name.casefold() == ANSWERS


def _texts_in(documents: Mapping[PurePosixPath, Member], folder: PurePosixPath) -> dict[str, Member]:
    """Return the texts in a folder of answers, whatever the letter case of the folder's name is."""
    wanted = str(folder).casefold()
    there = [name for name in sorted(documents) if str(name.parent).casefold() == wanted and _is_in_answers(name)]
    return {name.name: documents[name] for name in there if name.name.lower().endswith(TEXT)}


def _choose(
    texts: Mapping[str, Member], of_step: re.Pattern[str], labels: Mapping[int, str]
) -> tuple[dict[str, Member], dict[str, str]]:
    """Return the texts that are read, and for those with odd names the names that are meant."""
    read: dict[str, Member] = {}
    renamed: dict[str, str] = {}
    near: dict[str, list[str]] = defaultdict(list)
    for name in texts:
        match = of_step.fullmatch(name)
        number = int(match["number"]) if match else 0
        if number in labels:
            near[f"{labels[number]}.md"].append(name)
    for proper, names in near.items():
        if proper in names:
            read[proper] = texts[proper]
        elif len(names) == 1:
            read[names[0]] = texts[names[0]]
            renamed[names[0]] = proper
    if not near and len(texts) == 1:  # one file of all answers: the headings in it say which question each is about
        read.update(texts)
    return read, renamed


def _step_pattern(course: Course) -> re.Pattern[str]:
    words = "|".join(re.escape(plain) for word in ("step", *course.written.step_words) for plain in _accents(word))
    ends = "|".join(map(re.escape, sorted(DOCUMENTS, key=len, reverse=True)))
    before = rf"(?:{COPY_OF.pattern}|.*[\W_])?"
    return re.compile(
        rf"{before}(?:{words})[\s_-]*0*(?P<number>[0-9]{{1,2}}){MARK}*\s*(?:{ends})\s*",
        re.IGNORECASE,
    )


def _accents(word: str) -> tuple[str, str]:
    """Return a word with and without its accents."""
    parts = unicodedata.normalize("NFD", word)
    return word, unicodedata.normalize("NFC", "".join(char for char in parts if not unicodedata.combining(char)))
