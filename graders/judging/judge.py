"""The judge: it runs the checks that pytest has collected on a submission, and records every outcome."""

from __future__ import annotations

import functools
import itertools
import re
import traceback
from bdb import BdbQuit
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import hypothesis
import msgspec
import numpy as np
import pytest
from hypothesis.errors import Flaky, HypothesisException

from graders.authoring.expect import Recognised, Unlike
from graders.course import ENGINE, Course
from graders.judging.collection import CollectedChecks, collect
from graders.judging.hints.advice import hint_for
from graders.judging.rubric import Check, counted
from graders.judging.subject import Subject
from graders.outcomes import WAITS_FOR, Blocked, KilledFromOutside, Outcome, SubmissionError, Verdict
from graders.text import text_of, without_colours

MESSAGE_CHARACTERS = 1200
STUMBLES = (TypeError, AttributeError, LookupError, ValueError, ArithmeticError, RuntimeError, MemoryError)
NOT_CALLABLE = re.compile(r"'(\w+)' object is not callable")
AUTHORING = f"{ENGINE}.authoring"
# A check whose need was not implemented runs, to say what is missing there too; but it cannot earn anything.
STILL_WORTH_RUNNING = frozenset({Outcome.PASSED, Outcome.NOT_IMPLEMENTED})

ReferencePasses = Callable[[Collection[str]], Collection[str]]
"""Judges the reference on checks, by their ids, and returns the ids of those that it passes."""


OnCheck = Callable[[Check, Verdict | None], None]
"""Is told of each check when it begins, without a verdict, and when it has ended."""


class Interrupted(KeyboardInterrupt):
    """The user stopped the run; the interrupt as it came is the cause.

    Attributes:
        verdicts: those of the checks that had ended, by id.
    """

    def __init__(self, verdicts: dict[str, Verdict]) -> None:
        super().__init__()
        self.verdicts = verdicts


def judge(
    course: Course,
    rubric: Sequence[Check],
    subject: Subject,
    seed: int | Mapping[int, int],
    extra: Sequence[str] = (),
    progress: Callable[[int], None] = lambda _: None,
    reference_passes: ReferencePasses | None = None,
    on_check: OnCheck | None = None,
    known: Mapping[str, Verdict] = MappingProxyType({}),
    collected: CollectedChecks | None = None,
) -> dict[str, Verdict]:
    """Run the checks of a rubric on a subject.

    Only a pass that was seen here counts, of a check whose needs passed too, in a run that ended well: a check that
    leaves no verdict gets `harness_fault`.

    Args:
        course: the course, which says what the package is called.
        rubric: the checks, in the order in which they run; those that were dropped do not.
        subject: what is judged.
        seed: seed of hypothesis and of the checks' own random inputs, or one for each step.
        extra: further arguments for pytest, where it has to collect the checks.
        progress: called with the number of checks that have a verdict, after each.
        reference_passes: asked where a check stumbled over what the submission gave it: the submission is at fault
            only if the reference passes there. Without it, as at a student's home, the submission is.
        on_check: called when a check begins, without a verdict, and with its verdict when it has ended.
        known: verdicts of checks that have run already, by id; these do not run again.
        collected: the checks, if pytest has collected them already.

    Returns:
        A verdict for every check of the rubric that runs, by its id.

    Raises:
        Interrupted: the user stopped the run.
    """
    running = [check for check in counted(rubric) if check.id not in known]
    judging = _Judging(course, counted(rubric), subject, seed, progress, on_check)
    judging.verdicts.update(known)
    if not running:
        return judging.all_verdicts()
    if collected:
        judging.run(collected, running)
    else:
        try:
            collect(course, running, extra, lambda them: judging.run(them, running))
        except Interrupted:
            raise
        except KeyboardInterrupt as interrupt:  # while checks were collected
            raise Interrupted(judging.ended()) from interrupt
    if judging.stumbled and reference_passes:
        judging.acquit(judging.stumbled.keys() - set(reference_passes(judging.stumbled)))
    return judging.all_verdicts()


def _first_failure_counts(
    check: Callable[..., None], begin: Callable[[int], None], failures: list[Exception]
) -> Callable[..., None]:
    """Return a check on examples, each begun by its number, of which the first failure is kept, and final.

    Hypothesis repeats a failing example to see whether it fails again. What student code draws at random may make it
    pass then, which says nothing about the code: so the failure is raised again as it was, without another call.
    """
    numbers = itertools.count()

    @functools.wraps(check)
    def example(*arguments: Any, **fixtures: Any) -> None:
        if failures:
            raise failures[0]
        begin(next(numbers))
        try:
            check(*arguments, **fixtures)
        except HypothesisException:  # about the example, not the code
            raise
        except Exception as error:
            failures.append(error)
            raise

    return example


class _Judging:
    """Runs checks, blocks those whose needs failed, and records how each ended: a plugin of pytest meanwhile.

    Attributes:
        stumbled: the checks that could not use what the submission gave them, and how that reads as a fault of theirs.
    """

    def __init__(
        self,
        course: Course,
        rubric: Sequence[Check],
        subject: Subject,
        seed: int | Mapping[int, int],
        progress: Callable[[int], None],
        on_check: OnCheck | None,
    ) -> None:
        self.course = course
        self.rubric = rubric
        self.by_id = {check.id: check for check in rubric}
        self.by_node = {check.node: check for check in rubric}
        self.subject = subject
        self.seed = seed
        self.progress = progress
        self.verdicts: dict[str, Verdict] = {}
        self.stumbled: dict[str, str] = {}
        self.modules: dict[str, str] = {}
        self.problems: list[str] = []
        self.in_progress = ""
        self.on_check = on_check
        self.lost_workers: set[str] = set()

    def run(self, collected: CollectedChecks, checks: Sequence[Check]) -> None:
        """Run checks that are collected; raises `Interrupted` if the user stops it."""
        items = [item for check in checks for item in collected.items_of(check)]
        for item in items:
            check = self.check_of(item)
            self.modules[check.id] = item.module.__name__
            if hasattr(item.obj, "hypothesis"):
                hypothesis.seed(self.seed_of(check))(item.obj)
        try:
            with collected.judged_by(self):
                for item, following in itertools.zip_longest(items, items[1:]):
                    item.ihook.pytest_runtest_protocol(item=item, nextitem=following)
        except (KeyboardInterrupt, pytest.exit.Exception) as interrupt:
            raise Interrupted(self.ended()) from interrupt
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a hook of pytest has failed
            self.doubt_passes("pytest ended with an internal error: " + "".join(traceback.format_exception(error)[-3:]))
        if collected.problems:
            self.doubt_passes(" ".join(collected.problems))

    def all_verdicts(self) -> dict[str, Verdict]:
        lost = Verdict(Outcome.HARNESS_FAULT, " ".join(self.problems) or "the check did not run", 0.0)
        return self.settled({check.id: self.verdicts.get(check.id, lost) for check in self.rubric})

    def ended(self) -> dict[str, Verdict]:
        """Return the verdicts so far; a pass of the check in progress may be one of its first part alone."""
        return self.settled(
            {
                check_id: verdict
                for check_id, verdict in self.verdicts.items()
                if check_id != self.in_progress or verdict.outcome is not Outcome.PASSED
            }
        )

    def settled(self, verdicts: dict[str, Verdict]) -> dict[str, Verdict]:
        """Return the verdicts in which a pass whose needs did not pass is none."""
        settled: dict[str, Verdict] = {}
        for check_id, verdict in verdicts.items():
            lacking = [
                needed
                for needed in self.by_id[check_id].needs
                if needed in settled and settled[needed].outcome is not Outcome.PASSED
            ]
            if verdict.outcome is Outcome.PASSED and lacking:
                blocked = Verdict(Outcome.BLOCKED, self.waits_for(lacking[0]), verdict.seconds)
                settled[check_id] = blocked
            else:
                settled[check_id] = verdict
        return settled

    def doubt_passes(self, why: str) -> None:
        """Let no pass stand, since the run in which it was seen did not end well."""
        self.problems.append(why)
        for check_id, verdict in self.verdicts.items():
            if verdict.outcome is Outcome.PASSED:
                self.verdicts[check_id] = msgspec.structs.replace(verdict, outcome=Outcome.HARNESS_FAULT, message=why)

    def acquit(self, check_ids: Collection[str]) -> None:
        """Blame the harness for checks over which the reference stumbles too."""
        for check_id in check_ids:
            verdict = self.verdicts[check_id]
            message = f"The reference does not pass this check either. {self.stumbled[check_id]}"
            self.verdicts[check_id] = msgspec.structs.replace(verdict, outcome=Outcome.HARNESS_FAULT, message=message)

    def waits_for(self, needed: str) -> str:
        return f"{WAITS_FOR}{self.by_id[needed].title}"

    def seed_of(self, check: Check) -> int:
        return self.seed if isinstance(self.seed, int) else self.seed[check.step]

    def generator_for(self, item: pytest.Function) -> np.random.Generator:
        return np.random.default_rng([self.seed_of(self.check_of(item)), *item.name.encode()])

    def check_of(self, item: pytest.Item) -> Check:
        assert isinstance(item, pytest.Function)
        return self.by_node[f"{item.path}::{item.originalname}"]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(
        self, item: pytest.Item, nextitem: pytest.Item | None
    ) -> Generator[None, object, object]:
        """Run a check; once more, if somebody has killed its worker meanwhile."""
        check = self.check_of(item)
        again = check.id in self.lost_workers
        if check.id != self.in_progress:
            self.in_progress = check.id
            if self.on_check:
                self.on_check(check, None)
        before = self.verdicts.get(check.id)
        done = yield
        if check.id in self.lost_workers and not again:
            self.verdicts.pop(check.id)
            if before:
                self.verdicts[check.id] = before
            item.ihook.pytest_runtest_protocol(item=item, nextitem=nextitem)
        elif self.on_check and (nextitem is None or self.check_of(nextitem) is not check) and check.id in self.verdicts:
            self.on_check(check, self.settled(self.verdicts)[check.id])
        return done

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        check = self.check_of(item)
        for needed in check.needs:  # one that was dropped is not there
            if needed in self.by_id and self.verdicts[needed].outcome not in STILL_WORTH_RUNNING:
                raise Blocked(self.waits_for(needed))
        self.subject.begin(check)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Function) -> Generator[None, object, object]:
        """Have hypothesis call, in place of the check, what begins each example afresh and keeps its first failure."""
        handle = getattr(item.obj, "hypothesis", None)
        if handle is None:
            return (yield)
        check = handle.inner_test
        failures: list[Exception] = []
        handle.inner_test = _first_failure_counts(check, self.subject.begin_example, failures)
        try:
            return (yield)
        except Flaky:  # drawing inside the check was not repeated either
            if failures:
                raise failures[0] from None
            raise
        finally:
            handle.inner_test = check

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> pytest.TestReport | None:
        self.record(self.check_of(item), call)
        if call.when == "teardown":
            self.progress(len(self.verdicts))
        if item.config.pluginmanager.has_plugin("terminalreporter"):
            return None
        # Nobody reads pytest's own report here, and laying out a traceback takes longer than most checks.
        assert call.when != "collect"
        return pytest.TestReport(
            item.nodeid, item.location, {}, "failed" if call.excinfo else "passed", None, call.when
        )

    def record(self, check: Check, call: pytest.CallInfo[None]) -> None:
        """Keep the first outcome that is no pass, over a check's phases and parameters; a pass must reach its end."""
        known = self.verdicts.get(check.id)
        seconds = call.duration + (known.seconds if known else 0.0)
        failed = known is not None and known.outcome is not Outcome.PASSED
        if call.excinfo is not None and not failed:
            error = call.excinfo.value
            if isinstance(error, BdbQuit):
                raise KeyboardInterrupt from error  # whoever leaves the debugger wants to go on with nothing
            if isinstance(error, KilledFromOutside):
                self.lost_workers.add(check.id)
            outcome, message = self.explain(error, check)
            message = without_colours(self.subject.shown(message))[:MESSAGE_CHARACTERS]
            hint = error.hint if isinstance(error, Recognised) else self.hint(error, check, outcome, message)
            picture = error.picture if isinstance(error, Unlike) else None
            self.verdicts[check.id] = Verdict(outcome, message, seconds, hint, picture)
        elif known is not None:
            self.verdicts[check.id] = msgspec.structs.replace(known, seconds=seconds)
        elif call.when == "call":
            self.verdicts[check.id] = Verdict(Outcome.PASSED, "", seconds)

    def hint(self, error: BaseException, check: Check, outcome: Outcome, message: str) -> str:
        situation = self.subject.situation(error)
        return hint_for(self.course, check, outcome, message, situation)

    def explain(self, error: BaseException, check: Check) -> tuple[Outcome, str]:
        if isinstance(error, SubmissionError):
            return error.outcome, str(error)
        if isinstance(error, Flaky):
            return Outcome.FAILED, "Two calls with the same input gave different results."
        outcome, message = self.subject.explain(error)
        if outcome is Outcome.HARNESS_FAULT and self.raised_by_check(error, check):
            self.stumbled[check.id] = message
            text = text_of(error)
            if (called := NOT_CALLABLE.search(text)) and (name := self.value_of_kind(called[1], error)):
                return Outcome.WRONG_TYPE, f"{name} is a value of type {called[1]}, which cannot be called."
            return Outcome.WRONG_TYPE, f"What the submission returned cannot be used as the check uses it: {text}."
        return outcome, message

    def value_of_kind(self, kind: str, error: BaseException) -> str:
        """Return the name of the last value of a type that the check took from a step module; nothing without one."""
        values = self.subject.situation(error).values
        return next((name for name, its_kind in reversed(list(values.items())) if its_kind == kind), "")

    def raised_by_check(self, error: BaseException, check: Check) -> bool:
        """Tell whether an error arose in a check or in what it imports of course and engine, or in a library below."""
        modules = [str(frame.f_globals.get("__name__")) for frame, _ in traceback.walk_tb(error.__traceback__)]
        own = [name for name in modules if _is_part(name, ENGINE) or self.is_of_checks(name, check)]
        return (
            isinstance(error, STUMBLES)
            and bool(own)
            and (_is_part(own[-1], AUTHORING) or self.is_of_checks(own[-1], check))
        )

    def is_of_checks(self, module: str, check: Check) -> bool:
        """Tell by a module's name whether it belongs to the checks, and not to the kit, which runs student code."""
        of_checks = _is_part(module, self.course.checks) or module == self.modules[check.id]
        kit = self.course.sandbox.kit
        return of_checks and not (kit and _is_part(module, kit))


def _is_part(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")
