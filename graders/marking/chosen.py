"""Which answers are to be marked: those of attempts that count."""

from __future__ import annotations

from collections.abc import Sequence

from graders.policy import Grades
from graders.questions import Question
from graders.results.gradebook.answers import Answer
from graders.results.gradebook.book import Gradebook


def to_be_marked(
    book: Gradebook, questions: Sequence[Question], policy: Grades, *, every_attempt: bool
) -> tuple[list[Answer], list[Answer]]:
    """Return the answers to questions that are to be marked, and those that are left out.

    Args:
        book: the gradebook.
        questions: those to mark.
        policy: the course's, which says which attempts count.
        every_attempt: leave none out.
    """
    there = book.answers([question.id for question in questions])
    # Which attempt is the best may depend on its marks.
    if every_attempt or policy.attempt == "best":
        return there, []
    chosen = {total.handin for total in book.totals(policy, questions).values()}
    return [one for one in there if one.handin in chosen], [one for one in there if one.handin not in chosen]
