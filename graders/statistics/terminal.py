"""The figures of a class in the terminal, or in a pipe."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich import box
from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from graders.exports.words import rounded
from graders.statistics.advice import ALL_FAULTY, counted
from graders.statistics.causes import Cause
from graders.statistics.figures import LEAST, TENTHS, ClassFigures
from graders.text import printable, printable_name

CAUSES = 12  # shown; all are in the CSV
NAMES = 6
BAR = 40
EXPLAINED = f"""\
judged: results in which it ended, and did not wait for another check.
discr.: correlation of passing it with all other points; - where that has no
meaning, for the reason in the remark (too few: below {LEAST} were judged).
negative: those who pass it have fewer points elsewhere; look at the check.
lost: points of the class, of those too for whom it waited."""


def shown(figures: ClassFigures, causes: Sequence[Cause], advice: Sequence[str]) -> Iterator[RenderableType]:
    """Yield what to print, part by part."""
    yield _heading(f"Scores of {counted(figures.scores.count, 'result')}")
    yield from _scores(figures)
    yield _heading("Points of each step")
    yield _steps(figures)
    yield _heading("Checks")
    yield _checks(figures)
    yield Text(EXPLAINED, style="dim")
    yield _heading("What went wrong")
    yield from _causes(causes)
    yield _heading("What the class should hear tomorrow")
    for sentence in advice:
        yield Padding(Text(f"- {printable(sentence)}"), (0, 0, 0, 2), expand=False)
    if not advice:
        yield Text("  Nothing that cost two or more of them points.")


def _heading(text: str) -> Text:
    return Text(f"\n{text}", style="bold")


def _scores(figures: ClassFigures) -> Iterator[Text]:
    scores, width, most = figures.scores, 100 // TENTHS, max(*figures.tenths, 1)
    if not scores.count:
        yield Text(f"  {ALL_FAULTY}")
        return
    yield Text(
        f"  mean {rounded(scores.mean)} of {rounded(scores.of)}, least {rounded(scores.least)}, "
        f"quartiles {rounded(scores.lower)}, {rounded(scores.median)}, {rounded(scores.upper)}, "
        f"most {rounded(scores.most)}"
    )
    for at, count in enumerate(figures.tenths):
        bar = "#" * (-(-BAR * count // most))
        yield Text(f"  {at * width:3d}-{(at + 1) * width:3d} %  {count:4d}  {bar}".rstrip())


def _steps(figures: ClassFigures) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("step", "of", "mean", "share", "least", "lower", "median", "upper", "most"):
        table.add_column(name, justify="right")
    for step, one in figures.steps.items():
        share = f"{one.mean / one.of:.0%}" if one.of else ""
        values = [rounded(value) for value in (one.least, one.lower, one.median, one.upper, one.most)]
        known = (rounded(one.mean), share, *values) if one.count else ()
        table.add_row(str(step), rounded(one.of), *known)
    return table


def _checks(figures: ClassFigures) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("check", overflow="fold")
    for name in ("judged", "passed", "discr.", "lost"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("remark", no_wrap=True)
    for check in figures.checks:
        rate = "" if check.rate is None else f"{check.rate:.0%}"
        discrimination = "-" if check.discrimination is None else f"{check.discrimination:.2f}"
        numbers = (str(check.judged), rate, discrimination, rounded(check.lost))
        table.add_row(Text(printable_name(check.id)), *numbers, check.remark)
    return table


def _causes(causes: Sequence[Cause]) -> Iterator[RenderableType]:
    for cause in causes[:CAUSES]:
        names = [printable_name(name) for name in cause.whose]
        whose = ", ".join(names[:NAMES]) + (f" and {len(names) - NAMES} more" if len(names) > NAMES else "")
        ended = "" if cause.is_hidden else f"{str(cause.outcome).replace('_', ' ')}: "
        titles = [printable(title).rstrip(".") for title in cause.checks.values()]
        more = f" and {len(titles) - 1} more" if len(titles) > 1 else ""
        about = f" at “{titles[0]}”{more}" if titles else ""
        head = f"step {cause.step}, {counted(cause.results, 'result')}, {counted(cause.lost, 'point')}{about}"
        yield Padding(Text(head), (0, 0, 0, 2), expand=False)
        yield Padding(Text(f"{ended}{printable(cause.message)}"), (0, 0, 0, 4), expand=False)
        yield Padding(Text(whose, style="dim"), (0, 0, 0, 4), expand=False)
    if len(causes) > CAUSES:
        yield Text(f"  {len(causes) - CAUSES} more, which cost less: --csv writes all.")
    if not causes:
        yield Text("  Nothing.")
