"""A command whose work is done in a second process: what ends that one, this one tells, and goes on after it.

The second process is started with the same command line, so that it works on every platform, and has the terminal, so
that debuggers work in it. It notes in a file what it does; from that the first one knows how far it came. A process
that ends without having noted its exit code was ended by student code, or by somebody else.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Protocol

import msgspec

from graders.course import STEP_MODULE
from graders.outcomes import Outcome, Verdict
from graders.sandbox.clock import Process as Observed
from graders.sandbox.clock import WorkerClock

NOTES = "GRADERS_LAB_CHECK_NOTES"  # the environment variable that names the file, in the second process
POLL = 0.05
MOST_DEATHS = 10  # after which no further process is started
FIRST_WORD, LONGEST_SILENCE = 10.0, 60.0  # seconds until a check that still runs is told, and then at most between
EXIT = "Look for what ends Python at once, such as os._exit: return a result, or raise an exception, instead."
CRASH = "A signal ended Python, or C code crashed: look at what the last line of yours gives to a library."
GRACE = 2.0  # seconds for a process that has noted its end, and for an interrupt to arrive by itself


class Began(msgspec.Struct, tag="began", frozen=True):
    """A check runs; `deadline` is the seconds that each call in it has where it is graded, 0 if nobody said."""

    check: str
    step: int
    title: str
    deadline: float = 0.0


class Ended(msgspec.Struct, tag="ended", frozen=True):
    """A check has a verdict."""

    check: str
    verdict: Verdict


class Importing(msgspec.Struct, tag="importing", frozen=True):
    """A module of the student's is imported; without a name, no more."""

    module: str


class Spoiled(msgspec.Struct, tag="spoiled", frozen=True):
    """Importing a module has ended the process, and would do so again."""

    module: str
    message: str


class Interrupting(msgspec.Struct, tag="interrupting", frozen=True):
    """An interrupt has arrived, and is being told."""


class Debugging(msgspec.Struct, tag="debugging", frozen=True):
    """A debugger has the terminal until the check ends."""


class Done(msgspec.Struct, tag="done", frozen=True):
    """The process ends, with this exit code."""

    code: int


Note = Began | Ended | Importing | Spoiled | Interrupting | Debugging | Done


class Notes:
    """The file in which one process writes what it does, and another reads it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def folder(self) -> Path:
        """The folder of the file, which is removed when the command ends."""
        return self._path.parent

    @property
    def crash(self) -> Path:
        """The file into which Python writes, if it crashes, where it was."""
        return self.folder / "crash"

    def write(self, note: Note) -> None:
        """Add a note; the file is opened each time, because student code may close what is open."""
        with self._path.open("ab") as file:
            file.write(msgspec.json.encode(note) + b"\n")

    def read(self) -> list[Note]:
        """Return all whole notes."""
        lines = self._path.read_bytes().split(b"\n")[:-1]
        return [msgspec.json.decode(line, type=Note) for line in lines]


def notes_of_this_process() -> Notes | None:
    """Return where this process notes what it does, if it is the second one."""
    place = os.environ.get(NOTES)
    return Notes(Path(place)) if place else None


class Process(Protocol):
    """A second process."""

    @property
    def pid(self) -> int:
        """Its number."""

    @property
    def returncode(self) -> int:
        """How it ended, once it has: its exit code, or minus the number of the signal."""

    def poll(self) -> int | None:
        """Return how it ended, or None."""

    def kill(self) -> None:
        """End it."""

    def send_signal(self, number: int) -> None:
        """Send it a signal."""


def this_command_again(environment: dict[str, str]) -> Process:
    """Start this command line as it was started."""
    return subprocess.Popen([sys.executable, *sys.orig_argv[1:]], env=environment)  # noqa: S603 - as we were started


class Supervision:
    """Runs this command line in a second process, and again after each death, until one comes to its end.

    Args:
        say: writes a line for the user.
        start: starts the second process, with these environment variables.
        is_outdated: tells whether it is to be ended because what it checks is no longer what there is.
    """

    def __init__(
        self,
        say: Callable[[str], None],
        *,
        start: Callable[[dict[str, str]], Process] = this_command_again,
        is_outdated: Callable[[], bool] = lambda: False,
    ) -> None:
        self._say = say
        self._start = start
        self._is_outdated = is_outdated
        self._outdated = False
        self._deaths_left = MOST_DEATHS
        self._asked_to_stop = 0
        self._ending: signal.Signals | None = None

    def run(self) -> int:
        """Return the exit code of the command."""
        with tempfile.TemporaryDirectory(prefix="lab-check-") as folder, self._signals():
            path = Path(folder, "notes")
            path.touch()
            notes = Notes(path)
            while True:
                code = self._run_once(notes, {**os.environ, NOTES: str(path)})
                if code is not None:
                    return code

    def _run_once(self, notes: Notes, environment: dict[str, str]) -> int | None:
        before = len(notes.read())
        process = self._start(environment)
        seen = self._watch(process, notes, before)
        done = next((note.code for note in seen if isinstance(note, Done)), None)
        if done is not None:
            return done
        if self._outdated:
            return 0
        if self._ending or self._asked_to_stop:
            self._say(f"stopped by {(self._ending or signal.SIGINT).name}{_during(seen)}.")
            return 130
        return self._after_death(process.returncode, seen, notes)

    def _after_death(self, code: int, seen: list[Note], notes: Notes) -> int | None:
        how = how_it_ended(code)
        began = _in_progress(seen)
        if began is None:
            self._say(
                f"the process that runs the checks {how} outside of any check; what is printed above may say why."
            )
            return 3
        module = next((note.module for note in reversed(seen) if isinstance(note, Importing)), "")
        where = _line_of_crash(notes.crash)
        if module:
            message = f"Importing {module} {how}; a module defines functions and classes, it does not exit{where}."
            notes.write(Spoiled(module, message))
        else:
            message = f"Your code {how}; a function returns its result, it does not exit{where}."
        hint = CRASH if code < 0 else EXIT
        notes.write(Ended(began.check, Verdict(Outcome.DIED, message, 0.0, hint)))
        self._deaths_left -= 1
        if self._deaths_left:
            return None
        self._say(f"your code has ended the process again and again, last during step {began.step}, “{began.title}”: "
                  "the checks after that did not run.")  # fmt: skip
        return 1

    def _watch(self, process: Process, notes: Notes, before: int) -> list[Note]:
        """Wait for the process to end; say meanwhile which check runs for long, and pass on what asks for the end."""
        silence = Silence(_clock_of(process))
        ended_since: float | None = None
        passed_on = 0
        while process.poll() is None:
            time.sleep(POLL)
            seen = notes.read()[before:]
            if any(isinstance(note, Done) for note in seen):
                ended_since = ended_since or time.monotonic()
                if time.monotonic() - ended_since > GRACE:
                    process.kill()  # threads of the student's keep it from ending
            self._outdated = self._outdated or self._is_outdated()
            if self._ending or self._outdated:
                process.kill()
            elif self._asked_to_stop > passed_on:
                passed_on = self._asked_to_stop
                self._pass_on(process, notes, before)
            if text := silence.word(seen):
                self._say(text)
        return notes.read()[before:]

    def _pass_on(self, process: Process, notes: Notes, before: int) -> None:
        """See that an interrupt arrives: from a keyboard it does by itself; a second one ends the process at once."""
        until = time.monotonic() + GRACE / 4
        while time.monotonic() < until and process.poll() is None:
            if any(isinstance(note, Interrupting | Debugging) for note in notes.read()[before:]):
                break
            time.sleep(POLL)
        else:
            with contextlib.suppress(OSError):
                process.send_signal(signal.SIGINT if os.name == "posix" else signal.SIGTERM)
        if self._asked_to_stop > 1 and not any(isinstance(note, Debugging) for note in notes.read()[before:]):
            process.kill()

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        def stop(_: int, _frame: FrameType | None) -> None:
            self._asked_to_stop += 1

        def end(number: int, _: FrameType | None) -> None:
            self._ending = signal.Signals(number)

        wanted: dict[int, Callable[[int, FrameType | None], None]] = {
            signal.SIGINT: stop,
            signal.SIGTERM: end,
            getattr(signal, "SIGHUP", signal.SIGTERM): end,
        }
        earlier = {number: signal.signal(number, handler) for number, handler in wanted.items()}
        try:
            yield
        finally:
            for number, handler in earlier.items():
                signal.signal(number, handler)


class Silence:
    """Breaks the silence of a check that runs for long, ever more rarely.

    Args:
        now: the clock, whose seconds are told.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._check = ""
        self._since = now()
        self._next = FIRST_WORD

    def word(self, notes: list[Note]) -> str:
        """Return a sentence, if it is time for one; nothing while a debugger has the terminal."""
        running = _in_progress(notes)
        if running is None or running.check != self._check:
            self._check = running.check if running else ""
            self._since, self._next = self._now(), FIRST_WORD
            return ""
        passed = self._now() - self._since
        if passed < self._next or isinstance(notes[-1], Debugging | Interrupting):
            return ""
        self._next = passed + min(passed, LONGEST_SILENCE)
        what = f"step {running.step}, “{running.title}”: still running, {passed:.0f} s"
        if running.deadline:
            return f"{what}; where it is graded, a call has {running.deadline:g} s. Ctrl-C shows where."
        return f"{what}. Ctrl-C shows where."


def _clock_of(process: Process) -> Callable[[], float]:
    """Return a clock that counts what a process does as grading counts it: not how long it waits for a processor.

    Where the system does not tell that, it is the clock on the wall.
    """
    if sys.platform != "linux":
        return time.monotonic
    return WorkerClock(Observed(process.pid)).read


def how_it_ended(code: int) -> str:
    """Say how a process ended that should not have, from its exit code: a verb in the past."""
    if code < 0:
        name = next((one.name for one in signal.Signals if one == -code), f"signal {-code}")
        asked = name in {"SIGTERM", "SIGKILL", "SIGHUP"}
        return f"was ended by a signal ({name})" if asked else f"crashed Python ({name})"
    return f"ended the process with exit code {code}"


def _line_of_crash(report: Path) -> str:
    """Return the line of a step module in which Python crashed, if it has said that."""
    text = report.read_text(encoding="utf-8", errors="replace") if report.exists() else ""
    frames = re.findall(r'File "([^"\n]+)", line (\d+) in (\S+)', text)
    mine = [(Path(file).name, *rest) for file, *rest in frames if STEP_MODULE.fullmatch(Path(file).stem)]
    return " [{} line {}, in {}]".format(*mine[0]) if mine else ""


def _in_progress(notes: list[Note]) -> Began | None:
    """Return the check that has begun and not ended."""
    last = next((note for note in reversed(notes) if isinstance(note, Began | Ended)), None)
    return last if isinstance(last, Began) else None


def _during(notes: list[Note]) -> str:
    began = _in_progress(notes)
    return f" during step {began.step}, “{began.title}”" if began else ""
