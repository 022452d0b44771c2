"""Step 3: look at chromagrams, the energy of each of the twelve pitch classes over time."""

import librosa.display
import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh

_N_MELS = 128
_N_CHROMA = 12
_TIME_AXES = {"time": ("s", "Time (s)"), "beats": ("frames", "Beat")}


def chromagram(fused: Float[np.ndarray, "140 T"]) -> Float[np.ndarray, "12 T"]:
    """Return the chromagram of a fused array: its rows 128-139, one for each pitch class from C to B.

    The fused array is left as it is.

    Raises:
        ValueError: `fused` is not [140, T].

    Example:
        >>> chromagram(np.zeros((140, 1293))).shape
        (12, 1293)

    Source: step 3.
    """
    rows = _N_MELS + _N_CHROMA
    if fused.ndim != 2 or len(fused) != rows:  # noqa: PLR2004 - rows and columns
        raise ValueError(f"chromagram's argument has shape {fused.shape}; expected ({rows}, T), one column a timestep.")
    return fused[_N_MELS:]


def plot_chromagram(
    chroma: Float[np.ndarray, "12 T"],
    ax: Axes,
    title: str = "",
    x_axis: str = "time",
    sr: int = 22050,
    hop_length: int = 512,
) -> QuadMesh:
    """Draw a chromagram with `librosa.display.specshow` and return what was drawn.

    The y axis is "chroma", labelled "Pitch class". The x axis is labelled "Time (s)" when `x_axis` is "time",
    and "Beat" when it is "beats": each column is then one beat, and x counts columns.

    Args:
        chroma: chromagram. It is left as it is.
        ax: where to draw. No other figure is opened.
        title: title of the plot; none where it is empty.
        x_axis: "time" or "beats".
        sr: sampling rate in Hz.
        hop_length: samples from one column to the next.

    Raises:
        ValueError: `x_axis` is neither "time" nor "beats".

    Example:
        >>> image = plot_chromagram(chromagram(fused), ax, title="Trip-Hop")
        >>> figure.colorbar(image, ax=ax)

    Source: step 3 (figures 3 and 4).
    """
    if x_axis not in _TIME_AXES:
        raise ValueError(f'plot_chromagram knows x_axis "time" and "beats", not {x_axis!r}.')
    unit, label = _TIME_AXES[x_axis]
    image = librosa.display.specshow(chroma, x_axis=unit, y_axis="chroma", sr=sr, hop_length=hop_length, ax=ax)
    ax.set(title=title, xlabel=label, ylabel="Pitch class")
    return image
