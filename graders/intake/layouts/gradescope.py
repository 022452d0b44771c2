"""Gradescope's "Export submissions": folders `submission_123`; `submission_metadata.yml` says whose they are."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import PurePosixPath
from typing import Any

import msgspec
import yaml

from graders.intake.layouts.handin import Handin, time_of
from graders.intake.layouts.parts import Part, Parts

METADATA = "submission_metadata.yml"
FOLDER = re.compile(r"^submission_(?P<id>\d+)$")


class _Submitter(msgspec.Struct, rename=lambda name: f":{name}"):
    name: str = ""
    sid: str | int | None = None
    email: str | None = None


class _Submission(msgspec.Struct, rename=lambda name: f":{name}"):
    submitters: list[_Submitter] = []
    created_at: Any = None
    history: list[Any] | None = None


def fits(names: Collection[PurePosixPath]) -> bool:
    """Tell whether a download has the file that says whose its folders are."""
    return PurePosixPath(METADATA) in names


def take_apart(names: Collection[PurePosixPath], metadata: bytes) -> Parts:
    """Return the hand-ins.

    Args:
        names: the files of the download.
        metadata: the content of `submission_metadata.yml`.

    Raises:
        ValueError: it is no such file.
    """
    try:
        raw = yaml.load(metadata, Loader=_Loader)  # noqa: S506 - a safe loader
        known: Mapping[str, _Submission] = msgspec.convert(raw or {}, dict[str, _Submission], strict=False)
    except (yaml.YAMLError, msgspec.ValidationError, RecursionError, UnicodeDecodeError) as error:
        raise ValueError(f"{METADATA} does not say whose the folders are: {str(error).splitlines()[0]}") from error
    files: dict[str, dict[PurePosixPath, PurePosixPath]] = {folder: {} for folder in known}
    left = []
    for name in sorted(names):
        folder = name.parts[0]
        if name == PurePosixPath(METADATA):
            continue
        if len(name.parts) > 1 and folder in known:
            files[folder][PurePosixPath(*name.parts[1:])] = name
        else:
            left.append(f"{name}: {METADATA} does not name its folder")
    left += [
        f"{folder} of {_names(known[folder]) or 'nobody'}: {METADATA} names it, but it holds no files"
        for folder, inside in files.items()
        if not inside
    ]
    return Parts([_part(folder, known[folder], inside) for folder, inside in files.items() if inside], left)


def _part(folder: str, known: _Submission, files: dict[PurePosixPath, PurePosixPath]) -> Part:
    ids = {}
    number = FOLDER.match(folder)
    if number:
        ids["gradescope_submission"] = number["id"]
    for name, values in (
        ("gradescope_sid", [str(one.sid) for one in known.submitters if one.sid is not None]),
        ("gradescope_email", [one.email for one in known.submitters if one.email]),
    ):
        if values:
            ids[name] = " ".join(values)
    handin = Handin(
        name=_names(known) or folder,
        attempt=len(known.history or ()) + 1,
        submitted=time_of(known.created_at),
        ids=ids,
    )
    return Part(handin, files)


def _names(known: _Submission) -> str:
    return ", ".join(one.name for one in known.submitters)


class _Loader(yaml.SafeLoader):
    """YAML without tags that make objects; Ruby's symbols are text."""


_Loader.add_multi_constructor("", lambda _loader, _suffix, _node: None)
