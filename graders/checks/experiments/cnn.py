"""Experiments on a student's CNN: it is trained, and measured from its logits alone."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float32, Int64

from graders.authoring.expect import expect_shape
from graders.authoring.withheld import withheld
from graders.checks.data.tracks import MEL_BANDS, Tracks, genre_tracks
from graders.checks.kit.protocol import Kit
from graders.checks.oracles.arithmetic import cross_entropy

CLASSES = 10
FILTERS = (4, 8, 16, 32)
FEATURE_SIZE = 64
TIMESTEPS = 128  # as many as there are bands: sizes of which pools of 3 leave something
SHORTEST = 170  # timesteps of the shortest track at full speed: any window inside is music, none of it padding
OVERFIT_BATCH = 4
OVERFIT_RUNS, OVERFIT_ITERATIONS = 4, 25
OVERFITTED = 1.8e-5  # the report's loss
OVERFIT_ATTEMPTS = 2
HELD_OUT_WINDOWS = 2  # of each held-out track
BATCH = 11
EPOCHS = 6
RATE = 4e-3


def overfit_loss(lab: Any, kit: Kit, rng: np.random.Generator, enough: float = 0.0) -> float:
    """Return a CNN's cross-entropy, in nats, on a batch of randomly labelled tracks that it was trained on.

    There are 100 iterations of Adam, which starts anew every 25: its averages of squared gradients remember the first,
    large ones for hundreds of iterations, and keep the last steps small. Layers of dropout drop nothing. The judge
    picks the batch, and computes the loss itself from the logits: in training mode, where batch normalisation uses the
    batch's own statistics, or in evaluation mode, where no dropout acts, whichever is lower.

    Now and then, large first steps lead a right network astray: it may try again with fresh weights.

    Args:
        lab: the submission's package.
        kit: the kit.
        rng: picks tracks and labels.
        enough: no further 25 iterations follow once the loss, in training mode, is at most this.
    """
    for _ in range(OVERFIT_ATTEMPTS):
        loss = _overfit_loss(lab, kit, rng, enough)
        if loss <= OVERFITTED:
            break
    return loss


def _overfit_loss(lab: Any, kit: Kit, rng: np.random.Generator, enough: float) -> float:
    model = _classifier(lab, kit)
    kit.training.without_dropout(model)
    tracks = genre_tracks(train=True, timesteps=TIMESTEPS)
    x = tracks.x[rng.choice(len(tracks.x), OVERFIT_BATCH, replace=False)]
    labels = rng.choice(CLASSES, OVERFIT_BATCH, replace=False)
    batch = kit.training.loader(x, labels, [TIMESTEPS] * len(x), OVERFIT_BATCH)
    for _ in range(OVERFIT_RUNS):
        kit.training.fit(model, batch, kit.training.adam(model, 3e-3), OVERFIT_ITERATIONS)
        model.train()
        loss = cross_entropy(_logits(model, kit, x), labels)
        if loss <= enough:
            break
    if loss <= OVERFITTED:
        return loss
    kit.training.settle(model, batch)
    model.eval()
    return min(loss, cross_entropy(_logits(model, kit, x), labels))


def held_out_accuracy(lab: Any, kit: Kit, rng: np.random.Generator) -> float:
    """Return the accuracy on held-out tracks of a CNN trained on a window of each training track.

    The labels of held-out tracks stay on the judge's side. Their windows begin anywhere, and have another gain and a
    little noise, so that they are not those of the published files. The running statistics of batch normalisation are
    those of the training tracks, whatever its momentum is.
    """
    model = _classifier(lab, kit)
    train, test = (genre_tracks(train=split, timesteps=SHORTEST) for split in (True, False))
    x, labels = _windows(train, 1, rng)
    order = rng.permutation(len(x))
    held_out, truth = _windows(test, HELD_OUT_WINDOWS, rng)
    held_out += rng.normal(0, 0.1, (len(held_out), 1, 1)).astype(np.float32)
    held_out += rng.normal(0, 0.05, held_out.shape).astype(np.float32)
    batches = kit.training.loader(x[order], labels[order], [TIMESTEPS] * len(x), BATCH)
    kit.training.fit(model, batches, kit.training.adam(model, RATE), EPOCHS)
    kit.training.settle(model, batches)
    model.eval()
    with withheld("the logits of held-out tracks"):
        logits = _logits(model, kit, held_out)
    return float((logits.argmax(axis=1) == truth).mean())


def _windows(
    tracks: Tracks, times: int, rng: np.random.Generator
) -> tuple[Float32[np.ndarray, "N T 128"], Int64[np.ndarray, " N"]]:
    """Return random windows of each track, `times` of each, and their labels."""
    starts = rng.integers(0, SHORTEST - TIMESTEPS + 1, (times, len(tracks.x)))
    x = [track[start : start + TIMESTEPS] for row in starts for track, start in zip(tracks.x, row, strict=True)]
    return np.stack(x), np.tile(tracks.labels, times)


def _classifier(lab: Any, kit: Kit) -> Any:
    backbone = lab.step07_cnn.CNNBackbone((TIMESTEPS, MEL_BANDS), filters=FILTERS, feature_size=FEATURE_SIZE)
    return kit.training.Head(backbone, CLASSES)


def _logits(model: Any, kit: Kit, x: np.ndarray) -> np.ndarray:
    logits = kit.training.logits(model, x, [TIMESTEPS] * len(x))
    return expect_shape(logits, (len(x), CLASSES), f"the logits of a classifier of x {list(x.shape)}")
