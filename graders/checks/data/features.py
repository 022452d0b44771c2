"""Strategies for features of music."""

from __future__ import annotations

import numpy as np

from graders.authoring.examples import in_any_order, st


@st.composite
def features(draw: st.DrawFn, rows: int, min_columns: int = 1, max_columns: int = 40) -> np.ndarray:
    """Draw a feature array `[rows, T]` of float32 in the range of dB; memory order C, Fortran or strided."""
    columns = draw(st.integers(min_columns, max_columns))
    seed = draw(st.integers(0, 2**32 - 1))
    values = np.random.default_rng(seed).uniform(-80, 0, (rows, columns)).astype(np.float32)
    return draw(in_any_order(values))
