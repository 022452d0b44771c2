"""Training of a scripted model, whose validation losses are given, and its right end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from graders.authoring.describe import describe
from graders.authoring.expect import expect_equal, expect_number, plain
from graders.checks.doubles.models import MakeDouble
from graders.checks.doubles.scripted import MOMENTUM, Gauge, Scripted
from graders.checks.kit.protocol import Kit
from graders.outcomes import WrongType

ROUNDING = 1e-4
BATCHES = 2  # in each epoch of scripted training


class Trained(NamedTuple):
    """The training of a scripted model: the script, the history, the weights at the end, the call."""

    script: Scripted
    history: dict[str, Any]
    ended: dict[str, Any]
    call: str


def trained_on_script(
    lab: Any,
    kit: Kit,
    double: MakeDouble,
    rng: np.random.Generator,
    losses: Sequence[float],
    patience: int | None = None,
) -> Trained:
    """Train a model whose validation losses rise and fall as the given ones do; the patience may be the default."""
    script = Scripted.draw(rng, losses, BATCHES)
    model, epochs = double(script), len(losses)
    x = np.ones((2 * BATCHES, 2, 2), np.float32)
    train_loader, val_loader = (
        kit.training.loader(tracks, [0, 1] * BATCHES, [2] * 2 * BATCHES, 2) for tracks in (x, -x)
    )
    optimizer = kit.training.sgd(model, 1.0, MOMENTUM)
    options = {} if patience is None else {"patience": patience}
    history = lab.step05_lstm.train(model, train_loader, val_loader, optimizer, epochs, "cpu", **options)
    with_patience = "" if patience is None else f" with patience={patience}"
    call = f"train on validation losses {script.losses}{with_patience}"
    return Trained(script, history_of(history, call), kit.training.weights(model), call)


def history_of(value: Any, call: str) -> dict[str, Any]:
    """Return what train returned, once it is a dict with both losses, as plain data."""
    history = plain(value, call)
    if not isinstance(history, dict) or not {"train_loss", "val_loss"} <= history.keys():
        raise AssertionError(f"{call} returned {history!r:.80}; expected a dict with train_loss and val_loss.")
    return history


def expect_epochs(trained: Trained, epochs: int) -> None:
    """Raise unless training took so many epochs, by its history and by the batches that came to the judge."""
    expect_equal(len(trained.history["val_loss"]), epochs, f"the epochs of {trained.call}")
    expect_equal(trained.script.taken, epochs * BATCHES, f"the training batches of {trained.call}")


def expect_weight_of(trained: Trained, epoch: int) -> None:
    """Raise unless the model ended with the weight that it had after an epoch."""
    what = f"the model's weight after {trained.call}, which is to be that of epoch {epoch},"
    expect_number(trained.ended["weight"], trained.script.weight_after(epoch), what, ROUNDING)


def losses_of(value: Any, call: str) -> np.ndarray:
    """Return a list of losses, which are finite numbers, as an array of floats."""
    losses = plain(value, call)
    if not isinstance(losses, list):
        raise WrongType(f"{call} are {describe(value)}; expected a list of numbers.")
    for number, loss in enumerate(losses):
        expect_number(loss, loss, f"loss {number} of {call}")
    return np.asarray(losses, np.float64)


def expect_one_batch(gauge: Gauge, steps: int, call: str) -> float:
    """Return the slope of the loss of the one batch of four tracks on which all steps were taken; raise if not one."""
    expect_equal(len(gauge.steps), steps, f"the number of steps of {call}")
    tracks, slope = gauge.steps[0]
    expect_equal(tracks, 4, f"the number of tracks in the first step of {call}")
    for number, step in enumerate(gauge.steps[1:], start=2):
        if not np.isclose(step.slope, slope, rtol=ROUNDING):
            raise AssertionError(f"{call}: step {number} is on another batch than the first, or in another mode.")
    return slope
