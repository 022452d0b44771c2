"""The text of a notebook's cells: what it is, handouts of steps, and questions with their answers."""

from __future__ import annotations

import re

from graders.course import Course, Step
from graders.notebooks.sections import Section
from graders.questions import Question

STEP_TITLE = re.compile(r"step *\d+ *[:.-]? *", re.IGNORECASE)
ABOUT = """\
# {title}

Write your code in the cells below: replace each `raise NotImplementedError`. Add cells where you like, and move, copy
or delete them; where a function is defined twice, the last counts.

Run the first code cell, then those that you work on. `{check}` checks step {number} with what your cells
define now, and says what would be left out when it is graded. Answers in words stand below their questions.

Hand in this notebook, saved: `lab submit {file} --name "YOUR NAME"`.
"""


def about(title: str, check: str, number: int, file: str) -> str:
    """Return what a notebook begins with.

    Args:
        title: the course's.
        check: the call that shows the checks of a step.
        number: that step's.
        file: what the notebook will be called.
    """
    return ABOUT.format(title=title, check=check, number=number, file=file)


def heading(course: Course, step: Step, section: Section) -> str:
    """Return the handout of a step; its heading begins as those do that end an answer."""
    word = course.written.step_words[0].capitalize() if course.written.step_words else "Step"
    title = STEP_TITLE.sub("", section.title, count=1).removesuffix(".")
    return f"## {word} {step.number}{': ' if title else ''}{title}\n\n{section.text}".strip()


def asked(course: Course, question: Question, answer: str) -> str:
    """Return the cell of a question: its heading, what it asks, and the answer below the course's marker."""
    parts = [f"### {question.id} {question.title}", question.prompt.strip(), course.written.marker, answer]
    return "\n\n".join(filter(None, parts)) + ("" if answer else "\n")
