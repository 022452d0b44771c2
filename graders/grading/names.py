"""What each submission of a run is called, so that results say whose they are."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path

from graders.intake.layouts.handin import Handin
from graders.intake.submission import submission_name
from graders.text import folder_name, name_of_file, without_orders

# What would lead out of the folder for results, be hidden in it, or stand for the summary.
NO_FOLDER = re.compile(r"^(\.|summary\.csv$)", re.IGNORECASE)
NAME_BYTES = 200  # file systems take 255, and some of them are for what distinguishes equal names


def names_of(paths: Sequence[Path], handins: Mapping[Path, Handin] | None = None) -> list[str]:
    """Return a name for each submission, unique in any letter case, in the order given.

    Those of one name in one folder keep the endings of their files; those of one name in several folders are called
    after their folders too, as far up as it takes to distinguish these.

    Args:
        paths: the submissions.
        handins: whose they are, if that is known: then they are called after their students.
    """
    if handins:
        return _distinct(_label([_of_students(handins[path])]) for path in paths)
    mine = _own_names(paths)
    folders = {path: tuple(name_of_file(folder.name) for folder in path.resolve().parents) for path in paths}
    namesakes: dict[str, set[tuple[str, ...]]] = {}
    for path in paths:
        namesakes.setdefault(submission_name(path).casefold(), set()).add(folders[path])
    depths = {name: _folders_needed(places) for name, places in namesakes.items()}
    return _distinct(_label([mine[path], *folders[path][: depths[submission_name(path).casefold()]]]) for path in paths)


def _of_students(handin: Handin) -> str:
    name = folder_name("+".join(handin.students) or handin.name)
    return name if handin.attempt == 1 else f"{name}-attempt-{handin.attempt}"


def _distinct(bases: Iterable[str]) -> list[str]:
    """Return names, of which each that is there again has a number."""
    taken: set[str] = set()
    names = []
    for base in bases:
        name = base
        count = 1
        while name.casefold() in taken:
            count += 1
            name = f"{base}-{count}"
        taken.add(name.casefold())
        names.append(name)
    return names


def _own_names(paths: Sequence[Path]) -> dict[Path, str]:
    """Return each submission's name without what its folders are called."""
    there: dict[tuple[Path, str], set[str]] = {}
    for path in paths:
        there.setdefault((path.resolve().parent, submission_name(path).casefold()), set()).add(path.resolve().name)
    names = {}
    for path in paths:
        alike = there[path.resolve().parent, submission_name(path).casefold()]
        names[path] = name_of_file(path.resolve().name) if len(alike) > 1 else submission_name(path)
    return names


def _folders_needed(places: AbstractSet[Sequence[str]]) -> int:
    """Return how many folders, from the nearest up, it takes to distinguish places."""
    return next(depth for depth in itertools.count() if len({place[:depth] for place in places}) == len(places))


def _label(upwards: Sequence[str]) -> str:
    """Return what to call a folder for results, from names that go up from the submission's."""
    return (
        NO_FOLDER.sub(r"_\g<0>", without_orders("-".join(reversed(upwards))))
        .encode()[:NAME_BYTES]
        .decode(errors="ignore")
    )
