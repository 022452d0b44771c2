"""What `lab check` does in its second process: it judges, tells each check as it ends, and notes how far it came."""

from __future__ import annotations

import faulthandler
import shlex
import signal
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import msgspec
from rich.console import Console

from graders.commands.errors import ExitCode, say
from graders.commands.home.hinting import Hints
from graders.commands.home.supervised import Began, Debugging, Ended, Importing, Interrupting, Notes, Spoiled
from graders.commands.home.work import Work
from graders.course import Course
from graders.feedback.checks import check_lines
from graders.feedback.live import LiveReport, printed_lines
from graders.feedback.terminal import answered_lines
from graders.judging.debugging import debug
from graders.judging.judge import Interrupted, judge
from graders.judging.local import Imports, LocalSubject
from graders.judging.output import Output
from graders.judging.replay import Calls, NotRepeatable, Replay
from graders.judging.rubric import Check, load_rubric
from graders.notebooks.showing import Shown, mime_bundle
from graders.outcomes import Outcome, Verdict
from graders.results.schema import AnswerStatus, CheckResult, WrittenAnswer
from graders.results.scoring import max_points, points, score, written_answers
from graders.text import printable
from graders.words.spoken import ENGLISH_WORDS, Words

# Neither pytest's own reports nor its own debugger, which would show the harness.
PYTEST_OPTIONS = ("-p", "no:terminal", "-p", "no:debugging", "-p", "no:faulthandler", "--capture=no")
SAVED = "replay"  # folder for data of calls that are to be repeated
NOT_DEBUGGED = frozenset({Outcome.PASSED, Outcome.NOT_IMPLEMENTED, Outcome.BLOCKED})


@dataclass(frozen=True)
class Wanted:
    """What a user wants besides the checks.

    Attributes:
        pdb: whether to open the debugger where a check fails.
        first: whether to stop at the first check that does not pass.
        hints: how much of the hints to tell: 1 says where to look, 2 what to do.
        results: where to write what came of it, for a notebook that shows it.
        replay: whether to say which lines repeat the call where a check fails.
    """

    pdb: bool = False
    first: bool = False
    hints: int = 0
    results: Path | None = None
    replay: bool = False


class _Next(NamedTuple):
    """What to do next: as a line with a command, and in a few words for those who are in a notebook."""

    line: str
    step: str


class Checking:
    """The public checks of some steps on a student's checkout.

    Args:
        course: the course.
        steps: numbers of the steps; none means all.
        work: what the student has written.
        notes: where to note how far it came; what stands there already is not done again.
        wanted: what the user wants besides.
        words: in which language to tell.
    """

    def __init__(
        self,
        course: Course,
        steps: Collection[int],
        work: Work,
        notes: Notes | None,
        wanted: Wanted,
        words: Words = ENGLISH_WORDS,
    ) -> None:
        self.course = course
        self.words = words
        self.rubric = [row for row in load_rubric(course, steps) if row.info.visibility == "public"]
        self.work = work
        self.notes = notes
        self.wanted = wanted
        self.calls = Calls(course.package) if wanted.replay else None
        self.not_repeated: set[str] = set()
        self.hints = Hints(wanted.hints, words)
        self.hint_of: dict[str, str] = {}
        self.printed: dict[str, list[str]] = {}
        self.is_enough = False
        earlier = notes.read() if notes else []
        self.known = {note.check: note.verdict for note in earlier if isinstance(note, Ended)}
        spoiled = {note.module: note.message for note in earlier if isinstance(note, Spoiled)}
        self.output = Output()
        self.output.on_debugger = self._note_debugger
        self.console = Console(file=self.output.report)
        dropped = [row for row in self.rubric if row.dropped]
        self.report = LiveReport(self.console, score(dropped, {}), words)
        imports = Imports(self._note_import, spoiled)
        self.subject = LocalSubject(course, work.root, imports, notes.folder if notes else None)

    def run(self) -> ExitCode:
        """Judge, tell, and return how the command ends."""
        signal.signal(signal.SIGINT, self._interrupt)
        if self.notes:
            faulthandler.enable(self.notes.crash.open("w", encoding="utf-8"))
        self._tell_known()
        try:
            with self.subject:
                verdicts = judge(
                    self.course, self.rubric, self.subject, 0, PYTEST_OPTIONS, on_check=self._on_check, known=self.known
                )
        except Interrupted as interrupt:
            return self._stopped() if self.is_enough else self._interrupted(interrupt)
        self.output.restore()
        self.report.end_step()
        return self._show_rest(verdicts)

    def _tell_known(self) -> None:
        """Take up what an earlier process told; only the check that ended it was not told."""
        ended = [row for row in self.rubric if row.id in self.known]
        last = list(self.known)[-1:]
        for row in ended:
            self._add(row, self.known[row.id], told=row.id not in last)

    def _on_check(self, check: Check, verdict: Verdict | None) -> None:
        if verdict is None:
            if self.wanted.first and any(one.outcome is not Outcome.PASSED for one in self.known.values()):
                self.is_enough = True
                raise KeyboardInterrupt
            self._note(Began(check.id, check.step, check.title, check.info.seconds))
            self.output.begin()
            if self.calls:
                self.calls.begin()
            return
        if self.calls:
            self.calls.end()
        printed = self.output.end()
        self.known[check.id] = verdict
        self._add(check, verdict, printed)
        if self.calls and verdict.outcome not in NOT_DEBUGGED:
            self._tell_replay(self.calls, check)
        error = self.subject.last_error
        if self.wanted.pdb and error and verdict.outcome not in NOT_DEBUGGED:
            self.output.begin()
            self.output.release()
            debug(error, self.course.package, lambda: self._again(check))
            self.output.end()
        self._note(Ended(check.id, verdict))

    def _tell_replay(self, calls: Calls, check: Check) -> None:
        """Say which lines make the call again of which the check found fault."""
        saved = self.work.home / SAVED / check.id
        root = None if self.work.notebook else self.work.root.resolve()
        as_code = getattr(self.subject.kit, "as_code", lambda _: "")
        replay = Replay(self.course.package, root, self.subject.temporary, saved, as_code)
        try:
            lines = replay.lines(calls.calls)
            told = self.words.say("these lines make the last call again:")
        except NotRepeatable as error:
            stops = f"`lab check {check.step} --pdb`"
            lines = []
            told = self.words.say(
                "no lines repeat it, since {why}; {command} stops there.",
                why=self.words.text(str(error)),
                command=stops,
            )
            if told in self.not_repeated:
                return
            self.not_repeated.add(told)
        shown = "\n".join([f"      {told}", *map(printable, [*lines, ""] if lines else [])])
        self.console.print(shown, soft_wrap=True, markup=False, highlight=False)

    def _again(self, check: Check) -> None:
        """Run one check once more, for the debugger."""
        known = {check_id: verdict for check_id, verdict in self.known.items() if check_id != check.id}
        rows = [row for row in self.rubric if row.id in known or row.id == check.id]
        judge(self.course, rows, self.subject, 0, PYTEST_OPTIONS, known=known)

    def _add(self, check: Check, verdict: Verdict, printed: Iterable[str] = (), *, told: bool = False) -> None:
        self.printed[check.id] = list(printed)
        self.hint_of[check.id] = self.hints.of(check, verdict, self.subject.asked)
        [result] = self._hinted(score([check], {check.id: verdict}))
        self.report.add(result, self.printed[check.id], told=told)

    def _hinted(self, results: Sequence[CheckResult]) -> list[CheckResult]:
        """Return results with the hints that are told."""
        return [msgspec.structs.replace(one, hint=self.hint_of.get(one.id, one.hint)) for one in results]

    def _interrupted(self, interrupt: Interrupted) -> ExitCode:
        for text in printed_lines(self.output.end(), self.words.say("the check that was interrupted"), self.words):
            self.console.print(text, soft_wrap=True)
        self.report.end_step()
        line = self.subject.line_of(interrupt.__cause__ or interrupt)
        ended = len(interrupt.verdicts)
        how_far = self.words.count(
            "after {ended} of {number} check.", "after {ended} of {number} checks.", len(self.rubric), ended=ended
        )
        said = self.words.say("interrupted, {how_far}", how_far=how_far)
        if line:
            said = self.words.say("interrupted at {line}, {how_far}", line=line, how_far=how_far)
        say("lab", said)
        return ExitCode.INTERRUPTED

    def _stopped(self) -> ExitCode:
        """Tell that the rest did not run, because one check did not pass and that is enough."""
        self.output.restore()
        stopped = self.words.count(
            "Stopped after {ended} of {number} check.",
            "Stopped after {ended} of {number} checks.",
            len(self.rubric),
            ended=len(self.known),
        )
        self.console.print(f"\n{stopped}", style="bold")
        self._tell_next(self.known)
        faults = any(verdict.outcome is Outcome.HARNESS_FAULT for verdict in self.known.values())
        return ExitCode.HARNESS_FAULT if faults else ExitCode.CHECK_FAILED

    def _show_rest(self, verdicts: Mapping[str, Verdict]) -> ExitCode:
        results = self._hinted(score(self.rubric, verdicts))
        changed = [one for one in results if not one.dropped and verdicts[one.id] != self.known.get(one.id)]
        if changed:
            self.console.print(check_lines(changed, self.words), soft_wrap=True)
        written = written_answers(self.course, self.rubric, self.work.answers)
        lines: Iterable[str] = answered_lines(written, self.course.package, self.work.notebook, self.words)
        if lines or self.work.notebook:
            text = "\n".join(["", *lines, *(printable(self.words.text(note)) for note in self.work.notes)])
            self.console.print(text, soft_wrap=True, markup=False, highlight=False)
        reached = self.words.count(
            "{points} of {number} point of the public checks.",
            "{points} of {number} points of the public checks.",
            max_points(results),
            points=points(results),
        )
        self.console.print(f"\n{reached}", style="bold")
        self._tell_next(verdicts, written)
        if self.wanted.results:
            more = self.hints.more(self._command_for_hints)
            notes = [*self.work.notes, *([more] if more else [])]
            shown = Shown(results, self.printed, written, notes, self._next(verdicts, written).step)
            self.wanted.results.write_bytes(msgspec.json.encode(mime_bundle(shown, self.words)))
        outcomes = {one.outcome for one in results if not one.dropped}
        if Outcome.HARNESS_FAULT in outcomes:
            return ExitCode.HARNESS_FAULT
        return ExitCode.DONE if outcomes <= {Outcome.PASSED} else ExitCode.CHECK_FAILED

    def _tell_next(self, verdicts: Mapping[str, Verdict], written: Sequence[WrittenAnswer] = ()) -> None:
        """Say in one line what to do next, and before it how to get hints, where there are more."""
        if more := self.hints.more(self._command_for_hints):
            self.console.print(printable(more), soft_wrap=True, markup=False, highlight=False)
        text = self.words.say("next: {text}", text=self._next(verdicts, written).line)
        self.console.print(printable(text), soft_wrap=True, markup=False, highlight=False)

    def _command_for_hints(self, options: str) -> str:
        if self.wanted.results:
            return f"check({self.hints.withheld}, hints={options.count('--hints')})"
        return f"`lab check {self._notebook}{self.hints.withheld} {options}`"

    @property
    def _notebook(self) -> str:
        """The notebook as a word of a command, with the space behind it; nothing for a package."""
        return f"{shlex.quote(self.work.notebook)} " if self.work.notebook else ""

    def _next(self, verdicts: Mapping[str, Verdict], written: Sequence[WrittenAnswer]) -> _Next:
        """Return what to do next: mend a check that waits for no other one, go on, answer, or hand in."""
        done = {Outcome.PASSED, Outcome.BLOCKED}
        to_mend = [row for row in self.rubric if row.id in verdicts and verdicts[row.id].outcome not in done]
        further = [step for step in self.course.steps if step.number > self.rubric[-1].step] if self.rubric else []
        to_answer = [one for one in written if one.status is AnswerStatus.NOT_ANSWERED]
        if to_mend:
            step = to_mend[0].step
            title, command = self.words.text(to_mend[0].title), f"lab check {self._notebook}{step} --first"
            line = self.words.say("step {step}, {title} ({command})", step=step, title=title, command=command)
            return _Next(line, self.words.say("step {step}, {title}", step=step, title=title))
        if further:
            number = further[0].number
            return _Next(f"lab check {self._notebook}{number}", self.words.say("step {step}", step=number))
        if to_answer:
            title = self.words.text(to_answer[0].title)
            text = self.words.say("answer question {id}, {title}", id=to_answer[0].id, title=title)
            return _Next(text, text)
        text = self.words.say('lab submit {notebook}--name "YOUR NAME"', notebook=self._notebook)
        return _Next(text, self.words.say("hand the notebook in, with lab submit"))

    def _interrupt(self, *_: object) -> None:
        self._note(Interrupting())
        raise KeyboardInterrupt

    def _note_debugger(self) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        self._note(Debugging())

    def _note_import(self, module: str) -> None:
        self._note(Importing(module))

    def _note(self, note: Began | Ended | Importing | Interrupting | Debugging) -> None:
        if self.notes:
            self.notes.write(note)
