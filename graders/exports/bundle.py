"""Gradescope's autograder: a zip with `setup.sh`, `run_autograder`, and the harness that they install.

Source: `docs/specs.md` of gradescope/autograder_samples.
"""

from __future__ import annotations

from pathlib import Path

from graders.course import PROJECT, Course
from graders.intake.packed.zips import zip_of
from graders.outcomes import HarnessFault
from graders.words.spoken import ENGLISH

NEEDED = ("pyproject.toml", "constraints.txt", "README.md", "LICENSE")
LEFT_OUT = frozenset({"__pycache__", "submissions"})
SETUP = """\
#!/usr/bin/env bash
# Installs the harness. Gradescope runs this once, when the autograder is built.
set -euo pipefail
cd "${AUTOGRADER_ROOT:-/autograder}/source"
if [ -z "${PYTHON:-}" ]; then
    apt-get update -q
    apt-get install -y -q python3.11 python3.11-venv libseccomp2
fi
"${PYTHON:-python3.11}" -m venv ${VENV_OPTIONS:-} "${AUTOGRADER_ROOT:-/autograder}/venv"
"${AUTOGRADER_ROOT:-/autograder}/venv/bin/pip" install -q ${PIP_OPTIONS:--c harness/constraints.txt} ./harness
"${AUTOGRADER_ROOT:-/autograder}/venv/bin/graders" doctor || echo "Isolation is not full here: see README.txt."
"""
RUN = """\
#!/usr/bin/env bash
# Grades one submission and writes results.json; what goes wrong is said there, never charged to the student.
set -uo pipefail
root="${{AUTOGRADER_ROOT:-/autograder}}"
mkdir -p "$root/results"
"$root/venv/bin/graders" run "$root/submission" --require {require} --out "$root/graded" {course}</dev/null
ended=$?
"$root/venv/bin/graders" export gradescope --results "$root/graded" --to "$root/results/results.json" \\
    {course}--lang {language} --ended "$ended"
"""
README = """\
Upload this zip as the autograder of a programming assignment.

Memory: choose 4 GB or more and 2 CPUs, under Container Specifications; the libraries do not fit into the 768 MB that
Gradescope gives by default. The time limit has to be 20 minutes or more.

Isolation: student code runs in a confined process. Whether Gradescope's container allows all of it is written by
graders doctor at the end of the build log. This autograder demands {require}: with less, no submission is graded.
Hidden checks are shown after grades are published. Written answers are not in the score.
"""


def bundle(course: Course, require: str, language: str = ENGLISH) -> bytes:
    """Return the zip.

    Args:
        course: the course, which has to be in the checkout of the harness.
        require: the least isolation, as for `graders run`.
        language: in which students read their results.

    Raises:
        HarnessFault: there is no checkout to pack, or the course is not in it.
    """
    missing = [name for name in NEEDED if not (PROJECT / name).is_file()]
    if missing:
        raise HarnessFault(f"{PROJECT} has no {missing[0]}: the autograder is packed from a checkout of the harness.")
    if not course.folder.is_relative_to(PROJECT):
        raise HarnessFault(f"{course.folder} is not in {PROJECT}: put the course into the checkout of the harness.")
    folder = course.folder.relative_to(PROJECT)
    option = f'--course "$root/source/harness/{folder.as_posix()}" ' if folder != Path("graders/checks") else ""
    programs = {"setup.sh": SETUP, "run_autograder": RUN.format(require=require, course=option, language=language)}
    texts = {**programs, "README.txt": README.format(require=require)}
    harness = {f"harness/{file.relative_to(PROJECT).as_posix()}": file.read_bytes() for file in _harness(course)}
    return zip_of({name: text.encode() for name, text in texts.items()} | harness, programs)


def _harness(course: Course) -> list[Path]:
    """Return the files of the checkout that grading needs: packages, the course, and what installing them takes."""
    folders = [PROJECT / name for name in ("graders", "lab", "solutions", "fixtures")]
    if not any(course.folder.is_relative_to(folder) for folder in folders):
        folders.append(course.folder)
    files = [PROJECT / name for name in NEEDED]
    for folder in folders:
        for file in sorted(folder.rglob("*")):
            parts = file.relative_to(folder).parts
            if file.is_file() and not LEFT_OUT.intersection(parts) and not any(part.startswith(".") for part in parts):
                files.append(file)
    return files
