"""The sample submissions, graded as a class is: each gets the score that a teacher would give."""

from __future__ import annotations

from pathlib import Path

import pytest

import fixtures
from graders.grading.jobs import grade_all
from graders.grading.task import Finished, Graded, Task
from graders.judging.rubric import load_rubric
from graders.results.schema import CheckResult, Result
from graders.sandbox.client import WarmServer
from tests.support import COURSE, SEED

SUBMISSIONS = Path(fixtures.__file__).parent / "submissions"
SAMPLES = ("hostile", "complete", "half_finished", "five_mistakes", "notebook.ipynb")


@pytest.fixture(scope="module")
def results(warm_server: WarmServer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Result]:
    task = Task(COURSE, load_rubric(COURSE), SEED, tmp_path_factory.mktemp("grades"))
    events = list(grade_all([SUBMISSIONS / name for name in SAMPLES], task, warm_server))
    ended = {event.name: event.outcome for event in events if isinstance(event, Finished)}
    return {name: outcome.result for name, outcome in ended.items() if isinstance(outcome, Graded)}


def lost(result: Result) -> dict[str, CheckResult]:
    return {check.id: check for check in result.checks if check.outcome != "passed"}


def outcomes(result: Result, step: int) -> dict[str, str]:
    return {check.id: str(check.outcome) for check in result.checks if check.step == step}


def outcomes_of_begun_steps(result: Result) -> dict[str, str]:
    """Return the outcomes that are no pass of steps 1-4: these samples have not begun with the others."""
    assert {check.outcome for check in result.checks if check.step > 4} == {"not_implemented"}
    return {check_id: str(check.outcome) for check_id, check in lost(result).items() if check.step <= 4}


def points(result: Result) -> list[float]:
    return [sum(check.points for check in result.checks if check.step == step) for step in range(1, 11)]


def test_every_sample_is_graded_without_a_fault(results: dict[str, Result]) -> None:
    assert sorted(results) == ["complete", "five_mistakes", "half_finished", "hostile", "notebook"]
    assert all(check.outcome != "harness_fault" for result in results.values() for check in result.checks)
    assert {result.isolation.level for result in results.values()} == {"full"}


def test_other_ways_to_write_it_get_full_marks(results: dict[str, Result]) -> None:
    assert {check_id: check.message for check_id, check in lost(results["complete"]).items()} == {}
    assert results["complete"].score == results["complete"].max_score == 100


def test_a_half_finished_submission_gets_what_it_has(results: dict[str, Result]) -> None:
    result = results["half_finished"]
    assert points(result) == [6, 6, 1, *[0] * 7]
    assert lost(result)["step03.chromagram_refuses_other_rows"].outcome == "failed"
    unwritten = {check_id for check_id, check in lost(result).items() if check.outcome == "not_implemented"}
    assert unwritten == lost(result).keys() - {"step03.chromagram_refuses_other_rows"}


MISTAKES = {
    "step01.pick_two_genres_depends_on_the_seed_alone": ("same seeds", "seed"),
    "step02.beat_sync_uses_the_aggregate": ("aggregate=np.min", "instead of np.median"),
    "step04.train_and_test_labels_are_encoded_alike": ("item 0 is 0; expected 5", "never on the test split"),
    "step04.regression_labels_are_the_axis_asked_for": ("regression=1 (valence)", "1 is valence"),
    "step04.three_way_split_is_disjoint_and_complete": ("test_size=0.3", "test must not overlap validation"),
}
OF_A_THIRD_PART = (
    "step04.three_way_split_takes_its_fractions",
    "step04.loaders_without_shuffling_keep_the_order",
    "step04.split_takes_parts_without_items",
)


def test_five_mistakes_fail_five_checks(results: dict[str, Result]) -> None:
    expected = {**dict.fromkeys(MISTAKES, "failed"), **dict.fromkeys(OF_A_THIRD_PART, "blocked")}
    assert outcomes_of_begun_steps(results["five_mistakes"]) == expected
    assert results["five_mistakes"].score == 36.25


@pytest.mark.parametrize("check_id", MISTAKES)
def test_a_failure_says_what_was_wrong_and_what_helps(results: dict[str, Result], check_id: str) -> None:
    check = lost(results["five_mistakes"])[check_id]
    in_message, in_hint = MISTAKES[check_id]
    assert in_message in check.message
    assert in_hint in check.hint


def test_a_notebook_is_graded_on_its_definitions(results: dict[str, Result]) -> None:
    assert outcomes_of_begun_steps(results["notebook"]) == {
        # drawn outside of any function
        "step04.plot_class_histograms_draws_both": "not_implemented",
        "step04.plot_class_histograms_is_legible": "not_implemented",
        # no third part
        "step04.three_way_split_is_disjoint_and_complete": "student_error",
        **dict.fromkeys(OF_A_THIRD_PART, "blocked"),
        "step04.split_refuses_negative_fractions": "failed",
        "step04.split_refuses_to_leave_nothing_to_train_on": "failed",
    }
    assert results["notebook"].score == 37.75


@pytest.mark.parametrize(
    "skipped",
    [
        "%matplotlib inline",
        "!pip install",
        "cell 4 `%%bash`",
        "%%time",
        "beat_track?",
        "pair = pick_two_genres(labels, seed=42)",
        "and 15 more, in cells 8, 10, 13 and 17-18",
    ],
)
def test_a_notebook_is_told_what_was_skipped(results: dict[str, Result], skipped: str) -> None:
    assert [note for note in results["notebook"].notes if skipped in note], results["notebook"].notes


def answered(result: Result) -> dict[str, str]:
    return {one.id: one.answer for one in result.written if one.status == "to be marked"}


def test_the_complete_submission_answers_every_written_question(results: dict[str, Result]) -> None:
    result = results["complete"]
    assert {"1.1", "2.1", "2.2", "3.1"} <= {one.id for one in result.written} == answered(result).keys()
    assert all("Compare" not in answer and "##" not in answer for answer in answered(result).values())
    assert "διάμεσος" in answered(result)["2.2"]


def test_a_notebook_answers_in_its_markdown_cells(results: dict[str, Result]) -> None:
    assert answered(results["notebook"]).keys() == {"1.1", "2.1"}
    assert answered(results["notebook"])["1.1"].startswith("Στο Blues η ενέργεια")
    assert all("Βήμα" not in answer for answer in answered(results["notebook"]).values())


@pytest.mark.parametrize("name", ["half_finished", "five_mistakes", "hostile"])
def test_who_answers_nothing_is_told_so_for_every_question(results: dict[str, Result], name: str) -> None:
    assert [one.id for one in results[name].written] == [one.id for one in results["complete"].written]
    assert answered(results[name]) == {}


def test_a_hostile_submission_loses_what_it_broke(results: dict[str, Result]) -> None:
    result = results["hostile"]
    assert set(outcomes(result, 1).values()) == {"died", "blocked"}
    assert set(outcomes(result, 3).values()) == {"forbidden", "blocked"}
    assert {check_id: outcome for check_id, outcome in outcomes(result, 2).items() if outcome != "passed"} == {
        "step02.duration_of_a_clip": "student_error",
        "step02.duration_follows_rate_and_hop": "student_error",
        "step02.beat_sync_without_beats_is_one_segment": "student_error",
        "step02.beat_sync_refuses_beats_in_seconds": "failed",
        "step02.compression_ratio_is_a_quotient_of_lengths": "timed_out",
    }


def test_a_hostile_submission_keeps_what_it_did_honestly(results: dict[str, Result]) -> None:
    result = results["hostile"]
    assert points(result) == [0, 4.25, 0, 8.5, *[0] * 6]
    honest = (
        "merge_",
        "class_histogram",
        "padding_",
        "label_",
        "split_",
        "validation_",
        "three_way",
        "loaders_",
        "training_items",
        "batches_have",
    )
    passed = [check_id for check_id, outcome in outcomes(result, 4).items() if outcome == "passed"]
    assert all(check_id.removeprefix("step04.").startswith(honest) for check_id in passed)
    attacks = ("step04.plot_class_histograms_draws_both", "step04.read_spectrogram_is_time_first")
    assert {outcomes(result, 4)[check_id] for check_id in attacks} == {"forbidden"}


def test_a_hostile_submission_costs_no_more_than_its_hang(results: dict[str, Result]) -> None:
    slow = [check.id for check in results["hostile"].checks if check.seconds > 5]
    assert slow == ["step02.compression_ratio_is_a_quotient_of_lengths"]
