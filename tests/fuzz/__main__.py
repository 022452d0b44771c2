"""`python -m tests.fuzz frames|archives --runs N`: run the coverage-guided fuzzer on the judge's ears, or on the intake."""

from __future__ import annotations

import importlib
import os
import shutil
import sys
import tempfile
import traceback
from pathlib import Path

import click

from .watch import Limits, Watch

MODULES = {"frames": ".hearing", "archives": ".reading"}
LIMITS = {"frames": Limits(1.0, 32 << 20), "archives": Limits(5.0, 32 << 20)}
LONGEST_INPUT = 1024
HANGS_AFTER = 60  # seconds


@click.command()
@click.argument("what", type=click.Choice(list(MODULES)))
@click.option("--runs", type=click.IntRange(min=1), required=True, help="Inputs to try.")
@click.option("--seed", type=click.IntRange(min=1), default=420, show_default=True, help="Seed of the fuzzer.")
def main(what: str, runs: int, seed: int) -> None:
    """Try many inputs, and exit with 1 if one breaks something, takes too long, or leaves memory behind."""
    try:
        atheris = importlib.import_module("atheris")
    except ImportError:
        sys.exit("The fuzzer is not installed; install it with: pip install -c constraints.txt --group fuzz")
    with atheris.instrument_imports(include=["graders"]):
        module = importlib.import_module(MODULES[what], __package__)
    folder = Path(tempfile.mkdtemp(prefix="graders-fuzz-"))
    corpus = folder / "corpus"
    corpus.mkdir()
    for number, data in enumerate(module.seeds()):
        (corpus / str(number)).write_bytes(data)
    watch = Watch(module.target(folder), runs, LIMITS[what])

    def leave(code: int) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        sys.stdout.flush()
        os._exit(code)  # the fuzzer never returns

    def try_one(data: bytes) -> None:
        try:
            watch(data)
        except Exception:  # noqa: BLE001 - whatever comes is what is looked for
            click.echo(f"{traceback.format_exc()}input {watch.tried + 1}: {data!r}")
            leave(1)
        if watch.tried == runs:
            findings = watch.findings()
            slowest = f"the slowest was {watch.slowest_input!r}"
            click.echo("\n".join([slowest, *findings, f"{what}: {watch}"]))
            leave(1 if findings else 0)

    options = [
        f"-seed={seed}",
        f"-max_len={LONGEST_INPUT}",
        "-len_control=0",
        f"-timeout={HANGS_AFTER}",
        "-rss_limit_mb=4096",
    ]
    codes = ["-timeout_exitcode=1", "-error_exitcode=1", f"-artifact_prefix={folder}/"]
    atheris.Setup([sys.argv[0], *options, *codes, str(corpus)], try_one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
