"""The operators of deep learning: what each makes of a line."""

from __future__ import annotations

import pytest

from graders.audit.mutants import mutants_in, mutants_of
from graders.checks.audit.operators import OPERATORS
from graders.course import Step
from tests.support import COURSE

STEP = Step(1, "step01_any")

# operator, line, what it becomes
CASES = (
    ("forgotten call", "optimizer.zero_grad()", ["pass"]),
    ("forgotten call", "optimizer.step()", ["pass"]),
    ("mode swapped", "model.train()", ["model.eval()"]),
    ("mode swapped", "model.eval()", ["model.train()"]),
    ("dimension", "y = x.softmax(dim=1)", ["y = x.softmax(dim=0)"]),
    ("dimension", "y = x.flatten(0)", ["y = x.flatten(-1)"]),
    ("dimension", "y = np.stack(x, axis=2)", ["y = np.stack(x, axis=1)"]),
    ("reduction", "y = x.mean()", ["y = x.sum()"]),
    ("reduction", "y = x.max()", ["y = x.min()"]),
    ("activation", "y = nn.ReLU()", ["y = nn.Tanh()"]),
    ("activation", "y = nn.Softmax(1)", ["y = nn.LogSoftmax(1)"]),
    ("layer left out", "y = nn.Dropout(0.2)", ["y = nn.Identity(0.2)"]),
    ("order changed", "y = rng.permutation(9)", ["y = np.arange(9)"]),
    ("order changed", "y = torch.randperm(9, generator=g)", ["y = torch.arange(9, )"]),
    ("order changed", "y = DataLoader(data, shuffle=True)", ["y = DataLoader(data, shuffle=not True)"]),
    ("order changed", "y = DataLoader(data, shuffle=a == b)", ["y = DataLoader(data, shuffle=not (a == b))"]),
    ("labels shifted", "loss = criterion(logits, targets)", ["loss = criterion(logits, targets.roll(1, 0))"]),
    ("gradient kept", "y = loss.detach()", ["y = loss"]),
    ("gradient cut", "return self.criterion(logits, y), logits", ["return self.criterion(logits, y).detach(), logits"]),
    ("rate", "y = Adam(model, lr=a + b)", ["y = Adam(model, lr=(a + b) * 10)"]),
    ("rate", "def inner(learning_rate=1e-3): return learning_rate", ["def inner(learning_rate=1e-3 * 10): return learning_rate"]),
    ("bound of slice", "y = x[a:b]", ["y = x[a + 1:b]", "y = x[a:b - 1]"]),
    ("size", "y = nn.Conv2d(1, 8, 5, padding=2)", ["y = nn.Conv2d(1, 8, 5, padding=1)"]),
)  # fmt: skip


@pytest.mark.parametrize(("operator", "line", "expected"), CASES, ids=[f"{one[0]}: {one[1]}" for one in CASES])
def test_an_operator_makes_a_fault(operator: str, line: str, expected: list[str]) -> None:
    made = mutants_in(f"def f():\n    {line}\n", STEP, OPERATORS)
    new = [one.source.splitlines()[1].strip() for one in made if one.operator == operator]
    assert new == expected


def test_each_operator_is_tried() -> None:
    assert {function.__name__.replace("_", " ") for _, function in OPERATORS} == {operator for operator, _, _ in CASES}


def test_each_operator_finds_something_in_the_reference() -> None:
    made = {mutant.operator for step in COURSE.steps for mutant in mutants_of(COURSE, step)}
    assert {function.__name__.replace("_", " ") for _, function in OPERATORS} <= made
