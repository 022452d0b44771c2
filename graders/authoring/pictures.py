"""Arrays that came beside those that were expected, made small enough for a page to show."""

from __future__ import annotations

import numpy as np

from graders.outcomes import Panel, Picture

MOST_ROWS, MOST_COLUMNS, MOST_POINTS = 64, 96, 128
LEAST_SIDE, LEAST_CELLS, LEAST_POINTS = 3, 9, 5  # of what is worth looking at
READABLE = 10  # rows and columns of a matrix whose numbers can be read in it
LEVELS = 254
DIGITS = 6
CURVE, MATRIX = 1, 2  # axes


def picture_of(title: str, came: np.ndarray, wanted: np.ndarray) -> Picture | None:
    """Return a picture of a matrix or of a curve, beside the expected one.

    Args:
        title: what it shows.
        came: what student code returned, `[rows, columns]` or `[points]`, of any size.
        wanted: what is right, with as many axes.

    Returns:
        The picture, or None where there is nothing to look at: other axes, a few values, no numbers.
    """
    both = came, wanted
    if came.ndim != wanted.ndim or not all(one.dtype.kind in "fiub" and _is_worth_it(one) for one in both):
        return None
    shown = [_thinned(one).astype(np.float64) for one in both]
    # Colours are those of the expected matrix, so that one that is far from it looks so; curves have to fit in whole.
    scaled = np.concatenate(shown) if came.ndim == CURVE else shown[-1]
    finite = scaled[np.isfinite(scaled)]
    if not finite.size:
        return None
    low, high = float(finite.min()), float(finite.max())
    if came.ndim == CURVE:
        return Picture(title, low, high, curves=[_numbers(one) for one in shown])
    return Picture(title, low, high, _panel(shown[0], low, high), _panel(shown[1], low, high))


def _is_worth_it(array: np.ndarray) -> bool:
    if array.ndim == CURVE:
        return len(array) >= LEAST_POINTS
    return array.ndim == MATRIX and min(array.shape) >= LEAST_SIDE and array.size >= LEAST_CELLS


def _thinned(array: np.ndarray) -> np.ndarray:
    """Return as many rows, columns or points as a page shows, from all over the array."""
    most = (MOST_POINTS,) if array.ndim == CURVE else (MOST_ROWS, MOST_COLUMNS)
    for axis, (length, limit) in enumerate(zip(array.shape, most, strict=True)):
        if length > limit:
            kept = np.linspace(0, length - 1, limit).round().astype(int)
            array = array[(slice(None),) * axis + (kept,)]  # `take` would copy all of a broadcast array first
    return array


def _panel(array: np.ndarray, low: float, high: float) -> Panel:
    known = np.isfinite(array)
    with np.errstate(invalid="ignore", over="ignore"):
        share = np.clip((np.where(known, array, low) / 2 - low / 2) / ((high / 2 - low / 2) or 1.0), 0.0, 1.0)
    cells = np.where(known, 1 + np.round(share * LEVELS), 0).astype(np.uint8)
    rows, columns = array.shape
    return Panel(rows, columns, cells.tobytes(), _numbers(array) if max(array.shape) <= READABLE else [])


def _numbers(array: np.ndarray) -> list[float | None]:
    return [float(f"{value:.{DIGITS}g}") if np.isfinite(value) else None for value in array.ravel().tolist()]
