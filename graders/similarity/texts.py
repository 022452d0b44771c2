"""What is compared of a submission: its modules, without what all were given."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from graders.course import Course
from graders.intake.notebooks.package import HEADER, RUNNER, STATEMENTS
from graders.intake.submission import Submission
from graders.similarity.tokens import Passage, passages_of

CELL = re.compile(r"# cell (\d{1,9}) line (\d{1,9})")


@dataclass(frozen=True)
class Text:
    """What is compared of a submission.

    Attributes:
        name: what it is called.
        whose: those whose it is; two submissions of one student make no pair.
        passages: its tokens.
        cells: of a notebook, the lines of its file at which statements begin, each with its cell and line there.
    """

    name: str
    whose: frozenset[str]
    passages: Sequence[Passage]
    cells: Mapping[str, Sequence[tuple[int, int, int]]] = field(default_factory=dict)

    def where(self, file: str, first: int, last: int) -> str:
        """Return a place as people find it: `FILE:12-40`, or `cell 5 line 3 to cell 6 line 9`."""
        starts = self.cells.get(file)
        if not starts:
            return f"{file}:{first}-{last}"
        ends = []
        for line in (first, last):
            start, cell, in_cell = starts[max(0, bisect_right(starts, (line, 0, 0)) - 1)]
            ends.append(f"cell {cell} line {in_cell + line - start}")
        return " to ".join(ends)


def sources_of(submission: Submission, course: Course, step: int | None = None) -> dict[str, str]:
    """Return the modules that a student wrote, by their paths: all, or that of one step.

    Raises:
        LookupError: the course has no such step.
    """
    sources = {name: decoded(data) for name, data in submission.files.items()}
    is_notebook = sources.get(STATEMENTS, "").startswith(HEADER)
    if is_notebook:
        sources.pop(f"{RUNNER}.py", None)
    if step is None:
        return sources
    wanted = {f"{course.step(step).module}.py", *([STATEMENTS] if is_notebook else ())}
    return {name: source for name, source in sources.items() if name in wanted}


def text_of(name: str, whose: Iterable[str], sources: Mapping[str, str]) -> Text:
    """Return what is compared of some modules."""
    notebook = sources.get(STATEMENTS, "")
    cells = _cells(notebook) if notebook.startswith(HEADER) else []
    passages = passages_of(sources.items())
    return Text(name, frozenset(whose), passages, {STATEMENTS: cells} if cells else {})


def skeleton_of(course: Course) -> dict[str, str]:
    """Return the modules that all students were given; none, where they are not installed."""
    return {path.name: decoded(path.read_bytes()) for path in sorted(course.skeletons.glob("*.py"))}


def decoded(data: bytes) -> str:
    """Return source as text, whatever it is."""
    return data.decode("utf-8-sig", "replace").replace("\r\n", "\n")


def _cells(source: str) -> list[tuple[int, int, int]]:
    found = []
    for number, line in enumerate(source.split("\n"), start=1):
        if match := CELL.fullmatch(line):
            found.append((number + 1, int(match[1]), int(match[2])))
    return found
