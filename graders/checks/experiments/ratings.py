"""Experiments on a student's regressors: they are trained on ratings, and measured by Spearman's correlation."""

from __future__ import annotations

from collections.abc import Callable
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
EPOCHS = (30, 90, 90)  # of a training, and of those that follow one which led nowhere
LEARNT = 0.7  # the lowest of the correlations on the tracks that a network was trained on


def held_out_energy(lab: Any, kit: Kit, rng: np.random.Generator) -> float:
    """Return Spearman's correlation on held-out tracks of a Regressor trained on the energy of others."""
    return float(_held_out(lambda: lab.step08_regression.Regressor(_backbone(kit)), kit, rng, tasks=None)[0])


def held_out_axes(lab: Any, kit: Kit, rng: np.random.Generator) -> float:
    """Return the lowest correlation of three axes on held-out tracks of a MultitaskRegressor trained on all of them."""
    return float(_held_out(lambda: lab.step10_multitask.MultitaskRegressor(_backbone(kit), 3), kit, rng, tasks=3).min())


def _backbone(kit: Kit) -> Any:
    return kit.training.DeepMean(MEL_BANDS, HIDDEN)


def _held_out(
    make: Callable[[], Any], kit: Kit, rng: np.random.Generator, tasks: int | None
) -> Float64[np.ndarray, " tasks"]:
    """Return Spearman's correlation of each task on held-out tracks, after training on others.

    The tracks' mel bands have drawn signs, opposite ones in neighbours, and some tasks are turned round. A network
    learns as well from that; loudness and the like, which go with the ratings by themselves, do not. One that does not
    even learn its training tracks gets other signs and longer, and the training counts that led furthest: a narrow
    layer may begin with dead units, and draw the same ones each time.
    """
    model = make()  # before any data are read: where there is no model, none are needed
    tracks = rated_tracks(timesteps=TIMESTEPS)
    order = rng.permutation(len(tracks.x))
    known = _some(tracks, order[HELD_OUT:])
    unknown = held_out_rated_tracks(timesteps=TIMESTEPS) or _some(tracks, order[:HELD_OUT])
    axes = slice(None) if tasks else ENERGY
    trained = []
    for epochs in EPOCHS:
        signs = np.outer(rng.choice([-1, 1], MEL_BANDS // 2), [1, -1]).reshape(-1).astype(np.float32)
        turned = rng.choice([True, False], tracks.ratings.shape[1])
        training, held_out = _changed(known, signs, turned), _changed(unknown, signs, turned)
        batches = kit.training.ratings_loader(training.x, training.ratings[:, axes], training.lengths, BATCH)
        kit.training.fit(model, batches, kit.training.adam(model, 3e-3), epochs)
        model.eval()
        with withheld("the ratings of held-out tracks"):
            reached = _correlations(model, kit, held_out, rng, tasks)
        learnt = float(np.nan_to_num(_correlations(model, kit, training, rng, tasks), nan=-1.0).min())
        trained.append((learnt, reached))
        if learnt >= LEARNT:
            break
        model = make()
    return max(trained, key=lambda one: one[0])[1]


def _correlations(
    model: Any, kit: Kit, tracks: Rated, rng: np.random.Generator, tasks: int | None
) -> Float64[np.ndarray, " tasks"]:
    predicted = _ratings(model, kit, tracks, rng, tasks)
    truth = tracks.ratings[:, slice(None) if tasks else ENERGY].reshape(len(predicted), -1)
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
