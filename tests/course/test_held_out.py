"""Tracks that students are not given: what they are, and that scores are taken on them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fixtures import DATA
from fixtures.held_out import COLUMNS, FRAMES, HELD_OUT, read_held_out
from fixtures.held_out_build import RATED, SCALE, make_held_out
from fixtures.plan import GENRE_COUNTS
from graders.checks.data import tracks as course_tracks
from graders.checks.data.folders import TEN_GENRES

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
