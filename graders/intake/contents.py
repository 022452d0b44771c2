"""The files of the package in a submission, read within limits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import PurePosixPath

from graders.intake.archives import Member, UnreadableSubmission
from graders.intake.package import below, chosen, in_order, is_importable, named, notes_on_encodings, notes_on_names
from graders.intake.spelling import Reading
from graders.text import quoted

FILE_BYTES = 2 << 20
TOTAL_BYTES = 20 << 20
ENTRIES = 5000
FOLDERS = 200
DEPTH = 10  # folders below the package
SHOWN_CHARACTERS = 150
INIT = "__init__.py"


def read_package(
    members: Iterable[Member], root: PurePosixPath, reading: Reading, source: str
) -> tuple[dict[str, bytes], list[str]]:
    """Read the files below a folder that an import finds; only these count against the limits.

    Args:
        members: all files of a submission.
        root: the folder of its package.
        reading: how the names of its Python files are read.
        source: what the submission is called in a refusal.

    Returns:
        The files by their paths inside the package, and what is odd about them, a sentence each.

    Raises:
        UnreadableSubmission: they are too many, or too large.
        Damaged: one of them is damaged.
    """
    deep: list[PurePosixPath] = []
    twice: list[PurePosixPath] = []
    spellings: dict[str, dict[str, bytes]] = defaultdict(dict)
    total = count = 0
    folders: set[tuple[str, ...]] = set()
    for member in members:
        targets = _targets(member.name, root, reading)
        if not targets:
            continue
        if len(member.name.parts) - len(root.parts) - 1 > DEPTH:
            deep.append(member.name)
            continue
        total += member.size
        count += 1
        folders.add(member.name.parts[:-1])
        if member.size > FILE_BYTES or total > TOTAL_BYTES:
            raise UnreadableSubmission(
                f"{source}: its Python files are too large ({quoted(member.name, SHOWN_CHARACTERS)}); "
                f"the limit is {FILE_BYTES >> 20} MB each, {TOTAL_BYTES >> 20} MB in all."
            )
        if count > ENTRIES:
            raise UnreadableSubmission(f"{source}: more than {ENTRIES} Python files; hand in the step modules alone.")
        if len(folders) > FOLDERS:
            raise UnreadableSubmission(
                f"{source}: more than {FOLDERS} folders of Python files; hand in the step modules alone."
            )
        data = member.read()
        for target in targets:
            if spellings[target].get(member.spelled, data) != data:
                twice.append(member.name)
            spellings[target][member.spelled] = data
    # Without this file a package of that name that is installed elsewhere would be imported in its place.
    above = "".join(f"{part}/" for part in root.parts)
    files = in_order({INIT: b"", **{name: chosen(spelled, above + name) for name, spelled in spellings.items()}})
    notes = [
        *([f"{named(deep)}: left out, they are more than {DEPTH} folders deep"] if deep else []),
        *([f"{named(twice)}: the archive holds different files of this name; the last one was read"] if twice else []),
        *notes_on_names(in_order(spellings)),
        *notes_on_encodings(files),
    ]
    return files, notes


def _targets(name: PurePosixPath, root: PurePosixPath, reading: Reading) -> list[str]:
    """Return the paths in a package of a file: that which is meant, and its own, if an import finds that too."""
    paths = [name]
    if meant := reading.meant.get(name):
        alike = str(name).casefold() == str(meant).casefold()
        paths = [meant] if alike or name.parent in reading.prefixes else [meant, name]
    return [inside for path in paths if (inside := below(path, root)) and is_importable(inside)]
