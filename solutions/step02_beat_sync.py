"""Step 2: how long the sequences are, and how beat synchrony shortens them."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
from jaxtyping import Int, Num


def timesteps(feature: Num[np.ndarray, "F T"]) -> int:
    """Return the number of timesteps T: the columns of a feature [F, T].

    Example:
        >>> timesteps(np.zeros((128, 1293)))
        1293

    Source: step 2, question a.
    """
    return int(feature.shape[1])


def duration_seconds(n: int, sr: int = 22050, hop_length: int = 512) -> float:
    """Return how many seconds n timesteps last: n * hop_length / sr.

    Args:
        n: number of timesteps.
        sr: sampling rate in Hz.
        hop_length: samples from one timestep to the next.

    Example:
        >>> round(duration_seconds(1293), 2)
        30.02

    Source: step 2, question a.
    """
    return n * hop_length / sr


def beat_sync(
    feature: Num[np.ndarray, "F T"],
    beats: Sequence[int] | Int[np.ndarray, " B"],
    aggregate: Callable[..., np.ndarray] = np.median,
) -> Num[np.ndarray, "F S"]:
    """Aggregate a feature between beats: one column for each segment from one boundary to the next.

    The boundaries are the beats, sorted and without duplicates, with 0 and T added. Segment s holds the
    columns from boundary s up to, and without, boundary s + 1. This is the convention of `librosa.util.sync`;
    here it is written out in NumPy. Feature and beats are left as they are.

    Args:
        feature: one column for each timestep, T >= 1.
        beats: frame indices in 0..T, in any order. Convert seconds with `librosa.time_to_frames`. Without any,
            the whole feature is one segment.
        aggregate: called as `aggregate(block, axis=-1)` on each segment [F, n]; returns [F].

    Raises:
        ValueError: `feature` is not [F, T] with T >= 1, or the beats are not whole numbers in 0..T.

    Example:
        >>> beat_sync(np.array([[0.0, 1.0, 5.0, 4.0, 6.0]]), [3])
        array([[1., 5.]])

    Source: step 2, question b; the beat-synchronous copies of the data set are made in this way.
    """
    if feature.ndim != 2 or feature.shape[1] == 0:  # noqa: PLR2004 - rows and columns
        raise ValueError(f"beat_sync's feature has shape {feature.shape}; expected [F, T] with T >= 1.")
    boundaries = _boundaries(beats, timesteps(feature))
    segments = [feature[:, start:stop] for start, stop in pairwise(boundaries)]
    return np.stack([aggregate(segment, axis=-1) for segment in segments], axis=-1)


def _boundaries(beats: Sequence[int] | Int[np.ndarray, " B"], end: int) -> Int[np.ndarray, " S+1"]:
    """Return 0, the beats and `end`, sorted and without duplicates."""
    frames = np.asarray(beats)
    if frames.size == 0:
        return np.array([0, end])
    if not np.issubdtype(frames.dtype, np.integer):
        raise ValueError(f"beat_sync's beats are {frames.dtype}; expected frame indices: use librosa.time_to_frames.")
    if frames.min() < 0 or frames.max() > end:
        raise ValueError(f"beat_sync's beats span {frames.min()}..{frames.max()}; expected frame indices in 0..{end}.")
    return np.unique(np.concatenate([[0], frames, [end]]))


def compression_ratio(feature: Num[np.ndarray, "F T"], synced: Num[np.ndarray, "F S"]) -> float:
    """Return how many times fewer timesteps the beat-synchronous feature has: T / S.

    Example:
        >>> round(compression_ratio(np.zeros((128, 1293)), np.zeros((128, 62))), 2)
        20.85

    Source: step 2, question b.
    """
    return timesteps(feature) / timesteps(synced)
