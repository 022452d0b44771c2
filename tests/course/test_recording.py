"""A recording of a student's own run: it answers what it has heard before, and earns nothing where it is graded."""

from __future__ import annotations

import pickle
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from graders.grading.grade import grade_one
from graders.grading.task import Task
from graders.intake.submission import read_submission
from graders.judging.collection import CollectedChecks
from graders.judging.rubric import load_rubric
from graders.sandbox.client import WarmServer
from tests.support import COURSE, ROOT, lab

FUNCTIONS = {
    "step01_spectrograms": ["mel_spectrogram", "pick_two_genres"],
    "step02_beat_sync": ["timesteps", "duration_seconds", "beat_sync", "compression_ratio"],
    "step03_chromagrams": ["chromagram"],
    "step04_dataset": ["merge_classes", "class_histogram"],
    "step06_evaluation": ["confusion_matrix", "classification_scores", "report_table"],
    "step08_regression": ["spearman"],
    "step10_multitask": ["spearman_of_tasks"],
}
KEY = """
import hashlib, pickle
import numpy as np

def _plain(value):
    if isinstance(value, np.ndarray):
        return str(value.dtype), value.shape, np.ascontiguousarray(value).tobytes()
    if isinstance(value, dict):
        return "dict", [(_plain(name), _plain(item)) for name, item in value.items()]
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [_plain(item) for item in value]
    return getattr(value, "__name__", repr(value))

def _key(name, arguments, options):
    return hashlib.sha256(repr((name, _plain(arguments), _plain(options))).encode()).hexdigest()
"""
RECORD = """
def _keep(*heard):
    with open("PATH", "ab") as file:
        pickle.dump(heard, file)

def _recorded(name, function):
    def record(*arguments, **options):
        key = _key(name, arguments, options)
        try:
            answer = function(*arguments, **options)
        except Exception as error:
            _keep(key, error)
            raise
        _keep(key, answer)
        return answer
    return record

for _name in NAMES:
    globals()[_name] = _recorded(_name, globals()[_name])
"""
REPLAY = """
_heard = dict(pickle.loads(one) for one in DATA)

def _replayed(name):
    def replay(*arguments, **options):
        answer = _heard.get(_key(name, arguments, options))
        if isinstance(answer, Exception):
            raise answer
        return answer
    return replay

for _name in NAMES:
    globals()[_name] = _replayed(_name)
"""


def append(path: Path, code: str, **filled_in: str) -> None:
    for name, text in filled_in.items():
        code = code.replace(name, text)
    path.write_text(f"{path.read_text(encoding='utf-8')}\n{KEY}{code}", encoding="utf-8")


def pickles(path: Path) -> Iterator[bytes]:
    """Yield what was pickled into a file, one after the other."""
    with path.open("rb") as file:
        while file.peek(1):
            yield pickle.dumps(pickle.load(file))


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """The skeleton, with functions that answer from a recording of `lab check` on the reference."""
    home, away = tmp_path / "home", tmp_path / "away"
    read_submission(ROOT / "solutions", COURSE).stage(home)
    for module, names in FUNCTIONS.items():
        append(home / "lab" / f"{module}.py", RECORD, NAMES=repr(names), PATH=str(tmp_path / module))
    steps = [module[4:6] for module in FUNCTIONS]
    done = lab("check", *steps, "--root", home, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    shutil.copytree(ROOT / "lab", away / "lab")
    for module, names in FUNCTIONS.items():
        heard = list(pickles(tmp_path / module))
        assert len(heard) >= 3, module
        append(away / "lab" / f"{module}.py", REPLAY, NAMES=repr(names), DATA=repr(heard))
    return away


def test_a_recording_of_a_students_own_run_earns_nothing(
    recording: Path, warm_server: WarmServer, collected: CollectedChecks
) -> None:
    rubric = load_rubric(COURSE, frozenset(int(module[4:6]) for module in FUNCTIONS))
    task = Task(COURSE, rubric, None, None, collected=collected)
    result = grade_one(recording, "recording", task, warm_server.controls[0], lambda _: None).result
    assert {check.id: check.points for check in result.checks if check.points} == {}
    assert "harness_fault" not in {check.outcome for check in result.checks}
