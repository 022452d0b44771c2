"""Isolation where rights are fewer: in a user namespace without any, and in one with a root of its own."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import ROOT

NAMESPACES = [
    pytest.param(["--user"], id="without rights"),
    pytest.param(["--user", "--map-root-user"], id="as its root"),
]


def inside(namespace: list[str], *command: str) -> subprocess.CompletedProcess[str]:
    unshare = shutil.which("unshare")
    if unshare is None or subprocess.run([unshare, *namespace, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine gives this user no user namespace")
    return subprocess.run([unshare, *namespace, *command], cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_isolation_is_full_in_a_user_namespace(namespace: list[str]) -> None:
    done = inside(namespace, sys.executable, "-c", "from graders.cli import main; main()", "doctor")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Isolation: full" in done.stdout
    assert "GOT THROUGH" not in done.stdout


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_a_hostile_sample_gains_nothing_more_in_a_user_namespace(namespace: list[str], tmp_path: Path) -> None:
    code = "from graders.cli import main; main()"
    arguments = ["run", "fixtures/submissions/hostile", "--step", "1", "--step", "3", "--out", str(tmp_path)]
    done = inside(namespace, sys.executable, "-c", code, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads((tmp_path / "hostile" / "result.json").read_text(encoding="utf-8"))
    assert (result["score"], result["isolation"]["level"]) == (0, "full")
    assert {check["outcome"] for check in result["checks"]} <= {"died", "forbidden", "blocked"}
