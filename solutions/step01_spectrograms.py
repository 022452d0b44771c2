"""Step 1: read the index and the files of the data set, and look at mel spectrograms.

A "fused" file holds one track as an array [140, T]: rows 0-127 are the mel spectrogram in dB, rows 128-139
the chromagram, and each of the T columns is one timestep.
"""

import os
from collections.abc import Sequence
from pathlib import Path

import librosa.display
import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh

_N_MELS = 128
_N_CHROMA = 12
_TIME_AXES = {"time": ("s", "Time (s)"), "beats": ("frames", "Beat")}


def read_labels(index_path: str | os.PathLike[str]) -> list[tuple[str, str]]:
    """Read an index of genres as (file name, genre) entries, in the order of the index.

    The index is UTF-8 text: a header, then one `name<TAB>genre` a line; blank lines are ignored. Names and genres
    may contain blanks; lines may end as on Windows, and the last one may have no end. The names returned are
    those that the files have on disk, which the index files of the data set miss in three ways:

    - a name may end in `.gz`, while the file does not;
    - a name may say `full.fused`, while the file says `fused.full`;
    - a name may say `beatsync.fused`, while the file says `fused.full`.

    Args:
        index_path: the index, for example `fma_genre_spectrograms/train_labels.txt`.

    Raises:
        FileNotFoundError: there is no such index.
        ValueError: a line is not a name and a genre with a tab between them; the message names the file and
            the number of the line, counting the header as line 1.

    Example:
        >>> read_labels("fma_genre_spectrograms/train_labels.txt")[0]
        ('1042.fused.full.npy', 'Blues')

    Source: step 1, question a; step 4 for the names.
    """
    entries = []
    lines = Path(index_path).read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines[1:], start=2):
        if not line.strip():
            continue
        fields = line.strip().split("\t")
        if len(fields) != 2:  # noqa: PLR2004 - a name and a genre
            raise ValueError(f"{index_path}, line {number}: {line!r} is not name<TAB>genre; put one tab between them.")
        name, genre = fields
        entries.append((_name_on_disk(name.strip()), genre.strip()))
    return entries


def _name_on_disk(name: str) -> str:
    """Undo the three ways in which an index may spell a name."""
    name = name.removesuffix(".gz")
    for spelling in ("beatsync.fused", "full.fused"):
        name = name.replace(spelling, "fused.full")
    return name


def pick_two_genres(labels: Sequence[tuple[str, str]], seed: int) -> list[tuple[str, str]]:
    """Draw two entries of different genres at random; the same seed draws the same two.

    Args:
        labels: (file name, genre) entries, as `read_labels` returns them. They are left as they are.
        seed: seed of the random draw. NumPy's global generator is left alone: it is neither seeded nor used.

    Raises:
        ValueError: the entries have fewer than two genres.

    Example:
        >>> pick_two_genres([("1042.fused.full.npy", "Blues"), ("69588.fused.full.npy", "Trip-Hop")], seed=0)
        [('1042.fused.full.npy', 'Blues'), ('69588.fused.full.npy', 'Trip-Hop')]

    Source: step 1, question a.
    """
    genres = {genre for _, genre in labels}
    if len(genres) < 2:  # noqa: PLR2004 - the two of the function's name
        raise ValueError(f"pick_two_genres needs entries of at least two genres, found {sorted(genres)}.")
    order = np.random.default_rng(seed).permutation(len(labels))
    first = labels[order[0]]
    second = next(labels[i] for i in order if labels[i][1] != first[1])
    return [first, second]


def read_fused(path: str | os.PathLike[str]) -> Float[np.ndarray, "140 T"]:
    """Read a fused file: mel spectrogram (rows 0-127, in dB) above chromagram (rows 128-139).

    Pickled objects are refused: loading a pickle runs whatever code its author put there.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the array is not two-dimensional with 140 rows, or needs pickle.

    Example:
        >>> read_fused("fma_genre_spectrograms/train/1042.fused.full.npy").shape
        (140, 1293)

    Source: step 1, question b.
    """
    fused: np.ndarray = np.load(path, allow_pickle=False)
    _check_fused(fused, str(path))
    return fused


def mel_spectrogram(fused: Float[np.ndarray, "140 T"]) -> Float[np.ndarray, "128 T"]:
    """Return the mel spectrogram of a fused array, which is left as it is: its rows 0-127, in dB.

    Raises:
        ValueError: `fused` is not [140, T].

    Example:
        >>> mel_spectrogram(np.zeros((140, 1293))).shape
        (128, 1293)

    Source: step 1, question b.
    """
    _check_fused(fused, "mel_spectrogram's argument")
    return fused[:_N_MELS]


def _check_fused(fused: np.ndarray, name: str) -> None:
    rows = _N_MELS + _N_CHROMA
    if fused.ndim != 2 or len(fused) != rows:  # noqa: PLR2004 - rows and columns
        raise ValueError(f"{name} has shape {fused.shape}; expected ({rows}, T), one column a timestep.")


def plot_spectrogram(
    mel: Float[np.ndarray, "128 T"],
    ax: Axes,
    title: str = "",
    x_axis: str = "time",
    sr: int = 22050,
    hop_length: int = 512,
) -> QuadMesh:
    """Draw a mel spectrogram with `librosa.display.specshow` and return what was drawn.

    The y axis is "mel", labelled "Frequency (Hz)". The x axis is labelled "Time (s)" when `x_axis` is "time",
    and "Beat" when it is "beats": each column is then one beat, and x counts columns.

    Args:
        mel: mel spectrogram in dB. It is left as it is.
        ax: where to draw. No other figure is opened.
        title: title of the plot; none where it is empty.
        x_axis: "time" or "beats".
        sr: sampling rate in Hz.
        hop_length: samples from one column to the next.

    Raises:
        ValueError: `x_axis` is neither "time" nor "beats".

    Example:
        >>> image = plot_spectrogram(mel_spectrogram(fused), ax, title="Blues")
        >>> figure.colorbar(image, ax=ax, format="%+2.0f dB")

    Source: step 1, question c (figure 1); step 2, question b for beats (figure 2).
    """
    if x_axis not in _TIME_AXES:
        raise ValueError(f'plot_spectrogram knows x_axis "time" and "beats", not {x_axis!r}.')
    unit, label = _TIME_AXES[x_axis]
    image = librosa.display.specshow(mel, x_axis=unit, y_axis="mel", sr=sr, hop_length=hop_length, ax=ax)
    ax.set(title=title, xlabel=label, ylabel="Frequency (Hz)")
    return image
