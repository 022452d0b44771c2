"""Reading a heat map: the matrix that is drawn, where its cells lie, and the names along its axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from graders.authoring.expect import expect_shape, plain
from graders.checks.kit.protocol import Kit
from graders.checks.plots.axes import coordinates, expect_in_view

MESHES = ("QuadMesh", "PolyQuadMesh")
WITHIN = 0.45  # of the width of a cell, from its middle


class HeatMap(NamedTuple):
    """A drawn matrix.

    Attributes:
        values: the matrix, in the order of `ys` and `xs`.
        xs: coordinates of the middles of its columns, ascending.
        ys: the same of its rows.
        blurred: the largest difference between values that have one colour, as a fraction of their range.
    """

    values: np.ndarray
    xs: np.ndarray
    ys: np.ndarray
    blurred: float


def image_middles(image: Any, shape: tuple[int, int], call: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the middles of the columns and of the rows of an image."""
    rows, columns = shape
    left, right, bottom, top = coordinates(image.get_extent(), call)
    first, last = (top, bottom) if image.origin == "upper" else (bottom, top)
    xs = left + (np.arange(columns) + 0.5) * (right - left) / columns
    return xs, first + (np.arange(rows) + 0.5) * (last - first) / rows


def mesh_middles(mesh: Any, shape: tuple[int, int], call: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the middles of the columns and of the rows of a mesh."""
    rows, columns = shape
    corners = expect_shape(mesh.get_coordinates(), (rows + 1, columns + 1, 2), f"the corners of the cells of {call}")
    corners = coordinates(corners, call)
    xs, ys = corners[0, :, 0], corners[:, 0, 1]
    return (xs[1:] + xs[:-1]) / 2, (ys[1:] + ys[:-1]) / 2


def heat_map(kit: Kit, ax: Any, shape: tuple[int, int], call: str) -> HeatMap:
    """Return the one image or mesh of axes as a heat map."""
    images = list(kit.visible(ax.images))
    meshes = [
        one
        for one in kit.visible(ax.collections)
        if any(kit.is_a(one, "matplotlib.collections", kind) for kind in MESHES)
    ]
    if len(images) + len(meshes) != 1:
        raise AssertionError(f"{call} drew {len(images) + len(meshes)} images or colour meshes; expected one.")
    (drawn,) = (*images, *meshes)
    values = expect_shape(drawn.get_array(), shape, f"what {call} drew")
    middles = image_middles if images else mesh_middles
    xs, ys = middles(drawn, shape, call)
    expect_in_view(ax, xs, ys, call)
    across, upwards = np.argsort(xs), np.argsort(ys)
    colours = expect_shape(kit.cell_colours(drawn), (*shape, 4), f"the colours of what {call} drew")
    return HeatMap(values[upwards][:, across], xs[across], ys[upwards], blurred(values, colours))


def blurred(values: np.ndarray, colours: np.ndarray) -> float:
    """Return the largest difference between values `[R, C]` of one colour `[R, C, 4]`, as a fraction of their range."""
    numbers = np.asarray(values, np.float64).ravel()
    _, groups = np.unique(colours.reshape(-1, 4), axis=0, return_inverse=True)
    apart = max(float(np.ptp(numbers[groups.ravel() == group])) for group in range(groups.max() + 1))
    return apart / max(float(np.ptp(numbers)), np.finfo(np.float64).tiny)


def place(middles: np.ndarray, coordinate: float) -> int | None:
    """Return the number of the cell in which a coordinate lies, well away from its edges, or None."""
    width = middles[1] - middles[0]
    near = np.flatnonzero(np.abs(middles - coordinate) < WITHIN * width)
    return int(near[0]) if near.size else None


def names_along(kit: Kit, axis: Any, middles: np.ndarray, call: str) -> list[str]:
    """Return the text at the tick of each cell along an axis; it is empty where there is no tick."""
    texts = [""] * len(middles)
    ticks = coordinates(axis.get_majorticklocs(), call)
    for tick, text in zip(ticks, plain(kit.tick_labels(axis), call), strict=True):
        cell = place(middles, tick)
        if cell is not None:
            texts[cell] = text
    return texts


def order_of(names: Sequence[str], texts: list[str]) -> list[int]:
    """Return the place of each class along an axis: that of its name, or its number if the names are not there."""
    if sorted(texts) != sorted(names):
        return list(range(len(names)))
    return [texts.index(name) for name in names]
