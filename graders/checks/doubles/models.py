"""The test double of a model: its calls, which are checked, and its answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from graders.authoring.doubles import Double

MakeDouble: TypeAlias = Callable[[Double], Any]  # makes what stands for a double on the submission's side


class Call(NamedTuple):
    """One call of a scripted model.

    Attributes:
        x: tracks `[B, T, F]`, with at least one track, timestep and feature.
        targets: `[B]`, or `[B, tasks]`.
        lengths: valid timesteps `[B]`, from 1 to T.
        training: the model was in training mode.
        with_gradients: gradients were to be computed.
    """

    x: np.ndarray
    targets: np.ndarray
    lengths: np.ndarray
    training: bool
    with_gradients: bool


class Said(NamedTuple):
    """The answer of a scripted model, whose loss is `slope * weight + offset`.

    Attributes:
        slope: of the loss.
        offset: of the loss.
        output: logits or ratings of each track.
        state: what its buffer holds from now on; None leaves it.
    """

    slope: float
    offset: float
    output: np.ndarray
    state: float | None = None


class ModelDouble(ABC):
    """The test double of a model; only valid calls reach it."""

    @abstractmethod
    def say(self, call: Call) -> Said:
        """Return the answer to a call; raise an exception, with a sentence for students, if the call makes no sense."""

    def answer(self, called: list[Any]) -> list[object]:
        """Return the answer to a call as plain data.

        Raises:
            ValueError: tracks, targets or lengths are none; the text, a sentence for students, says why.
        """
        return list(self.say(_call(called)))


def _call(called: list[Any]) -> Call:
    tracks, targets, lengths, training, with_gradients = called
    if not all(isinstance(part, np.ndarray) or type(part).__name__ == "Tensor" for part in (tracks, targets, lengths)):
        raise ValueError("the model got tracks, targets and lengths of other types; expected tensors")
    x, of, valid = (np.asarray(part) for part in (tracks, targets, lengths))
    if x.ndim != 3 or not x.size or x.dtype.kind != "f":
        raise ValueError(f"the model got x {list(x.shape)} of {x.dtype}; expected float tracks [B, T, F]")
    if of.shape[:1] != x.shape[:1]:
        raise ValueError(f"the model got targets {list(of.shape)} for x {list(x.shape)}; expected one for each track")
    if valid.shape != x.shape[:1] or valid.dtype.kind != "i" or not 1 <= valid.min() <= valid.max() <= x.shape[1]:
        raise ValueError(f"the model got lengths {list(valid.shape)} of {valid.dtype}; expected [B] integers in 1..T")
    return Call(x, of, valid, bool(training), bool(with_gradients))
