"""Experiments on a student's regressors: they are trained on ratings, and measured by Spearman's correlation."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float64

from graders.authoring.expect import as_array
from graders.authoring.withheld import withheld
from graders.checks.data.tracks import MEL_BANDS, Rated, held_out_rated_tracks, rated_tracks
from graders.checks.kit.protocol import Kit
from graders.checks.oracles.networks.regressors import spearman_right

ENERGY = 1  # the column of the axis that is learnt best
TIMESTEPS = 16
HELD_OUT = 40
HIDDEN = 16
BATCH = 16
EPOCHS = 30


def held_out_energy(lab: Any, kit: Kit, rng: np.random.Generator) -> float:
    """Return Spearman's correlation on held-out tracks of a Regressor trained on the energy of others."""
    model = lab.step08_regression.Regressor(_backbone(kit))
    return float(_held_out(model, kit, rng, tasks=None)[0])


def held_out_axes(lab: Any, kit: Kit, rng: np.random.Generator) -> float:
    """Return the lowest correlation of three axes on held-out tracks of a MultitaskRegressor trained on all of them."""
    model = lab.step10_multitask.MultitaskRegressor(_backbone(kit), 3)
    return float(_held_out(model, kit, rng, tasks=3).min())


def _backbone(kit: Kit) -> Any:
    return kit.training.DeepMean(MEL_BANDS, HIDDEN)


def _held_out(model: Any, kit: Kit, rng: np.random.Generator, tasks: int | None) -> Float64[np.ndarray, " tasks"]:
    """Return Spearman's correlation of each task on held-out tracks, after training on others.

    The tracks' mel bands have drawn signs, opposite ones in neighbours, and some tasks are turned round. A network
    learns as well from that; loudness and the like, which go with the ratings by themselves, do not.
    """
    tracks = rated_tracks(timesteps=TIMESTEPS)
    order = rng.permutation(len(tracks.x))
    signs = np.outer(rng.choice([-1, 1], MEL_BANDS // 2), [1, -1]).reshape(-1).astype(np.float32)
    turned = rng.choice([True, False], tracks.ratings.shape[1])
    training = _changed(_some(tracks, order[HELD_OUT:]), signs, turned)
    held_out = held_out_rated_tracks(timesteps=TIMESTEPS) or _some(tracks, order[:HELD_OUT])
    held_out = _changed(held_out, signs, turned)
    axes = slice(None) if tasks else ENERGY
    batches = kit.training.ratings_loader(training.x, training.ratings[:, axes], training.lengths, BATCH)
    kit.training.fit(model, batches, kit.training.adam(model, 3e-3), EPOCHS)
    model.eval()
    with withheld("the ratings of held-out tracks"):
        predicted = _ratings(model, kit, held_out, rng, tasks)
    truth = held_out.ratings[:, axes].reshape(len(predicted), -1)
    return np.array([spearman_right(*columns) for columns in zip(truth.T, predicted.T, strict=True)])


def _changed(tracks: Rated, signs: np.ndarray, turned: np.ndarray) -> Rated:
    return Rated(tracks.x * signs, np.where(turned, 1 - tracks.ratings, tracks.ratings), tracks.lengths)


def _some(tracks: Rated, rows: np.ndarray) -> Rated:
    return Rated(tracks.x[rows], tracks.ratings[rows], tracks.lengths[rows])


def _ratings(
    model: Any, kit: Kit, tracks: Rated, rng: np.random.Generator, tasks: int | None
) -> Float64[np.ndarray, "N tasks"]:
    # A little noise, so that the tracks are not those of a published file to the last digit.
    x = tracks.x + rng.normal(0, 0.02, tracks.x.shape).astype(np.float32)
    ratings = as_array(kit.training.ratings(model, x, tracks.lengths, tasks), "the ratings of model(x, ...)")
    if ratings.size != len(x) * (tasks or 1):
        raise AssertionError(f"The ratings of {len(x)} tracks have shape {ratings.shape}; expected one for each.")
    return ratings.astype(np.float64).reshape(len(x), -1)
