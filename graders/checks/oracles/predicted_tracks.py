"""PredictedTracks whose classes a scripted model predicts, and the right result of step 6's `predict` for them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from graders.authoring.describe import describe
from graders.authoring.expect import expect_equal, expect_length, plain
from graders.checks.doubles.models import MakeDouble
from graders.checks.doubles.scripted import Predicting
from graders.checks.kit.protocol import Kit
from graders.checks.oracles.networks.any_network import evaluating
from graders.outcomes import WrongType
from graders.words.spoken import marked

CLASSES = 5
TIMESTEPS = 3
JUST_ABOVE = 2e-4  # of logits between 1 and 2: float32 tells a thousandth of that, half precision no difference at all


class PredictedTracks(NamedTuple):
    """The class that a scripted model predicts for each track, and the true class, which is another."""

    codes: list[int]
    labels: list[int]

    def predicting(self, *, at_the_end: bool = False) -> Predicting:
        """Return a model that predicts them: its highest logit is just above that of a neighbour."""
        codes, count = np.array(self.codes), len(self.codes)
        highest = 1.1 + 0.37 * np.arange(count) % 0.8
        logits = highest[:, None] - 1 - np.abs(np.arange(CLASSES) - codes[:, None])
        logits[np.arange(count), np.where(codes > 0, codes - 1, 1)] = highest - JUST_ABOVE
        logits[np.arange(count), codes] = highest
        return Predicting(logits, at_the_end)

    def loader(self, kit: Kit, model: Predicting, batch_size: int) -> Any:
        """Return a loader of tracks for such a model, with the true classes."""
        x, lengths = model.tracks(TIMESTEPS, 2)
        return kit.training.loader(x, self.labels, lengths, batch_size)


def draw_tracks(rng: np.random.Generator, count: int) -> PredictedTracks:
    """Return random tracks of every class, if there are enough, in no order that sorting would give."""
    codes = rng.permutation(np.arange(count) % CLASSES)
    away = rng.integers(1, CLASSES, count)
    return PredictedTracks(codes.tolist(), ((codes + away) % CLASSES).tolist())


def call_of(wanted: PredictedTracks, batch_size: int, model: str = marked("model")) -> str:
    """Return the call of predict, as a student would write it."""
    return f"predict({model}, loader of {len(wanted.codes)} tracks in batches of {batch_size}, 'cpu')"


def sequence(value: Any, call: str) -> list[Any]:
    """Return one dimension of plain data as a list."""
    items = plain(value, call)
    if not isinstance(items, list):
        raise WrongType(f"{call} returned {describe(value)} in its pair; expected two arrays (y_pred, y_true).")
    return items


def predicted(lab: Any, model: Any, loader: Any, wanted: PredictedTracks, call: str) -> tuple[list[Any], list[Any]]:
    """Return (y_pred, y_true) as lists, whichever of the two comes first: one check is about that."""
    pair = expect_length(lab.step06_evaluation.predict(model, loader, "cpu"), 2, call)
    first, second = (sequence(value, call) for value in pair)
    right = sorted(zip(*wanted, strict=True))
    swapped = sorted(zip(second, first, strict=False)) == right != sorted(zip(first, second, strict=False))
    return (second, first) if swapped else (first, second)


def expect_predicted(lab: Any, model: Any, loader: Any, wanted: PredictedTracks, call: str) -> None:
    """Raise unless predict returns the right class and the label of each track, in order."""
    y_pred, y_true = predicted(lab, model, loader, wanted, call)
    expect_equal(y_pred, wanted.codes, f"y_pred of {call}")
    expect_equal(y_true, wanted.labels, f"y_true of {call}")


def expect_all_predicted(lab: Any, kit: Kit, double: MakeDouble, wanted: PredictedTracks, batch_size: int) -> None:
    """Raise unless predict is right for tracks in batches of a size."""
    model, call = wanted.predicting(), call_of(wanted, batch_size)
    expect_predicted(lab, evaluating(double(model)), wanted.loader(kit, model, batch_size), wanted, call)
