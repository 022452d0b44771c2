import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure

from solutions.step03_chromagrams import chromagram, plot_chromagram

mpl.use("Agg")


def test_chromagram_is_the_last_12_rows() -> None:
    fused = np.arange(140 * 3).reshape(140, 3)

    assert np.array_equal(chromagram(fused), fused[128:])


@pytest.mark.parametrize("shape", [(128, 3), (141, 3), (140,)])
def test_chromagram_needs_140_rows(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="140"):
        chromagram(np.zeros(shape))


def test_plot_draws_pitch_classes_over_seconds() -> None:
    chroma = np.random.default_rng(0).random((12, 44))
    ax = Figure().add_subplot()

    image = plot_chromagram(chroma, ax, title="Trip-Hop")

    assert isinstance(image, QuadMesh)
    assert np.allclose(np.asarray(image.get_array()).ravel(), chroma.ravel())
    assert (ax.get_title(), ax.get_xlabel(), ax.get_ylabel()) == ("Trip-Hop", "Time (s)", "Pitch class")
    assert ax.get_xlim()[1] == pytest.approx(44 * 512 / 22050, rel=0.05)
    assert ax.get_ylim()[1] == pytest.approx(12, abs=1)


def test_plot_counts_columns_when_they_are_beats() -> None:
    ax = Figure().add_subplot()

    plot_chromagram(np.zeros((12, 87)), ax, x_axis="beats")

    assert ax.get_xlabel() == "Beat"
    assert ax.get_xlim() == pytest.approx((0, 86), abs=1)


def test_plot_knows_two_time_axes() -> None:
    with pytest.raises(ValueError, match="beats"):
        plot_chromagram(np.zeros((12, 87)), Figure().add_subplot(), x_axis="bars")
