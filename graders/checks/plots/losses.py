"""Reading the plot of losses: the line of the training losses, and that of the validation losses."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from graders.checks.plots.curves import Curve

HISTORY = {
    "train_loss": [2.25, 1.75, 1.5, 1.125, 1.0],
    "val_loss": [2.375, 2.0, 1.875, 1.9375, 2.0625],
}


def history() -> dict[str, list[float]]:
    """Return a new history, as train returns it: the losses of each epoch."""
    return {name: list(losses) for name, losses in HISTORY.items()}


def curve_of(curves: Sequence[Curve], name: str, call: str) -> Curve:
    """Return the line that goes through the losses of one kind."""
    losses = HISTORY[name]
    for curve in curves:
        if curve.points.shape == (len(losses), 2) and np.allclose(curve.points[:, 1], losses):
            return curve
    raise AssertionError(f"{call} drew {len(curves)} lines, none of which goes through {name}: {losses}.")
