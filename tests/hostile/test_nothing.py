"""Submissions in which nothing is implemented earn nothing in any step, whatever they do instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from graders.judging.collection import CollectedChecks
from graders.judging.confined import ConfinedSubject
from graders.judging.judge import judge
from graders.judging.rubric import load_rubric
from graders.outcomes import Outcome
from graders.sandbox.client import WarmServer
from tests.hostile.nothing.submissions import Pretence, all_pretences, stage
from tests.support import COURSE, SEED

PRETENCES = {pretence.name: pretence for pretence in all_pretences()}


def expect_pretending(subject: ConfinedSubject) -> None:
    """Raise unless each step module can be imported, and pretends: what cannot be imported earns nothing either."""
    for step in COURSE.steps:
        subject.begin(load_rubric(COURSE, {step.number})[0])
        assert getattr(subject.package, step.module).answer


@pytest.mark.parametrize("pretence", PRETENCES.values(), ids=PRETENCES.keys())
def test_nothing_implemented_earns_nothing(
    pretence: Pretence, warm_server: WarmServer, collected: CollectedChecks, tmp_path: Path
) -> None:
    stage(pretence, tmp_path / "submission")

    with ConfinedSubject(COURSE, warm_server.controls[0], tmp_path / "submission", SEED) as subject:
        expect_pretending(subject)
        verdicts = judge(COURSE, load_rubric(COURSE), subject, SEED, collected=collected)

    outcomes = {check_id: verdict.outcome for check_id, verdict in verdicts.items()}
    assert [check_id for check_id, outcome in outcomes.items() if outcome is Outcome.PASSED] == []
    assert [check_id for check_id, outcome in outcomes.items() if outcome is Outcome.HARNESS_FAULT] == []
