"""Thresholds: what the stored calibration promises, and how a calibration comes by it."""

from __future__ import annotations

import math
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from graders.audit import calibration
from graders.audit.corpus import all_mistakes, stage_reference, variants
from graders.authoring.experiments import Experiment
from graders.authoring.thresholds import Calibrated
from graders.checks import experiments
from graders.checks.thresholds import THRESHOLDS, expect_reached
from graders.cli import graders
from graders.judging.rubric import load_rubric
from graders.sandbox.client import WarmServer
from tests.support import COURSE

ROWS = THRESHOLDS.rows


def test_every_experiment_is_calibrated() -> None:
    assert ROWS.keys() == {experiment.check for experiment in experiments.EXPERIMENTS}
    assert ROWS.keys() <= {check.id for check in load_rubric(COURSE)}


@pytest.mark.parametrize("row", ROWS.values(), ids=list(ROWS))
def test_thirty_seeds_of_right_submissions_and_mistakes_were_measured(row: Calibrated) -> None:
    step = int(row.check[4:6])
    assert row.correct.keys() == {"reference", *variants(COURSE, step)}
    assert row.mistakes.keys() == {
        mistake.name for mistake in all_mistakes(COURSE) if row.check in mistake.fails | mistake.measured
    }
    assert row.seeds >= 30
    assert {len(values) for values in row.correct.values()} == {row.seeds}
    assert {len(values) for values in row.mistakes.values()} == {row.seeds}


@pytest.mark.parametrize("row", ROWS.values(), ids=list(ROWS))
def test_right_submissions_reach_the_threshold(row: Calibrated) -> None:
    runs = [value for values in row.correct.values() for value in values]
    missed = sum(not row.passes(value) for value in runs)

    assert missed == row.false_fails
    assert missed / len(runs) <= row.false_fail_rate <= 0.05


@pytest.mark.parametrize("row", ROWS.values(), ids=list(ROWS))
def test_the_next_run_of_a_right_submission_reaches_the_threshold_too(row: Calibrated) -> None:
    (experiment,) = (one for one in experiments.EXPERIMENTS if one.check == row.check)
    rates = [calibration.tail_rate(experiment, values, row.threshold) for values in row.correct.values()]
    assert row.tail_rate == pytest.approx(max(rates), rel=1e-3)
    assert row.tail_rate < 1e-4


@pytest.mark.parametrize("row", ROWS.values(), ids=list(ROWS))
def test_mistakes_miss_the_threshold(row: Calibrated) -> None:
    told_apart = row.mistakes.keys() - set(row.not_separated)

    assert told_apart
    lucky = {name: sum(map(row.passes, row.mistakes[name])) / row.seeds for name in told_apart}
    assert {name: part for name, part in lucky.items() if part > calibration.LUCK} == {}


def test_a_value_that_is_no_number_reaches_nothing() -> None:
    for row in ROWS.values():
        assert not row.passes(None)
        assert not row.passes(math.nan)


def test_a_missed_threshold_says_what_came_and_what_was_expected() -> None:
    check = "step05.lstm_names_the_genre_of_held_out_tracks"

    with pytest.raises(AssertionError, match=r"The accuracy is 0\.1; expected at least 0\.\d+\."):
        expect_reached(check, 0.1, "The accuracy")
    expect_reached(check, 1.0, "The accuracy")


@pytest.mark.parametrize("experiment", experiments.EXPERIMENTS, ids=lambda one: one.check)
def test_a_row_is_what_the_reference_reaches_now(
    experiment: Experiment, warm_server: WarmServer, tmp_path: Path
) -> None:
    [check] = (check for check in load_rubric(COURSE) if check.id == experiment.check)
    stage_reference(COURSE, tmp_path)
    run = calibration.Run(experiment, "reference", correct=True, seed=0, place=tmp_path)

    value = calibration.measured(COURSE, run, check, warm_server.controls[0])

    stale = "run graders calibrate after such a change"
    stored = ROWS[experiment.check].correct["reference"][0]
    if experiment.better == "low":
        # Rounding, which is not the same on every machine, grows in a loss that is close to 0.
        assert value is not None, stale
        assert stored / 2 < value < stored * 2, stale
    else:
        assert value == pytest.approx(stored, rel=0.02), stale


def test_calibrate_measures_a_check_anew_and_keeps_what_others_demand(tmp_path: Path) -> None:
    out = tmp_path / "thresholds.json"
    check = experiments.EXPERIMENTS[0].check

    result = CliRunner().invoke(
        graders, ["calibrate", "--check", check, "--seeds", "2", "--jobs", "2", "--out", str(out)]
    )

    assert result.exit_code == 0, result.output
    row, *others = msgspec.json.decode(out.read_bytes(), type=list[Calibrated])
    assert (row.check, row.seeds) == (check, 2)
    assert others == [ROWS[one.check] for one in experiments.EXPERIMENTS[1:]]
    stored = ROWS[row.check]
    assert row.better == "low"
    told_apart = [values for name, values in row.mistakes.items() if name not in row.not_separated]
    wrong = [value for values in told_apart for value in values if value is not None]
    assert max(map(max, row.correct.values())) <= row.threshold < min(wrong)
    assert row.correct.keys() == stored.correct.keys()
    for value, reached in zip(row.correct["reference"], stored.correct["reference"], strict=False):
        assert reached / 2 < value < reached * 2
    assert "threshold" in result.output


def test_a_check_without_an_experiment_is_not_calibrated(tmp_path: Path) -> None:
    out = tmp_path / "thresholds.json"

    result = CliRunner().invoke(graders, ["calibrate", "--check", "step01.none", "--out", str(out)])

    assert result.exit_code == 2
    assert "step01.none: no experiment is about this check" in result.output
    assert experiments.EXPERIMENTS[-1].check in result.output
    assert not out.exists()


def test_the_threshold_lies_between_right_and_wrong() -> None:
    one = Experiment("step05.lstm_overfits_a_batch", lambda *_: 0.0, "low")
    runs = {("right", True): [0.1, 0.2], ("wrong", False): [0.9, 0.6], ("overlaps", False): [0.15, 0.95]}
    values: dict[calibration.Run, float | None] = {
        calibration.Run(one, name, correct, seed, Path()): value
        for (name, correct), some in runs.items()
        for seed, value in enumerate(some)
    }

    row = calibration.calibrated(one, 2, values)

    # 0.615 is what the luckiest twentieth of the wrong runs reach, and 0.2 the worst right one.
    assert row.threshold == pytest.approx(0.615 - 0.1 * (0.615 - 0.2), abs=1e-4)
    assert row.not_separated == ["overlaps"]
    assert row.false_fails == 0


def test_the_threshold_is_far_from_every_right_submission_however_near_the_wrong_ones_are() -> None:
    one = Experiment("step05.lstm_names_the_genre_of_held_out_tracks", lambda *_: 0.0, "high")
    runs = {("right", True): [0.6, 0.8], ("wrong", False): [0.1] * 29 + [0.59], ("lucky", False): [0.1, 0.4]}
    values: dict[calibration.Run, float | None] = {
        calibration.Run(one, name, correct, seed, Path()): value
        for (name, correct), some in runs.items()
        for seed, value in enumerate(some)
    }

    row = calibration.calibrated(one, 30, values)

    assert row.threshold == pytest.approx(0.7 - 4.6 * 0.1)
    assert row.not_separated == ["lucky"]


def test_a_fitted_tail_says_how_likely_the_next_run_misses() -> None:
    high = Experiment("step05.x", lambda *_: 0.0, "high")
    low = Experiment("step05.x", lambda *_: 0.0, "low")
    # Of two values, the next is beside their mean as Cauchy's distribution says.
    away = 0.3 / (0.1 * math.sqrt(2) * math.sqrt(1.5))
    assert calibration.tail_rate(high, [0.6, 0.8], 0.4) == pytest.approx(math.atan(1 / away) / math.pi)
    assert calibration.tail_rate(low, [math.exp(-0.6), math.exp(-0.8)], math.exp(-0.4)) == pytest.approx(
        math.atan(1 / away) / math.pi
    )
    assert calibration.tail_rate(high, [0.6, 0.8], 0.7) == pytest.approx(0.5)
    assert [calibration.tail_rate(high, [0.5, 0.5], wanted) for wanted in (0.5, 0.6)] == [0.0, 1.0]
    assert calibration.tail_rate(high, [0.5], 0.1) == 1.0


def test_a_metric_that_tells_no_mistake_apart_is_refused() -> None:
    one = Experiment("step05.lstm_overfits_a_batch", lambda *_: 0.0, "high")
    values: dict[calibration.Run, float | None] = {
        calibration.Run(one, "right", True, 0, Path()): 0.5,
        calibration.Run(one, "wrong", False, 0, Path()): 0.7,
    }

    with pytest.raises(ValueError, match="by their behaviour"):
        calibration.calibrated(one, 1, values)
