"""What can be seen of a plot: the kit tells what is drawn and shows from what is drawn and does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest

from graders.checks import kit


@pytest.fixture
def ax() -> Iterator[Any]:
    plt.switch_backend("agg")
    yield plt.figure().subplots()
    plt.close("all")


VALUES = np.arange(12.0).reshape(3, 4)
SEEN: dict[str, Callable[[Any], Any]] = {
    "mesh": lambda ax: ax.pcolormesh(VALUES),
    "mesh that lets something through": lambda ax: ax.pcolormesh(VALUES, alpha=0.5),
    "image": lambda ax: ax.imshow(VALUES),
    "image of colours": lambda ax: ax.imshow(np.ones((2, 2, 3))),
    "line": lambda ax: ax.plot([1, 2])[0],
    "dots alone": lambda ax: ax.plot([1, 2], linestyle="", marker="o")[0],
    "bar": lambda ax: ax.bar([0], [1])[0],
    "bar of edges": lambda ax: ax.bar([0], [1], fill=False, edgecolor="black")[0],
    "text": lambda ax: ax.text(0, 0, "12"),
}
UNSEEN: dict[str, Callable[[Any], Any]] = {
    "hidden mesh": lambda ax: ax.pcolormesh(VALUES, visible=False),
    "transparent mesh": lambda ax: ax.pcolormesh(VALUES, alpha=0),
    "transparent image": lambda ax: ax.imshow(VALUES, alpha=np.zeros(VALUES.shape)),
    "image of transparent colours": lambda ax: ax.imshow(np.zeros((2, 2, 4))),
    "mesh of nothing": lambda ax: ax.pcolormesh(np.full((2, 2), np.nan)),
    "line of no width": lambda ax: ax.plot([1, 2], linewidth=0)[0],
    "line of no style": lambda ax: ax.plot([1, 2], linestyle="")[0],
    "dots of no size": lambda ax: ax.plot([1, 2], linestyle="", marker="o", markersize=0)[0],
    "transparent line": lambda ax: ax.plot([1, 2], color=(0, 0, 0, 0))[0],
    "bar without colours": lambda ax: ax.bar([0], [1], color="none")[0],
    "bar of edges of no width": lambda ax: ax.bar([0], [1], fill=False, edgecolor="black", linewidth=0)[0],
    "blank text": lambda ax: ax.text(0, 0, " "),
    "transparent text": lambda ax: ax.text(0, 0, "12", color="none"),
    "text of no size": lambda ax: ax.text(0, 0, "12", fontsize=0),
}
HIDDEN: dict[str, Callable[[Any], Any]] = {
    "hidden": lambda ax: ax.set_visible(False),
    "without a size": lambda ax: ax.set_position([0.5, 0.5, 0, 0]),
    "outside of the figure": lambda ax: ax.set_position([2, 2, 1, 1]),
}


@pytest.mark.parametrize("draw", [pytest.param(draw, id=name) for name, draw in SEEN.items()])
def test_what_shows_is_visible(ax: Any, draw: Callable[[Any], Any]) -> None:
    artist = draw(ax)
    assert kit.visible([artist]) == [artist]


@pytest.mark.parametrize("draw", [pytest.param(draw, id=name) for name, draw in UNSEEN.items()])
def test_what_does_not_show_is_not_visible(ax: Any, draw: Callable[[Any], Any]) -> None:
    assert kit.visible([draw(ax)]) == []


@pytest.mark.parametrize("hide", [pytest.param(hide, id=name) for name, hide in HIDDEN.items()])
def test_nothing_shows_on_axes_that_do_not(ax: Any, hide: Callable[[Any], Any]) -> None:
    artist = ax.pcolormesh(VALUES)
    ax.set(xlabel="Time (s)", title="Blues")
    assert (kit.visible([artist]), kit.label_of(ax.xaxis), kit.titles_of(ax)) == ([artist], "Time (s)", ["Blues"])
    hide(ax)
    assert (kit.visible([artist]), kit.label_of(ax.xaxis), kit.titles_of(ax)) == ([], "", [])


def test_labels_go_with_their_axes(ax: Any) -> None:
    ax.set(xlabel="Time (s)", ylabel="Frequency (Hz)")
    ax.yaxis.label.set_visible(False)
    assert (kit.label_of(ax.xaxis), kit.label_of(ax.yaxis)) == ("Time (s)", "")
    ax.set_axis_off()
    assert kit.label_of(ax.xaxis) == ""


def test_titles_are_read_from_the_left_to_the_right(ax: Any) -> None:
    assert kit.titles_of(ax) == []
    ax.set_title("right", loc="right")
    ax.set_title("left", loc="left")
    assert kit.titles_of(ax) == ["left", "right"]


def test_colours_that_show_are_counted(ax: Any) -> None:
    mesh = ax.pcolormesh(VALUES)
    assert kit.colours(mesh) == VALUES.size
    mesh.set_clim(100, 200)
    assert kit.colours(mesh) == 1
    mesh.set_alpha(0)
    assert kit.colours(mesh) == 0
