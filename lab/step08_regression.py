"""Step 8: how valent, energetic or danceable a track is: a regressor, and the rank correlation that scores it."""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float64, Int64, Real
from torch import Tensor, nn
from torch.utils.data import DataLoader


class Regressor(nn.Module):
    """A backbone with one linear layer on top, which rates a track on one axis.

    An `LSTMBackbone` is called with tracks and lengths, any other backbone, such as a `CNNBackbone`, with the tracks
    alone; the tracks are handed on as they are. A rating may be any number, also one below 0: nothing follows the
    linear layer. No batch normalisation stands between it and the backbone, whose statistics would lag behind while the
    ratings are learnt. All weights can be trained from the start: layers are made in `__init__`, lazy ones too. The
    loops of step 5 train it as they train a `Classifier`.

    Args:
        backbone: module that turns tracks into features [B, H], with H as its attribute `feature_size`.
        load_from_checkpoint: file that `save_checkpoint` wrote for a regressor of the same layers; its weights
            replace the fresh ones.

    Raises:
        FileNotFoundError: there is no such checkpoint.
        RuntimeError: the checkpoint does not fit, because its names or shapes are not those of this regressor.

    Example:
        >>> regressor = Regressor(LSTMBackbone(128))
        >>> loss, ratings = regressor(torch.zeros(2, 7, 128), torch.tensor([0.3, 0.8]), torch.tensor([7, 5]))
        >>> ratings.shape
        torch.Size([2])

    Source: step 8.
    """

    def __init__(self, backbone: nn.Module, load_from_checkpoint: str | os.PathLike[str] | None = None) -> None:
        raise NotImplementedError("Regressor.__init__ is yours to write: step 8")

    def forward(
        self, x: Float[Tensor, "B T F"], targets: Float[Tensor, " B"], lengths: Int64[Tensor, " B"]
    ) -> tuple[Float[Tensor, ""], Float[Tensor, " B"]]:
        """Return the mean squared error of the batch, and a rating of each track: [B], or [B, 1] if you prefer.

        In evaluation mode a rating depends on its track alone. Arguments, mode and random generators stay as they are.

        Args:
            x: the tracks.
            targets: the rating of each by listeners. The loss compares each with the rating of the same track alone.
            lengths: valid timesteps of each.
        """
        raise NotImplementedError("Regressor.forward is yours to write: step 8")


def predict_ratings(
    model: nn.Module, loader: DataLoader[Any], device: str | torch.device = "cpu"
) -> tuple[Float64[np.ndarray, "N ..."], Float64[np.ndarray, "N ..."]]:
    """Return the ratings that a model gives to the tracks of a loader, and the listeners' ratings of the same tracks.

    The model is put into evaluation mode, and no gradients are computed. The loader is gone through once, since one
    that shuffles gives another order each time. Nothing else changes: weights, random generators, and whether
    gradients are computed afterwards.

    Args:
        model: called as `model(x, targets, lengths)`, it returns (loss, ratings [B], [B, 1] or [B, tasks]).
        loader: batches (x [B, T, F], targets [B] or [B, tasks], lengths [B]).
        device: where the model goes, and the batches.

    Returns:
        (y_pred, y_true), each with one rating for each track, or one row of ratings when there are several tasks.

    Example:
        >>> y_pred, y_true = predict_ratings(regressor, test_loader)
        >>> spearman(y_true, y_pred)

    Source: step 8.
    """
    raise NotImplementedError("predict_ratings is yours to write: step 8")


def spearman(
    y_true: Real[np.ndarray, " N"] | Sequence[float], y_pred: Real[np.ndarray, " N"] | Sequence[float]
) -> float:
    """Return Spearman's rank correlation: Pearson's correlation of the two lists' ranks.

    Equal values share the average of the ranks that they take up together.

    Args:
        y_true: one rating of each track; integers too. It stays as it is.
        y_pred: another of each, in the same order.

    Returns:
        From -1 to 1, computed in float64: 1 if both lists put the tracks in the same order, ties included. NaN if all
        values of a list are equal, since they have no order then.

    Raises:
        ValueError: the lists have different lengths, or are not lists of at least two numbers.

    Example:
        >>> spearman([1, 2, 3, 4], [10, 20, 20, 1000])
        0.9486832980505138

    Source: step 8; Spearman, 1904.
    """
    raise NotImplementedError("spearman is yours to write: step 8")
