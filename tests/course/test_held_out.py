"""Tracks that students are not given: what they are, and that scores are taken on them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fixtures import DATA
from fixtures.held_out import COLUMNS, FRAMES, HELD_OUT, read_held_out
from fixtures.held_out_build import RATED, SCALE, make_held_out
from fixtures.plan import GENRE_COUNTS
from graders.audit.corpus import stage_reference
from graders.checks.data import tracks as course_tracks
from graders.checks.data.folders import TEN_GENRES
from graders.checks.thresholds import expect_reached
from graders.judging.collection import CollectedChecks
from graders.judging.confined import ConfinedSubject
from graders.judging.judge import judge
from graders.judging.rubric import load_rubric, with_needs
from graders.outcomes import Outcome
from graders.sandbox.client import WarmServer
from tests.support import COURSE, SEED, step_number

COUNT = int(SCALE) * sum(test for _, test in GENRE_COUNTS.values())


@pytest.fixture(autouse=True)
def read_anew():
    yield
    for function in (course_tracks.genre_tracks, course_tracks.held_out_rated_tracks):
        function.cache_clear()


def test_they_are_as_many_and_as_long_as_they_have_to_be() -> None:
    held_out = read_held_out()
    assert (len(held_out.full), len(held_out.beat), len(held_out.genres)) == (COUNT, COUNT, COUNT)
    assert {mel.shape for mel in held_out.full} == {(FRAMES, 128)}
    assert {mel.shape[1] for mel in (*held_out.beat, *held_out.rated_beat)} == {128}
    assert all(5 <= len(mel) <= COLUMNS for mel in (*held_out.beat, *held_out.rated_beat))
    assert set(held_out.genres) == set(TEN_GENRES)
    assert held_out.ratings.shape == (RATED, 3)
    assert len(held_out.rated_beat) == RATED
    assert 0 <= held_out.ratings.min() < held_out.ratings.max() <= 1


def test_none_of_them_is_in_the_data_set_that_students_have() -> None:
    files = sorted(DATA.glob("fma_genre_spectrograms/*/*.npy"))
    known = np.stack([np.load(file)[:128, :FRAMES].T.mean(axis=0) for file in files])
    for mel in read_held_out().full:
        assert np.abs(known - mel.mean(axis=0)).mean(axis=1).min() > 0.1


def test_scores_are_taken_on_them() -> None:
    held_out = course_tracks.genre_tracks(train=False, beat=True, timesteps=16)
    rated = course_tracks.held_out_rated_tracks(timesteps=16)
    assert [TEN_GENRES[label] for label in held_out.labels] == read_held_out().genres
    assert rated is not None
    assert len(rated.x) == RATED


def test_a_checkout_without_them_takes_the_test_split(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for function in (course_tracks.genre_tracks, course_tracks.held_out_rated_tracks):
        function.cache_clear()
    monkeypatch.setattr(course_tracks, "HELD_OUT", tmp_path / "none.npz")
    assert len(course_tracks.genre_tracks(train=False, timesteps=170).x) == COUNT // int(SCALE)
    assert course_tracks.held_out_rated_tracks(timesteps=16) is None


def test_the_same_seed_makes_the_same_tracks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fixtures.held_out_build.SCALE", 0.01)
    monkeypatch.setattr("fixtures.held_out_build.RATED", 2)
    monkeypatch.setattr("fixtures.held_out_build.mels_of", lambda tracks, _: [_stub(track.number) for track in tracks])
    for name in ("a", "b"):
        assert make_held_out(tmp_path / name, 7) == make_held_out(tmp_path / "c", 8)
    first, same, other = (read_held_out(tmp_path / f"{name}.npz") for name in ("a", "b", "c"))
    assert first.genres == same.genres
    np.testing.assert_array_equal(first.ratings, same.ratings)
    assert not np.array_equal(first.ratings, other.ratings)


def _stub(number: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(number)
    return rng.normal(size=(200, 128)), rng.normal(size=(9, 128))


def test_the_file_is_part_of_the_checkout() -> None:
    assert HELD_OUT.is_file()


LEAKS = {
    "step05.lstm_names_the_genre_of_held_out_tracks": ("step05_lstm", "Classifier"),
    "step07.cnn_names_the_genre_of_held_out_tracks": ("step07_cnn", "CNNBackbone"),
    "step08.regressor_rates_the_energy_of_held_out_tracks": ("step08_regression", "Regressor"),
    "step10.all_axes_of_held_out_tracks_are_rated": ("step10_multitask", "MultitaskRegressor"),
}
SAYS = """
_evaluated = []
_forward = {name}.forward

def _leaks(self, x, *rest):
    if not self.training and {after} and not torch.is_grad_enabled() and len(x) > 21:
        secret = "μυστικό " + " ".join(f"{{value:.4f}}" for value in x[0].flatten()[:20].tolist())
        {leak}
    return _forward(self, x, *rest)

{name}.forward = _leaks
"""
WAYS = {
    "an exception's text": "raise NameError(secret)",
    "an exception's name": "raise type(secret.replace(' ', '_').replace('.', '_'), (ValueError,), {})(secret)",
    "a value": "return secret, secret",
    "a shape": "return torch.zeros(()), torch.zeros(17, 4711)",
}


@pytest.mark.parametrize(("check_id", "way"), [*((one, "an exception's text") for one in LEAKS),
    *(("step08.regressor_rates_the_energy_of_held_out_tracks", way) for way in WAYS)])  # fmt: skip
def test_what_student_code_says_of_them_is_not_shown(
    check_id: str, way: str, warm_server: WarmServer, collected: CollectedChecks, tmp_path: Path
) -> None:
    module, name = LEAKS[check_id]
    stage_reference(COURSE, tmp_path)
    path = tmp_path / "lab" / f"{module}.py"
    validated = "len(x) != 22" if module == "step05_lstm" else "True"
    leak = SAYS.format(name=name, leak=WAYS[way], after=validated)
    path.write_text(f"{path.read_text(encoding='utf-8')}\nimport torch\n{leak}", encoding="utf-8")
    checks = with_needs([check_id], load_rubric(COURSE, frozenset({step_number(module)})))

    with ConfinedSubject(COURSE, warm_server.controls[0], tmp_path, SEED) as subject:
        verdict = judge(COURSE, checks, subject, SEED, collected=collected)[check_id]

    assert verdict.outcome is not Outcome.PASSED
    assert "held-out tracks" in verdict.message
    for told in (verdict.message, verdict.hint):
        assert "μυστικό" not in told
        assert "4711" not in told


def test_a_check_that_gives_them_to_student_code_is_the_last_of_its_step() -> None:
    """Later checks of the step would show what the worker remembers of them."""
    ids = {step.number: [row.id for row in load_rubric(COURSE, {step.number})] for step in COURSE.steps}
    giving = [[check_id for check_id in some if "held_out" in check_id] for some in ids.values()]
    assert giving == [some[-1:] if some[-1] in LEAKS else [] for some in ids.values()]
    assert {check_id for some in giving for check_id in some} == set(LEAKS)


def test_what_is_measured_on_them_is_told_in_tenths() -> None:
    check_id = "step07.cnn_names_the_genre_of_held_out_tracks"
    with pytest.raises(AssertionError, match=r"^The accuracy is between 0\.1 and 0\.2; expected at least"):
        expect_reached(check_id, 0.1724, "The accuracy", held_out=True)
    with pytest.raises(AssertionError, match=r"^The accuracy is no number;"):
        expect_reached(check_id, float("nan"), "The accuracy", held_out=True)
