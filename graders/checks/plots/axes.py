"""Reading axes: the drawn data, the limits, the labels and their units."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from graders.authoring.describe import describe
from graders.authoring.differences import numbers_apart
from graders.authoring.expect import (
    as_array,
    expect_array,
    expect_error,
    expect_length,
    expect_number,
    expect_text,
    plain,
)
from graders.checks.kit.protocol import Kit
from graders.outcomes import WrongType

SECONDS_LABEL = re.compile(r"\b(s|secs?|seconds?|δευτ\w*|δλ)\b", re.IGNORECASE)
BEATS_LABEL = re.compile(r"beat|χτύπο|παλμ", re.IGNORECASE)
HERTZ_LABEL = re.compile(r"\bk?Hz\b", re.IGNORECASE)
PITCH_LABEL = re.compile(r"pitch|chroma|\bnotes?\b|τον|νότα|νότες|φθόγγ", re.IGNORECASE)

WIDTH_TOLERANCE = 1e-5  # of the width of a column
COLOURS = 8  # that a mesh of many values shows at least
BEYOND = 0.02  # of the way from the first to the last of what is drawn: the most by which a limit may cut it


def expect_drawn(ax: Any, feature: Any, kit: Kit, call: str) -> None:
    """Raise unless the axes hold one colour mesh that can be seen, which shows exactly the feature `[F, T]`."""
    mesh = seen_mesh(ax, kit, call)
    expect_array(as_array(mesh.get_array(), call).reshape(feature.shape), feature, f"what {call} drew")
    corners = corners_of(mesh, call)
    expect_in_view(ax, corners[..., 0], corners[..., 1], call)
    shown = plain(kit.colours(mesh), f"the colours of {call}")
    if shown < COLOURS:
        raise AssertionError(
            f"{call} drew {feature.size} different values in {shown} colours; expected colours that tell them apart."
        )


def seen_mesh(ax: Any, kit: Kit, call: str) -> Any:
    """Return the one colour mesh of axes, once it can be seen."""
    count, meshes = len(ax.collections), list(kit.visible(ax.collections))
    if count == 1 and not meshes:
        raise AssertionError(f"{call} drew a colour mesh that cannot be seen; expected it to show.")
    if len(meshes) != 1:
        raise AssertionError(f"{call} drew {len(meshes)} colour meshes; expected 1, from librosa.display.specshow.")
    return meshes[0]


def corners_of(mesh: Any, call: str) -> np.ndarray:
    """Return the coordinates of the corners of the cells of a mesh, `[rows + 1, columns + 1, 2]`."""
    corners = as_array(mesh.get_coordinates(), f"the corners of what {call} drew")
    if corners.ndim != 3 or corners.shape[2] != 2 or not corners.size or corners.dtype.kind not in "if":
        raise WrongType(f"{call} drew a mesh without corners.")
    return corners.astype(np.float64)


def expect_in_view(ax: Any, xs: np.ndarray, ys: np.ndarray, call: str) -> None:
    """Raise unless the coordinates of what is drawn lie within the limits of its axes."""
    hidden = out_of_view(ax, xs, ys, call)
    if hidden:
        raise AssertionError(f"{call} drew {hidden}; expected all of it within their limits.")


def out_of_view(ax: Any, xs: np.ndarray, ys: np.ndarray, call: str) -> str:
    """Say what of the coordinates of what is drawn lies beyond the limits of its axes; "" if nothing does."""
    for values, limits, name in ((xs, ax.get_xlim(), "x"), (ys, ax.get_ylim(), "y")):
        low, high = sorted(coordinates(expect_length(limits, 2, f"the limits of {call}"), call))
        first, last = values.min(), values.max()
        slack = BEYOND * (last - first)
        if not (low - slack <= first and last <= high + slack):
            place = f"at {first:.4g}" if first == last else f"from {first:.4g} to {last:.4g}"
            return f"{place} along {name}, where the axes show {low:.4g} to {high:.4g}"
    return ""


def expect_columns(ax: Any, width: float, unit: str, kit: Kit, call: str) -> None:
    """Raise unless the columns of the mesh of axes are `width` apart along x."""
    xs = corners_of(seen_mesh(ax, kit, call), call)[0, :, 0]
    between = float(xs[-1] - xs[0]) / max(1, len(xs) - 1)
    if not abs(between - width) <= WIDTH_TOLERANCE * width:
        got, wanted = numbers_apart(between, width)
        raise AssertionError(f"{call} draws columns that are {got} {unit} apart; expected {wanted}.")


def expect_returned(image: Any, ax: Any, feature: Any, kit: Kit, call: str) -> None:
    """Raise unless what a plot returned is what it drew on the axes, so that a colour bar can be made from it."""
    if not kit.is_a(image, "matplotlib.collections", "QuadMesh"):
        raise AssertionError(
            f"{call} returned {describe(image)}; expected what librosa.display.specshow returns, a QuadMesh."
        )
    expect_array(as_array(image.get_array(), call).reshape(feature.shape), feature, f"the data of what {call} returned")
    expect_drawn(ax, feature, kit, call)


def expect_no_other_figure(kit: Kit, before: Any, call: str) -> None:
    """Raise if there are more figures than before a plot."""
    after = plain(kit.open_figures(), "the number of figures")
    if after != before:
        raise AssertionError(f"{call} left {after} figures open, where there were {before}; expected it to draw on ax.")


def expect_title(ax: Any, title: str | None, kit: Kit, call: str) -> None:
    """Raise unless axes have this title, at the left, the centre or the right; None is any title, "" is none."""
    titles = [expect_text(text, f"the title of {call}") for text in kit.titles_of(ax)]
    if title == "":
        if titles:
            raise AssertionError(f"{call} has the title {titles[0]!r:.200}; expected none, since it is given none.")
        return
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
    """Raise unless a plot of a feature `[F, T]` counts its `T` beats with x_axis='beats', and is as with 'time' else.

    The plot with 'time' has been seen to show the data and its title; what else it lacks, other checks charge.
    """
    title = "Χτύποι"
    ax, call = kit.empty_axes(), f"{name}(feature, ax, title={title!r}, x_axis='beats')"
    image = plot(feature, ax, title=title, x_axis="beats")
    expect_columns(ax, 1, "on the x axis", kit, call)
    expect_end(ax.get_xlim(), feature.shape[1], 1, f"the x axis of {call}")
    expect_drawn(ax, feature, kit, call)
    expect_title(ax, title, kit, call)
    timed = kit.empty_axes()
    image_in_time = plot(feature, timed)
    if kit.label_of(timed.xaxis):
        expect_label(kit.label_of(ax.xaxis), BEATS_LABEL, f"the x label of {call}", "beats")
    _expect_same_rows(ax, timed, kit, call)
    if _is_mesh(kit, image_in_time) and not _is_mesh(kit, image):
        raise AssertionError(f"{call} returned {describe(image)}; expected what it drew, as with seconds.")


def _expect_same_rows(ax: Any, timed: Any, kit: Kit, call: str) -> None:
    """Raise unless a plot in beats has the y axis of the same plot in seconds."""
    if kit.label_of(timed.yaxis) and not kit.label_of(ax.yaxis):
        raise AssertionError(f"{call} has no y label; expected the same as with seconds.")
    rows, wanted = (corners_of(seen_mesh(one, kit, call), call)[:, 0, 1] for one in (ax, timed))
    if not np.allclose(rows, wanted):
        raise AssertionError(
            f"{call} draws its rows from {rows[0]:.4g} to {rows[-1]:.4g} along y; expected {wanted[0]:.4g} to "
            f"{wanted[-1]:.4g}, as with seconds."
        )
    ticks, right = (plain(kit.tick_labels(one.yaxis), call) for one in (ax, timed))
    if any(right) and set(right).isdisjoint(ticks):
        raise AssertionError(f"{call} has the y ticks {ticks[:5]}; expected {right[:5]}, as with seconds.")


def _is_mesh(kit: Kit, image: Any) -> bool:
    return kit.is_a(image, "matplotlib.collections", "QuadMesh") is True


def expect_no_other_x_axis(plot: Callable[..., Any], kit: Kit, feature: np.ndarray, name: str) -> None:
    """Raise unless a plot of a feature `[F, T]` refuses an x_axis that is neither 'time' nor 'beats'."""
    for word in ("bars", ""):
        ax = kit.empty_axes()
        with expect_error(ValueError, f"{name}(feature, ax, x_axis={word!r})"):
            plot(feature, ax, x_axis=word)


def coordinates(value: Any, call: str) -> np.ndarray:
    """Return numbers as an array of floats."""
    array = np.array(plain(value, call))
    if array.dtype.kind not in "if":
        raise WrongType(f"{call} has coordinates of dtype {array.dtype}; expected numbers.")
    return array.astype(np.float64)
