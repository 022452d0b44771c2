"""What course staff run on the solutions: python -m solutions."""

from pathlib import Path

import click

_SOLUTIONS = Path(__file__).parent
# What a shell makes of a command that Ctrl-C ended.
_INTERRUPTED = 130


@click.group()
def main() -> None:
    """Work with the solutions of the lab."""


@main.command()
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    default=_SOLUTIONS.parent / "fixtures" / "data",
    help="Data folder of the course's layout; the checkout's fixtures/data unless given.",
)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder to write to.")
@click.option("--quick", is_flag=True, help="One seed and two epochs: shows that everything runs.")
@click.option("--device", type=click.Choice(["cpu", "cuda"]), default="cpu", show_default=True)
@click.option("--seeds", type=click.IntRange(min=1), help="Runs of each experiment.  [default: 16; 1 with --quick]")
@click.option("--jobs", type=click.IntRange(min=1), help="Runs at a time.  [default: one for each CPU; 1 with cuda]")
@click.option("--epochs", type=click.IntRange(min=1), help="The most epochs of any experiment.  [default: 20]")
@click.option(
    "--max-length", type=click.IntRange(min=16), help="Timesteps to which full-speed tracks are cut.  [default: 256]"
)
def report(
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
    """Do the experiments of steps 1-10, and show figures, tables and findings beside the report's own."""
    try:
        # Imported here, since it takes seconds, and other commands must not wait for PyTorch.
        from .report.command import make_report  # noqa: PLC0415

        make_report(data, out, quick=quick, device=device, seeds=seeds, jobs=jobs, epochs=epochs, max_length=max_length)
    except KeyboardInterrupt:
        click.echo("report: interrupted; the same command goes on where it was.", err=True)
        raise SystemExit(_INTERRUPTED) from None


if __name__ == "__main__":
    main(prog_name="python -m solutions")
