import ast
import importlib
import shutil
import sys
from pathlib import Path

import pytest

import solutions

STEPS = sorted(Path(solutions.__file__).parent.glob("step*.py"))


@pytest.mark.parametrize("path", STEPS, ids=lambda path: path.stem)
def test_step_names_no_package_of_the_checkout(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    absolute = {
        name.partition(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom) and node.level == 0
            else []
        )
    }

    assert not absolute & {"solutions", "lab", "graders", "fixtures", "tests"}


def test_steps_serve_under_another_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "submission"
    shutil.copytree(Path(solutions.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.syspath_prepend(tmp_path)

    modules = [importlib.import_module(f"submission.{path.stem}") for path in STEPS]

    assert all(Path(str(module.__file__)).parent == package for module in modules)
    for name in [name for name in sys.modules if name.partition(".")[0] == "submission"]:
        monkeypatch.delitem(sys.modules, name)
