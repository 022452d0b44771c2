"""What must not stand around a regressor's linear layer: an activation after it, batch normalisation before it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from graders.authoring.expect import as_array
from graders.checks.kit.protocol import Kit
from graders.checks.oracles.networks.any_network import noise
from graders.checks.oracles.networks.regressors import CALL, FEATURES, MakeRegressor, answer, lively

LINES = 8  # from track to track, along which ratings are looked at where they are 0
FARTHEST = 16.0  # along a line
LONGEST_STEP = 0.05
ASIDE = 0.02  # of a rating of 0
BEND = 0.1  # of a slope, at least, where an activation follows
STAYS = 0.7  # of a bend that is no smooth one, in a quarter of the step


def expect_no_bend_at_zero(kit: Kit, make: MakeRegressor, tasks: int | None, rng: np.random.Generator) -> None:
    """Raise if ratings bend where they are 0, on whichever line from track to track: an activation follows the output.

    Activations before the output layer may bend them too, and nearly always elsewhere.
    """
    _, regressor = lively(kit, make, (12, tasks) if tasks else (12,), rng)
    start, way = noise(rng, LINES, 1, FEATURES), noise(rng, LINES, 1, FEATURES)

    def ratings(places: np.ndarray) -> np.ndarray:
        x = start + torch.from_numpy(places.astype(np.float32))[:, None, None] * way
        rated = answer(regressor, x, np.zeros((LINES, tasks) if tasks else LINES), [1] * LINES, CALL)[1]
        values: np.ndarray = rated.reshape(LINES, -1).astype(np.float64)
        return values

    for task in range(tasks or 1):
        bent = _bends_at_zero(lambda places, task=task: ratings(places)[:, task])  # type: ignore[misc]
        if len(bent) > LINES // 4 and bent.all():
            raise AssertionError(
                f"The ratings of {CALL} change at another rate below 0 than above, on each of {len(bent)} lines from "
                "track to track; expected nothing after the linear layer, no leaky ReLU either."
            )


def _bends_at_zero(ratings: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Return, for each line on which ratings change their sign, whether their slope changes there."""
    ends = np.repeat([[-FARTHEST], [FARTHEST]], LINES, axis=1)
    values = np.stack([ratings(places) for places in ends])
    crossing = np.prod(np.sign(values), axis=0) < 0
    for _ in range(30):
        middle = ends.mean(axis=0)
        side = (np.sign(ratings(middle)) == np.sign(values[1])).astype(int)
        ends[side, np.arange(LINES)] = middle
    zero = ends.mean(axis=0)
    slope = np.abs(ratings(zero + LONGEST_STEP) - ratings(zero - LONGEST_STEP)) / (2 * LONGEST_STEP)
    step = np.minimum(ASIDE / np.maximum(slope, 1e-9), LONGEST_STEP)
    wide, narrow = (_change_of_slope(ratings, zero, part) for part in (step, step / 4))
    bent = (wide > BEND) & (narrow > STAYS * wide)  # a bend that is smooth shrinks with the step
    on_each: np.ndarray = bent[crossing & (slope > 0)]
    return on_each


def _change_of_slope(ratings: Callable[[np.ndarray], np.ndarray], zero: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Return by which part of itself the slope changes from below to above a place on each line."""
    below, low, high, above = (ratings(zero + steps * step) for steps in (-2, -1, 1, 2))
    slopes = np.stack([low - below, above - high])
    change: np.ndarray = np.abs(slopes[1] - slopes[0]) / np.maximum(np.abs(slopes).max(axis=0), 1e-12)
    return change


def expect_no_statistics(kit: Kit, make: MakeRegressor, shape: tuple[int, ...], rng: np.random.Generator) -> None:
    """Raise if a call in training mode changes what a regressor holds: statistics of batch normalisation."""
    _, regressor = lively(kit, make, shape, rng)
    regressor.train()
    before = _held(kit, regressor)
    answer(regressor, noise(rng, shape[0], 3, FEATURES) + 2, np.zeros(shape), [3] * shape[0], CALL)
    changed = [name for name, value in _held(kit, regressor).items() if not np.array_equal(value, before[name])]
    if changed:
        raise AssertionError(
            f"In training mode {CALL} changes {', '.join(changed[:3])} of the regressor, though its backbone has no "
            "statistics; expected no batch normalisation between the backbone and the linear layer."
        )


def _held(kit: Kit, module: Any) -> dict[str, np.ndarray]:
    return {str(name): as_array(value, str(name)).copy() for name, value in kit.training.weights(module).items()}
