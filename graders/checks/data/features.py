"""Strategies for features of music."""

from __future__ import annotations

import numpy as np

from graders.authoring.examples import in_any_order, st


def decibels(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Return an array of float32 in dB, some below -80 and some above 0, as they are beside another reference."""
    return rng.uniform(-120, 20, shape).astype(np.float32)


@st.composite
def features(draw: st.DrawFn, rows: int, min_columns: int = 1, max_columns: int = 40) -> np.ndarray:
    """Draw a feature array `[rows, T]` of decibels; memory order C, Fortran or strided."""
    columns = draw(st.integers(min_columns, max_columns))
    seed = draw(st.integers(0, 2**32 - 1))
    return draw(in_any_order(decibels(np.random.default_rng(seed), rows, columns)))


@st.composite
def features_and_beats(draw: st.DrawFn) -> tuple[np.ndarray, list[int]]:
    """Draw a feature `[F, T]` and beats strictly inside 0..T, sorted."""
    feature = draw(features(draw(st.integers(1, 6)), min_columns=2))
    if draw(st.booleans()):
        feature = feature.astype(np.float64)
    return feature, sorted(draw(st.sets(st.integers(1, feature.shape[1] - 1), min_size=1, max_size=8)))
