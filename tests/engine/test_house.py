"""The house: what its rooms may import, how large they are, and that the engine knows no course."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from graders.cli import graders
from tests.support import ROOT

GRADERS = ROOT / "graders"
COURSE_ROOM = GRADERS / "checks"
MODULES_OF_A_ROOM = 14
LINES_OF_A_MODULE = 400
REASON = "All checks of a step stand in one module"
# What is taught, the names of packages and steps of this course, its libraries, and the number of its steps.
COURSE_WORDS = re.compile(
    r"music|genre|\bmel\b|mel_|chroma|spectrogram|valence|danceab|\blstm|\bcnn\b|librosa|torch|sklearn|matplotlib|numba"
    r"|step0[1-9]|step10|\blab\.step|fixtures[./]|solutions[./]|\b10 steps\b|ten steps|1-10\b|LAST_STEP",
    re.IGNORECASE,
)


def engine_modules() -> list[Path]:
    return [path for path in sorted(GRADERS.rglob("*.py")) if not path.is_relative_to(COURSE_ROOM)]


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_rooms_import_one_way_and_only_what_they_may() -> None:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr


@pytest.mark.parametrize("module", engine_modules(), ids=name)
def test_no_word_of_the_course_stands_in_the_engine(module: Path) -> None:
    lines = module.read_text(encoding="utf-8").splitlines()
    assert [f"{number}: {line}" for number, line in enumerate(lines, start=1) if COURSE_WORDS.search(line)] == []


def test_the_architecture_names_each_module() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    one_of_a_kind = {"exports", "layouts", "migrations", "versions"}  # `a module for each`
    unnamed = [
        name(path)
        for path in engine_modules()
        if path.parent.name not in one_of_a_kind
        and path.stem != "__init__"
        and not re.search(rf"\b{path.stem}\b", text)
    ]
    assert unnamed == []


def test_no_room_is_crowded() -> None:
    rooms = {path.parent for path in GRADERS.rglob("*.py")}
    crowded = {name(room): len(list(room.glob("*.py"))) for room in rooms}
    assert {room: count for room, count in crowded.items() if count > MODULES_OF_A_ROOM} == {}


def test_a_long_module_says_why_it_is() -> None:
    texts = {path: path.read_text(encoding="utf-8") for path in GRADERS.rglob("*.py")}
    long = [path for path, text in texts.items() if text.count("\n") > LINES_OF_A_MODULE]
    heads = {name(path): texts[path].partition('"""')[2].partition('"""')[0] for path in long}
    assert [module for module, head in heads.items() if REASON not in head] == []


def test_the_schema_of_results_is_that_of_the_types() -> None:
    """Renew it with `graders schema > docs/result.schema.json`."""
    made = CliRunner().invoke(graders, ["schema"])
    assert json.loads((ROOT / "docs" / "result.schema.json").read_text(encoding="utf-8")) == json.loads(made.stdout)
