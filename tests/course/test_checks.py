"""The checks, tried on wrong submissions: each mistake fails the check that is about it.

A mistake is one change of the reference; `fixtures/submissions/mistakes` lists them, a file for each step module.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path

import pytest

from graders.audit.corpus import (
    Mistake,
    RightChange,
    all_mistakes,
    right_changes,
    stage_reference,
    stage_variant,
    variants,
)
from graders.checks.thresholds import THRESHOLDS
from graders.intake.submission import read_submission
from graders.judging.collection import CollectedChecks
from graders.judging.confined import ConfinedSubject
from graders.judging.judge import judge
from graders.judging.local import LocalSubject
from graders.judging.rubric import Check, load_rubric, with_needs
from graders.outcomes import Outcome, Verdict
from graders.sandbox.client import WarmServer
from tests.hostile.corpus import with_deadline
from tests.support import COURSE, QUIETLY, ROOT, SEED, step_number

Judged = Callable[..., dict[str, Verdict]]


@pytest.fixture
def judged(warm_server: WarmServer, collected: CollectedChecks) -> Judged:
    """Give what judges a staged submission by a rubric, or by all checks of some steps."""

    def judged(
        package_parent: Path, steps: Iterable[int] = (), seed: int = SEED, rubric: Sequence[Check] | None = None
    ) -> dict[str, Verdict]:
        checks = rubric or load_rubric(COURSE, frozenset(steps))
        with ConfinedSubject(COURSE, warm_server.controls[0], package_parent, seed) as subject:
            return judge(COURSE, checks, subject, seed, collected=collected)

    return judged


def blocked_by(failed: frozenset[str], rubric: Iterable[Check]) -> set[str]:
    """Find the checks that need one of those that failed, directly or not."""
    lost = set(failed)
    for check in rubric:
        if lost.intersection(check.needs):
            lost.add(check.id)
    return lost - failed


def by_chance(mistake: Mistake) -> set[str]:
    """Find the other checks whose metric does not tell the mistake apart, so that it fails with some seeds only."""
    return {row.check for row in THRESHOLDS.rows.values() if mistake.name in row.not_separated} - {mistake.check}


def not_passed(verdicts: Mapping[str, Verdict]) -> dict[str, str]:
    return {
        check_id: f"{verdict.outcome}: {verdict.message}"
        for check_id, verdict in verdicts.items()
        if verdict.outcome is not Outcome.PASSED
    }


# --- each check fails what it is about


@pytest.mark.parametrize(
    "mistake", [pytest.param(one, id=f"{one.check[:6]}-{one.name}") for one in all_mistakes(COURSE)]
)
def test_a_mistake_fails_the_check_that_is_about_it(
    mistake: Mistake, judged: Judged, tmp_path: Path, whole_steps: bool
) -> None:
    """It is judged by the checks that it names, what they need, what needs them, and their neighbours.

    With `--whole-steps` it is judged by its whole step.
    """
    stage_reference(COURSE, tmp_path)
    mistake.make_in(tmp_path, COURSE)
    step = load_rubric(COURSE, {step_number(mistake.check)})
    rubric = step if whole_steps else around(mistake.fails, step)

    verdicts = judged(tmp_path, rubric=rubric)

    blocked = blocked_by(mistake.fails, rubric)
    lost = not_passed(verdicts)
    assert lost.keys() - by_chance(mistake) == (mistake.fails | blocked) - by_chance(mistake), lost
    assert verdicts[mistake.check].outcome is mistake.outcome, lost[mistake.check]
    assert verdicts[mistake.check].message
    assert {check_id for check_id in lost if verdicts[check_id].outcome is Outcome.BLOCKED} == blocked


def around(check_ids: Collection[str], step: Sequence[Check]) -> list[Check]:
    """Return checks, those that they block, the one before and the one after each, and all that these need."""
    ids = [row.id for row in step]
    wanted = {*check_ids, *blocked_by(frozenset(check_ids), step)}
    for check_id in check_ids:
        place = ids.index(check_id)
        wanted.update(ids[max(0, place - 1) : place + 2])
    return with_needs(wanted, step)


@pytest.mark.parametrize(
    "mistake",
    [pytest.param(one, id=f"{one.check[:6]}-{one.name}") for one in all_mistakes(COURSE) if one.at_home],
)
def test_an_argument_that_is_overwritten_is_told_at_home_too(
    mistake: Mistake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage_reference(COURSE, tmp_path)
    mistake.make_in(tmp_path, COURSE)
    monkeypatch.chdir(tmp_path)
    rubric = with_needs({mistake.check}, load_rubric(COURSE, {step_number(mistake.check)}))
    with LocalSubject(COURSE, tmp_path) as subject:
        verdicts = judge(COURSE, rubric, subject, SEED, QUIETLY)
    assert not_passed(verdicts).keys() == {mistake.check}


CONSTANTS = (
    (
        "step05.backbone_returns_a_state_for_each_track",
        "features: Tensor = self._dropout(directions.transpose(0, 1).flatten(1))",
        "features: Tensor = self._dropout(directions.transpose(0, 1).flatten(1)) * 0",
    ),
    (
        "step07.backbone_returns_a_vector_for_each_track",
        "vectors: Tensor = self._output(self._blocks(images))",
        "vectors: Tensor = self._output(self._blocks(images)) * 0",
    ),
    (
        "step08.regressor_returns_a_loss_and_a_rating_of_each_track",
        "ratings = self._output(self.backbone(*inputs)).squeeze(1)",
        "ratings = self._output(self.backbone(*inputs)).squeeze(1) * 0",
    ),
    (
        "step10.regressor_returns_a_loss_and_ratings_of_each_track",
        "ratings = self._output(self.backbone(*inputs))",
        "ratings = self._output(self.backbone(*inputs)) * 0",
    ),
)


@pytest.mark.parametrize(("check", "old", "new"), [pytest.param(*one, id=one[0][:6]) for one in CONSTANTS])
def test_what_is_the_same_for_all_tracks_fails(check: str, old: str, new: str, judged: Judged, tmp_path: Path) -> None:
    stage_reference(COURSE, tmp_path)
    Mistake("the same for all tracks", check, old, new).make_in(tmp_path, COURSE)
    assert judged(tmp_path, [step_number(check)])[check].outcome is Outcome.FAILED


def test_every_check_has_a_mistake_that_fails_it() -> None:
    assert {check.id for check in load_rubric(COURSE)} == {mistake.check for mistake in all_mistakes(COURSE)}


def test_mistakes_of_a_step_have_names_of_their_own() -> None:
    names = [(mistake.check, mistake.name) for mistake in all_mistakes(COURSE)]
    assert len(set(names)) == len(names)


# --- right answers, no answers, nonsense


def test_the_reference_passes_everything(further_seed: int, judged: Judged, tmp_path: Path) -> None:
    stage_reference(COURSE, tmp_path)
    assert not_passed(judged(tmp_path, seed=further_seed)) == {}


@pytest.mark.parametrize("variant", variants(COURSE))
def test_a_variant_passes_everything(variant: str, further_seed: int, judged: Judged, tmp_path: Path) -> None:
    stage_variant(COURSE, variant, tmp_path)
    steps = {step_number(name) for name in COURSE.modules if variant in variants(COURSE, step_number(name))}
    assert steps
    assert not_passed(judged(tmp_path, steps, further_seed)) == {}


def several_at_once(changes: Iterable[RightChange], at_most: int) -> list[list[RightChange]]:
    """Put changes that are judged by the same steps, and touch other definitions of one module, together."""
    together: list[list[RightChange]] = []
    for change in changes:
        for others in together:
            same = (others[0].module, others[0].steps) == (change.module, change.steps)
            if same and len(others) < at_most and all(touched(change).isdisjoint(touched(one)) for one in others):
                others.append(change)
                break
        else:
            together.append([change])
    return together


@functools.cache
def reference(module: str) -> tuple[str, list[tuple[int, int]]]:
    """Return the source of a module of the reference, and the first and last lines of its statements at the top."""
    source = (COURSE.reference_folder / f"{module}.py").read_text(encoding="utf-8")
    return source, [(node.lineno, node.end_lineno or node.lineno) for node in ast.parse(source).body]


def touched(change: RightChange) -> set[int]:
    """Return the first lines of the statements at the top level of a module that a change is made in."""
    source, statements = reference(change.module)
    spans = [(source.count("\n", 0, source.find(edit.old)) + 1, edit.old.count("\n")) for edit in change.edits]
    return {first for first, last in statements for begin, more in spans if first <= begin + more and begin <= last}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "changes" in metafunc.fixturenames:
        at_once = 1 if metafunc.config.getoption("--whole-steps") else 3
        params = several_at_once(right_changes(COURSE), at_once)
        metafunc.parametrize("changes", [pytest.param(one, id="; ".join(c.name for c in one)) for one in params])


def test_legitimate_changes_cost_nothing(
    changes: list[RightChange], further_seed: int, judged: Judged, tmp_path: Path
) -> None:
    """Several at once, each of which could be the one that costs something; with `--whole-steps` each alone."""
    stage_reference(COURSE, tmp_path)
    for change in changes:
        change.make_in(tmp_path, COURSE)
    assert not_passed(judged(tmp_path, changes[0].steps, further_seed)) == {}


def test_the_skeleton_is_not_implemented_and_nothing_else(judged: Judged, tmp_path: Path) -> None:
    read_submission(ROOT / "lab", COURSE).stage(tmp_path)
    verdicts = judged(tmp_path)
    assert {verdict.outcome for verdict in verdicts.values()} == {Outcome.NOT_IMPLEMENTED}


GARBAGE = {
    "none": "None",
    "true": "True",
    "zero": "0",
    "minus one": "-1",
    "huge integer": "10**400",
    "nan": "float('nan')",
    "infinity": "float('inf')",
    "empty text": "''",
    "bytes": "b'abc'",
    "empty list": "[]",
    "list of three": "[0, 0, 0]",
    "list of everything": "[None, 1, 'a']",
    "list 100 deep": "functools.reduce(lambda inner, _: [inner], range(100), 0)",
    "empty dict": "{}",
    "dict of everything": "{1: 2, 'a': None, (1, 2): []}",
    "empty array": "np.empty(0)",
    "array without axes": "np.zeros(())",
    "array of objects": "np.array([None, object()], dtype=object)",
    "array of text": "np.array(['a', 'b'])",
    "complex array": "np.zeros((3, 3), complex)",
    "bfloat16 tensor": "torch.zeros(3, dtype=torch.bfloat16)",
    "sparse tensor": "torch.zeros(3, 3).to_sparse()",
    "tensor without data": "torch.zeros(3, 3, device='meta')",
    "tensor with gradient": "torch.zeros(3, 3, requires_grad=True)",
    "lambda": "lambda *args, **options: None",
    "generator": "(i for i in range(3))",
    "object that raises": "Raises()",
    "object that is whatever is asked": "Agrees()",
    "object that lies about its shape": "Lies()",
}
GARBAGE_MODULE = """
import functools
import numpy as np
import torch

class Raises:
    def __getattribute__(self, name): raise RuntimeError(f"no {name}")
    def __len__(self): raise RuntimeError("no length")
    def __iter__(self): raise RuntimeError("no items")
    def __call__(self, *args, **options): raise RuntimeError("no answer")

class Agrees:
    def __getattr__(self, name): return self
    def __call__(self, *args, **options): return self
    def __getitem__(self, item): return self
    def __len__(self): return 11
    def __eq__(self, other): return True
    def __hash__(self): return 0

class Lies:
    shape = ()
    def __getitem__(self, item): return [None, 1, 2]
    def __len__(self): return 11
    def __iter__(self): return iter([[1, None, 3], [1, [2, "a"], 3], [1, [None], 3]])
    def __call__(self, *args, **options): return [1, 2]

garbage = GARBAGE

def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)
    return lambda *args, **options: garbage
"""


@pytest.mark.parametrize("garbage", [pytest.param(value, id=name) for name, value in GARBAGE.items()])
def test_garbage_earns_nothing_and_breaks_nothing(garbage: str, judged: Judged, tmp_path: Path) -> None:
    (tmp_path / "lab").mkdir()
    for module in COURSE.modules:
        (tmp_path / "lab" / f"{module}.py").write_text(GARBAGE_MODULE.replace("GARBAGE", garbage), encoding="utf-8")

    # Some of it never ends; that must not take the deadline of each check.
    verdicts = judged(tmp_path, rubric=with_deadline(load_rubric(COURSE), 1.0))

    assert [check_id for check_id, verdict in verdicts.items() if verdict.outcome is Outcome.PASSED] == []
    faults = {check_id: lost for check_id, lost in not_passed(verdicts).items() if lost.startswith("harness_fault")}
    assert faults == {}


# --- the same submission, the same verdicts

WRONG_IN_MANY_WAYS = (
    "second entry drawn from all",
    "mean by default",
    "rows off by one",
    "each part drawn on its own",
    "codes from 1",
    "validation in training mode",
    "macro as micro",
    "softmax on the vector",
)


@pytest.mark.parametrize("steps", [(1, 2, 3), (4,), (5, 6, 7)])
def test_runs_of_a_submission_give_equal_verdicts(
    steps: tuple[int, ...], regrades: int, judged: Judged, tmp_path: Path
) -> None:
    stage_reference(COURSE, tmp_path)
    mistakes = {mistake.name: mistake for mistake in all_mistakes(COURSE)}
    for name in WRONG_IN_MANY_WAYS:
        mistakes[name].make_in(tmp_path, COURSE)

    first, *others = [
        {check_id: (verdict.outcome, verdict.message) for check_id, verdict in judged(tmp_path, steps).items()}
        for _ in range(regrades)
    ]

    assert Outcome.FAILED in {outcome for outcome, _ in first.values()}
    assert all(other == first for other in others)
