"""Classifiers of step 5: their logits, and what these are made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from graders.authoring.expect import expect_dtype, expect_length, expect_shape
from graders.checks.kit.protocol import Kit
from graders.checks.oracles.networks.any_network import evaluating, noise, redrawn
from graders.checks.oracles.networks.features import FEATURES, KEPT, expect_made_of_features, weight_of


def classifier_of(lab: Any, kit: Kit, rng: np.random.Generator, backbone: Any = None) -> Any:
    """Return a new classifier of 3 classes in evaluation mode, with random weights of the judge's."""
    classifier = evaluating(lab.step05_lstm.Classifier(backbone or kit.training.MeanOfFrames(4, 6), 3))
    if kit.training.is_lazy(classifier):
        kit.training.logits(classifier, np.zeros((1, 1, 4), np.float32), [1])
    return redrawn(kit, classifier, rng, "Classifier(backbone, 3)")


def logits_of(classifier: Any, x: torch.Tensor, targets: Sequence[int], call: str) -> np.ndarray:
    """Return the logits [B, 3] of a classifier for tracks of full length."""
    answer = classifier(x, torch.tensor(targets), torch.full((len(x),), x.shape[1]))
    _, logits = expect_length(answer, 2, call)
    return expect_dtype(expect_shape(logits, (len(x), 3), f"the logits of {call}"), "f", f"the logits of {call}")


def expect_logits_of_the_backbone(lab: Any, kit: Kit, classes: int, rng: np.random.Generator) -> None:
    """Raise unless a classifier's logits, after some training, are made of what its backbone returns."""
    backbone = kit.training.MeanOfFrames(FEATURES, KEPT)
    classifier = lab.step05_lstm.Classifier(backbone, classes)
    tracks = kit.training.loader(noise(rng, 8, 3, FEATURES).numpy() * 3, np.arange(8) % classes, [3] * 8, 8)
    kit.training.fit(classifier, tracks, kit.training.sgd(classifier, 0.2), 3)
    call = f"Classifier(backbone, {classes})(x, targets, lengths)"
    evaluating(classifier)

    def logits(x: torch.Tensor) -> np.ndarray:
        kit.training.seed(classes)  # another check is about dropout in evaluation mode
        answer = classifier(x, torch.zeros(len(x), dtype=torch.int64), torch.full((len(x),), x.shape[1]))
        return expect_shape(expect_length(answer, 2, call)[1], (len(x), classes), f"the logits of {call}")

    tracks, others = (noise(rng, 8, 3, FEATURES) * 3 for _ in range(2))
    if not np.ptp(logits(tracks), axis=0).any() or np.array_equal(logits(tracks), logits(others)):
        raise AssertionError(f"The logits of {call}, after some training, are the same for tracks that are unlike.")
    expect_made_of_features(weight_of(kit, backbone), logits, rng, call, in_order=True)
