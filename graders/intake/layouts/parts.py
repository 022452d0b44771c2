"""What a bulk download is taken apart into."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from graders.intake.layouts.handin import Handin
from graders.text import folder_name


@dataclass(frozen=True)
class Part:
    """One hand-in of a bulk download.

    Attributes:
        handin: whose it is; its path and digest are not known yet.
        files: paths in the download, by the paths that they have in the hand-in.
    """

    handin: Handin
    files: Mapping[PurePosixPath, PurePosixPath]


@dataclass(frozen=True)
class Parts:
    """A bulk download, taken apart.

    Attributes:
        parts: its hand-ins.
        left: what fits no hand-in, with the reason, a sentence each.
    """

    parts: list[Part]
    left: list[str] = field(default_factory=list)


def inside(first: str, rest: Iterable[str]) -> PurePosixPath:
    """Return the path of a file in a hand-in; what a platform's name leaves of it leads nowhere else."""
    return PurePosixPath(*([folder_name(first)] if first else []), *rest)


def below_one_folder(
    names: Iterable[PurePosixPath], is_handin: Callable[[str], object]
) -> tuple[PurePosixPath, list[PurePosixPath]]:
    """Return the folder that all of some files lie in, and their paths in it; `.` where they share none.

    A download is often unpacked into a folder of its name, or packed as one.

    Args:
        names: the files.
        is_handin: tells whether a folder is called as that of one hand-in: a download may hold a single one.
    """
    names = list(names)
    shared = PurePosixPath()
    while names and all(len(name.relative_to(shared).parts) > 1 for name in names):
        tops = {name.relative_to(shared).parts[0] for name in names}
        if len(tops) > 1 or any(map(is_handin, tops)):
            break
        shared /= tops.pop()
    return shared, [name.relative_to(shared) for name in names]
