"""Small data folders in the course's layout and under its names, made for each check."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from graders.checks.data.features import decibels

ROWS = 140
GENRES = "fma_genre_spectrograms"
BEAT_GENRES = "fma_genre_spectrograms_beat"
RATINGS = "multitask_dataset"
TEN_GENRES = (
    "Blues",
    "Classical",
    "Electronic",
    "Folk",
    "Hip-Hop",
    "Jazz",
    "Metal",
    "Pop",
    "Rock",
    "Trip-Hop",
)
DROPPED_GENRES = ("Indie-Rock", "Post-Punk", "Soundtrack", "International", "Old-Time")
MAPPING = {
    **{genre: genre for genre in TEN_GENRES},
    **dict.fromkeys(DROPPED_GENRES),
    "Psych-Rock": "Rock",
    "Post-Rock": "Rock",
    "Psych-Folk": "Folk",
    "Punk": "Metal",
    "Chiptune": "Electronic",
}

SPELLINGS = (  # how the index of a folder's split may write the name of a track
    (GENRES, "train", "{}.fused.full.npy.gz"),
    (GENRES, "test", "{}.full.fused.npy"),
    (GENRES, "test", "{}.full.fused.npy.gz"),
    (BEAT_GENRES, "train", "{}.beatsync.fused.npy"),
    (BEAT_GENRES, "test", "{}.beatsync.fused.npy.gz"),
)


class Track(NamedTuple):
    """One track: its number as text, its genre, and its fused array `[140, T]`."""

    stem: str
    genre: str
    fused: np.ndarray

    @property
    def file_name(self) -> str:
        """The name of its file."""
        return f"{self.stem}.fused.full.npy"


def make_tracks(genres: Sequence[str], rng: np.random.Generator, lengths: Sequence[int] = ()) -> list[Track]:
    """Return a random track for each genre, of the given lengths or of 3 to 9 timesteps.

    Their names are in the order in which a folder is listed: whoever reads that instead of the index fails the checks
    that are about it, and no others.
    """
    stems = sorted(str(number) for number in rng.choice(np.arange(100, 99_999), len(genres), replace=False))
    columns = lengths or rng.integers(3, 10, len(genres)).tolist()
    return [
        Track(stem, genre, decibels(rng, ROWS, length))
        for stem, genre, length in zip(stems, genres, columns, strict=True)
    ]


def entries_of(genres: Sequence[str]) -> list[tuple[str, str]]:
    """Return numbered entries of genres, as read_labels returns them."""
    return [(f"{number}.fused.full.npy", genre) for number, genre in enumerate(genres)]


def write_genres(
    folder: Path, split: str, tracks: Sequence[Track], name: Callable[[str], str] = "{}.fused.full.npy".format
) -> Path:
    """Write a split (`train` or `test`) and its index, which calls a track `name(stem)`; return the index's path."""
    (folder / split).mkdir(parents=True, exist_ok=True)
    for track in tracks:
        np.save(folder / split / track.file_name, track.fused)
    return write_index(folder / f"{split}_labels.txt", [(name(track.stem), track.genre) for track in tracks])


def write_index(path: Path, entries: Sequence[tuple[str, str]]) -> Path:
    """Write an index of genres; return its path."""
    lines = ["Id\tGenre", *[f"{name}\t{genre}" for name, genre in entries]]
    return write_lines(path, lines)


def write_lines(path: Path, lines: Sequence[str], end: str = "\n") -> Path:
    """Write the lines of an index, each with its end, into a folder that is made; return the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("".join(line + end for line in lines).encode())
    return path


def write_multitask(
    folder: Path, tracks: Sequence[Track], axes: np.ndarray, name: Callable[[str], str] = "{}".format
) -> Path:
    """Write the training split of a multitask folder, with `axes` `[N, 3]`: valence, energy, danceability.

    Its index calls a track `name(stem)`.
    """
    (folder / "train").mkdir(parents=True)
    lines = ["Id,valence,energy,danceability"]
    for track, row in zip(tracks, axes, strict=True):
        np.save(folder / "train" / track.file_name, track.fused)
        lines.append(",".join([name(track.stem), *[f"{value:.6f}" for value in row]]))
    write_lines(folder / "train_labels.txt", lines)
    return folder
