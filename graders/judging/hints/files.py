"""Files that are missing: whose each would be, by its path."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from graders.judging.hints.situation import Situation
from graders.text import quoted

PATH_CHARACTERS = 60
ABSOLUTE = re.compile(r"[/~]|[A-Za-z]:[\\/]|\\\\")
EMPTY_FOLDER = "Where it is graded, code starts in an empty folder"


def missing_file(found: re.Match[str], situation: Situation) -> str:
    """Say whose file a missing one would be, and what to do instead."""
    path = found["path"]
    name = quoted(PurePosixPath(path).name, PATH_CHARACTERS)
    if any(path.startswith(folder) for folder in situation.given):
        return f"The folder that the check gave has no {name}: see how your code makes that name."
    if situation.staged and path.startswith(situation.staged):
        return (
            f"Beside that module there are the modules that you handed in, and no {name}: write what it says into one."
        )
    if ABSOLUTE.match(path):
        return (
            "That is a path of one computer, and where it is graded there is none of your files: use the paths that "
            "are passed in."
        )
    folder = quoted(PurePosixPath(path).parent, PATH_CHARACTERS)
    if folder == ".":
        return f"{EMPTY_FOLDER}, and there is none of your files: use the paths that are passed in."
    return _make_first(folder)


def missing_folder(found: re.Match[str], situation: Situation) -> str:
    """Say what to do about a folder that is missing where a file is to be written."""
    if ABSOLUTE.match(found["path"]):
        return missing_file(found, situation)
    return _make_first(quoted(found["path"], PATH_CHARACTERS))


def _make_first(folder: str) -> str:
    return (
        f"{EMPTY_FOLDER}: to write there, make the folder first, `os.makedirs('{folder}', exist_ok=True)`; "
        "to read, use the paths that are passed in."
    )
