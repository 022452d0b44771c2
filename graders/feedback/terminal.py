"""Results in the terminal: a live line for each submission in progress, and the tables at the end."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from rich import box
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from graders.course import step_label
from graders.feedback.checks import check_lines, number
from graders.grading.pace import Pace
from graders.grading.task import Event, Failed, Finished, Graded, Progress, Refused
from graders.outcomes import Outcome
from graders.results.schema import AnswerStatus, Level, Result, WrittenAnswer
from graders.results.scoring import steps_of
from graders.text import printable, printable_name
from graders.words.spoken import ENGLISH_WORDS, Words, marked

__all__ = [
    "PatientConsole",
    "ProgressLines",
    "Row",
    "answered_lines",
    "check_lines",
    "isolation_line",
    "notes_lines",
    "number",
    "row_of",
    "summary_table",
    "written_line",
]
NOTES_OF_ONE, NOTES_OF_EACH = 30, 4
WORDS_WIDTH, STEP_WIDTH = 44, 7  # of the summary's columns of words together, and of each step
LINES_ABOUT_PACE = 10  # in a pipe, for a class
A_CLASS = 20  # submissions from which a run says in a pipe, too, how far it is


@dataclass(frozen=True, slots=True)
class Row:
    """What the tables at the end of a run say of one result: of a large class, the results would fill the memory.

    Attributes:
        submission: its name.
        score: its points.
        max_score: the points to be had.
        steps: for each step, its points and those to be had.
        failures: how many checks ended how, without those that passed.
        notes: the first notes.
        notes_in_all: how many notes there are.
        answered: how many written questions are answered.
        questions: how many there are.
        isolation: how it was confined; empty if no code of it ran.
    """

    submission: str
    score: float
    max_score: float
    steps: dict[int, tuple[float, float]]
    failures: str
    notes: tuple[str, ...]
    notes_in_all: int
    answered: int
    questions: int
    isolation: str


def row_of(result: Result) -> Row:
    """Return what the tables say of a result."""
    confined = result.isolation
    layers = ", ".join(f"{name} {status}" for name, status in confined.layers.items())
    return Row(
        submission=result.submission,
        score=result.score,
        max_score=result.max_score,
        steps={step: (one.points, one.max_points) for step, one in steps_of(result.checks).items()},
        failures=_failures(result),
        notes=tuple(result.notes[:NOTES_OF_ONE]),
        notes_in_all=len(result.notes),
        answered=result.answered,
        questions=len(result.written),
        isolation="" if confined.level is Level.UNUSED else f"{confined.level} ({layers})",
    )


class PatientConsole(Console):
    """A console that goes on silently when nobody reads it any more, as after `| head`: work in hand is not lost."""

    def on_broken_pipe(self) -> None:
        """Send what is still printed nowhere, instead of ending the process."""
        self.quiet = True
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


class ProgressLines:
    """A line for each submission in progress on a terminal; in a pipe, a line for each that has ended.

    Use as a context manager.

    Args:
        console: where they are shown.
        checks: how many checks a submission has.
        pace: of the run; it is told of every event, and shown for several submissions.
    """

    def __init__(self, console: Console, checks: int, pace: Pace | None = None) -> None:
        self.console = console
        self.checks = checks
        self.pace = pace or Pace(1, 1)
        self.running: dict[str, int] = {}
        # No refresh thread: judges are forked from this process.
        self.live = Live(console=console, auto_refresh=False, transient=True)

    def __enter__(self) -> Self:
        self.live.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.live.stop()

    def show(self, event: Event) -> None:
        """Show what happened."""
        if isinstance(event, Progress):
            self.running[event.name] = event.ended
            self.pace.begin(event.name)
        else:
            self.running.pop(event.name, None)
            outcome = event.outcome
            new = isinstance(outcome, Graded) and not (outcome.resumed or outcome.problem)
            self.pace.end(event.name, graded=new)
            # A line that is wrapped could begin in the middle of a name, with what a CI runner takes for a command.
            self.console.print(_ended_line(event), soft_wrap=True)
        if self.console.is_terminal:
            lines = [f"{printable(name)}  {ended} of {self.checks} checks" for name, ended in self.running.items()]
            if self.pace.total > 1:
                lines.append(str(self.pace))
            self.live.update(Group(*(Text(line, style="dim") for line in lines)), refresh=True)
        elif isinstance(event, Finished) and self._is_worth_a_line():
            self.console.print(str(self.pace), soft_wrap=True, markup=False)

    def _is_worth_a_line(self) -> bool:
        pace = self.pace
        return A_CLASS <= pace.total > pace.ended and not pace.ended % (pace.total // LINES_ABOUT_PACE)


def _ended_line(event: Finished) -> Text:
    name = printable(event.name)
    if isinstance(event.outcome, Refused):
        return Text(f"{name}  no submission, no result")
    if isinstance(event.outcome, Failed):
        return Text(f"{name}  harness fault: {printable(event.outcome.reason)}", style="bold red")
    result = event.outcome.result
    kept = event.outcome.kept
    tail = f"{sum(c.seconds for c in result.checks if c.step not in kept):.1f} s"
    if event.outcome.resumed:
        tail = "unchanged since an earlier run"
    elif kept:
        tail += f", step {', '.join(map(str, kept))} unchanged since an earlier run"
    notes = f", notes in result.json: {len(result.notes)}" if result.notes else ""
    return Text(f"{name}  {number(result.score)} of {number(result.max_score)}  ({tail}{notes})")


def summary_table(rows: Sequence[Row], width: int) -> Table:
    """Return a table with a row for each submission: its score, each step's points, what went wrong how often.

    In a terminal of so few columns that words would break, the steps are left out; the summary in a file has them.
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("submission", overflow="fold")
    table.add_column(f"score\nof {number(max(row.max_score for row in rows))}", justify="right", no_wrap=True)
    steps = rows[0].steps
    shown = steps if width >= WORDS_WIDTH + STEP_WIDTH * len(steps) else {}
    for step, points in shown.items():
        table.add_column(f"step\n{step}\nof {number(points[1])}", justify="right", no_wrap=True)
    table.add_column("checks that did not pass", overflow="fold")
    for row in rows:
        cells = [number(row.steps[step][0]) for step in shown]
        table.add_row(Text(printable_name(row.submission)), number(row.score), *cells, row.failures)
    return table


def isolation_line(rows: Sequence[Row]) -> str:
    """Say in one line how the submissions were confined."""
    reached = next((row.isolation for row in rows if row.isolation), "no code of a submission ran")
    return f"Isolation: {reached}."


def written_line(rows: Sequence[Row]) -> str:
    """Say in one line how many written questions each submission answers; nothing, if none answers any."""
    counts = [f"{printable(row.submission)} {row.answered} of {row.questions}" for row in rows if row.answered]
    return f"Written answers to be marked: {', '.join(counts)}." if counts else ""


def notes_lines(rows: Sequence[Row]) -> list[str]:
    """Say what was odd about each submission as it was read; if there are several submissions, the first of it."""
    most = NOTES_OF_ONE if len(rows) == 1 else NOTES_OF_EACH
    lines = []
    for row in rows:
        name = printable(row.submission)
        lines += [f"Note on {name}: {printable(note)}." for note in row.notes[:most]]
        if row.notes_in_all > most:
            lines.append(f"Note on {name}: {row.notes_in_all - most} more in its result.json.")
    return lines


def answered_lines(
    written: Sequence[WrittenAnswer], package: str, notebook: str = "", words: Words = ENGLISH_WORDS
) -> list[str]:
    """Say in a line for each step how many of its written questions are answered at a student's home, and where."""
    lines = []
    for step in sorted({one.step for one in written}):
        mine = [one.status is AnswerStatus.TO_BE_MARKED for one in written if one.step == step]
        where = printable(notebook) or f"{package}/answers/{step_label(step)}.md"
        said = marked("Written: {done} of {all} answered in {where}, to be marked by a person.")
        lines.append(words.say(said, done=sum(mine), all=len(mine), where=where))
    return lines


def _failures(result: Result) -> str:
    counted = [check for check in result.checks if not check.dropped]
    counts = {outcome: sum(check.outcome is outcome for check in counted) for outcome in Outcome}
    return ", ".join(
        f"{count} {outcome}" for outcome, count in counts.items() if count and outcome is not Outcome.PASSED
    )
