"""A run of `graders run`, once everything is loaded: grading, and what is shown of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from graders.commands.classroom.collecting import Keeper
from graders.commands.errors import ExitCode, say
from graders.feedback.terminal import (
    PatientConsole,
    ProgressLines,
    Row,
    check_lines,
    isolation_line,
    notes_lines,
    row_of,
    summary_table,
    written_line,
)
from graders.grading.names import names_of
from graders.grading.pace import Pace
from graders.grading.task import Backend, Failed, Finished, Graded, Refused, Task
from graders.intake.layouts.handin import whose
from graders.judging.rubric import counted
from graders.outcomes import HarnessFault, Outcome
from graders.results.files import SUMMARY, Summary
from graders.results.schema import CheckResult

NO_KEEPER = Keeper(None, None, None)


def grade_and_show(
    submissions: Sequence[Path],
    task: Task,
    backend: Backend,
    keeper: Keeper = NO_KEEPER,
    fail_under: float | None = None,
) -> ExitCode:
    """Grade submissions, show what happens and what came out, and return how the command ends.

    Args:
        submissions: what is graded.
        task: what to do with each.
        backend: where they are graded.
        keeper: keeps the results in a gradebook, as they come.
        fail_under: the points below which a submission makes the command end with 1.
    """
    console = PatientConsole()
    names = names_of(submissions, task.handins)
    known = {name: task.handins[path] for name, path in zip(names, submissions, strict=True) if path in task.handins}
    seen = _Seen(len(submissions) == 1, {name: whose(handin) for name, handin in known.items()})
    interrupted = False
    pace = Pace(len(submissions), backend.at_once)
    with ProgressLines(console, len(counted(task.rubric)), pace) as lines:
        try:
            for event in backend.grade(submissions, task):
                pace.at_once = backend.at_once
                lines.show(event)
                if isinstance(event, Finished):
                    seen.note(event)
                    if isinstance(event.outcome, Graded):
                        keeper.keep(event.name, event.outcome.result)
        except KeyboardInterrupt:
            interrupted = True
        except HarnessFault as fault:
            seen.failed.append(str(fault))
    _show(console, seen, [name for name in names if name in seen.rows])
    faults = [*seen.failed, *_summarise(seen.summary, task.out, console), *keeper.finish()]
    if not interrupted:
        faults += seen.faults
    for text in faults:
        say("graders", f"harness fault, nothing is charged to the student: {text}")
    if interrupted:
        say("graders", "interrupted; run the same command again to grade the rest.")
        return ExitCode.INTERRUPTED
    return ExitCode.HARNESS_FAULT if faults else _ending(seen, fail_under)


@dataclass
class _Seen:
    """What is kept of a run for its end: the results of a class would fill the memory.

    Attributes:
        alone: there is one submission, of which all checks are shown.
        whose: whose the submissions are, by names, as far as that is known.
        rows: rows of tables, by names.
        summary: the rows of `summary.csv`.
        checks: the checks of the only submission.
        unread: why a submission could not be read, by names.
        failed: what the harness failed on, a sentence each.
        faults: what it failed on within a submission, likewise.
        refused: what is no submission, likewise.
        replaced: what is to be said of earlier results, likewise.
    """

    alone: bool
    whose: Mapping[str, str]
    rows: dict[str, Row] = field(default_factory=dict)
    summary: Summary = field(default_factory=Summary)
    checks: Sequence[CheckResult] = ()
    unread: dict[str, str] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)

    def note(self, event: Finished) -> None:
        match event.outcome:
            case Refused(reason):
                self.refused.append(self._of(event.name, reason))
            case Failed(reason):
                self.failed.append(f"{event.name}: {reason}")
            case Graded() as graded:
                self._note(event.name, graded)

    def _of(self, name: str, reason: str) -> str:
        """Return why something could not be read, after whose it is: all students may call their files alike."""
        return f"{self.whose[name]}: {reason}" if self.whose.get(name) else reason

    def _note(self, name: str, one: Graded) -> None:
        self.rows[name] = row_of(one.result)
        self.summary.note(one.result)
        if one.problem:
            self.unread[name] = self._of(name, one.problem)
        elif self.alone:
            self.checks = one.result.checks
        if any(check.outcome is Outcome.HARNESS_FAULT for check in one.result.checks):
            self.faults.append(f"{name}: a check ended in harness_fault")
        if one.result.tampered:
            self.faults.append(f"{name}: {one.result.tampered}")
        if one.replaced:
            self.replaced.append(one.replaced)


def _ending(seen: _Seen, fail_under: float | None) -> ExitCode:
    """Say what was wrong with what was given, and what got too few points; return how the command ends."""
    problems = [*seen.unread.values(), *seen.refused]
    for text in [*problems, *seen.replaced]:
        say("graders", text)
    under = [name for name, row in seen.rows.items() if fail_under is not None and row.score < fail_under]
    if under:
        say("graders", f"fewer than {fail_under:g} points: {', '.join(under)}.")
    if problems:
        return ExitCode.BAD_INPUT
    return ExitCode.CHECK_FAILED if under else ExitCode.DONE


def _summarise(summary: Summary, out: Path | None, console: Console) -> list[str]:
    """Write the summary of a folder for results, and say where all is; return what went wrong."""
    if out is None:
        console.print("Results were not kept; --out DIR keeps them.", soft_wrap=True, markup=False)
        return []
    try:
        unfit = summary.write(out)
    except OSError as error:
        return [f"{out / SUMMARY}: cannot be written ({error.strerror})"]
    for file, why in unfit:
        say("graders", f"{file}: {why}; not in the summary. Grade that submission again.")
    where = f"Results are in {out}: summary.csv, and NAME/result.json for each submission."
    console.print(where, soft_wrap=True, markup=False)
    return []


def _show(console: Console, seen: _Seen, names: Sequence[str]) -> None:
    rows = [seen.rows[name] for name in names]
    if seen.checks:
        console.print(check_lines(seen.checks), soft_wrap=True)
    if rows:
        console.print(summary_table(rows, console.width))
        for line in notes_lines([seen.rows[name] for name in names if name not in seen.unread]):
            console.print(line, soft_wrap=True, markup=False, highlight=False)
        if line := written_line(rows):
            console.print(line, soft_wrap=True, markup=False, highlight=False)
        console.print(isolation_line(rows), soft_wrap=True, markup=False)
