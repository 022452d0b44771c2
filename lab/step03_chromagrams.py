"""Step 3: look at chromagrams, the energy of each of the twelve pitch classes over time."""

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh


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
    raise NotImplementedError("chromagram is yours to write: step 3")


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
    raise NotImplementedError("plot_chromagram is yours to write: step 3")
