"""Writes the notebook of a course, or of some of its steps: handout, skeletons, checks, and room for answers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from graders.course import ENGINE, Course, Step
from graders.intake.submission import read_answers
from graders.notebooks.check import Check
from graders.notebooks.handout import about, asked, heading
from graders.notebooks.sections import NoModule, Section, section_of
from graders.outcomes import BadInput
from graders.questions import load_questions

EXTRA = "notebooks"
CHECK = "check"
SET_UP = f"from {Check.__module__} import {CHECK}"
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
SCRIPT = {"extension": ".py", "format_name": "percent", "comment_magics": False}
MARK = re.compile(r"^(\s*#\s*)%%", re.MULTILINE)  # a comment that would begin another cell


@dataclass
class Written:
    """A notebook that was written.

    Attributes:
        content: its file.
        notes: what it lacks, or what a reader should know, a sentence each.
    """

    content: bytes
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Cell:
    id: str
    kind: str
    text: str
    metadata: Mapping[str, Any]


def write_notebook(course: Course, steps: Sequence[Step], package: Path, file: str) -> Written:
    """Write the notebook of some steps, with what a student has in their step modules and files of answers.

    Args:
        course: the course.
        steps: the steps.
        package: the folder of the student's package.
        file: what the notebook will be called.

    Raises:
        BadInput: a step module is no Python, there is none, or jupytext is not installed.
    """
    notes: list[str] = []
    sections: dict[Step, Section] = {}
    for step in steps:
        path = package / f"{step.module}.py"
        try:
            sections[step] = section_of(path.read_text(encoding="utf-8-sig"), course.package)
        except FileNotFoundError:
            notes.append(f"{path} is missing, so step {step.number} is not in the notebook.")
        except UnicodeDecodeError as error:
            raise BadInput(f"{path} is not UTF-8 text; save it as UTF-8.") from error
        except NoModule as error:
            raise BadInput(f"{path} is no Python ({error}); mend it first.") from error
    if not sections:
        raise BadInput(f"there is no step module in {package} of which a notebook could be made.")
    several = Counter(name for section in sections.values() for name in section.names)
    notes += [
        f"{name} is defined in several step modules; in a notebook the last one counts: give them different names."
        for name, count in several.items()
        if count > 1
    ]
    answers, _ = read_answers(package, course)
    cells = list(_cells(course, sections, answers, file))
    return Written(_as_notebook(cells), notes)


def _cells(course: Course, sections: Mapping[Step, Section], answers: Mapping[str, str], file: str) -> Iterator[_Cell]:
    handout = {"handout": True}
    first = next(iter(sections))
    yield _Cell("about", "markdown", about(course.title, f"{CHECK}({first.number})", first.number, file), handout)
    yield _Cell("set-up", "code", SET_UP, {})
    for step, section in sections.items():
        yield _Cell(step.label, "markdown", heading(course, step, section), handout)
        for name, code in section.code:
            yield _Cell(f"{step.label}-{name}", "code", code, {})
        yield _Cell(f"{step.label}-check", "code", f"{CHECK}({step.number})", {})
        for question in load_questions(course, {step.number}):
            metadata = {"question": question.id}
            cell_id = f"question-{question.id.replace('.', '-')}"
            yield _Cell(cell_id, "markdown", asked(course, question, answers.get(question.id, "")), metadata)


def _as_notebook(cells: Sequence[_Cell]) -> bytes:
    """Return the file: jupytext makes it of a script in which each cell stands below a line `# %%`.

    Raises:
        BadInput: jupytext is not installed.
    """
    try:
        import jupytext  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise BadInput(
            "notebooks are written with jupytext, which is not installed: "
            f'pip install -c constraints.txt -e ".[{EXTRA}]"'
        ) from error
    notebook = jupytext.reads("\n\n".join(map(_in_script, cells)) + "\n", fmt=SCRIPT)
    assert len(notebook.cells) == len(cells)
    for cell, made in zip(cells, notebook.cells, strict=True):
        made.id = re.sub(r"[^\w-]", "-", cell.id, flags=re.ASCII)[:64]  # the same notebook each time
        made.metadata = {ENGINE: dict(cell.metadata)} if cell.metadata else {}
    notebook.metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    return str(jupytext.writes(notebook, fmt="ipynb")).encode()


def _in_script(cell: _Cell) -> str:
    if cell.kind == "code":
        return "# %%\n" + MARK.sub(r"\1--", cell.text)
    return "\n".join(["# %% [markdown]", *(f"# {line}".rstrip() for line in cell.text.split("\n"))])
