"""The judge: pytest over the checks, with a plugin that hands them the submission and records every outcome."""

from __future__ import annotations

import os
import re
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import hypothesis
import msgspec
import numpy as np
import pytest
from hypothesis.errors import Flaky

from graders import checks
from graders.authoring.doubles import Double, Doubles
from graders.judging.rubric import Check
from graders.outcomes import Blocked, Outcome, SubmissionError

MESSAGE_CHARACTERS = 1200
COLOUR = re.compile(r"\x1b\[[0-9;]*m")  # PyTorch writes some of its messages in bold
STUMBLES = (TypeError, AttributeError, LookupError, ValueError, ArithmeticError, RuntimeError, MemoryError)
CHECKS = Path(checks.__path__[0])
COMPARING = frozenset(CHECKS.parent / "authoring" / name for name in ("expect.py", "describe.py", "doubles.py"))
STILL_WORTH_RUNNING = frozenset({Outcome.PASSED, Outcome.NOT_IMPLEMENTED})


class Verdict(msgspec.Struct, frozen=True):
    """How one check ended, why, how long it took in seconds, and a hint that fits better than the check's own."""

    outcome: Outcome
    message: str
    seconds: float
    hint: str = ""


class Interrupted(KeyboardInterrupt):
    """The user stopped the run; the interrupt as it came is the cause.

    Attributes:
        verdicts: those of the checks that had ended, by id.
    """

    def __init__(self, verdicts: dict[str, Verdict]) -> None:
        super().__init__()
        self.verdicts = verdicts


class Subject(Protocol):
    """What is being judged: the submission in its sandbox, or a student's own modules in this process."""

    @property
    def lab(self) -> Any:
        """The submission's package."""
        ...

    @property
    def kit(self) -> Any:
        """The kit, on the submission's side."""
        ...

    @property
    def doubles(self) -> Doubles:
        """The test doubles that the judge answers for."""
        ...

    def begin(self, check: Check) -> None:
        """Make ready for a check: a live worker, the call deadline, the seeds."""
        ...

    def inputs(self) -> Path:
        """Return a new folder for a check to write into, which the submission may read."""
        ...

    def shown(self, text: str) -> str:
        """Return a message without what differs from run to run, such as the names of temporary folders."""
        ...

    def explain(self, error: BaseException) -> tuple[Outcome, str]:
        """Say what an exception that no check raises on purpose means."""
        ...

    def hint(self, error: BaseException) -> str:
        """Say what to do about an exception, if the check's own hint is about something else; else nothing."""
        ...


def judge(
    rubric: Sequence[Check],
    subject: Subject,
    seed: int,
    extra: Sequence[str] = (),
    progress: Callable[[int], None] = lambda _: None,
) -> dict[str, Verdict]:
    """Run the checks of a rubric on a subject.

    Only a pass that was seen here counts: a check that leaves no verdict gets `harness_fault`.

    Args:
        rubric: the checks, in the order in which they run.
        subject: what is judged.
        seed: seed of hypothesis and of the checks' own random inputs.
        extra: further arguments for pytest.
        progress: called with the number of checks that have a verdict, after each.

    Returns:
        A verdict for every check of the rubric, by its id.

    Raises:
        Interrupted: the user stopped the run.
    """
    plugin = _Plugin(rubric, subject, seed, progress)
    arguments = [
        *(
            "-c",
            os.devnull,
            f"--rootdir={Path(checks.__path__[0]).parents[1]}",
            "--assert=plain",
            "--import-mode=importlib",
        ),
        *("--disable-plugin-autoload", "-p", "no:cacheprovider", "-W", "ignore", *extra),
        *[check.node for check in rubric],
    ]
    os.environ.pop("PYTEST_ADDOPTS", None)
    status = pytest.main(arguments, plugins=[plugin]) if rubric else pytest.ExitCode.OK
    if status == pytest.ExitCode.INTERRUPTED:
        raise Interrupted(plugin.ended()) from plugin.interrupt
    return plugin.all_verdicts()


class _Plugin:
    """Gives checks their fixtures, blocks those whose needs failed, and records how each ended."""

    def __init__(self, rubric: Sequence[Check], subject: Subject, seed: int, progress: Callable[[int], None]) -> None:
        self.rubric = rubric
        self.by_node = {check.node: check for check in rubric}
        self.subject = subject
        self.seed = seed
        self.progress = progress
        self.verdicts: dict[str, Verdict] = {}
        self.collection_errors: list[str] = []
        self.in_progress = ""
        self.interrupt: BaseException | None = None

    def all_verdicts(self) -> dict[str, Verdict]:
        lost = Verdict(Outcome.HARNESS_FAULT, " ".join(self.collection_errors) or "the check did not run", 0.0)
        return {check.id: self.verdicts.get(check.id, lost) for check in self.rubric}

    def ended(self) -> dict[str, Verdict]:
        """Return the verdicts so far; a pass of the check in progress may be one of its first part alone."""
        return {
            check_id: verdict
            for check_id, verdict in self.verdicts.items()
            if check_id != self.in_progress or verdict.outcome is not Outcome.PASSED
        }

    @pytest.fixture
    def lab(self) -> Any:
        return self.subject.lab

    @pytest.fixture
    def kit(self) -> Any:
        return self.subject.kit

    @pytest.fixture
    def double(self) -> Callable[[Double], Any]:
        """Give what has the kit make, on the submission's side, what stands for a double."""
        return lambda double: self.subject.kit.double(self.subject.doubles.add(double))

    @pytest.fixture
    def inputs(self) -> Path:
        return self.subject.inputs()

    @pytest.fixture
    def rng(self, request: pytest.FixtureRequest) -> np.random.Generator:
        return np.random.default_rng([self.seed, *request.node.name.encode()])

    def check_of(self, item: pytest.Item) -> Check:
        assert isinstance(item, pytest.Function)
        return self.by_node[f"{item.path}::{item.originalname}"]

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.collection_errors.append(f"{report.nodeid}: {report.longreprtext}")

    def pytest_collection_modifyitems(self, items: list[pytest.Function]) -> None:
        for item in items:
            if hasattr(item.obj, "hypothesis"):
                hypothesis.seed(self.seed)(item.obj)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        check = self.check_of(item)
        self.in_progress = check.id
        for needed in check.needs:
            if self.verdicts[needed].outcome not in STILL_WORTH_RUNNING:
                title = next(other.title for other in self.rubric if other.id == needed)
                raise Blocked(f"Mend another check first, this one builds on it: {title}")
        self.subject.begin(check)

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

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        self.interrupt = excinfo.value

    def record(self, check: Check, call: pytest.CallInfo[None]) -> None:
        """Keep the first outcome that is no pass, over a check's phases and parameters; a pass must reach its end."""
        known = self.verdicts.get(check.id)
        seconds = call.duration + (known.seconds if known else 0.0)
        failed = known is not None and known.outcome is not Outcome.PASSED
        if call.excinfo is not None and not failed:
            error = call.excinfo.value
            outcome, message = self.explain(error)
            message = COLOUR.sub("", self.subject.shown(message))[:MESSAGE_CHARACTERS]
            self.verdicts[check.id] = Verdict(outcome, message, seconds, self.subject.hint(error))
        elif known is not None:
            self.verdicts[check.id] = msgspec.structs.replace(known, seconds=seconds)
        elif call.when == "call":
            self.verdicts[check.id] = Verdict(Outcome.PASSED, "", seconds)

    def explain(self, error: BaseException) -> tuple[Outcome, str]:
        if isinstance(error, SubmissionError):
            return error.outcome, str(error)
        if isinstance(error, Flaky):
            return (
                Outcome.FAILED,
                "The same input gave different results in two calls; nothing here is random.",
            )
        outcome, message = self.subject.explain(error)
        if outcome is Outcome.HARNESS_FAULT and _stumbled(error):
            return Outcome.WRONG_TYPE, f"What the submission returned cannot be used as the check uses it: {error}."
        return outcome, message


def _stumbled(error: BaseException) -> bool:
    """Tell whether a check stumbled over a value, in its own code or below it in a library.

    Then it stumbled over what the submission returned: the reference, on which every check passes, gives it values that
    it can use.
    """
    files = [Path(frame.filename) for frame in traceback.extract_tb(error.__traceback__)]
    ours = [file for file in files if file.is_relative_to(CHECKS.parent)]
    return isinstance(error, STUMBLES) and bool(ours) and (_is_checks(ours[-1]) or ours[-1] in COMPARING)


def _is_checks(file: Path) -> bool:
    return file.is_relative_to(CHECKS) and not file.is_relative_to(CHECKS / "kit")
