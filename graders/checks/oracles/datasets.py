"""Items of a data set of spectrograms: the right features, and readers of a student's items."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from graders.authoring.describe import AsItIs, describe_call
from graders.authoring.expect import (
    as_array,
    expect_array,
    expect_dtype,
    expect_length,
    expect_shape,
    expect_text,
    plain,
)

MAPPED = AsItIs("CLASS_MAPPING")  # how a shown call names the mapping of the course
FEATURE_ROWS = {"mel": slice(0, 128), "chroma": slice(128, 140), "fused": slice(0, 140)}


def merged(entries: Sequence[tuple[str, str]], mapping: Mapping[str, str | None]) -> list[tuple[str, str]]:
    """Return (name, merged genre) entries, without those whose genre is mapped to None."""
    genres = [(name, mapping[genre]) for name, genre in entries]
    return [(name, genre) for name, genre in genres if genre is not None]


def padded(fused: np.ndarray, rows: slice, length: int) -> np.ndarray:
    """Return the rows of `[140, T]`, time first, padded with zeros or cut to `[length, F]`."""
    result = np.zeros((length, fused[rows].shape[0]), np.float32)
    kept = fused[rows].T[:length]
    result[: len(kept)] = kept
    return result


def item(dataset: Any, index: int, call: str = "dataset[i]") -> tuple[Any, Any, Any]:
    """Return an item of a data set as (features, label, length), the latter two as plain data."""
    values, label, length = expect_length(dataset[index], 3, call)
    return values, plain(label, f"the label of {call}"), plain(length, f"the length of {call}")


def expect_track(dataset: Any, index: int, fused: np.ndarray, rows: slice, call: str) -> None:
    """Raise unless the features of an item begin with those of a track, time first; how far they are padded is free."""
    features = fused[rows].T
    array = as_array(item(dataset, index)[0], call)
    if array.ndim != 2 or len(array) < len(features):
        expect_shape(array, features.shape, call)
    expect_array(array[: len(features)], features, call)


def holds_track(dataset: Any, index: int, fused: np.ndarray, rows: slice) -> bool:
    """Return whether an item holds the features of a track, as `expect_track` demands."""
    try:
        expect_track(dataset, index, fused, rows, "dataset[i]")
    except AssertionError:
        return False
    return True


def expect_stacked(row: tuple[np.ndarray, Any, Any], items: Sequence[tuple[Any, ...]], call: str) -> None:
    """Raise unless the features, the label and the length at one place of a batch are those of one item.

    Args:
        row: what the batch has at that place.
        items: the (features, label, length) of the whole data set.
        call: the call that made the batch, as a student would write it.
    """
    features, label, length = row
    alike = [item for item in items if np.allclose(item[0], features)]
    if not alike:
        raise AssertionError(f"the data of a batch of {call} hold features that no item of the data set has.")
    if [label, length] not in [list(item[1:]) for item in alike]:
        _, *right = alike[0]
        raise AssertionError(
            f"a batch of {call} has label {label} and length {length} beside the features of the item that has "
            f"label {right[0]} and length {right[1]}; expected them together."
        )


def dataset_call(folder: str, **options: Any) -> str:
    """Return a call of SpectrogramDataset as a student would write it, with a few words for the folder."""
    return describe_call("SpectrogramDataset", (AsItIs(folder),), options)


def path_of(file: Any, call: str) -> Path:
    """Return a path, which may be text or an object of pathlib's."""
    text = file if isinstance(file, str) else expect_text(file.as_posix(), call)
    return Path(os.path.normpath(text))


def labels_of(dataset: Any) -> list[Any]:
    """Return the labels of all items as plain data."""
    return [item(dataset, index)[1] for index in range(len(dataset))]


def expect_int64(value: Any, call: str) -> np.ndarray:
    """Return an array or tensor, as an array, once it holds integers of 64 bits, as losses take classes."""
    array = expect_dtype(value, "i", call)
    if array.dtype.itemsize != np.dtype(np.int64).itemsize:
        raise AssertionError(f"{call} has dtype {array.dtype}; expected int64.")
    return array
