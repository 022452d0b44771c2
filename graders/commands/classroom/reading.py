"""How the commands about a class read a folder for results."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from graders.commands.errors import say
from graders.results.files import each_result, unfit_results
from graders.results.schema import Result


def readable_results(folder: Path, left_out: str) -> Iterator[Result]:
    """Yield the results below a folder for results one by one; tell first which are not as they were written.

    Args:
        folder: the folder.
        left_out: what becomes of those: `not counted`.
    """
    for file, why in unfit_results(folder):
        say("graders", f"{file}: {why}; {left_out}.")
    yield from each_result(folder)
