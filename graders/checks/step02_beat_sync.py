"""Checks of step 2: lengths in timesteps and in seconds, and features between beats."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from graders.authoring.check import check
from graders.authoring.examples import examples, st
from graders.authoring.expect import expect_array, expect_equal, expect_error, expect_number, expect_shape
from graders.checks.data.features import features, features_and_beats
from graders.checks.kit.protocol import Kit


def between_beats(
    feature: np.ndarray, beats: Sequence[int], aggregate: Callable[..., np.ndarray] = np.median
) -> np.ndarray:
    """Return `[F, T]` aggregated between the sorted beats, with 0 and T as outer boundaries: `[F, S]`."""
    boundaries = sorted({0, *beats, feature.shape[1]})
    return np.stack([aggregate(feature[:, start:end], axis=1) for start, end in pairwise(boundaries)], axis=1)


@check(points=0.5, hint="The columns of [F, T] are the timesteps: shape[1].")
@examples(feature=features(12))
def test_timesteps_counts_columns(lab: Any, feature: np.ndarray) -> None:
    """timesteps returns T for a feature [F, T]."""
    expect_number(
        lab.step02_beat_sync.timesteps(feature), feature.shape[1], f"timesteps(feature {list(feature.shape)})"
    )


@check(
    points=0.25,
    hint="30 s at 22050 Hz with a hop of 512 samples are 1293 columns.",
    needs=("test_timesteps_counts_columns",),
)
def test_timesteps_of_a_clip_of_30_seconds(lab: Any, rng: np.random.Generator) -> None:
    """timesteps returns 1293 for the spectrogram of a 30 s clip, and as many columns as another clip has."""
    for columns in (1293, *rng.integers(200, 2000, 2).tolist()):
        feature = np.zeros((128, columns), np.float32)
        expect_number(lab.step02_beat_sync.timesteps(feature), columns, f"timesteps(feature [128, {columns}])")


@check(points=0.25, hint="Each timestep lasts hop_length / sr seconds.")
def test_duration_of_a_clip(lab: Any, rng: np.random.Generator) -> None:
    """duration_seconds returns 30.02 s for 1293 timesteps: at 22050 Hz with a hop of 512, unless told otherwise."""
    for n in (1293, *rng.integers(1, 5000, 3).tolist()):
        expect_number(lab.step02_beat_sync.duration_seconds(n), n * 512 / 22050, f"duration_seconds({n})")


@check(points=0.5, hint="Use the arguments sr and hop_length, not the numbers 22050 and 512.")
@examples(n=st.integers(1, 5000), sr=st.sampled_from([8000, 16000, 44100]), hop=st.sampled_from([128, 441, 1024]))
def test_duration_follows_rate_and_hop(lab: Any, n: int, sr: int, hop: int) -> None:
    """duration_seconds uses the sampling rate and the hop that it is given."""
    call = f"duration_seconds({n}, sr={sr}, hop_length={hop})"
    expect_number(lab.step02_beat_sync.duration_seconds(n, sr=sr, hop_length=hop), n * hop / sr, call)
    call = f"duration_seconds({n}, {sr}, {hop})"
    expect_number(lab.step02_beat_sync.duration_seconds(n, sr, hop), n * hop / sr, call)


@check(
    points=0.25,
    hint="S beats strictly inside the track cut it into S + 1 segments: 0 and T are boundaries too.",
)
def test_beat_sync_keeps_both_ends(lab: Any, rng: np.random.Generator) -> None:
    """beat_sync returns a column for the part before the first beat and one for the part after the last."""
    for count in rng.permutation([1, 3, 6]).tolist():
        columns = int(rng.integers(20, 60))
        beats = sorted((1 + rng.choice(columns - 1, count, replace=False)).tolist())
        feature = rng.uniform(-80, 0, (128, columns)).astype(np.float32)
        call = f"beat_sync(feature [128, {columns}], {beats})"
        expect_shape(lab.step02_beat_sync.beat_sync(feature, beats), (128, count + 1), call)


@check(
    points=1.25,
    hint="Take the median over the columns of each segment, boundary s up to and without s + 1.",
    needs=("test_beat_sync_keeps_both_ends",),
)
@examples(example=features_and_beats())
def test_beat_sync_takes_the_median_of_each_segment(lab: Any, example: tuple[np.ndarray, list[int]]) -> None:
    """beat_sync returns the median over time of each segment between two boundaries."""
    feature, beats = example
    call = f"beat_sync(feature {list(feature.shape)}, {beats})"
    expect_array(lab.step02_beat_sync.beat_sync(feature, beats), between_beats(feature, beats), call)


@check(
    points=0.5,
    hint="np.unique sorts and drops duplicates; add 0 and T before calling it.",
    needs=("test_beat_sync_takes_the_median_of_each_segment",),
)
def test_beat_sync_accepts_unsorted_and_repeated_beats(lab: Any, rng: np.random.Generator) -> None:
    """beat_sync treats beats as a set: order and repetition do not matter, nor do beats at 0 or T."""
    feature = rng.uniform(-80, 0, (3, 20)).astype(np.float32)
    beats = np.array([15, 0, 5, 5, 20])
    expect_array(
        lab.step02_beat_sync.beat_sync(feature, beats),
        between_beats(feature, [5, 15]),
        "beat_sync(feature [3, 20], np.array([15, 0, 5, 5, 20]))",
    )


@check(
    points=0.25,
    hint="The boundaries are 0 and T also when there is no beat: there is one segment, the whole track.",
    needs=("test_beat_sync_takes_the_median_of_each_segment",),
)
def test_beat_sync_without_beats_is_one_segment(lab: Any, rng: np.random.Generator) -> None:
    """beat_sync returns one column where there are no beats, also for a single timestep."""
    for columns in (12, 1):
        feature = rng.uniform(-80, 0, (5, columns)).astype(np.float32)
        expected = between_beats(feature, [])
        for beats, words in (([], "[]"), (np.array([], np.int64), "np.array([], int)")):
            call = f"beat_sync(feature [5, {columns}], {words})"
            expect_array(lab.step02_beat_sync.beat_sync(feature, beats), expected, call)


@check(
    points=0.25,
    hint="beats.sort(), beats.append(T) and beats.insert(0, 0) change the caller's list: make a new one.",
    needs=("test_beat_sync_takes_the_median_of_each_segment",),
)
def test_beat_sync_leaves_its_arguments_alone(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """beat_sync leaves feature and beats as they are."""
    feature = rng.uniform(-80, 0, (3, 20)).astype(np.float32)
    for beats, words in (([15, 4, 9], "[15, 4, 9]"), (np.array([15, 4, 9]), "np.array([15, 4, 9])")):
        call = f"beat_sync(feature [3, 20], {words})"
        after = kit.arguments_after(lab.step02_beat_sync.beat_sync, feature, beats)
        expect_array(after[0], feature, f"the feature after {call}", tolerance=0)
        expect_equal(after[1], [15, 4, 9], f"the beats after {call}")


@check(
    points=0.75,
    hint="Call aggregate(block, axis=-1) instead of np.median.",
    needs=("test_beat_sync_keeps_both_ends",),
)
def test_beat_sync_uses_the_aggregate(lab: Any, rng: np.random.Generator) -> None:
    """beat_sync aggregates with the function that it is given."""
    feature = rng.uniform(-80, 0, (4, 30)).astype(np.float32)
    # In the middle of each segment, so that a column more or less at its ends changes neither: other checks see to it.
    feature[:, [3, 14, 25]], feature[:, [4, 15, 26]] = -90, rng.uniform(1, 9, (4, 3))
    for aggregate in (np.min, np.max):
        call = f"beat_sync(feature [4, 30], [7, 21], aggregate=np.{aggregate.__name__})"
        synced = lab.step02_beat_sync.beat_sync(feature, [7, 21], aggregate=aggregate)
        expect_array(synced, between_beats(feature, [7, 21], aggregate), call)


@check(
    points=0.25,
    hint="A beat after the last column belongs to another track: raise ValueError.",
    needs=("test_beat_sync_takes_the_median_of_each_segment",),
)
def test_beat_sync_refuses_beats_outside_the_track(lab: Any) -> None:
    """beat_sync raises ValueError for a beat below 0 or beyond T."""
    for beats in ([3, 11], [-1, 3]):
        with expect_error(ValueError, f"beat_sync(feature [2, 10], {beats})"):
            lab.step02_beat_sync.beat_sync(np.zeros((2, 10), np.float32), beats)


@check(
    points=0.25,
    hint="Beats in seconds are no frame indices: raise ValueError for numbers that are not whole.",
    needs=("test_beat_sync_takes_the_median_of_each_segment",),
)
def test_beat_sync_refuses_beats_in_seconds(lab: Any, rng: np.random.Generator) -> None:
    """beat_sync raises ValueError for beats that are not whole numbers, such as seconds."""
    beats = (0.25 + np.sort(rng.choice(9, 3, replace=False))).tolist()
    for given, words in ((beats, f"{beats}"), (np.array(beats), f"np.array({beats})")):
        with expect_error(ValueError, f"beat_sync(feature [2, 10], {words})"):
            lab.step02_beat_sync.beat_sync(np.zeros((2, 10), np.float32), given)


@check(
    points=0.25,
    hint="Raise ValueError unless the feature has two dimensions and at least one column.",
    needs=("test_beat_sync_takes_the_median_of_each_segment",),
)
def test_beat_sync_refuses_other_dimensions(lab: Any) -> None:
    """beat_sync raises ValueError for a feature that is not [F, T], or has no timesteps."""
    for shape, beats in (((10,), [5]), ((2, 10, 3), [5]), ((2, 0), []), ((2, 0), [0])):
        with expect_error(ValueError, f"beat_sync(feature {list(shape)}, {beats})"):
            lab.step02_beat_sync.beat_sync(np.zeros(shape, np.float32), beats)


@check(points=0.5, hint="Divide the timesteps of the first by those of the second, without rounding.")
@examples(full=features(4), synced=features(4))
def test_compression_ratio_is_a_quotient_of_lengths(lab: Any, full: np.ndarray, synced: np.ndarray) -> None:
    """compression_ratio returns T / S for features [F, T] and [F, S]."""
    call = f"compression_ratio(feature {list(full.shape)}, synced {list(synced.shape)})"
    expect_number(lab.step02_beat_sync.compression_ratio(full, synced), full.shape[1] / synced.shape[1], call)
