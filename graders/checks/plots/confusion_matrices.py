"""Reading the plot of a confusion matrix: the colours of the cells, in the order of the classes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from graders.authoring.expect import as_array, expect_array
from graders.checks.kit.protocol import Kit
from graders.checks.plots.heat_maps import HeatMap, heat_map, names_along, order_of

CLASSES = 4


def draw_matrix(rng: np.random.Generator) -> np.ndarray:
    """Return random counts, all different but for two zeros; no row and no column is empty, and one count is large."""
    counts = np.concatenate([[0, 0, 103], rng.choice(np.arange(1, 30), CLASSES**2 - 3, replace=False)])
    matrix = rng.permutation(counts).reshape(CLASSES, CLASSES)
    return matrix if matrix.any(axis=0).all() and matrix.any(axis=1).all() else draw_matrix(rng)


def drawn_by_class(
    kit: Kit, ax: Any, names: Sequence[str], call: str
) -> tuple[Callable[[np.ndarray], np.ndarray], HeatMap]:
    """Return a function that puts a drawn matrix into the order of classes, and the heat map."""
    drawn = heat_map(kit, ax, (CLASSES, CLASSES), call)
    rows = order_of(names, names_along(kit, ax.yaxis, drawn.ys, call))
    columns = order_of(names, names_along(kit, ax.xaxis, drawn.xs, call))
    return (lambda matrix: matrix[rows][:, columns]), drawn


def expect_matrix(shown: np.ndarray, matrix: np.ndarray, call: str, names: Sequence[str] = ()) -> None:
    """Raise unless the colours rise with the counts of the matrix, or with their fractions of a row or column."""
    parts = (matrix / matrix.sum(axis, keepdims=True) for axis in (0, 1))
    if not any(np.array_equal(ranks(shown), ranks(right)) for right in (matrix, *parts)):
        expect_array(shown, matrix, f"what {call} drew", names=[f"true class {name}" for name in names])


def ranks(matrix: np.ndarray) -> np.ndarray:
    """Return the rank of each value."""
    values = np.round(as_array(matrix, "what was drawn").astype(np.float64), 9)
    return np.unique(values, return_inverse=True)[1].reshape(values.shape)
