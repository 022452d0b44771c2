"""Grading a class: every submission in a judge process of its own, several at a time, over one warm server."""

from __future__ import annotations

import gc
import hashlib
import importlib
import itertools
import multiprocessing
import re
import resource
import socket
import tempfile
import traceback
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path

import msgspec
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from fixtures.unheard import UNHEARD
from graders.intake.submission import Submission, UnreadableSubmission, read_submission, readable, submission_name
from graders.judging.confined import SandboxedSubject
from graders.judging.judge import Verdict, judge
from graders.judging.rubric import Check
from graders.outcomes import HarnessFault, Outcome
from graders.results.record import (
    CheckResult,
    Isolation,
    Result,
    fingerprint,
    read_result,
    score,
    set_out,
    versions,
    write_result,
)
from graders.sandbox.client import WarmServer

DEFAULT_SEED = 420
SUBMISSION_SECONDS = 900.0
JUDGE_MEMORY = 4 << 30  # bytes that a judge may take beyond what it maps at its start
# What would lead out of the folder for results, be hidden in it, or stand for the summary.
NO_FOLDER = re.compile(r"^(\.|summary\.csv$)", re.IGNORECASE)
NAME_BYTES = 200  # file systems take 255, and some of them are for what tells equal names apart
LEVELS = ("none", "partial", "full")
# What these plugins do for a person at a terminal costs more than the checks themselves.
UNUSED_PLUGINS = (
    "terminal",
    "unraisableexception",
    "threadexception",
    "logging",
    "faulthandler",
    "doctest",
    "junitxml",
)
PYTEST_OPTIONS = ["--capture=no", *(option for name in UNUSED_PLUGINS for option in ("-p", f"no:{name}"))]


class Graded(msgspec.Struct, frozen=True):
    """What became of one submission.

    Attributes:
        result: its result.
        resumed: it stands from an earlier run with the same fingerprint.
        problem: why it could not be read, if so.
    """

    result: Result
    resumed: bool = False
    problem: str = ""


@dataclass(frozen=True)
class Task:
    """What one run does with every submission.

    Attributes:
        rubric: the checks.
        seed: of all random inputs; None draws one from each submission's content, so that the same files get the same
            inputs, and nobody can know them beforehand: whoever wrote answers to them into a file would change them.
        out: folder for results.
        required: the least isolation.
        seconds: time that a submission has for all checks together.
        without: layers of confinement to leave out, to show what each of them stops.
    """

    rubric: Sequence[Check]
    seed: int | None
    out: Path | None
    required: str = "full"
    seconds: float = SUBMISSION_SECONDS
    without: frozenset[str] = frozenset()

    def seed_for(self, submission: Submission) -> int:
        """Return the seed with which to judge a submission."""
        if self.seed is not None:
            return self.seed
        # The unheard tracks are a secret of the harness: with the content alone, code could compute its own seed.
        secret = UNHEARD.read_bytes() if UNHEARD.is_file() else b""
        return int(hashlib.sha256(secret + submission.digest.encode()).hexdigest()[:8], 16)


def warm_up() -> None:
    """Load once what every judge uses, in the process that judges are forked from."""
    importlib.import_module("torch")
    gc.collect()
    gc.freeze()  # keeps the collector from going through what was loaded, again and again


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep each library in this process to one thread: more threads than cores wait for each other, spinning."""
    torch = importlib.import_module("torch")
    threads = torch.get_num_threads()
    with threadpool_limits(1):
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(threads)


def names_of(paths: Sequence[Path]) -> list[str]:
    """Return a name for each submission, unique in any letter case, in the order given.

    Those of one name are called after their folders too, as far up as it takes to tell these apart.
    """
    folders = {path: tuple(readable(folder.name) for folder in path.resolve().parents) for path in paths}
    namesakes: dict[str, set[tuple[str, ...]]] = {}
    for path in paths:
        namesakes.setdefault(submission_name(path).casefold(), set()).add(folders[path])
    depths = {name: _telling_apart(places) for name, places in namesakes.items()}
    taken: set[str] = set()
    names = []
    for path in paths:
        mine = submission_name(path)
        base = name = _label([mine, *folders[path][: depths[mine.casefold()]]])
        count = 1
        while name.casefold() in taken:
            count += 1
            name = f"{base}-{count}"
        taken.add(name.casefold())
        names.append(name)
    return names


def _telling_apart(places: AbstractSet[Sequence[str]]) -> int:
    """Return how many folders, from the nearest up, it takes to tell places apart."""
    return next(depth for depth in itertools.count() if len({place[:depth] for place in places}) == len(places))


def _label(upwards: Sequence[str]) -> str:
    """Return what to call a folder for results, from names that go up from the submission's."""
    return NO_FOLDER.sub(r"_\g<0>", "-".join(reversed(upwards))).encode()[:NAME_BYTES].decode(errors="ignore")


def grade_one(path: Path, name: str, task: Task, control: socket.socket, progress: Callable[[int], None]) -> Graded:
    """Read, judge and score one submission, and write its result if the task has a folder for results.

    Args:
        path: the submission.
        name: what it is called in results.
        task: what to do with it.
        control: this judge's socket to the warm server.
        progress: called with the number of checks that have ended.

    Raises:
        HarnessFault: confinement falls short of what the task requires, or the sandbox does not answer.
    """
    try:
        submission = read_submission(path)
    except UnreadableSubmission as error:
        return Graded(_keep(_unreadable(name, str(error), task), task), problem=str(error))
    seed = task.seed_for(submission)
    mark = fingerprint(submission.digest, task.rubric, seed)
    before = read_result(task.out / name) if task.out else None
    if before and before.fingerprint == mark and before.submission == name:
        return Graded(before, resumed=True)
    verdicts, isolation = _judged(submission, task, seed, control, progress)
    checks = score(task.rubric, verdicts)
    result = Result(
        submission=name,
        score=sum(check.points for check in checks),
        max_score=sum(check.max_points for check in checks),
        isolation=isolation,
        seed=seed,
        versions=versions(),
        checks=checks,
        written=set_out(task.rubric, submission.answers),
        notes=submission.notes,
        # A fault of the harness is no result to keep: the next run tries again.
        fingerprint="" if _faults(checks) else mark,
    )
    if task.out and "notebook.py" in submission.files:
        (task.out / name).mkdir(parents=True, exist_ok=True)
        (task.out / name / "notebook.py").write_bytes(submission.files["notebook.py"])
    return Graded(_keep(result, task))


def _judged(
    submission: Submission, task: Task, seed: int, control: socket.socket, progress: Callable[[int], None]
) -> tuple[dict[str, Verdict], Isolation]:
    with tempfile.TemporaryDirectory(prefix="graders-submission-") as folder:
        submission.stage(Path(folder))
        with SandboxedSubject(control, Path(folder), seed, task.seconds, task.without) as subject:
            level = Isolation.of(subject.worker().layers)
            if LEVELS.index(level.level) < LEVELS.index(task.required):
                missing = "; ".join(
                    f"{name} {status}" for name, status in level.layers.items() if not status.startswith("on")
                )
                raise HarnessFault(
                    f"this machine cannot isolate student code as required ({level.level}, not {task.required}): "
                    f"{missing}. "
                    "See graders doctor; --require partial or none grades all the same."
                )
            return judge(task.rubric, subject, seed, PYTEST_OPTIONS, progress), level


def _unreadable(name: str, problem: str, task: Task) -> Result:
    verdict = Verdict(Outcome.STUDENT_ERROR, f"The submission cannot be read: {problem}", 0.0)
    checks = score(task.rubric, {check.id: verdict for check in task.rubric})
    maximum = sum(check.max_points for check in checks)
    return Result(
        submission=name,
        score=0.0,
        max_score=maximum,
        isolation=Isolation.of({}),
        seed=task.seed or 0,
        versions=versions(),
        checks=checks,
        written=set_out(task.rubric, {}),
        notes=[problem],
        fingerprint="",
    )


def _keep(result: Result, task: Task) -> Result:
    if task.out:
        write_result(result, task.out / result.submission)
    return result


def _faults(checks: Sequence[CheckResult]) -> bool:
    return any(check.outcome is Outcome.HARNESS_FAULT for check in checks)


@dataclass(frozen=True)
class Progress:
    """So many of a submission's checks have ended."""

    name: str
    ended: int


@dataclass(frozen=True)
class Finished:
    """A submission is graded, or the harness failed on it."""

    name: str
    outcome: Graded | HarnessFault


def grade_all(paths: Sequence[Path], task: Task, server: WarmServer) -> Iterator[Progress | Finished]:
    """Grade submissions, as many at a time as the server has judges, and yield what happens as it happens."""
    waiting = list(zip(names_of(paths), paths, strict=True))[::-1]
    free = list(server.controls)
    running: dict[Connection, _Judge] = {}
    while waiting or running:
        while waiting and free:
            name, path = waiting.pop()
            started = _Judge(name, path, task, free.pop())
            running[started.answers] = started
            yield Progress(name, 0)
        if not running:
            yield from (Finished(name, HarnessFault("no judge is left to grade it")) for name, _ in waiting)
            return
        for ready in wait(list(running)):
            assert isinstance(ready, Connection)
            event, usable = running[ready].next_event()
            yield event
            if isinstance(event, Finished):
                ended = running.pop(ready)
                ended.process.join()
                if usable:
                    free.append(ended.control)


class _Judge:
    """One judge process, as seen by the process that hands out the work."""

    def __init__(self, name: str, path: Path, task: Task, control: socket.socket) -> None:
        fork = multiprocessing.get_context("fork")
        self.name = name
        self.control = control
        self.answers, theirs = fork.Pipe(duplex=False)
        self.process = fork.Process(target=_judge_process, args=(theirs, path, name, task, control), daemon=True)
        self.process.start()
        theirs.close()

    def next_event(self) -> tuple[Progress | Finished, bool]:
        """Return what it says next, and whether its place at the warm server can be used again."""
        try:
            data = self.answers.recv_bytes()
        except EOFError:
            # Its control socket may hold half a conversation: nobody may go on with that.
            return Finished(self.name, HarnessFault("the judge process ended without a result")), False
        if data[:1] == b".":
            return Progress(self.name, int(data[1:])), True
        if data[:1] == b"+":
            return Finished(self.name, msgspec.msgpack.decode(data[1:], type=Graded)), True
        return Finished(self.name, HarnessFault(data[1:].decode())), True


def _limit_memory() -> None:
    """Have what a submission sends, and what checks make of it, cost this process no more than it costs the check."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    limit = pages * resource.getpagesize() + JUDGE_MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.getrlimit(resource.RLIMIT_AS)[1]))


def _judge_process(answers: Connection, path: Path, name: str, task: Task, control: socket.socket) -> None:
    def progress(ended: int) -> None:
        answers.send_bytes(b".%d" % ended)

    _limit_memory()
    try:
        with one_thread():
            graded = grade_one(path, name, task, control, progress)
        answers.send_bytes(b"+" + msgspec.msgpack.encode(graded))
    except HarnessFault as fault:
        answers.send_bytes(b"-" + str(fault).encode())
    except KeyboardInterrupt:
        answers.send_bytes(b"-interrupted")
    except Exception:  # noqa: BLE001 - whatever breaks here is the harness's own fault, and is reported as that
        answers.send_bytes(b"-" + traceback.format_exc().encode())
