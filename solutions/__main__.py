"""What course staff run on the solutions: python -m solutions."""

from pathlib import Path

import click

from .skeleton import stale_skeletons, write_skeletons

_SOLUTIONS = Path(__file__).parent


@click.group()
def main() -> None:
    """Work with the solutions of the lab."""


@main.command()
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=_SOLUTIONS.parent / "lab",
    help="Folder to write to; the checkout's lab/ unless given.",
)
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 when a file differs.")
def skeleton(out: Path, *, check: bool) -> None:
    """Make the students' skeletons of the steps from their solutions, and the files for written answers."""
    if not check:
        write_skeletons(_SOLUTIONS, out)
        return
    stale = stale_skeletons(_SOLUTIONS, out)
    if stale:
        click.echo(
            f"Not the skeletons of the solutions: {', '.join(stale)} in {out}; "
            "run python -m solutions skeleton, and delete steps that have no solution.",
            err=True,
        )
        raise SystemExit(1)


if __name__ == "__main__":
    main(prog_name="python -m solutions")
