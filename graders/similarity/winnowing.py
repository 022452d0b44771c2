"""Fingerprints of passages: hashes of token sequences, of which winnowing keeps a few that two copies share.

Source: Schleimer, Wilkerson and Aiken, Winnowing: Local Algorithms for Document Fingerprinting, SIGMOD 2003.
"""

from __future__ import annotations

import zlib
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from graders.similarity.tokens import Passage

LENGTH = 16  # tokens that a hash covers: shorter agreement says nothing
WINDOW = 9  # hashes of which one is kept: agreement over LENGTH + WINDOW - 1 tokens is never missed
NEVER = np.uint64(2**64 - 1)

Hashes = NDArray[np.uint64]


class Fingerprint(NamedTuple):
    """A hash that was kept: its value, and the place of its first token in the passage."""

    value: int
    at: int


def hashes_of(passage: Passage) -> Hashes:
    """Return the hash of each sequence of `LENGTH` tokens in a passage."""
    if len(passage.tokens) < LENGTH:
        return np.empty(0, np.uint64)
    values = np.fromiter(map(_value, passage.tokens), np.uint64, len(passage.tokens))
    return _mixed(sliding_window_view(values, LENGTH) @ _weights())


def winnowed(hashes: Hashes, given: Hashes) -> list[Fingerprint]:
    """Return the fingerprints among the hashes of a passage, none of which is `given` (sorted)."""
    if not len(hashes):
        return []
    left = hashes.copy()
    if len(given):
        places = np.minimum(np.searchsorted(given, left), len(given) - 1)
        left[given[places] == left] = NEVER
    windows = sliding_window_view(left, min(WINDOW, len(left)))
    # The last of equal hashes, so that a passage which repeats itself keeps few.
    ends = windows.shape[1] - 1 - np.argmin(windows[:, ::-1], axis=1)
    chosen = np.unique(np.arange(len(windows)) + ends)
    return [Fingerprint(int(left[at]), int(at)) for at in chosen if left[at] != NEVER]


@lru_cache(maxsize=1 << 16)
def _value(token: str) -> int:
    return zlib.crc32(token.encode("utf-8", "replace")) | 1


@lru_cache(maxsize=1)
def _weights() -> Hashes:
    base, weights = 0x9E3779B97F4A7C15, [1]
    for _ in range(LENGTH - 1):
        weights.append(weights[-1] * base % 2**64)
    return np.array(weights[::-1], np.uint64)


def _mixed(values: Hashes) -> Hashes:
    """Spread values evenly, so that which hash is the least says nothing of the tokens."""
    mixed = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)), np.uint64)
