"""What the warm server of the first steps loads: little, and more where a submission's files name it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from graders.judging.confined import ConfinedSubject
from graders.judging.rubric import load_rubric
from graders.sandbox.client import WarmServer
from tests.support import COURSE, SEED

LOADED = """
import sys

import librosa


def loaded(name):
    return name in sys.modules
"""
USES = """

def in_decibels(mel):
    return librosa.power_to_db(mel)
"""


@pytest.fixture(scope="module")
def server_of_step_1() -> Iterator[WarmServer]:
    with WarmServer(COURSE, steps=[1]) as server:
        server.wait_until_warm()
        yield server


# In this order: what the server has loaded once, all later workers have.
@pytest.mark.parametrize(("source", "loaded"), [(LOADED, False), (LOADED + USES, True)], ids=["plain", "names it"])
def test_what_few_use_is_loaded_once_a_submission_names_it(
    server_of_step_1: WarmServer, tmp_path: Path, source: str, loaded: bool
) -> None:
    package = tmp_path / COURSE.package
    package.mkdir()
    (package / "step01_spectrograms.py").write_text(source, encoding="utf-8")
    with ConfinedSubject(COURSE, server_of_step_1.controls[0], tmp_path, SEED) as subject:
        subject.begin(load_rubric(COURSE, [1])[0])
        assert subject.package.step01_spectrograms.loaded("librosa.core.convert")
        assert subject.package.step01_spectrograms.loaded("librosa.core.spectrum") is loaded
