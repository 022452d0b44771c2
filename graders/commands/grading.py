"""A run of `graders run`, once everything is loaded: grading, and what is shown of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from graders.commands.classroom.collecting import Keeper
from graders.commands.errors import ExitCode, say
from graders.feedback.terminal import (
    PatientConsole,
    ProgressLines,
    check_lines,
    isolation_line,
    notes_lines,
    summary_table,
    written_line,
)
from graders.grading.jobs import grade_all
from graders.grading.names import names_of
from graders.grading.task import Failed, Finished, Graded, Refused, Task
from graders.judging.rubric import counted
from graders.outcomes import Outcome
from graders.results.files import SUMMARY, all_results, unreadable_results, write_summary
from graders.results.schema import Result
from graders.sandbox.client import WarmServer

NO_KEEPER = Keeper(None, {})


def grade_and_show(submissions: Sequence[Path], task: Task, server: WarmServer, keeper: Keeper = NO_KEEPER) -> ExitCode:
    """Grade submissions, show what happens and what came out, and return how the command ends."""
    console = PatientConsole()
    graded: dict[str, Graded] = {}
    refused: list[str] = []
    faults: list[str] = []
    interrupted = False
    with ProgressLines(console, len(counted(task.rubric))) as lines:
        try:
            for event in grade_all(submissions, task, server):
                lines.show(event)
                match event:
                    case Finished(name, Graded() as outcome):
                        graded[name] = outcome
                        keeper.keep(outcome.result)
                    case Finished(_, Refused(reason)):
                        refused.append(reason)
                    case Finished(name, Failed(reason)):
                        faults.append(f"{name}: {reason}")
        except KeyboardInterrupt:
            interrupted = True
    _show(console, [graded[name] for name in names_of(submissions, task.handins) if name in graded])
    faults += _summarise(task.out, console)
    faults += keeper.finish()
    if interrupted:
        say("graders", "interrupted; run the same command again to grade the rest.")
        return ExitCode.INTERRUPTED
    faults += [f"{name}: a check ended in harness_fault" for name, one in graded.items() if _has_fault(one.result)]
    faults += [f"{name}: {one.result.tampered}" for name, one in graded.items() if one.result.tampered]
    for text in faults:
        say("graders", f"harness fault, nothing is charged to the student: {text}")
    unread = [*(one.problem for one in graded.values() if one.problem), *refused]
    for text in [*unread, *(one.replaced for one in graded.values() if one.replaced)]:
        say("graders", text)
    return ExitCode.HARNESS_FAULT if faults else ExitCode.BAD_INPUT if unread else ExitCode.DONE


def _summarise(out: Path | None, console: Console) -> list[str]:
    """Write the summary of a folder for results, and say where all is; return what went wrong."""
    if out is None:
        console.print("Results were not kept; --out DIR keeps them.", soft_wrap=True, markup=False)
        return []
    for file in unreadable_results(out):
        say("graders", f"{file}: damaged, or of another version; not in the summary. Grade that submission again.")
    try:
        write_summary(all_results(out), out)
    except OSError as error:
        return [f"{out / SUMMARY}: cannot be written ({error.strerror})"]
    where = f"Results are in {out}: summary.csv, and NAME/result.json for each submission."
    console.print(where, soft_wrap=True, markup=False)
    return []


def _show(console: Console, graded: Sequence[Graded]) -> None:
    results = [one.result for one in graded]
    if len(graded) == 1 and not graded[0].problem:
        console.print(check_lines(results[0].checks), soft_wrap=True)
    if results:
        console.print(summary_table(results, console.width))
        for line in notes_lines([one.result for one in graded if not one.problem]):
            console.print(line, soft_wrap=True, markup=False, highlight=False)
        if line := written_line(results):
            console.print(line, soft_wrap=True, markup=False, highlight=False)
        console.print(isolation_line(results), soft_wrap=True, markup=False)


def _has_fault(result: Result) -> bool:
    return any(check.outcome is Outcome.HARNESS_FAULT for check in result.checks)
