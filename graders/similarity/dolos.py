"""A folder that Dolos reads: a file for each submission, and `info.csv`, which says whose each is.

Source: `docs/docs/adding-metadata.md` of dodona-edu/dolos.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from graders.spreadsheets import csv_text
from graders.text import cell, encodable

UNUSUAL = re.compile(r"[^\w.+-]+")
NAME_BYTES = 150
INFO, SKELETON = "info.csv", "skeleton.py"


@dataclass(frozen=True)
class Entry:
    """A submission as Dolos is told of it.

    Attributes:
        name: what it is called.
        full_name: whose it is.
        label: submissions of one label have one colour in Dolos.
        submitted: when it was handed in, in ISO 8601; empty if that is not known.
        sources: its modules, by their paths.
    """

    name: str
    full_name: str
    label: str
    submitted: str
    sources: Mapping[str, str]


def dolos_files(entries: Iterable[Entry], skeleton: Mapping[str, str]) -> dict[str, bytes]:
    """Return the files of the folder, by their names: Dolos compares files, so each submission becomes one."""
    entries = list(entries)
    timed = all(entry.submitted for entry in entries)  # Dolos takes an empty time for a wrong one
    header = ["filename", "full_name", "label", *(["created_at"] if timed else [])]
    files: dict[str, bytes] = {}
    table = [header]
    for number, entry in enumerate(entries, start=1):
        plain = UNUSUAL.sub("_", entry.name).strip("._").encode()[:NAME_BYTES].decode(errors="ignore")
        name = f"{number:03d}-{plain or 'submission'}.py"
        files[name] = _joined(entry.sources)
        row = [name, cell(entry.full_name), cell(entry.label), *([entry.submitted] if timed else [])]
        table.append(row)
    # Without a byte order mark, which Dolos would take for part of a header.
    files[INFO] = csv_text(table, newline="\n").encode()
    if skeleton:
        files[SKELETON] = _joined(skeleton)
    return files


def _joined(sources: Mapping[str, str]) -> bytes:
    parts = (f"# {name}\n{source.rstrip()}\n" for name, source in sources.items() if source.strip())
    return encodable("\n\n".join(parts)).encode()
