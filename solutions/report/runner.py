"""Do the runs that are missing, in several processes, and keep every result as soon as it is there."""

import hashlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path

import msgspec
from tqdm import tqdm

from .experiments import EXPERIMENTS, Job, Result, Run, run_experiment, saves_checkpoint

_SOLUTIONS = Path(__file__).parents[1]
# glibc gives blocks of this size (bytes) back to the system: none that training asks for.
_GIVEN_BACK = str(2**32)


class Stored(msgspec.Struct, frozen=True):
    """A result on disk, with the fingerprint of all that it depends on."""

    fingerprint: str
    result: Result


def plan(seeds: int) -> list[Run]:
    """Return the runs of all experiments, with seeds 0, 1, ...; a run comes after the one that it needs."""
    return [Run(experiment, seed) for experiment in EXPERIMENTS for seed in range(seeds)]


def fingerprint(job: Job) -> str:
    """Return a digest of what results depend on: settings, device, data and the source of the experiments.

    Of the data it takes the label files, and the names and sizes of all files: reading every track would take
    longer than some runs.
    """
    digest = hashlib.sha256(repr((sorted(job.settings.of_a_run().items()), job.device)).encode())
    for path in sorted(job.data.rglob("*")):
        if path.suffix == ".npy":
            digest.update(f"{path.relative_to(job.data)} {path.stat().st_size}\n".encode())
        elif path.name.endswith("_labels.txt"):
            digest.update(path.read_bytes())
    here = Path(__file__).parent
    for source in (*sorted(_SOLUTIONS.glob("step*.py")), here / "experiments.py", here / "data.py"):
        digest.update(source.read_bytes())
    return digest.hexdigest()


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
        DataFault: the data cannot be read.
        BrokenProcessPool: the system ended a process, most likely for want of memory.
    """
    mark = fingerprint(job)
    results: dict[Run, Result] = {}
    for run in runs:
        stored = _read(run, job)
        if stored is not None and stored.fingerprint == mark:
            results[run] = stored.result
            tell(run, False)
    missing = [run for run in runs if run not in results]
    if missing:
        with _keeping_memory():
            _do(missing, job, jobs, lambda result: _keep(result, mark, job, results, tell))
    return [results[run] for run in runs]


def _keep(result: Result, mark: str, job: Job, results: dict[Run, Result], tell: Callable[[Run, bool], None]) -> None:
    run = Run(result.experiment, result.seed)
    _write(Stored(mark, result), _path(run, job))
    results[run] = result
    tell(run, True)


def _do(runs: Sequence[Run], job: Job, jobs: int, keep: Callable[[Result], None]) -> None:
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(jobs, len(runs)), context, initializer=_prepare_worker)
    waiting = list(runs)
    pending: dict[Future[Result], Run] = {}
    try:
        while waiting or pending:
            ready = [run for run in waiting if _needed(run) not in waiting and _needed(run) not in pending.values()]
            pending |= {pool.submit(run_experiment, run, job): run for run in ready}
            waiting = [run for run in waiting if run not in ready]
            for future in wait(pending, return_when=FIRST_COMPLETED).done:
                del pending[future]
                keep(future.result())
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
    # Ctrl-C, which a terminal sends to all processes, is for the main process, which ends the workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # The bars of the steps would make a lock between processes, which a worker that is ended leaves behind.
    tqdm.set_lock(threading.RLock())


def _path(run: Run, job: Job) -> Path:
    return job.out / "runs" / f"{run.name}.json"


def _read(run: Run, job: Job) -> Stored | None:
    """Return a result on disk; None if there is none, or it cannot be read, or its checkpoint is gone."""
    if saves_checkpoint(run.experiment) and not job.checkpoint(run).is_file():
        return None
    try:
        return msgspec.json.decode(_path(run, job).read_bytes(), type=Stored)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def _write(stored: Stored, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    temporary.write_bytes(msgspec.json.encode(stored))
    temporary.replace(path)
