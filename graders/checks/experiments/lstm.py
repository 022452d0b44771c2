"""Experiments on a student's LSTM: it is trained, and measured from its logits alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from graders.authoring.expect import expect_shape
from graders.authoring.withheld import withheld
from graders.checks.data.tracks import MEL_BANDS, genre_tracks
from graders.checks.kit.protocol import Kit
from graders.checks.oracles.arithmetic import cross_entropy

CLASSES = 10
TIMESTEPS = 16
BATCH = 12
ITERATIONS = 60
EPOCHS = 24


def overfit_loss(lab: Any, kit: Kit, rng: np.random.Generator) -> float:
    """Return an LSTM's cross-entropy, in nats, on a batch of randomly labelled tracks that it was trained on.

    The judge picks the batch, and computes the loss itself from the logits in evaluation mode.
    """
    model = _classifier(lab)
    tracks = genre_tracks(train=True, beat=True, timesteps=TIMESTEPS)
    chosen = rng.choice(len(tracks.x), BATCH, replace=False)
    labels = rng.integers(0, CLASSES, BATCH)
    x, lengths = tracks.x[chosen], tracks.lengths[chosen]
    batch = kit.training.loader(x, labels, lengths, BATCH)
    lab.step05_lstm.overfit_batch(model, batch, kit.training.adam(model, 1e-2), "cpu", ITERATIONS)
    return cross_entropy(_logits(model, kit, x, lengths), labels)


def held_out_accuracy(lab: Any, kit: Kit, rng: np.random.Generator) -> float:
    """Return the accuracy on held-out tracks of an LSTM trained on the others.

    The labels of held-out tracks stay on the judge's side.
    """
    model = _classifier(lab)
    train, test = (genre_tracks(train=split, beat=True, timesteps=TIMESTEPS) for split in (True, False))
    train_loader, val_loader = (kit.training.loader(train.x, train.labels, train.lengths, size) for size in (16, 22))
    optimizer = kit.training.adam(model, 3e-3)
    lab.step05_lstm.train(model, train_loader, val_loader, optimizer, EPOCHS, "cpu", patience=EPOCHS)
    # A little noise, so that the tracks are not those of the published files to the last digit.
    held_out = test.x + rng.normal(0, 0.02, test.x.shape).astype(np.float32)
    with withheld("the logits of held-out tracks"):
        logits = _logits(model, kit, held_out, test.lengths)
    return float((logits.argmax(axis=1) == test.labels).mean())


def _classifier(lab: Any) -> Any:
    step = lab.step05_lstm
    return step.Classifier(step.LSTMBackbone(MEL_BANDS, rnn_size=64), CLASSES)


def _logits(model: Any, kit: Kit, x: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    model.eval()
    logits = kit.training.logits(model, x, lengths)
    return expect_shape(logits, (len(x), CLASSES), f"the logits of classifier(x {list(x.shape)}, targets, lengths)")
