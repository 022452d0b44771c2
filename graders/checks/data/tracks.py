"""The fixtures' tracks, with which the judge trains a student's network and scores its answers.

The files are read here, without the student's loader, and labels of held-out tracks stay on the judge's side. Held-out
tracks are those that students are not given; in a checkout without them, those of the data set's test split.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np
from jaxtyping import Float32, Int64

from fixtures.held_out import read_held_out
from graders.checks.data.folders import MAPPING, TEN_GENRES
from graders.checks.data.places import DATA, HELD_OUT

MEL_BANDS = 128
_Moments: TypeAlias = tuple[Float32[np.ndarray, " 128"], Float32[np.ndarray, " 128"]]


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


class Rated(NamedTuple):
    """Tracks that listeners rated, standardised and of one length. The arrays are shared and read-only.

    Attributes:
        x: beat-synchronous mel features, time first; timesteps from a track's length on are 0.
        ratings: valence, energy and danceability of each, from 0 to 1.
        lengths: valid timesteps of each track, at most T.
    """

    x: Float32[np.ndarray, "N T 128"]
    ratings: Float32[np.ndarray, "N 3"]
    lengths: Int64[np.ndarray, " N"]


@functools.cache
def rated_tracks(*, timesteps: int) -> Rated:
    """Return the rated tracks of the beat-synchronous multitask data (120), in the order of the index.

    Each mel band is standardised with its mean and standard deviation over the valid timesteps of all of them.

    Args:
        timesteps: T, to which every track is cut or, with zeros at the end, padded.
    """
    rows, mels = _read_rated()
    ratings = np.array([[float(value) for value in values] for _, *values in rows], np.float32)
    return _rated(mels, ratings, timesteps)


@functools.cache
def held_out_rated_tracks(*, timesteps: int) -> Rated | None:
    """Return the held-out rated tracks (60), standardised as `rated_tracks`; None if the checkout has none."""
    if not HELD_OUT.is_file():
        return None
    held_out = read_held_out(HELD_OUT)
    return _rated(held_out.rated_beat, held_out.ratings, timesteps)


def _rated(mels: list[Float32[np.ndarray, "T 128"]], ratings: Float32[np.ndarray, "N 3"], timesteps: int) -> Rated:
    _, rated = _read_rated()
    x, lengths = _standardised(mels, _moments(np.concatenate(rated)), timesteps)
    ratings.setflags(write=False)
    return Rated(x, ratings, lengths)


@functools.cache
def _read_rated() -> tuple[list[list[str]], list[Float32[np.ndarray, "T 128"]]]:
    """Return the rows of the index of rated tracks, and the tracks."""
    folder = DATA / "multitask_dataset_beat"
    rows = [line.split(",") for line in (folder / "train_labels.txt").read_text(encoding="utf-8").splitlines()[1:]]
    mels = [_read_mel(folder / "train" / f"{name.partition('.')[0]}.fused.full.npy") for name, *_ in rows]
    return rows, mels


@functools.cache
def genre_tracks(train: bool, *, beat: bool = False, timesteps: int) -> Tracks:
    """Return the tracks of the ten merged genres, in the order of the index.

    Each mel band is standardised with its mean and standard deviation over the valid timesteps of the training split,
    whichever split is asked for.

    Args:
        train: the training split (44 tracks); otherwise held-out ones (58; those of the test split are 29).
        beat: the beat-synchronous copy (tracks of 5-17 timesteps, the report's two of 62 and 87); otherwise full
            speed (170-280, the report's two 1293).
        timesteps: T, to which every track is cut or, with zeros at the end, padded.
    """
    if not train and HELD_OUT.is_file():
        held_out = read_held_out(HELD_OUT)
        mels, genres = (held_out.beat if beat else held_out.full), held_out.genres
    else:
        entries = _read_index(beat, train)
        mels, genres = [_read_mel(file) for file, _ in entries], [genre for _, genre in entries]
    x, lengths = _standardised(mels, _statistics(beat), timesteps)
    labels = np.array([TEN_GENRES.index(genre) for genre in genres], np.int64)
    labels.setflags(write=False)
    return Tracks(x, labels, lengths)


def _standardised(
    mels: list[Float32[np.ndarray, "T 128"]], moments: _Moments, timesteps: int
) -> tuple[Float32[np.ndarray, "N T 128"], Int64[np.ndarray, " N"]]:
    """Return standardised tracks of one length, and their lengths; both arrays are read-only."""
    mean, deviation = moments
    x = np.zeros((len(mels), timesteps, MEL_BANDS), np.float32)
    lengths = np.array([min(len(mel), timesteps) for mel in mels], np.int64)
    for row, (mel, length) in enumerate(zip(mels, lengths, strict=True)):
        x[row, :length] = (mel[:length] - mean) / deviation
    for array in (x, lengths):
        array.setflags(write=False)
    return x, lengths


@functools.cache
def _statistics(beat: bool) -> _Moments:
    """Return mean and standard deviation of each mel band over all timesteps of the training tracks."""
    return _moments(np.concatenate([_read_mel(file) for file, _ in _read_index(beat, train=True)]))


def _moments(mel: Float32[np.ndarray, "T 128"]) -> _Moments:
    return mel.mean(axis=0), mel.std(axis=0) + np.float32(1e-6)


def _read_index(beat: bool, train: bool) -> list[tuple[Path, str]]:
    """Return the file and the merged genre of each track of a split; tracks of dropped genres are left out."""
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
