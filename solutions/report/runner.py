"""Do the runs that are missing, in several processes, and keep every result as soon as it is there."""

import hashlib
import json
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path

import msgspec
from tqdm import tqdm

from .experiments import EXPERIMENTS, Job, Result, Run, run_experiment, saves_checkpoint
from .files import RUNS, write
from .settings import Settings

# glibc gives blocks of this size (bytes) back to the system: none that training asks for.
_GIVEN_BACK = str(2**32)


class Stored(msgspec.Struct, frozen=True):
    """A result on disk.

    Attributes:
        fingerprint: the job's, a digest of all that the result depends on.
        checkpoint: SHA-256 of the run's checkpoint; None if it has none.
        result: the result.
    """

    fingerprint: str
    checkpoint: str | None
    result: Result


def signals(*names: str) -> list[signal.Signals]:
    """Return the signals of these names that this system has: Windows has no SIGHUP."""
    return [number for number in signal.Signals if number.name in names]


def plan(settings: Settings) -> list[Run]:
    """Return the runs of all experiments, with seeds 0, 1, ...; a run comes after the one that it needs."""
    return [
        Run(name, seed)
        for name, experiment in EXPERIMENTS.items()
        for seed in range(settings.seeds * (settings.lstm_rating_runs if experiment.is_lstm_on_ratings else 1))
    ]


def run_all(runs: Sequence[Run], job: Job, jobs: int, tell: Callable[[Run, bool], None]) -> list[Result]:
    """Return the result of every run: those on disk that still hold, and the others done now.

    A result is written as soon as its run ends. Whatever interrupts this function, Ctrl-C included, loses only
    the runs in progress; the next call goes on from there.

    Args:
        runs: the runs, with those that they need.
        job: what the runs have in common; results go to `runs/` in its `out`.
        jobs: runs at a time, each in a process of its own.
        tell: called for each run as its result is there, with whether the run was done now.

    Raises:
        OutFault: a result cannot be written.
        BrokenProcessPool: the system ended a process, most likely for want of memory.
    """
    results: dict[Run, Result] = {}
    for run in runs:
        result = _read(run, job)
        if result is not None:
            results[run] = result
            tell(run, False)

    def keep(run: Run, result: Result, checkpoint: bytes | None) -> None:
        _store(run, job, result, checkpoint)
        results[run] = result
        tell(run, True)

    missing = [run for run in runs if run not in results]
    if missing:
        with _keeping_memory():
            _do(missing, job, jobs, keep)
    return [results[run] for run in runs]


def _do(runs: Sequence[Run], job: Job, jobs: int, keep: Callable[[Run, Result, bytes | None], None]) -> None:
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(jobs, len(runs)), context, initializer=_prepare_worker)
    waiting = list(runs)
    pending: dict[Future[tuple[Result, bytes | None]], Run] = {}
    try:
        while waiting or pending:
            ready = [run for run in waiting if _needed(run) not in waiting and _needed(run) not in pending.values()]
            pending |= {pool.submit(run_experiment, run, job): run for run in ready}
            waiting = [run for run in waiting if run not in ready]
            for future in wait(pending, return_when=FIRST_COMPLETED).done:
                keep(pending.pop(future), *future.result())
    except BaseException:
        # Of whatever kind, an interrupt too: workers would otherwise train on for minutes before this process ends.
        for worker in multiprocessing.active_children():
            worker.terminate()
        pool.shutdown(cancel_futures=True)
        raise
    pool.shutdown()


@contextmanager
def _keeping_memory() -> Iterator[None]:
    """Let the processes that start meanwhile keep the memory of one training step for the next.

    glibc would give it back to the system each time and ask for it anew, a tenth of a CNN's step or more.
    """
    before = dict(os.environ)
    os.environ.update({"MALLOC_MMAP_THRESHOLD_": _GIVEN_BACK, "MALLOC_TRIM_THRESHOLD_": _GIVEN_BACK, **before})
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _needed(run: Run) -> Run | None:
    needs = EXPERIMENTS[run.experiment].needs
    return None if needs is None else Run(needs, run.seed)


def _prepare_worker() -> None:
    # Ctrl-C and hanging up, which a terminal tells all processes, are for the main process, which ends the workers.
    for number in signals("SIGINT", "SIGHUP"):
        signal.signal(number, signal.SIG_IGN)
    # The bars of the steps would make a lock between processes, which a worker that is ended leaves behind.
    tqdm.set_lock(threading.RLock())
    threading.Thread(target=_end_after, args=(multiprocessing.parent_process(),), daemon=True).start()


def _end_after(parent: BaseProcess | None) -> None:
    """End this process when its parent has ended, however that was: nobody would take the result of its run."""
    if parent is not None:
        parent.join()
        os._exit(1)


def _path(run: Run, job: Job) -> Path:
    return job.out / RUNS / f"{run.name}.json"


def _read(run: Run, job: Job) -> Result | None:
    """Return a run's result on disk; None unless it is this job's, can be read, and its checkpoint is as it was."""
    try:
        stored = msgspec.convert(json.loads(_path(run, job).read_bytes()), Stored)
        checkpoint = job.checkpoint(run).read_bytes() if saves_checkpoint(run.experiment) else None
    except (OSError, ValueError, msgspec.ValidationError):
        return None
    of_run = (stored.result.experiment, stored.result.seed) == (run.experiment, run.seed)
    whole = (stored.fingerprint, stored.checkpoint) == (job.fingerprint, _digest(checkpoint))
    return stored.result if of_run and whole else None


def _store(run: Run, job: Job, result: Result, checkpoint: bytes | None) -> None:
    """Write what a run returned; its result comes last, so that it never stands without its checkpoint."""
    if checkpoint is not None:
        write(job.checkpoint(run), checkpoint)
    stored = Stored(job.fingerprint, _digest(checkpoint), result)
    # With Python's json, which writes and reads NaN, as losses may be.
    write(_path(run, job), json.dumps(msgspec.to_builtins(stored)).encode())


def _digest(content: bytes | None) -> str | None:
    return None if content is None else hashlib.sha256(content).hexdigest()
