"""Regressors of steps 8 and 10: their loss, their ratings, and the lengths that their backbones get."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike

from graders.authoring.expect import (
    as_array,
    expect_array,
    expect_as_before,
    expect_dtype,
    expect_length,
    expect_number,
)
from graders.checks.kit.protocol import Kit
from graders.checks.oracles import features
from graders.checks.oracles.networks import evaluating, noise

ROUNDING = 1e-4
MOVED = 1e-6
FEATURES = 4
FRESH = 12


def answer(
    regressor: Any, x: torch.Tensor, targets: ArrayLike, lengths: Sequence[int], call: str
) -> tuple[Any, np.ndarray]:
    """Return a regressor's loss, as it came, and its ratings, as an array of the shape of the targets.

    Ratings `[B, 1]` are as good as `[B]`.
    """
    wanted = np.asarray(targets, np.float32)
    pair = regressor(x, torch.from_numpy(wanted), torch.tensor(lengths))
    loss, ratings = expect_length(pair, 2, call)
    array = as_array(ratings, f"the ratings of {call}")
    if array.shape not in {wanted.shape, (*wanted.shape, 1)}:
        raise AssertionError(f"The ratings of {call} have shape {array.shape}; expected {wanted.shape}.")
    return loss, expect_dtype(array, "f", f"the ratings of {call}").reshape(wanted.shape)


def expect_loss(
    regressor: Any, shape: tuple[int, ...], seed: int, loss_of: Callable[[np.ndarray, np.ndarray], float], call: str
) -> None:
    """Raise unless the loss is right for random targets of a shape, and 0 for the regressor's own ratings."""
    generator = np.random.default_rng(seed)
    x, lengths = noise(generator, shape[0], 3, FEATURES) * 3, [3] * shape[0]
    targets = generator.uniform(0, 1, shape)
    evaluating(regressor)
    loss, ratings = answer(regressor, x, targets, lengths, call)
    expect_number(loss, loss_of(ratings.astype(np.float64), targets), f"the loss of {call}", ROUNDING)
    loss, _ = answer(regressor, x, ratings, lengths, call)
    expect_number(loss, 0, f"the loss of {call}, where the targets are its own ratings,", ROUNDING)
    if shape[0] > 1:  # normalisation over a batch needs two
        regressor.train()
        loss, ratings = answer(regressor, x, targets, lengths, call)
        expect_number(loss, loss_of(ratings.astype(np.float64), targets), f"the loss of {call} in training", ROUNDING)


def expect_unlike_ratings(make: Callable[[], Any], shape: tuple[int, ...], seed: int, call: str) -> None:
    """Raise if all of several fresh regressors rate different tracks the same.

    A single one may clip all ratings to 0: `expect_no_clipping` is about that.
    """
    x = noise(np.random.default_rng(seed), shape[0], 3, FEATURES)
    for _ in range(FRESH):
        _, ratings = answer(evaluating(make()), x, np.zeros(shape), [3] * shape[0], call)
        if np.ptp(ratings, axis=0).any():
            return
    raise AssertionError(f"The ratings of {call} are the same for tracks that are unlike.")


def expect_ratings_of_tracks_alone(regressor: Any, shape: tuple[int, ...], rng: np.random.Generator) -> None:
    """Raise unless ratings depend on the tracks, and not on the targets."""
    x, lengths = noise(rng, shape[0], 3, FEATURES), [3] * shape[0]
    evaluating(regressor)
    targets = rng.uniform(0, 1, (2, *shape))
    _, first = answer(regressor, x, targets[0], lengths, "regressor(x, targets, lengths)")
    _, second = answer(regressor, x, targets[1], lengths, "regressor(x, other targets, lengths)")
    _, third = answer(regressor, noise(rng, *x.shape), targets[0], lengths, "regressor(other x, targets, lengths)")
    expect_as_before(second, first, third, "the array of ratings for other targets", ROUNDING)


def expect_ratings_of_the_backbone(
    kit: Kit, regressor_of: Callable[[Any], Any], tasks: tuple[int, ...], rng: np.random.Generator
) -> None:
    """Raise unless a regressor's ratings are made of what its backbone returns; `tasks` is the shape of a rating."""
    backbone = kit.training.MeanOfImage(features.FEATURES, features.KEPT)
    regressor = evaluating(regressor_of(backbone))
    call = "regressor(x, targets, lengths)"

    def ratings(x: torch.Tensor) -> np.ndarray:
        return answer(regressor, x, np.zeros((len(x), *tasks)), [x.shape[1]] * len(x), call)[1]

    features.expect_made_of_features(features.weight_of(kit, backbone), ratings, rng, call)


def expect_no_clipping(regressor: Any, shape: tuple[int, ...], rng: np.random.Generator) -> None:
    """Raise if two tracks have the same rating, as they have where a ReLU clips ratings to 0."""
    x = noise(rng, shape[0], 3, FEATURES)
    _, ratings = answer(evaluating(regressor), x, np.zeros(shape), [3] * shape[0], "regressor(x, targets, lengths)")
    for task, column in enumerate(ratings.reshape(shape[0], -1).T):
        equal = shape[0] - len(np.unique(column))
        if equal:
            raise AssertionError(
                f"{equal + 1} of {shape[0]} tracks that are unlike have equal ratings (task {task}); "
                "expected a rating of its own for each."
            )


def expect_lengths_reach_an_lstm(
    lab: Any, regressor_of: Callable[[Any], Any], shape: tuple[int, ...], rng: np.random.Generator
) -> None:
    """Raise unless a regressor hands the lengths to an LSTMBackbone: other lengths make other ratings."""
    backbone = evaluating(lab.step05_lstm.LSTMBackbone(FEATURES, rnn_size=5))
    x, targets = noise(rng, shape[0], 6, FEATURES), np.zeros(shape)

    def ratings(regressor: Any, length: int) -> np.ndarray:
        return answer(regressor, x, targets, [length] * shape[0], "regressor(x, targets, lengths)")[1]

    fresh = (evaluating(regressor_of(backbone)) for _ in range(FRESH))
    regressor = next((one for one in fresh if np.ptp(ratings(one, 6), axis=0).any()), None)
    if regressor is None:
        raise AssertionError("The ratings on an LSTMBackbone are the same for tracks that are unlike.")
    whole, part = (as_array(backbone(x, torch.tensor([n] * shape[0])), "backbone(x, lengths)") for n in (6, 2))
    # Checks of step 5 are about a backbone that ignores lengths,
    if not np.array_equal(whole, part) and np.array_equal(ratings(regressor, 6), ratings(regressor, 2)):
        raise AssertionError(
            "The ratings of tracks of 6 timesteps and of their first 2 are the same on an LSTMBackbone, "
            "whose states differ; expected it to be called with the lengths."
        )
    own = [2, 6, 4]
    mixed = answer(regressor, x, targets, own, "regressor(x, targets, lengths)")[1]
    alike = np.stack([ratings(regressor, length)[row] for row, length in enumerate(own)])
    states = as_array(backbone(x, torch.tensor(own)), "backbone(x, lengths)")
    apart = [as_array(backbone(x, torch.tensor([n] * len(own))), "backbone(x, lengths)")[i] for i, n in enumerate(own)]
    # and about one that reads tracks differently in such a batch.
    if np.allclose(states, apart, atol=ROUNDING):
        expect_array(mixed, alike, f"the array of ratings of tracks of {own} timesteps in one batch", ROUNDING)


def spearman_right(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    """Return SciPy's Spearman correlation; NaN if one of the lists is constant."""
    from scipy import stats  # noqa: PLC0415 - it takes a while, and only these checks need it

    if np.ptp(np.asarray(y_true)) == 0 or np.ptp(np.asarray(y_pred)) == 0:
        return float("nan")
    return float(stats.spearmanr(y_true, y_pred).statistic)


def mean_squared_error(ratings: np.ndarray, targets: np.ndarray) -> float:
    """Return the mean squared error."""
    return float(np.mean((ratings - np.asarray(targets, np.float32)) ** 2))
