"""The workflow files of `docs/ci`: their commands exist, and the harness is where students cannot edit it."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from typing import Any

import click
import pytest
import yaml

from graders.cli import graders
from tests.support import ROOT

FOLDER = ROOT / "docs" / "ci"
OUR_COMMAND = re.compile(r"\S*/bin/graders (.*)")


def read(name: str) -> dict[Any, Any]:
    loaded = yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))
    assert isinstance(loaded, dict)
    return loaded


def github_steps() -> list[dict[str, Any]]:
    return list(read("github.yml")["jobs"]["grade"]["steps"])


def commands(name: str) -> list[str]:
    if name == "github.yml":
        scripts = [step["run"] for step in github_steps() if "run" in step]
    else:
        job = read(name)["grade"]
        scripts = [*job["before_script"], *job["script"], *job["after_script"]]
    return [line for script in scripts for line in script.splitlines()]


@pytest.mark.parametrize(
    ("file", "schema"),
    [
        ("docs/ci/github.yml", "vendor.github-workflows"),
        ("docs/ci/gitlab.yml", "vendor.gitlab-ci"),
        (".github/workflows/ci.yml", "vendor.github-workflows"),
    ],
)
def test_each_is_what_its_platform_takes(file: str, schema: str) -> None:
    """By the schemas of SchemaStore, which the package brings with it: nothing is downloaded."""
    options = ["--data-transform", "gitlab-ci"] if schema == "vendor.gitlab-ci" else []
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *options, str(ROOT / file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["github.yml", "gitlab.yml"])
def test_every_command_exists_and_takes_its_options(name: str) -> None:
    ours = [match[1] for line in commands(name) if (match := OUR_COMMAND.fullmatch(line))]
    assert {line.split()[0] for line in ours} == {"run", "export"}
    for line in ours:
        command: click.Command = graders
        arguments = shlex.split(line)
        while isinstance(command, click.Group):
            command = command.commands[arguments.pop(0)]
        known = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in arguments if word.startswith("--")} <= known, line


@pytest.mark.parametrize("name", ["github.yml", "gitlab.yml"])
def test_what_is_installed_and_run_is_the_instructors(name: str) -> None:
    lines = commands(name)
    (install,) = [line for line in lines if "pip install" in line]
    assert re.search(r"-c /?harness/constraints.txt -e /?harness$", install)
    assert not [line for line in lines if re.search(r"(submission|CI_PROJECT_DIR)\S*/(\.venv|bin|graders)", line)]


def test_github_reads_only_and_keeps_no_credentials() -> None:
    assert read("github.yml")["permissions"] == {"contents": "read"}
    checkouts = [step["with"] for step in github_steps() if step.get("uses", "").startswith("actions/checkout@")]
    assert [one["path"] for one in checkouts] == ["submission", "harness"]
    assert [one["persist-credentials"] for one in checkouts] == [False, False]
    assert checkouts[1]["ref"] == "${{ vars.GRADERS_REF }}"
    assert "github.event" not in (FOLDER / "github.yml").read_text(encoding="utf-8")  # texts that a student may choose


def test_no_result_with_hidden_messages_is_an_artifact() -> None:
    uploads = [step["with"]["path"] for step in github_steps() if "upload-artifact" in step.get("uses", "")]
    assert uploads == ["junit.xml"]
    assert read("gitlab.yml")["grade"]["artifacts"] == {"when": "always", "reports": {"junit": "junit.xml"}}
