"""The page about a class, for its instructor."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from graders.exports.words import seconds
from graders.outcomes import Outcome
from graders.pages.grouping import WORDS
from graders.pages.rendering import render
from graders.results.schema import AnswerStatus, CheckResult, Level
from graders.statistics.advice import ALL_FAULTY, sentences
from graders.statistics.causes import causes_of
from graders.statistics.figures import CheckFigures, class_figures
from graders.statistics.judged import Judged
from graders.words.spoken import ENGLISH_WORDS, Words, marked

HARDEST, CAUSES, NAMES = 15, 20, 12
# What a cell of the heat map shows: a sign, and a class of the page's style.
SIGNS = {
    Outcome.PASSED: ("✓", "p"),
    Outcome.NOT_IMPLEMENTED: ("·", "n"),
    Outcome.BLOCKED: ("↑", "b"),
    Outcome.HARNESS_FAULT: ("?", "h"),
}
OTHER = ("✗", "f")
LEVELS = {
    Level.FULL: marked("fully isolated"),
    Level.PARTIAL: marked("partly isolated"),
    Level.NONE: marked("not isolated"),
    Level.UNUSED: marked("without code that ran"),
}


@dataclass(frozen=True)
class Row:
    """A row of the heat map: whose, their points in the step, and a sign, a class and words for each check."""

    who: str
    points: float
    cells: list[tuple[str, str, str]]


@dataclass(frozen=True)
class Map:
    """The heat map of a step.

    Attributes:
        number: the step's.
        of: the points to be had.
        checks: its columns.
        rows: the results, the best one first.
    """

    number: int
    of: float
    checks: list[CheckFigures]
    rows: list[Row]


@dataclass(frozen=True)
class Written:
    """A written question: how many answers there are, and how many of them nobody has marked."""

    id: str
    title: str
    answered: int
    to_mark: int


def class_page(judged: Sequence[Judged], words: Words = ENGLISH_WORDS) -> bytes:
    """Return the page about the results that count, of which there is one at least, in UTF-8 and in some language."""
    figures, causes = class_figures(judged), causes_of(judged, words)
    hardest = sorted((check for check in figures.checks if check.lost), key=lambda check: -check.lost)
    return render(
        "class",
        {
            "course": judged[-1].result.course,
            "figures": figures,
            "most": max(*figures.tenths, 1),
            "all_faulty": ALL_FAULTY,
            "hardest": hardest[:HARDEST],
            "causes": causes[:CAUSES],
            "more_causes": len(causes[CAUSES:]),
            "names": NAMES,
            "ended": WORDS,
            "advice": sentences(causes, len(judged), words),
            "maps": [_map(step, figures.checks, judged) for step in figures.steps],
            "written": _written(judged),
            "isolation": Counter(LEVELS[one.result.isolation.level] for one in judged),
            "seconds": sum(seconds(one.result) for one in judged),
        },
        words,
    )


def _map(step: int, checks: Sequence[CheckFigures], judged: Sequence[Judged]) -> Map:
    columns = [check for check in checks if check.step == step]
    rows = []
    for one in sorted(judged, key=lambda one: -one.result.score):
        mine = {check.id: check for check in one.result.checks if check.step == step}
        points = sum(check.points for check in mine.values())
        rows.append(Row(", ".join(one.whose), points, [_cell(mine.get(check.id)) for check in columns]))
    of = max(sum(check.max_points for check in one.result.checks if check.step == step) for one in judged)
    return Map(step, of, columns, rows)


def _cell(check: CheckResult | None) -> tuple[str, str, str]:
    if check is None or check.dropped:
        return "", "n", marked("not judged")
    sign, style = SIGNS.get(check.outcome, OTHER)
    return sign, style, WORDS[check.outcome]


def _written(judged: Sequence[Judged]) -> list[Written]:
    titles: dict[str, str] = {}
    answered: Counter[str] = Counter()
    to_mark: Counter[str] = Counter()
    for one in judged:
        for question in one.result.written:
            titles.setdefault(question.id, question.title)
            if question.status is AnswerStatus.TO_BE_MARKED:
                answered[question.id] += 1
                to_mark[question.id] += question.id not in one.marked
    return [Written(id_, title, answered[id_], to_mark[id_]) for id_, title in titles.items()]
