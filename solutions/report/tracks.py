"""The two tracks that steps 1-3 look at."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from solutions.step01_spectrograms import pick_two_genres, read_labels

from .data import BEAT, GENRES, DataFault, read_track
from .published import PAIR


@dataclass(frozen=True)
class Track:
    """A track of the training split.

    Attributes:
        name: name of its file.
        genre: its genre.
        full: fused features [140, T] at full speed.
        beat: the same [140, S], one column for each beat.
    """

    name: str
    genre: str
    full: Float[np.ndarray, "140 T"]
    beat: Float[np.ndarray, "140 S"]

    @property
    def title(self) -> str:
        """Genre and number, as the title of a plot."""
        return f"{self.genre} (track {self.name.partition('.')[0]})"


def pair(data: Path) -> list[Track]:
    """Return the report's two tracks, or, where the data has not both, two of different genres.

    Args:
        data: a data folder that `check_folder` accepts.

    Raises:
        DataFault: there are not two genres, or a track is missing or cannot be used: one of them may be
            of a genre that the experiments drop, so that nothing else has read it.
    """
    index = data / GENRES / "train_labels.txt"
    labels = read_labels(index)
    try:
        chosen = list(PAIR) if set(PAIR) <= set(labels) else pick_two_genres(labels, seed=0)
    except ValueError as error:
        raise DataFault(f"{index} names tracks of one genre only; step 1 compares two, so add another.") from error
    return [
        Track(name, genre, *(read_track(data / f"{GENRES}{speed}" / "train" / name) for speed in ("", BEAT)))
        for name, genre in chosen
    ]
