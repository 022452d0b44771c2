"""Losses and weights of a right training loop on a `graders.checks.doubles.scripted.Gauge`, by arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch.nn import functional

from graders.checks.doubles.scripted import CLASSES, START, Gauge
from graders.checks.kit.protocol import Kit


@dataclass(frozen=True)
class Batches:
    """Tracks `[N, 3, 2]` whose first value is what a gauge reads, in batches of `size`; the last may be smaller.

    Attributes:
        gauge: the gauge.
        values: one for each track, `[N]`.
        labels: classes, `[N]`.
        lengths: valid timesteps, 1 to 3, `[N]`.
        size: batch size.
    """

    gauge: Gauge
    values: np.ndarray
    labels: np.ndarray
    lengths: np.ndarray
    size: int

    def loader(self, kit: Kit) -> Any:
        """Return the kit's loader of these batches, in their order."""
        x = np.zeros((len(self.values), 3, 2), np.float32)
        x[:, 0, 0] = self.values
        return kit.training.loader(x, self.labels, self.lengths, self.size)

    @property
    def slopes(self) -> list[float]:
        """The gradient of the gauge's loss for each batch."""
        parts = (slice(i, i + self.size) for i in range(0, len(self.values), self.size))
        return [self.gauge.slope(self.values[part], self.labels[part], self.lengths[part]) for part in parts]

    @property
    def sizes(self) -> list[int]:
        """The number of tracks in each batch."""
        return [len(self.values[i : i + self.size]) for i in range(0, len(self.values), self.size)]

    def descent(self, rate: float, weight: float = START, momentum: float = 0.0) -> tuple[list[float], float]:
        """Return the loss before each step of gradient descent, one step for each batch, and the weight at the end."""
        losses, velocity = [], 0.0
        for slope in self.slopes:
            losses.append(weight * slope)
            velocity = momentum * velocity + slope
            weight -= rate * velocity
        return losses, weight

    def evaluated(self, weight: float = START) -> float:
        """Return the mean loss over the tracks in evaluation mode."""
        return mean_over_items([self.gauge.evaluated * weight * slope for slope in self.slopes], self.sizes)


def either(value: Any, *right: float) -> float:
    """Return the number nearest to a value, of several that are right; the first, if the value is no number."""
    try:
        return min(right, key=lambda one: abs(float(value) - one))
    except (TypeError, ValueError, RuntimeError):
        return right[0]


def one_less(mean: float, *counts: int) -> list[tuple[float, str]]:
    """Return what comes of a sum that is divided by one less than the number of its terms, with a hint."""
    return [
        (mean * count / (count - 1), "A mean divides the sum by the number of its terms, not by one less than that.")
        for count in counts
    ]


def batches(gauge: Gauge, rng: np.random.Generator, tracks: int, size: int, times: float = 1.0) -> Batches:
    """Return random batches, of values (or so many `times` them) with no gradient above 1, where clipping begins."""
    values = (times * rng.uniform(0.025, 0.075, tracks)).astype(np.float32)
    return Batches(gauge, values, rng.integers(0, CLASSES, tracks), rng.integers(1, 4, tracks), size)


def mean_over_items(losses: Sequence[float], sizes: Sequence[int]) -> float:
    """Return the mean over items of the mean losses of batches."""
    return float(np.average(losses, weights=sizes))


def cross_entropy(logits: ArrayLike, labels: ArrayLike) -> float:
    """Return the mean cross-entropy of logits `[B, C]`, in float64."""
    scores = torch.from_numpy(np.asarray(logits, np.float64))
    return functional.cross_entropy(scores, torch.from_numpy(np.asarray(labels, np.int64))).item()
