"""Canvas's "Download submissions": files called `name[_LATE]_user_attachment_file`, all in one folder.

Source: `lib/content_zipper.rb` of instructure/canvas-lms.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import PurePosixPath

from graders.intake.layouts.handin import Handin
from graders.intake.layouts.parts import Part, Parts, inside

NAME = re.compile(
    r"^(?:(?P<name>.*?)_)?(?:(?P<late>LATE|late)_)?(?P<user>\d+|anon_[A-Za-z0-9]+)_(?P<attachment>\d+)_(?P<file>.+)$"
)
NOT_FILES = re.compile(r"_(?:text|link)\.html$")
AGAIN = re.compile(r"-(?P<count>\d{1,3})(?P<suffix>(?:\.[A-Za-z0-9]+)*)$")


def fits(names: Collection[PurePosixPath]) -> bool:
    """Tell whether the files of a download are called as Canvas calls them, but for a few."""
    flat = [name for name in names if len(name.parts) == 1]
    named = [name for name in flat if NAME.match(name.name)]
    return bool(named) and len(named) > len(flat) / 2 and len(flat) > len(names) / 2


def take_apart(names: Collection[PurePosixPath]) -> Parts:
    """Return the hand-ins, one for each user: Canvas gives out the files of the last attempt alone.

    It numbers the names of files that are handed in again: `lab-2.zip` is the third upload of `lab.zip`.
    """
    files: dict[str, dict[PurePosixPath, PurePosixPath]] = {}
    found: dict[str, re.Match[str]] = {}
    left = []
    for name in sorted(names):
        match = NAME.match(name.parts[0])
        if not match:
            left.append(f"{name}: not called as Canvas calls files (name_user_attachment_file)")
        elif NOT_FILES.search(name.name) and len(name.parts) == 1:
            left.append(f"{name}: text or a link, typed in Canvas; not read")
        else:
            user = match["user"]
            found.setdefault(user, match)
            files.setdefault(user, {})[inside(match["file"], name.parts[1:])] = name
    return Parts([_part(found[user], files[user]) for user in files], left)


def _part(match: re.Match[str], files: dict[PurePosixPath, PurePosixPath]) -> Part:
    again = [AGAIN.search(name.parts[0]) for name in files]
    attempt = 1 + max((int(one["count"]) for one in again if one), default=0)
    handin = Handin(
        name=match["name"] or match["user"],
        attempt=attempt,
        late=bool(match["late"]),
        ids={"canvas_user": match["user"], "canvas_attachment": match["attachment"]},
    )
    plain = {_without_count(name): path for name, path in files.items()}
    return Part(handin, plain if len(plain) == len(files) else files)


def _without_count(name: PurePosixPath) -> PurePosixPath:
    return PurePosixPath(AGAIN.sub(r"\g<suffix>", name.parts[0]), *name.parts[1:])
