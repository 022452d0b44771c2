from typing import Any

import librosa
import numpy as np
import pytest

from solutions.step02_beat_sync import beat_sync, compression_ratio, duration_seconds, timesteps


def test_timesteps_are_columns() -> None:
    steps = timesteps(np.zeros((140, 1293)))

    assert steps == 1293
    assert type(steps) is int


def test_clip_of_the_course_lasts_thirty_seconds() -> None:
    assert duration_seconds(1293) == pytest.approx(30.02, abs=0.01)
    assert duration_seconds(100, sr=16000, hop_length=160) == pytest.approx(1.0)


def test_each_segment_becomes_its_median() -> None:
    feature = np.array([[0.0, 1.0, 5.0, 4.0, 6.0], [1.0, 1.0, 0.0, 2.0, 9.0]])

    assert np.array_equal(beat_sync(feature, [3]), [[1.0, 5.0], [1.0, 5.5]])


def test_aggregate_is_called_along_time() -> None:
    feature = np.arange(12.0).reshape(2, 6)

    assert np.array_equal(beat_sync(feature, [2, 4], aggregate=np.mean), [[0.5, 2.5, 4.5], [6.5, 8.5, 10.5]])


@pytest.mark.parametrize(
    "beats",
    [[0], [20], [0, 20], [5, 11, 17], [17, 5, 11, 5, 5], np.array([1, 19])],
    ids=str,
)
@pytest.mark.parametrize("aggregate", [np.median, np.mean, np.max])
def test_agrees_with_librosa(beats: Any, aggregate: Any) -> None:
    feature = np.random.default_rng(0).normal(size=(12, 20)).astype(np.float32)
    indices = np.asarray(beats, dtype=int)

    synced = beat_sync(feature, beats, aggregate=aggregate)

    expected = librosa.util.sync(feature, np.unique(indices).tolist(), aggregate=aggregate)
    assert synced.shape == expected.shape
    assert np.allclose(synced, expected)
    assert synced.dtype == np.float32


def test_without_beats_the_track_is_one_segment() -> None:
    assert np.array_equal(beat_sync(np.array([[1.0, 2.0, 6.0]]), []), [[2.0]])


@pytest.mark.parametrize("beats", [[-1, 3], [3, 21]])
def test_beats_outside_the_feature_are_refused(beats: list[int]) -> None:
    with pytest.raises(ValueError, match=r"0\.\.20"):
        beat_sync(np.zeros((12, 20)), beats)


def test_beats_in_seconds_are_refused() -> None:
    with pytest.raises(ValueError, match="frame indices"):
        beat_sync(np.zeros((12, 20)), np.array([0.5, 1.25]))


@pytest.mark.parametrize("shape", [(20,), (1, 12, 20), (12, 0)])
def test_feature_must_be_a_matrix_of_frames(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"\[F, T\]"):
        beat_sync(np.zeros(shape), [])


def test_compression_of_the_reports_blues_track() -> None:
    assert compression_ratio(np.zeros((140, 1293)), np.zeros((140, 62))) == pytest.approx(20.85, abs=0.01)
