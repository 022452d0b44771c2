"""Reading drawn images of one channel, and finding a channel in them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from graders.authoring.expect import as_array, plain

LIKENESS = 0.999  # correlation of what is drawn with what should be: whoever plots may scale and tile
ROUNDED_LIKENESS = 0.9  # the same where grey levels are whole numbers, none more than half a level from its place
HALF_A_LEVEL = 0.75  # and what is lost on a line that is fitted to levels, not to values
MAGNIFIED = 8  # times, at most, that a pixel is drawn as many
DRAWN_VALUES = 120_000
DRAWN_IMAGES = 400
COVERED = 0.5  # of the smaller of two images: more is one drawn over the other
READ_VALUES = 16 * DRAWN_VALUES


def images_of(shown: Any) -> list[np.ndarray]:
    """Return drawn values as unmagnified images of one channel, up to `DRAWN_VALUES` in all."""
    images, values_read, values_kept = [], 0, 0
    for values in shown:
        array = as_array(values, "what is drawn")
        values_read += max(math.prod(array.shape[:2]), array.size)
        if array.ndim not in {2, 3} or not array.size or array.dtype.kind not in "fiu" or values_read > READ_VALUES:
            continue
        channels = array if array.ndim == 2 else array[:, :, :3].mean(axis=2, dtype=np.float64)
        image = unmagnified(channels.astype(np.float64))
        values_kept += image.size
        if values_kept <= DRAWN_VALUES:
            images.append(image)
    return images


def unmagnified(image: np.ndarray) -> np.ndarray:
    """Return an image with one pixel for each square of equal pixels, if it is made of such squares."""
    for times in range(MAGNIFIED, 1, -1):
        pixels = image[::times, ::times]
        if np.array_equal(pixels.repeat(times, axis=0).repeat(times, axis=1), image, equal_nan=True):
            return pixels
    return image


def shows(images: Sequence[np.ndarray], right: np.ndarray) -> bool:
    """Return whether an image shows a channel `[H, W]`, alone or as one of several tiles, on any scale."""
    if np.ptp(right) == 0:
        return True
    centred = right.astype(np.float64) - right.mean(dtype=np.float64)
    wanted = centred / centred.std()
    for image in (*images, *(image[::-1] for image in images)):  # a mesh is drawn from the bottom up
        if image.shape[0] < right.shape[0] or image.shape[1] < right.shape[1]:
            continue
        windows = sliding_window_view(image, right.shape)
        spread = windows.std(axis=(2, 3))
        likeness = (windows * wanted).mean(axis=(2, 3)) / np.where(spread > 0, spread, np.inf)
        likeness[np.isnan(likeness)] = 0  # tiles may be kept apart by NaN
        best = np.unravel_index(likeness.argmax(), likeness.shape)
        if likeness[best] > LIKENESS or (likeness[best] > ROUNDED_LIKENESS and rounds(windows[best], wanted)):
            return True
    return False


def expect_apart(places: Any, call: str) -> None:
    """Raise if an image covers most of another one; each place is left, bottom, right and top."""
    rectangles = np.array(plain(places, f"the places of the images of {call}"), np.float64).reshape(-1, 4)
    if len(rectangles) > DRAWN_IMAGES:
        raise AssertionError(f"{call} drew {len(rectangles)} images; expected one for each channel or filter.")
    low, high = rectangles[:, :2], rectangles[:, 2:]
    common = np.minimum(high[:, None], high) - np.maximum(low[:, None], low)
    shared, areas = common.clip(min=0).prod(axis=2), (high - low).prod(axis=1)
    covered = shared > COVERED * np.minimum(areas[:, None], areas)
    np.fill_diagonal(covered, val=False)
    if covered.any():
        first, second = (int(number) for number in np.argwhere(covered)[0])
        raise AssertionError(f"{call} draws image {second} over image {first}; expected each in a place of its own.")


def rounds(window: np.ndarray, wanted: np.ndarray) -> bool:
    """Return whether a window holds whole numbers: a linear function of `wanted`, rounded or cut off."""
    exact = window.mean() + (window * wanted).mean() * wanted
    return np.array_equal(window, np.round(window)) and np.abs(window - exact).max() <= HALF_A_LEVEL
