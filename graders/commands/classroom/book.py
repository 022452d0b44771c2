"""How the commands about a class are given their gradebook."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from graders.outcomes import HarnessFault

if TYPE_CHECKING:
    from graders.results.gradebook.book import Gradebook

book_option = click.option(
    "--gradebook",
    "url",
    metavar="URL",
    required=True,
    help="The gradebook: a file of SQLite, or a database's URL.",
)


def expect_one_source(url: str | None, results: Path | None) -> None:
    """Raise `UsageError` unless points come from either a gradebook or a folder for results."""
    if (url is None) == (results is None):
        raise click.UsageError(
            "give either --gradebook, of which each student's attempt that counts is taken, "
            "or --results, of which each result is."
        )


def opened(url: str, *, new: bool = False, patience: float = 60.0) -> Gradebook:
    """Open a gradebook, for the user at hand; with `new`, make it if there is none.

    Args:
        url: SQLAlchemy's, or a file of SQLite.
        new: make it, if there is none.
        patience: seconds to wait for one that others have locked.

    Raises:
        HarnessFault: it does not open, or its libraries are not installed.
    """
    try:
        from graders.results.gradebook.book import Gradebook  # noqa: PLC0415 - an extra, and slow to load
    except ImportError as error:
        raise HarnessFault(
            f"--gradebook needs {error.name}, which comes with this package's extra: pip install '.[gradebook]'."
        ) from error
    return Gradebook(url, by=user_at_hand(), new=new, patience=patience)


def user_at_hand() -> str:
    """Return the user's name, for the history; where the system has none, this program's."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "graders"
