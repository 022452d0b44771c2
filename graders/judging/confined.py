"""A submission judged from outside: its code runs in confined workers, a fresh one for each step."""

from __future__ import annotations

import hashlib
import math
import re
import socket
import tempfile
import time
import traceback
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from graders.authoring.doubles import Doubles
from graders.course import Course
from graders.judging.hints.situation import Situation
from graders.judging.places import Place, fast_folder, remove
from graders.judging.rubric import Check
from graders.members import Members
from graders.outcomes import KilledFromOutside, Outcome, SubmissionError, TimedOut, raised_by
from graders.sandbox.client import Worker, order_for
from graders.sandbox.layers import Layer
from graders.sandbox.proxies import RemoteKit, RemotePackage, remote_kit
from graders.text import text_of

STANDARD_SECONDS = 10.0
CALLS_TOGETHER = 3  # how many deadlines of a single call all calls of a check may take together
ROOM_FOR_INPUTS = 64 << 20  # bytes, more than what one check writes; with less, they are written to disk
SHORT_SEEDS, SHORT_DIGITS, LONG_DIGITS = 2**32, 8, 32  # hexadecimal digits
# A line may end as on old Macs, in a carriage return.
IMPORT = rb"(?m)(?:^|[;:\r])\s*(?:from|import)\s[^\r\n]*\b(?:%b)\b"
NO_STEP = 0  # the step of a worker in which no step has run yet


class ConfinedSubject:
    """A submission whose code runs in confined workers: a fresh one for each step, and after each death.

    Use as a context manager; leaving it ends the worker and removes its folders.

    Args:
        course: the course.
        control: the judge's socket to the warm server.
        package_parent: the folder that holds the submission's package, or one for each step.
        seed: the judge's seed, from which that of the workers' random numbers is made, or one for each step.
        seconds: after so many, of the workers' clocks and of this process's, no further check begins.
        without: layers of confinement to leave out, to show what each of them stops.
        used: of the seconds, those that are used up when it begins.
    """

    def __init__(
        self,
        course: Course,
        control: socket.socket,
        package_parent: Path | Mapping[int, Path],
        seed: int | Mapping[int, int],
        seconds: float = math.inf,
        without: frozenset[str] = frozenset(),
        used: float = 0.0,
    ) -> None:
        self.course = course
        self.control = control
        self._package_parent = package_parent
        self._seed = seed
        self._seconds_in_all = seconds
        self._without = without
        self._start = time.process_time()
        self._used_before = used  # and on the clocks of earlier workers
        self._members = Members()
        self.package = RemotePackage(self, course.package, self._members)
        self.doubles = Doubles()
        self._place = Place()
        self._folder = self._place.path
        self._in_memory = Place(fast_folder([0]))
        self._inputs_folders = [self._in_memory.path, self._folder / "inputs"]
        self._inputs_folders[1].mkdir()
        self._scratch = self._folder
        self._worker: Worker | None = None
        self._step = NO_STEP
        self._seconds = STANDARD_SECONDS
        self._seconds_together = math.inf
        self._inputs = 0
        self._kit: tuple[Worker, RemoteKit] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._drop_worker()
        self._place.remove()
        self._in_memory.remove()

    @property
    def package_parent(self) -> Path:
        """The folder that holds the package, as the step in progress sees it."""
        return self._package_parent if isinstance(self._package_parent, Path) else self._package_parent[self._step]

    @property
    def seed(self) -> int:
        """The seed of the workers of the step in progress."""
        return worker_seed(self._seed if isinstance(self._seed, int) else self._seed[self._step])

    def layers_in(self, step: int) -> Mapping[str, Layer]:
        """Return what layers of confinement the worker of a step reaches, before its first check."""
        self._step = step
        return self.worker().layers

    def worker(self) -> Worker:
        """Return the step's worker; the one that died in this check stays, so that the check ends as it began."""
        if self._worker is None:
            self._scratch = Path(tempfile.mkdtemp(prefix="scratch-", dir=self._folder))
            order = order_for(
                self.package_parent,
                self.course.package,
                self._inputs_folders,
                self._scratch,
                self.seed,
                self._without,
            )
            self._worker = Worker(self.control, order, self._seconds, self._loads())
            self._worker.end_of_check = self._seconds_together
            self._worker.on_question = self.doubles.answer
        return self._worker

    def _loads(self) -> tuple[str, ...]:
        """Return what the server is to load for the step in progress, since the files import or name it.

        What an import hides from this reading is imported in the worker, slowly.
        """
        loads = self.course.loads_for([self._step])
        wanted = loads.on_demand
        texts = [file.read_bytes() for file in self.package_parent.rglob("*.py")] if wanted or loads.named else []
        packages = {name.partition(".")[0] for name in wanted}
        imported = {name for name in packages if any(re.search(IMPORT % name.encode(), text) for text in texts)}
        named = [
            name for name, words in loads.named.items() if any(word.encode() in t for t in texts for word in words)
        ]
        return (*(name for name in wanted if name.partition(".")[0] in imported), *named)

    @property
    def kit(self) -> RemoteKit:
        """The kit in the step's worker."""
        worker = self.worker()
        if self._kit is None or self._kit[0] is not worker:
            self._kit = worker, remote_kit(worker)
        return self._kit[1]

    def begin(self, check: Check) -> None:
        self._members.forget()
        left = self._seconds_in_all - self._used()
        if left < 0:
            raise TimedOut(
                f"The checks before this one took {self._seconds_in_all:g} s together, which is all that a submission "
                "has; this one did not run."
            )
        self._seconds = check.info.seconds
        self._seconds_together = min(CALLS_TOGETHER * check.info.seconds, left)
        if self._worker and not (self._worker.is_quiet() and self._step in {NO_STEP, check.step}):
            self._drop_worker()
        self._step = check.step
        if self._worker:
            self._worker.seconds_per_call = self._seconds
            self._worker.end_of_check = self._worker.clock.read() + self._seconds_together
            self._worker.seed(self.seed)

    def begin_example(self, number: int) -> None:
        if number and self._worker:
            self._worker.seed(worker_seed(self.seed + number))

    def inputs(self) -> Path:
        self._inputs += 1
        folder = self._inputs_folders[fast_folder([ROOM_FOR_INPUTS]) is None] / str(self._inputs)
        folder.mkdir()
        return folder

    def shown(self, text: str) -> str:
        for folder in (*self._inputs_folders, self._folder, *self._package_parents()):
            text = text.replace(f"{folder}/", "")
        return text

    def _package_parents(self) -> Iterable[Path]:
        return [self._package_parent] if isinstance(self._package_parent, Path) else self._package_parent.values()

    def explain(self, error: BaseException) -> tuple[Outcome, str]:
        if isinstance(error, AssertionError):
            return Outcome.FAILED, text_of(error)
        if isinstance(error, KilledFromOutside):
            return Outcome.HARNESS_FAULT, text_of(error)
        return Outcome.HARNESS_FAULT, "".join(traceback.format_exception(error)[-3:])

    def situation(self, error: BaseException) -> Situation:
        known = error if isinstance(error, SubmissionError) else None
        package = self.package_parent / self.course.package
        return Situation(
            package=self.course.package,
            raised=known.raised if known else raised_by(error, self.course.package, ()),
            importing=known.importing if known else "",
            call=known.call if known else "",
            modules=frozenset(path.stem for path in package.glob("*.py")),
            no_part=self.course.unreadable - {self.course.package},
            given=tuple(f"{folder}/" for folder in self._inputs_folders),
            staged=f"{package}/",
            strangers=dict(self._members.strangers),
            values=dict(self._members.values),
        )

    def _used(self) -> float:
        """Return the seconds that the submission has used so far, in its workers and in this process."""
        used = self._used_before + time.process_time() - self._start
        if self._worker:
            self._worker.clock.resume()
            used += self._worker.clock.read()
        return used

    def _drop_worker(self) -> None:
        if self._worker:
            self._worker.clock.resume()
            self._used_before += self._worker.clock.read()
            self._worker.close()
            remove(self._scratch)
        self._worker = None


def worker_seed(seed: int) -> int:
    """Return the seed of workers: not the judge's own, from which they could draw what the judge will draw.

    It has as many bits as the judge's: a seed that a person gave, and which is no secret, need not be hidden by more.
    """
    digits = SHORT_DIGITS if seed < SHORT_SEEDS else LONG_DIGITS
    return int(hashlib.sha256(f"worker {seed}".encode()).hexdigest()[:digits], 16)
