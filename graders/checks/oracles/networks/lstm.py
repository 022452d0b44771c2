"""LSTMs: the states that they return."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from graders.authoring.expect import as_array, expect_dtype, expect_shape

# Of a hidden state, which is between -1 and 1: dropout divides it by what is kept, and normalisation by its deviation.
BOUND = 5


def states(
    backbone: Any, x: torch.Tensor, lengths: Sequence[int], width: int, call: str = "backbone(x, lengths)"
) -> np.ndarray:
    """Return a backbone's states of tracks `[B, T, F]`, as an array `[B, width]`."""
    return expect_dtype(expect_shape(backbone(x, torch.tensor(lengths)), (len(x), width), call), "f", call)


def directions(lab: Any) -> tuple[bool, ...]:
    """Return for which values of `bidirectional` to judge; another check is about the width of two directions."""
    state = lab.step05_lstm.LSTMBackbone(4, 3, 1, True)(torch.zeros(2, 2, 4), torch.tensor([2, 1]))
    return (False, True) if as_array(state, "bidirectional backbone(x, lengths)").shape == (2, 6) else (False,)


def expect_bounded(backbone: Any, x: torch.Tensor, width: int) -> None:
    """Raise if states `[B, width]` of tracks `[B, T, F]` are too large for the hidden states of an LSTM."""
    largest = np.abs(states(backbone, x, [x.shape[1]] * len(x), width)).max()
    if not largest <= BOUND:
        raise AssertionError(
            f"The state of LSTMBackbone holds {largest:.3g}; expected the hidden state of an LSTM, which is between -1 "
            "and 1."
        )
