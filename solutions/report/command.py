"""The command `python -m solutions report`: check what it is given, do the runs, write the pages."""

import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import click
import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from .data import DataFault, check_folder
from .experiments import Job, Run
from .files import CHECKPOINTS, FIGURES, RUNS, OutFault
from .page import write_pages
from .runner import plan, run_all, signals
from .settings import Settings
from .tracks import pair


class _Misuse(click.ClickException):
    """Something that the user gave cannot serve: one sentence, and exit code 2."""

    exit_code = 2


def make_report(
    data: Path,
    out: Path,
    *,
    quick: bool,
    device: str,
    seeds: int | None,
    jobs: int | None,
    epochs: int | None,
    max_length: int | None,
) -> None:
    """Do the runs that are missing in `out`, and write `report.html`, `report.md` and `figures/` there.

    The arguments are the command's options; None takes the default.

    Raises:
        KeyboardInterrupt: Ctrl-C, or a signal that asks to end. The runs in progress are ended, and the others kept.
        click.ClickException: the data, the folder or the device cannot serve; the exit code is 2.
    """
    settings = _settings(quick=quick, seeds=seeds, epochs=epochs, max_length=max_length)
    try:
        _check_device(device)
        contents = check_folder(data, settings)
        tracks = pair(data)
        _check_writable(out)
        job = Job(data.resolve(), contents, out.resolve(), settings, device)
        runs = plan(settings)
        with _interruptible(), _progress(len(runs)) as tell:
            results = run_all(runs, job, jobs or _default_jobs(device), tell)
        write_pages(results, job, tracks)
    except (DataFault, OutFault) as error:
        raise _Misuse(str(error)) from error
    except BrokenProcessPool as error:
        raise click.ClickException(
            "The system ended a process of a run, most likely for want of memory; start again with fewer --jobs: what "
            "is done is kept."
        ) from error
    click.echo(f"Wrote {out / 'report.html'} and {out / 'report.md'}.")


def _settings(*, quick: bool, seeds: int | None, epochs: int | None, max_length: int | None) -> Settings:
    settings = Settings()
    if quick:
        settings = settings.quick()
    if epochs is not None:
        # From the defaults again: with --quick, more epochs than its two may be asked for.
        settings = replace(
            Settings().with_epochs(epochs), seeds=settings.seeds, lstm_rating_runs=settings.lstm_rating_runs
        )
    return replace(settings, seeds=seeds or settings.seeds, max_length=max_length or settings.max_length)


def _default_jobs(device: str) -> int:
    # Runs on one GPU would only wait for each other.
    return 1 if device == "cuda" else os.cpu_count() or 1


def _check_device(device: str) -> None:
    if device == "cuda" and not torch.cuda.is_available():
        raise _Misuse("PyTorch finds no CUDA device here; leave --device out to run on the CPU.")


def _check_writable(out: Path) -> None:
    for folder in (out, *(out / name for name in (RUNS, CHECKPOINTS, FIGURES))):
        probe = folder / f".probe-{os.getpid()}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise _Misuse(
                f"The folder {folder} cannot be written ({error.strerror}); allow it, or give another with --out."
            ) from error


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let SIGTERM and SIGHUP interrupt as Ctrl-C does; they would end this process and leave its workers behind.

    Where they are ignored, as under nohup, they stay so.
    """
    changed = [number for number in signals("SIGTERM", "SIGHUP") if signal.getsignal(number) is signal.SIG_DFL]
    for number in changed:
        signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number in changed:
            signal.signal(number, signal.SIG_DFL)


@contextmanager
def _progress(total: int) -> Iterator[Callable[[Run, bool], None]]:
    """Yield what to call for each run: it moves a bar on a terminal, and otherwise prints a line for a run done now."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("Runs", total=total)
        count = 0

        def tell(run: Run, now: bool) -> None:
            nonlocal count
            count += 1
            bar.update(task, advance=1, description=run.name)
            if now and not console.is_terminal:
                click.echo(f"[{count}/{total}] {run.name}", err=True)

        yield tell
