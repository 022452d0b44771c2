"""Models that the judge holds: student code calls a stand-in, `graders.checks.kit.training.Held`, which asks here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np


class Call(NamedTuple):
    """One call of a held model.

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
    """What a held model answers: its loss is `slope * weight + offset`.

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


class Model(Protocol):
    """What the judge holds."""

    def answer(self, call: Call) -> Said:
        """Say what the model says; raises an exception, with a sentence for students, if the call makes no sense."""
        ...


class HeldModels:
    """The models that the judge holds for the checks in progress, each known to the other side by a number."""

    def __init__(self) -> None:
        self._models: list[Model] = []

    def hold(self, model: Model) -> int:
        """Take a model, and return its number."""
        self._models.append(model)
        return len(self._models) - 1

    def answer(self, question: Sequence[object]) -> list[object]:
        """Answer what a stand-in asks: the number of its model, and how it was called.

        Raises:
            ValueError: the question, which comes from student code, makes no sense; the text says why.
        """
        try:
            number, *called = question
            model = self._models[_whole(number)]
            return list(model.answer(_call(called)))
        except (TypeError, LookupError, RuntimeError, ArithmeticError, AttributeError) as error:
            raise ValueError(f"the model cannot be called like that: {error}") from error


def stand_in(held: HeldModels, kit: Any, model: Model) -> Any:
    """Return a stand-in, made by the kit on the submission's side, for a model that the judge holds from now on."""
    return kit.held_model(held.hold(model))


def _whole(number: object) -> int:
    if type(number) is not int or number < 0:
        raise ValueError("no such model")
    return number


def _call(called: list[Any]) -> Call:
    tracks, targets, lengths, training, with_gradients = called
    if not all(isinstance(part, np.ndarray) or type(part).__name__ == "Tensor" for part in (tracks, targets, lengths)):
        raise ValueError("the model got tracks, targets and lengths of other types; expected tensors")
    x, of, valid = (np.asarray(part) for part in (tracks, targets, lengths))
    if x.ndim != 3 or not x.size or x.dtype.kind != "f":  # noqa: PLR2004 - tracks, timesteps, features
        raise ValueError(f"the model got x {list(x.shape)} of {x.dtype}; expected float tracks [B, T, F]")
    if of.shape[:1] != x.shape[:1]:
        raise ValueError(f"the model got targets {list(of.shape)} for x {list(x.shape)}; expected one for each track")
    if valid.shape != x.shape[:1] or valid.dtype.kind != "i" or not 1 <= valid.min() <= valid.max() <= x.shape[1]:
        raise ValueError(f"the model got lengths {list(valid.shape)} of {valid.dtype}; expected [B] integers in 1..T")
    return Call(x, of, valid, bool(training), bool(with_gradients))
