"""How the commands about a class read a folder for results."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from graders.commands.errors import say
from graders.results.files import each_result, unreadable_results
from graders.results.schema import Result


def readable_results(folder: Path, left_out: str) -> Iterator[Result]:
    """Yield the results below a folder for results one by one; tell first which cannot be read.

    Args:
        folder: the folder.
        left_out: what becomes of those: `not counted`.
    """
    for file in unreadable_results(folder):
        say("graders", f"{file}: is damaged, or of another version; {left_out}.")
    yield from each_result(folder)
