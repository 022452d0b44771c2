"""Moodle's "Download all submissions": folders `full name_number_assignsubmission_file`, or files called so.

Source: `mod/assign/classes/downloader.php` of moodle/moodle.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import PurePosixPath

from graders.intake.layouts.handin import Handin
from graders.intake.layouts.parts import Part, Parts, inside

NAME = re.compile(r"^(?P<name>.+?)_(?P<id>\d+)_assignsubmission_(?P<plugin>[a-z]+)_?(?P<file>.*)$")
FILES = "file"


def fits(names: Collection[PurePosixPath]) -> bool:
    """Tell whether most of a download is called as Moodle calls it."""
    return sum(bool(NAME.match(name.parts[0])) for name in names) > len(names) / 2


def take_apart(names: Collection[PurePosixPath]) -> Parts:
    """Return the hand-ins, one for each participant or team: Moodle gives out the last attempt alone."""
    files: dict[str, dict[PurePosixPath, PurePosixPath]] = {}
    found: dict[str, re.Match[str]] = {}
    left = []
    for name in sorted(names):
        match = NAME.match(name.parts[0])
        if not match:
            left.append(f"{name}: not called as Moodle calls files (name_number_assignsubmission_file)")
        elif match["plugin"] != FILES:
            left.append(f"{name}: typed in Moodle, not uploaded; not read")
        else:
            found.setdefault(match["id"], match)
            files.setdefault(match["id"], {})[inside(match["file"], name.parts[1:])] = name
    parts = [
        Part(Handin(name=found[number]["name"], ids={"moodle_participant": number}), mine)
        for number, mine in files.items()
    ]
    return Parts(parts, left)
