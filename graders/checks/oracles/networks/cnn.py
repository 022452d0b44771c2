"""CNNs: the vectors that they return, and on what these depend."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

from graders.authoring.expect import as_array, expect_dtype, expect_shape, plain
from graders.checks.kit.protocol import Kit
from graders.checks.oracles.networks.any_network import evaluating, redrawn, sized
from graders.outcomes import WrongType

ROUNDING = 1e-4

MOVED = 1e-6
# Timesteps and features that leave room for pools of 3, or of 2, 2, 4 and 4, and for convolutions without padding.
TRACK = (144, 128)
FILTERS = (4, 4, 4, 4)
FEATURE_SIZE = 32
# Backbones with other weights on which to look for an effect: ReLU may happen to silence all filters of a layer.
NETWORKS_TRIED = 12


def sized_backbone_of(lab: Any, kit: Kit, **options: Any) -> Any:
    """Return a small new backbone for spectrograms of the size `TRACK`, whose parameters have their sizes."""
    backbone = lab.step07_cnn.CNNBackbone(TRACK, **{"filters": FILTERS, "feature_size": FEATURE_SIZE} | options)
    channels = options.get("in_channels", 1)
    return sized(kit, backbone, TRACK if channels == 1 else (channels, *TRACK))


def backbone_of(lab: Any, kit: Kit, rng: np.random.Generator, **options: Any) -> Any:
    """Return a small backbone for spectrograms of the size `TRACK`, with random weights of the judge's."""
    return redrawn(kit, sized_backbone_of(lab, kit, **options), rng, "CNNBackbone")


def vectors(backbone: Any, x: torch.Tensor, call: str = "backbone(x)") -> np.ndarray:
    """Return a backbone's vectors of spectrograms, as an array `[B, feature_size]`."""
    return expect_shape(expect_dtype(backbone(x), "f", call), (len(x), FEATURE_SIZE), call)


def responsive_backbone(make: Callable[[], Any], x: torch.Tensor) -> Any:
    """Return the first of some backbones that gives different tracks different vectors."""
    for _ in range(NETWORKS_TRIED):
        backbone = make()
        answers = as_array(backbone(x), "backbone(x)")
        if np.ptp(answers, axis=0).any():
            return backbone
    raise AssertionError("backbone(x) is the same for tracks that are unlike; expected it to depend on the track.")


def changed(before: np.ndarray, after: np.ndarray) -> bool:
    """Return whether two arrays differ by more than rounding."""
    return bool(np.abs(after - before).max() > MOVED * max(1.0, np.abs(before).max()))


def without_effect(fresh: Callable[[], Any], x: torch.Tensor, others: Mapping[str, torch.Tensor]) -> list[str]:
    """Return the names of the other inputs that change the vectors of no backbone, whatever its weights are."""
    names = list(others)
    for _ in range(NETWORKS_TRIED):
        backbone = evaluating(fresh())
        before = vectors(backbone, x)
        names = [name for name in names if not changed(before, vectors(backbone, others[name]))]
        if not names:
            break
    return names


def expect_network(kit: Kit, make: Callable[[], tuple[Any, np.ndarray]], x: torch.Tensor, call: str) -> None:
    """Raise unless one of some backbones does with tracks what no mean of theirs does, and no part.

    Its vectors differ from track to track, change when the values of a track change places, are not in proportion to
    the values, and have a gradient in at least one parameter.

    Args:
        kit: the kit.
        make: returns a new backbone, and its vectors `[B, feature_size]` of the tracks in training mode.
        x: tracks `[B, T, F]`.
        call: the call, as a student would write it.
    """
    rows = len(x)
    mixed = x.flatten(1)[:, torch.randperm(x[0].numel(), generator=torch.Generator().manual_seed(rows))].view_as(x)
    missing = "is the same for tracks that are unlike; expected it to depend on the track"
    for _ in range(NETWORKS_TRIED):
        backbone, fresh = make()
        if not np.ptp(fresh, axis=0).any():
            continue
        missing = "is the same when the values of a track change places; expected convolutions"
        together = evaluating(backbone)(torch.cat([x, mixed, -x, torch.zeros_like(x[:1])]))
        answers = expect_shape(
            together, (3 * rows + 1, fresh.shape[1]), f"backbone.eval()(x {[3 * rows + 1, *x.shape[1:]]})"
        )
        before, moved, negative, zero = np.split(answers.astype(np.float64), [rows, 2 * rows, 3 * rows])
        if not changed(before, moved):
            continue
        missing = "grows in proportion to the values of a track; expected ReLU and max pooling"
        scale = np.abs(before - negative).max()
        if not np.abs(before + negative - 2 * zero).max() > ROUNDING * scale:
            continue
        missing = "depends on none of its parameters; expected layers that learn"
        gradients = plain(kit.training.gradients(backbone, x), f"the gradients of {call}")
        if any(largest > 0 for largest in gradients.values()):
            return
    raise AssertionError(f"{call} {missing}.")


def numbers_of(kit: Kit, backbone: Any) -> dict[str, np.ndarray]:
    """Return copies of a backbone's floating point parameters and buffers, by name."""
    state = kit.training.weights(backbone)
    if not isinstance(state, dict):
        raise WrongType("The state_dict of CNNBackbone is no dict of tensors.")
    arrays = {name: as_array(value, f"{name} of CNNBackbone").copy() for name, value in state.items()}
    return {name: array for name, array in arrays.items() if array.dtype.kind == "f"}
