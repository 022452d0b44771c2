"""Models that the judge holds: what student code can learn of them, in the sandbox and in its own process."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from graders.authoring.doubles import Doubles
from graders.checks.doubles.models import Call, ModelDouble, Said
from graders.checks.doubles.scripted import MOMENTUM, START, Gauge, Predicting, Scripted
from graders.judging.confined import ConfinedSubject
from graders.judging.local import LocalSubject
from graders.outcomes import Died, StudentError
from graders.sandbox.client import WarmServer
from tests.support import COURSE, SEED

STUDENT = """
import torch

def call(model, training=True, with_gradients=True):
    model.train(training)
    with torch.set_grad_enabled(with_gradients):
        loss, output = model(torch.ones(2, 3, 1), torch.tensor([1, 0]), torch.tensor([3, 2]))
    if with_gradients and loss.requires_grad:
        loss.backward()
    return loss.item(), output.tolist(), model.state.item(), model.weight.grad

def misuse(model):
    model(torch.ones(2, 3, 1), torch.tensor([1, 0]), torch.tensor([4, 2]))

def ask_for(model, number):
    return type(model.ask)(number)(torch.ones(1, 1, 1), torch.zeros(1), torch.ones(1, dtype=torch.int64), True, True)

def ask_later(model):
    import threading
    threading.Timer(0.3, lambda: model.ask(torch.ones(1, 1, 1))).start()
"""


class Recording(ModelDouble):
    """A model that says the same always, and keeps what it was asked."""

    def __init__(self) -> None:
        self.calls: list[Call] = []

    def say(self, call: Call) -> Said:
        self.calls.append(call)
        return Said(2.5, -1.0, np.array([[1.0], [2.0]]), 7.0 if call.training else None)


@pytest.fixture
def package_parent(tmp_path: Path) -> Path:
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab" / "__init__.py").touch()
    (tmp_path / "lab" / "step01_student.py").write_text(STUDENT, encoding="utf-8")
    return tmp_path


def sandboxed(folder: Path, server: WarmServer) -> Any:
    return ConfinedSubject(COURSE, server.controls[0], folder, SEED)


def local(folder: Path, _: WarmServer) -> Any:
    return LocalSubject(COURSE, folder)


@pytest.fixture
def no_lab() -> Iterator[None]:
    """Forget the project's own `lab` for the time of a test, and then that of the test."""
    path, kept = [*sys.path], {name: sys.modules.pop(name) for name in list(sys.modules) if _is_lab(name)}
    yield
    for name in list(filter(_is_lab, sys.modules)):
        del sys.modules[name]
    sys.modules.update(kept)
    sys.path[:] = path


def _is_lab(name: str) -> bool:
    return name.partition(".")[0] == "lab"


@pytest.mark.usefixtures("no_lab")
@pytest.mark.parametrize("make", [sandboxed, local])
def test_a_stand_in_says_what_the_judge_says(
    make: Callable[..., Any], package_parent: Path, warm_server: WarmServer
) -> None:
    recording = Recording()
    with make(package_parent, warm_server) as subject:
        model = subject.kit.double(subject.doubles.add(recording))
        student = subject.package.step01_student
        trained = student.call(model)
        evaluated = student.call(model, training=False, with_gradients=False)

    assert trained[:3] == (2.5 * START - 1, [[1.0], [2.0]], 7.0)
    assert float(trained[3]) == 2.5
    assert evaluated[:2] == trained[:2]
    first, second = recording.calls
    assert (first.training, first.with_gradients, second.training, second.with_gradients) == (True, True, False, False)
    assert (first.x.shape, first.targets.tolist(), first.lengths.tolist()) == ((2, 3, 1), [1, 0], [3, 2])


def test_misuse_is_an_error_in_the_students_line(package_parent: Path, warm_server: WarmServer) -> None:
    with sandboxed(package_parent, warm_server) as subject:
        model = subject.kit.double(subject.doubles.add(Recording()))
        with pytest.raises(StudentError, match=r"got lengths .* expected \[B\] integers in 1..T .*line 13, in misuse"):
            subject.package.step01_student.misuse(model)
        assert subject.package.step01_student.call(model)[0] == 1.5


@pytest.mark.parametrize("number", [7, -1, "'0'", "None", "[0]", "True"])
def test_a_model_that_is_not_there_is_refused(number: object, package_parent: Path, warm_server: WarmServer) -> None:
    with sandboxed(package_parent, warm_server) as subject:
        model = subject.kit.double(subject.doubles.add(Recording()))
        with pytest.raises(StudentError, match=r"no such model|cannot be called like that"):
            subject.package.step01_student.ask_for(model, number)


def test_a_question_that_no_call_led_to_ends_the_worker(package_parent: Path, warm_server: WarmServer) -> None:
    with sandboxed(package_parent, warm_server) as subject:
        model = subject.kit.double(subject.doubles.add(Recording()))
        subject.package.step01_student.ask_later(model)
        time.sleep(0.6)  # until the question is there, which came between two calls
        with pytest.raises(Died, match=r"another question|breaks the protocol"):
            subject.package.step01_student.call(model)


JUNK: list[list[Any]] = [
    [],
    [0],
    [0, 1, 2, 3],
    [0, torch.ones(2), torch.ones(2), torch.ones(2), True, True],
    [0, torch.ones(0, 1, 1), torch.ones(0), torch.ones(0), True, True],
    [0, torch.ones(2, 1, 1), torch.ones(3), torch.ones(2, dtype=torch.int64), True, True],
    [0, torch.ones(2, 1, 1), torch.ones(2), torch.ones(2), True, True],
    [0, torch.ones(2, 1, 1), torch.ones(2), torch.tensor([1, 2]), True, True],
    [0, [[["a"]]], torch.ones(1), torch.ones(1), True, True],
    [0, {"x": 1}, None, None, None, None],
]


@pytest.mark.parametrize("question", JUNK)
def test_junk_is_refused_in_words(question: list[Any]) -> None:
    doubles = Doubles()
    doubles.add(Recording())
    with pytest.raises(ValueError, match=r"\w"):
        doubles.answer(question)


def call(values: list[float], labels: list[int], lengths: list[int], *, training: bool = True) -> Call:
    x = np.zeros((len(values), 3, 1), np.float32)
    x[:, 0, 0] = values
    return Call(x, np.array(labels), np.array(lengths), training, True)


def test_what_a_gauge_says_depends_on_values_labels_lengths_mode_and_run() -> None:
    gauge, other = (Gauge.draw(np.random.default_rng(seed)) for seed in (0, 1))
    asked = call([0.05, 0.07], [0, 3], [1, 3])
    slope = gauge.say(asked).slope
    assert 0 < slope < 1
    assert gauge.seen == 2
    for changed in (
        call([0.05, 0.06], [0, 3], [1, 3]),
        call([0.05, 0.07], [1, 3], [1, 3]),
        call([0.05, 0.07], [0, 3], [1, 2]),
    ):
        assert gauge.say(changed).slope != slope
    assert gauge.say(call([0.05, 0.07], [0, 3], [1, 3], training=False)).slope == pytest.approx(slope * gauge.evaluated)
    assert other.say(asked).slope != slope


def test_a_script_goes_on_with_training_batches_alone() -> None:
    script = Scripted.draw(np.random.default_rng(0), [0.9, 0.5, 0.7], batches=2)
    training, validation = call([1.0], [0], [1]), call([-1.0], [0], [1])
    heard = []
    for _ in range(3):
        steps = [script.say(training).slope for _ in range(2)]
        heard += [script.say(validation).offset for _ in range(2)]
        assert min(steps) < 0
    assert heard == [loss for loss in script.losses for _ in range(2)]
    assert script.taken == 6
    weight = torch.nn.Parameter(torch.tensor(START))
    optimizer = torch.optim.SGD([weight], 1.0, MOMENTUM)
    for step in script.steps[:6]:
        weight.grad = torch.tensor(-step, dtype=torch.float32)
        optimizer.step()
    assert script.weight_after(3) == pytest.approx(weight.item(), rel=1e-5)


@pytest.mark.parametrize("at_the_end", [False, True])
def test_predictions_stand_in_no_batch(at_the_end: bool) -> None:
    table = np.array([3.0, 1.0, 2.0, 0.5, 9.0])
    model = Predicting(table, at_the_end)
    x, lengths = model.tracks(4, 2)
    said = model.say(Call(x, np.zeros(5), np.array(lengths), False, False)).output
    assert said.tolist() == table.tolist()
    in_training = model.say(Call(x, np.zeros(5), np.array(lengths), True, False)).output
    assert in_training.tolist() == np.roll(table, -1).tolist()
    assert model.kept_graphs == [False, False]
