"""The fixtures' genre tracks, as the judge needs them to train a student's network and to score its answers.

The files are read here, without the student's loader, and labels of held-out tracks stay on the judge's side.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Int64

from fixtures import DATA
from graders.checks.course_folders import MAPPING, TEN_GENRES

MEL_BANDS = 128


class Tracks(NamedTuple):
    """Tracks of one split, standardised and of one length. The arrays are shared and read-only: copy before changing.

    Attributes:
        x: mel features, time first; timesteps from a track's length on are 0.
        labels: classes 0-9, the ten merged genres in alphabetical order.
        lengths: valid timesteps of each track, at most T.
    """

    x: Float32[np.ndarray, "N T 128"]
    labels: Int64[np.ndarray, " N"]
    lengths: Int64[np.ndarray, " N"]


@functools.cache
def genre_tracks(train: bool, *, beat: bool = False, timesteps: int) -> Tracks:
    """Return the tracks of the ten merged genres, in the order of the index.

    Each mel band is standardised with its mean and standard deviation over the valid timesteps of the training split,
    whichever split is asked for.

    Args:
        train: the training split (44 tracks); otherwise the held-out one (29).
        beat: the beat-synchronous copy (tracks of 5-17 timesteps, the report's two of 62 and 87); otherwise full
            speed (170-280, the report's two 1293).
        timesteps: T, to which every track is cut or, with zeros at the end, padded.
    """
    mean, deviation = _statistics(beat)
    entries = _read_index(beat, train)
    x = np.zeros((len(entries), timesteps, MEL_BANDS), np.float32)
    lengths = np.zeros(len(entries), np.int64)
    for row, (file, _) in enumerate(entries):
        mel = _read_mel(file)[:timesteps]
        lengths[row] = len(mel)
        x[row, : len(mel)] = (mel - mean) / deviation
    labels = np.array([TEN_GENRES.index(genre) for _, genre in entries], np.int64)
    for array in (x, labels, lengths):
        array.setflags(write=False)
    return Tracks(x, labels, lengths)


@functools.cache
def _statistics(beat: bool) -> tuple[Float32[np.ndarray, " 128"], Float32[np.ndarray, " 128"]]:
    """Return mean and standard deviation of each mel band over all timesteps of the training tracks."""
    mel = np.concatenate([_read_mel(file) for file, _ in _read_index(beat, train=True)])
    return mel.mean(axis=0), mel.std(axis=0) + np.float32(1e-6)


def _read_index(beat: bool, train: bool) -> list[tuple[Path, str]]:
    """Return the file and the merged genre of each track of a split, without those of dropped genres."""
    folder = DATA / ("fma_genre_spectrograms_beat" if beat else "fma_genre_spectrograms")
    split = "train" if train else "test"
    lines = (folder / f"{split}_labels.txt").read_text(encoding="utf-8").splitlines()[1:]
    rows = [line.split("\t") for line in lines]
    return [
        # Whichever way the index spells a name, it begins with the track's number.
        (folder / split / f"{name.partition('.')[0]}.fused.full.npy", merged)
        for name, genre in rows
        if (merged := MAPPING[genre]) is not None
    ]


def _read_mel(file: Path) -> Float32[np.ndarray, "T 128"]:
    fused: Float32[np.ndarray, "140 T"] = np.load(file)
    return fused[:MEL_BANDS].T
