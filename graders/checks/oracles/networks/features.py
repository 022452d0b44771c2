"""What a model makes of its backbone's features: nothing that these do not hold may reach its outputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from graders.authoring.expect import as_array, expect_array
from graders.checks.kit.protocol import Kit
from graders.checks.oracles.networks.any_network import noise

FEATURES = 4  # of a track
KEPT = 2  # features that the backbone makes of them: two directions are lost
ROUNDING = 1e-4


def weight_of(kit: Kit, backbone: Any) -> np.ndarray:
    """Return the weight of a `MeanOfImage` or `MeanOfFrames`."""
    return as_array(kit.training.weights(backbone)["linear.weight"], "the backbone's weights")


def expect_made_of_features(
    weight: np.ndarray,
    outputs: Callable[[torch.Tensor], np.ndarray],
    rng: np.random.Generator,
    call: str,
    *,
    in_order: bool = False,
) -> None:
    """Raise unless outputs are made of what a backbone of the kit returns, and of nothing else.

    The backbone is linear in the mean over time, and loses two directions of four: so outputs stay with their tracks
    when these come in another order, when timesteps do, and when tracks change in the directions that are lost.

    Args:
        weight: of the backbone, `[KEPT, FEATURES]`.
        outputs: what a model on this backbone, in evaluation mode, makes of tracks `[B, T, FEATURES]`.
        rng: draws the tracks.
        call: the model's call, as a student would write it.
        in_order: leave the tracks in their order, for outputs that draw random numbers for each place in a batch.
    """
    lost = np.linalg.svd(weight.astype(np.float64))[2][KEPT:]
    x = noise(rng, 5, 4, FEATURES)
    aside = torch.from_numpy((rng.standard_normal((5, 4, len(lost))) @ lost).astype(np.float32))
    before = outputs(x)
    what = f"the array of outputs of {call}, of other tracks for which the backbone returns the same,"
    if in_order:
        expect_array(outputs((x + aside).flip(1)), before, what, ROUNDING)
    else:
        expect_array(outputs((x + aside).flip(0, 1)), before[::-1], what, ROUNDING)
