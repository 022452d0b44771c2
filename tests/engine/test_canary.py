"""The canary: where the process that judges no longer tells right from wrong, no verdict counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from graders.commands.errors import ExitCode
from graders.commands.grading import grade_and_show
from graders.grading.grade import grade_one
from graders.grading.jobs import ThisMachine
from graders.grading.task import Task
from graders.judging import canary
from graders.judging.rubric import load_rubric
from graders.outcomes import Outcome, Verdict
from graders.results.schema import Result
from graders.sandbox.client import WarmServer
from tests.support import COURSE, ROOT, SEED

REFERENCE = ROOT / "solutions"


def task(out: Path | None) -> Task:
    return Task(COURSE, load_rubric(COURSE, frozenset({2})), SEED, out)


def graded(warm_server: WarmServer, out: Path | None = None) -> tuple[Result, list[int]]:
    shown: list[int] = []
    result = grade_one(REFERENCE, "reference", task(out), warm_server.controls[0], shown.append).result
    return result, shown


def test_the_canary_is_none_of_a_students_checks(warm_server: WarmServer) -> None:
    result, shown = graded(warm_server)
    rubric = load_rubric(COURSE, frozenset({2}))
    assert result.tampered == ""
    assert result.score == result.max_score
    assert [check.id for check in result.checks] == [check.id for check in rubric]
    assert max(shown) == len(rubric)


@pytest.mark.parametrize("name", ["expect_equal", "expect_number", "expect_array", "expect_shape", "expect_error"])
def test_a_comparison_that_holds_for_everything_is_seen(
    name: str, warm_server: WarmServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(canary, name, lambda *_: pytest.raises(ZeroDivisionError) if name == "expect_error" else None)
    if name == "expect_error":
        monkeypatch.setattr(canary, "_raise_nothing", lambda: None)
    result, _ = graded(warm_server)
    assert "tampered" in result.tampered
    assert result.score == 0
    assert {check.outcome for check in result.checks} == {Outcome.HARNESS_FAULT}


def test_a_judge_that_records_passes_alone_is_seen_and_told(
    warm_server: WarmServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        "graders.judging.judge.Verdict", lambda _, message, *rest: Verdict(Outcome.PASSED, message, *rest)
    )
    ended = grade_and_show([REFERENCE], task(tmp_path), ThisMachine(warm_server))
    assert ended is ExitCode.HARNESS_FAULT
    assert f"solutions: {canary.TAMPERED}" in capsys.readouterr().err.replace("\n", " ")

    monkeypatch.undo()
    result = grade_one(REFERENCE, "solutions", task(tmp_path), warm_server.controls[0], lambda _: None)
    assert (result.kept, result.result.tampered) == ((), "")
