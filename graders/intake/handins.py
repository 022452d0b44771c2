"""Whether a folder or an archive holds the hand-in of one student, or those of several.

Learning platforms hand out a class as one folder, or as one zip, with a folder or an archive for each student. Such a
thing must never be graded as the work of one of them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from pathlib import PurePosixPath

# How platforms call the folder of one student: `Name_123_assignsubmission_file_`, `submission_123`, `name_123_456`.
OF_A_STUDENT = re.compile(r"assignsubmission|submission[\W_]*\d|\d{3}", re.IGNORECASE)


def students_folders(
    steps: Collection[PurePosixPath], others: Iterable[PurePosixPath], package: str
) -> list[PurePosixPath]:
    """Return the folders of several students, or nothing if all is the hand-in of one.

    Drafts beside a package at the top, wherever that is, are its author's.

    Args:
        steps: folders that hold step modules.
        others: paths of archives and notebooks.
        package: name of the students' package.
    """
    holding = {other.parent for other in others}
    top = _common([*steps, *holding])
    if top in steps or any(folder.parent == top and folder.name.casefold() == package for folder in steps):
        return []
    with_steps = _groups(steps, top)
    groups = with_steps | _groups(holding, top)
    of_platform = [group for group in groups if OF_A_STUDENT.search(group.name)]
    return sorted(groups) if len(with_steps) > 1 or len(of_platform) > 1 else []


def _groups(folders: Iterable[PurePosixPath], top: PurePosixPath) -> set[PurePosixPath]:
    """Return the folders directly below `top` in which others are."""
    depth = len(top.parts)
    return {top / folder.parts[depth] for folder in folders if len(folder.parts) > depth}


def _common(folders: Collection[PurePosixPath]) -> PurePosixPath:
    """Return the deepest folder that holds all of some folders, or is one of them."""
    parts: list[str] = []
    for level in zip(*(folder.parts for folder in folders), strict=False):
        if len(set(level)) > 1:
            break
        parts.append(level[0])
    return PurePosixPath(*parts)
