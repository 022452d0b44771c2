"""What the judge lets student code learn of listeners' ratings, and how well it did: SciPy's Spearman, taken here."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float64

from graders.checks.course_tracks import MEL_BANDS, Rated, rated_tracks
from graders.checks.regressors import spearman_right
from graders.expect import as_array

ENERGY = 1  # the column of the axis that is heard best
TIMESTEPS = 16
HELD_OUT = 40
HIDDEN = 16
BATCH = 16
EPOCHS = 30


def held_out_energy(lab: Any, kit: Any, rng: np.random.Generator) -> float:
    """Train a Regressor on the energy of tracks; return Spearman's correlation on others, whose ratings stay here."""
    model = lab.step08_regression.Regressor(_backbone(kit))
    return float(_held_out(model, kit, rng, tasks=None)[0])


def held_out_axes(lab: Any, kit: Any, rng: np.random.Generator) -> float:
    """Train a MultitaskRegressor on all three axes of tracks; return the lowest correlation of the three on others."""
    model = lab.step10_multitask.MultitaskRegressor(_backbone(kit), 3)
    return float(_held_out(model, kit, rng, tasks=3).min())


def _backbone(kit: Any) -> Any:
    return kit.training.DeepMean(MEL_BANDS, HIDDEN)


def _held_out(model: Any, kit: Any, rng: np.random.Generator, tasks: int | None) -> Float64[np.ndarray, " tasks"]:
    """Train a model, and return Spearman's correlation of each task on held-out tracks."""
    tracks = rated_tracks(timesteps=TIMESTEPS)
    order = rng.permutation(len(tracks.x))
    unheard, heard = order[:HELD_OUT], order[HELD_OUT:]
    ratings = tracks.ratings if tasks else tracks.ratings[:, ENERGY]
    batches = kit.training.ratings_loader(tracks.x[heard], ratings[heard], tracks.lengths[heard], BATCH)
    kit.training.fit(model, batches, kit.training.adam(model, 3e-3), EPOCHS)
    model.eval()
    said = _ratings(model, kit, tracks, unheard, rng, tasks)
    truth = ratings[unheard].reshape(HELD_OUT, -1)
    return np.array([spearman_right(*columns) for columns in zip(truth.T, said.T, strict=True)])


def _ratings(
    model: Any, kit: Any, tracks: Rated, rows: np.ndarray, rng: np.random.Generator, tasks: int | None
) -> Float64[np.ndarray, "N tasks"]:
    x = tracks.x[rows]
    # A little noise, so that the tracks are not those of the published files to the last digit.
    x = x + rng.normal(0, 0.02, x.shape).astype(np.float32)
    ratings = as_array(kit.training.ratings(model, x, tracks.lengths[rows], tasks), "the ratings of model(x, ...)")
    if ratings.size != len(rows) * (tasks or 1):
        raise AssertionError(f"The ratings of {len(rows)} tracks have shape {ratings.shape}; expected one for each.")
    return ratings.astype(np.float64).reshape(len(rows), -1)
