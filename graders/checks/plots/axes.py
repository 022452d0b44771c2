"""Reading axes: the drawn data, the limits, the labels and their units."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from graders.authoring.describe import describe
from graders.authoring.expect import as_array, expect_array, expect_error, expect_number, expect_text, plain
from graders.checks.kit.protocol import Kit
from graders.outcomes import WrongType

SECONDS = re.compile(r"\b(s|secs?|seconds?|δευτ\w*|δλ)\b", re.IGNORECASE)
BEATS = re.compile(r"beat|χτύπο|παλμ", re.IGNORECASE)
HERTZ = re.compile(r"\bk?Hz\b", re.IGNORECASE)
PITCH = re.compile(r"pitch|chroma|\bnotes?\b|τον|νότα|νότες|φθόγγ", re.IGNORECASE)


def expect_drawn(ax: Any, feature: Any, call: str) -> None:
    """Raise unless the axes hold one colour mesh, which shows exactly the feature `[F, T]`."""
    meshes = ax.collections
    if len(meshes) != 1:
        raise AssertionError(f"{call} drew {len(meshes)} colour meshes; expected 1, from librosa.display.specshow.")
    expect_array(as_array(meshes[0].get_array(), call).reshape(feature.shape), feature, f"what {call} drew")


def expect_returned(image: Any, ax: Any, feature: Any, kit: Kit, call: str) -> None:
    """Raise unless what a plot returned is what it drew on the axes, so that a colour bar can be made from it."""
    if not kit.is_a(image, "matplotlib.collections", "QuadMesh"):
        raise AssertionError(
            f"{call} returned {describe(image)}; expected what librosa.display.specshow returns, a QuadMesh."
        )
    expect_array(as_array(image.get_array(), call).reshape(feature.shape), feature, f"the data of what {call} returned")
    expect_drawn(ax, feature, call)


def expect_no_other_figure(kit: Kit, before: Any, call: str) -> None:
    """Raise if there are more figures than before a plot."""
    after = plain(kit.open_figures(), "the number of figures")
    if after != before:
        raise AssertionError(f"{call} left {after} figures open, where there were {before}; expected it to draw on ax.")


def expect_title(ax: Any, title: str | None, call: str) -> None:
    """Raise unless axes have this title, at the left, the centre or the right; None is any title."""
    titles = [text for place in ("left", "center", "right") if (text := expect_text(ax.get_title(loc=place), call))]
    if not titles:
        raise AssertionError(f"{call} has no title.")
    if title is not None and title not in titles:
        raise AssertionError(f"{call} has the title {titles[0]!r:.200}; expected {title!r}.")


def expect_label(text: Any, pattern: re.Pattern[str], call: str, wanted: str) -> None:
    """Raise unless the label of an axis names its unit."""
    label = expect_text(text, call)
    if not pattern.search(label):
        raise AssertionError(f"{call} is {label!r}; expected it to name {wanted}.")


def expect_end(limits: Any, end: float, slack: float, call: str) -> None:
    """Raise unless an axis ends at `end`, give or take `slack`, in the axis's unit."""
    pair = limits if isinstance(limits, tuple | list) else ()
    if len(pair) != 2:
        raise AssertionError(f"{call} has no limits.")
    expect_number(pair[1], end, f"the end of {call}", tolerance=slack / max(1.0, abs(end)))


def expect_beats(plot: Callable[..., Any], kit: Kit, feature: np.ndarray, name: str) -> None:
    """Raise unless a plot of a beat-synchronous feature `[F, T]` counts its `T` beats with x_axis='beats'."""
    ax = kit.empty_axes()
    plot(feature, ax, x_axis="beats")
    expect_label(ax.get_xlabel(), BEATS, f"the x label of {name}(x_axis='beats')", "beats")
    expect_end(ax.get_xlim(), feature.shape[1], 1, f"the x axis of {name}(x_axis='beats')")


def expect_no_other_x_axis(plot: Callable[..., Any], kit: Kit, feature: np.ndarray, name: str) -> None:
    """Raise unless a plot of a feature `[F, T]` refuses an x_axis that is neither 'time' nor 'beats'."""
    for word in ("bars", ""):
        ax = kit.empty_axes()
        with expect_error(ValueError, f"{name}(x_axis={word!r})"):
            plot(feature, ax, x_axis=word)


def coordinates(value: Any, call: str) -> np.ndarray:
    """Return numbers as an array of floats."""
    array = np.array(plain(value, call))
    if array.dtype.kind not in "if":
        raise WrongType(f"{call} has coordinates of dtype {array.dtype}; expected numbers.")
    return array.astype(np.float64)
