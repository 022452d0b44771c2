"""Scripted models: student code calls the kit's `ScriptedModel`, and the judge answers each call here.

A loop that trains or evaluates such a model learns its answers by calling it, and in no other way: losses and
predictions hold numbers drawn for this run. What a right loop then does with them is plain arithmetic.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from graders.checks.doubles.models import Call, ModelDouble, Said

START = 1.0  # weight of a scripted model before any training
MOMENTUM = 0.5  # of the descent on a script: who descends by hand, and not with the optimiser, has none
CLASSES = 4  # of a gauge


class Step(NamedTuple):
    """A call with gradients: of how many tracks, and the slope of the loss that was answered."""

    tracks: int
    slope: float


@dataclass
class Gauge(ModelDouble):
    """A model whose loss is `mean_i(weight * x[i, 0, 0] * by_label[label_i] * by_length[length_i])`.

    Outside of training mode the loss is `evaluated` times that. Its buffer holds the number of tracks that it has met
    in training mode, times `unit`.

    Attributes:
        by_label: a factor for each class.
        by_length: a factor for each length, from 0.
        evaluated: as above.
        unit: as above.
        seen: the tracks met in training mode.
        steps: the calls with gradients, in order.
    """

    by_label: np.ndarray
    by_length: np.ndarray
    evaluated: float
    unit: float
    seen: int = 0
    steps: list[Step] = field(default_factory=list)

    @classmethod
    def draw(cls, rng: np.random.Generator, longest: int = 3) -> Gauge:
        """Return a gauge with random factors; for values below 0.075 no gradient is above 1, where clipping begins."""
        return cls(rng.uniform(1, 4, CLASSES), rng.uniform(1, 3, longest + 1), rng.uniform(2, 4), rng.uniform(1, 2))

    def say(self, call: Call) -> Said:
        """Return the answer for a batch."""
        slope = self.slope(call.x[:, 0, 0], call.targets, call.lengths) * (1.0 if call.training else self.evaluated)
        state = None
        if call.training:
            self.seen += len(call.x)
            state = self.seen * self.unit
        if call.with_gradients:
            self.steps.append(Step(len(call.x), slope))
        return Said(slope, 0.0, np.zeros((len(call.x), CLASSES)), state)

    def slope(self, values: np.ndarray, labels: np.ndarray, lengths: np.ndarray) -> float:
        """Return the gradient of the loss of a batch in training mode."""
        return float((values * self.by_label[labels] * self.by_length[lengths]).mean())


@dataclass
class Scripted(ModelDouble):
    """A model whose validation losses are given, epoch by epoch, whatever it has learnt.

    Its batches say by their sign which they are. A training batch has the loss `-step * weight`, so that SGD with
    learning rate 1 adds the step, and `MOMENTUM` times what it added last, to the weight; the buffer holds the sum of
    all steps' squares.

    Attributes:
        losses: the validation loss after each epoch.
        batches: training batches of an epoch.
        steps: one for each training batch to come, more than enough.
        looked: the loss of a training track that is only looked at, after each epoch.
        taken: how many of them there were.
        training_modes: for each training batch, whether the model was in training mode.
        validation_modes: the same for each validation batch.
    """

    losses: Sequence[float]
    batches: int
    steps: np.ndarray
    looked: np.ndarray
    taken: int = 0
    training_modes: list[bool] = field(default_factory=list)
    validation_modes: list[bool] = field(default_factory=list)

    @classmethod
    def draw(cls, rng: np.random.Generator, losses: Sequence[float], batches: int) -> Scripted:
        """Return a script with random steps, and with the losses times a random factor."""
        factor = rng.uniform(0.6, 1.0)
        steps = rng.uniform(0.5, 0.95, 2 * batches * (len(losses) + 1))
        looked = rng.uniform(0.1, 0.9, len(losses) + 1)
        return cls([round(loss * factor, 3) for loss in losses], batches, steps, looked)

    def say(self, call: Call) -> Said:
        """Return the answer for a batch."""
        output = np.zeros((len(call.x), 2))
        if call.x[0, 0, 0] < 0:
            self.validation_modes.append(call.training)
            return Said(0.0, self.losses[self._epoch], output)
        if not call.with_gradients:  # a training track that is only looked at, as for an accuracy
            return Said(0.0, float(self.looked[self._epoch]), output)
        self.training_modes.append(call.training)
        if self.taken == len(self.steps):
            raise ValueError(f"more than {self.taken} training batches were asked for")
        step = self.steps[self.taken]
        self.taken += 1
        return Said(-step, 0.0, output, float(np.square(self.steps[: self.taken]).sum()))

    @property
    def _epoch(self) -> int:
        """The last epoch whose training batches came, from 0."""
        return min(max(0, self.taken // self.batches - 1), len(self.losses) - 1)

    def weight_after(self, epochs: int) -> float:
        """Return the weight after so many epochs of gradient descent with learning rate 1 and momentum."""
        return float(self._weights(epochs)[-1])

    def _weights(self, epochs: int) -> np.ndarray:
        """Return the weight before each step, and after the last."""
        velocities = [0.0]
        for step in self.steps[: epochs * self.batches]:
            velocities.append(MOMENTUM * velocities[-1] + step)
        return START + np.cumsum(velocities)

    def state_after(self, epochs: int) -> float:
        """Return what the buffer holds after so many epochs."""
        return float(np.square(self.steps[: epochs * self.batches]).sum())

    def training_losses(self, epochs: int) -> np.ndarray:
        """Return the mean training loss of each epoch."""
        steps = self.steps[: epochs * self.batches]
        losses: np.ndarray = (-steps * self._weights(epochs)[:-1]).reshape(epochs, self.batches).mean(axis=1)
        return losses


@dataclass
class Predicting(ModelDouble):
    """A model whose output for each track is a row of a table; its loss is 0.

    A track's row of the table stands in its first timestep, or in its last valid one. In training mode the
    output is the next row, and its buffer changes.

    Attributes:
        table: logits `[N, C]`, or ratings `[N]` or `[N, tasks]`.
        at_the_end: where the row stands.
        kept_graphs: for each call, whether gradients were to be computed.
    """

    table: np.ndarray
    at_the_end: bool
    kept_graphs: list[bool] = field(default_factory=list)

    def say(self, call: Call) -> Said:
        """Return the answer for a batch."""
        self.kept_graphs.append(call.with_gradients)
        places = call.lengths - 1 if self.at_the_end else np.zeros(len(call.x), np.int64)
        rows = call.x[np.arange(len(call.x)), places, 0].astype(np.int64)
        output = self.table[(rows + int(call.training)) % len(self.table)]
        return Said(0.0, 0.0, output, 1.0 if call.training else None)

    def tracks(self, timesteps: int, features: int) -> tuple[np.ndarray, list[int]]:
        """Return tracks `[N, timesteps, features]`, one for each row of the table, and their lengths."""
        count = len(self.table)
        lengths = 1 + np.arange(count) % timesteps if self.at_the_end else np.full(count, timesteps)
        places = np.arange(timesteps) - (lengths - 1)[:, None] if self.at_the_end else np.arange(timesteps)[None]
        x = np.zeros((count, timesteps, features), np.float32)
        x[:, :, 0] = (np.arange(count)[:, None] + places) % count
        return x, lengths.tolist()
