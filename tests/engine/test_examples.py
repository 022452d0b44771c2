"""Examples depend on the seed alone."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.support import ROOT

DRAWN = """
import json, sys
import hypothesis
from graders.authoring.examples import examples, st

drawn = []

@hypothesis.seed(420)
@examples(numbers=st.lists(st.integers(), min_size=40, max_size=40))
def draw(numbers):
    drawn.append(numbers)

draw()
print(json.dumps(drawn))
"""


def drawn(prelude: str, folder: Path) -> list[list[int]]:
    command = [sys.executable, "-c", f"import sys\nsys.path[:0] = [{str(ROOT)!r}, {str(folder)!r}]\n{prelude}{DRAWN}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=folder)
    numbers: list[list[int]] = json.loads(done.stdout)
    return numbers


def test_modules_that_happen_to_be_loaded_change_no_example() -> None:
    # Hypothesis takes no constants from files below a folder that is called after tests, as those of pytest are.
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "constants.py").write_text(f"NUMBERS = {list(range(1000, 9000, 7))}\n", encoding="utf-8")
        assert drawn("import constants", Path(folder)) == drawn("", Path(folder))
        assert not Path(folder, ".hypothesis").exists()
