"""Step 10: one network that rates valence, energy and danceability at once."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Float64, Int64, Real
from torch import Tensor, nn

from .step05_lstm import LSTMBackbone
from .step08_regression import spearman


class MultitaskLoss(nn.Module):
    """The loss of several tasks: the sum of their mean squared errors, each times the task's weight.

    Args:
        weights: the weight of each task, at least 0.

    Raises:
        ValueError: there are no weights, or one is negative.

    Example:
        >>> loss = MultitaskLoss([1, 1, 2])
        >>> loss(torch.tensor([[0.5, 0.5, 0.5]]), torch.tensor([[0.5, 0.4, 0.3]])).item()
        0.0899...

    Source: step 10.
    """

    _weights: Tensor

    def __init__(self, weights: Sequence[float]) -> None:
        super().__init__()
        if not len(weights) or min(weights) < 0:
            raise ValueError(f"MultitaskLoss got weights {list(weights)}; expected one of at least 0 for each task.")
        self.register_buffer("_weights", torch.tensor(weights, dtype=torch.float32), persistent=False)

    def forward(self, ratings: Float[Tensor, "B tasks"], targets: Float[Tensor, "B tasks"]) -> Float[Tensor, ""]:
        """Return the loss of a batch.

        Args:
            ratings: what the network says, a column for each task.
            targets: what listeners say.

        Raises:
            ValueError: the shapes are not the same, or there is not one column for each weight.
        """
        if ratings.shape != targets.shape or ratings.shape[1:] != self._weights.shape:
            raise ValueError(
                f"MultitaskLoss got ratings {list(ratings.shape)} and targets {list(targets.shape)}; "
                f"expected both to be [B, {len(self._weights)}], as there are {len(self._weights)} weights."
            )
        errors = (ratings - targets.to(ratings.dtype)).square().mean(dim=0)
        return (self._weights * errors).sum()


class MultitaskRegressor(nn.Module):
    """A backbone with one linear layer on top, which rates a track on several axes: all tasks share the backbone.

    An `LSTMBackbone` is called with tracks and lengths, any other backbone with the tracks alone; the tracks are handed
    on as they are. A rating may be any number: nothing follows the linear layer. All weights can be trained. The loss
    is a `MultitaskLoss` in which each task weighs 1.

    Args:
        backbone: module that turns tracks into features [B, H], with H as its attribute `feature_size`.
        num_tasks: the number of axes, at least 1.

    Example:
        >>> regressor = MultitaskRegressor(LSTMBackbone(128))
        >>> loss, ratings = regressor(torch.zeros(2, 7, 128), torch.zeros(2, 3), torch.tensor([7, 5]))
        >>> ratings.shape
        torch.Size([2, 3])

    Source: step 10.
    """

    def __init__(self, backbone: nn.Module, num_tasks: int = 3) -> None:
        super().__init__()
        self.backbone = backbone
        self._output = nn.Linear(int(backbone.feature_size), num_tasks)  # type: ignore[arg-type]
        self._criterion = MultitaskLoss([1.0] * num_tasks)

    def forward(
        self, x: Float[Tensor, "B T F"], targets: Float[Tensor, "B num_tasks"], lengths: Int64[Tensor, " B"]
    ) -> tuple[Float[Tensor, ""], Float[Tensor, "B num_tasks"]]:
        """Return the loss of the batch, and the ratings of each track.

        In evaluation mode they depend on the track alone. Arguments, mode and random generators stay as they are.

        Args:
            x: the tracks.
            targets: the ratings of each by listeners, a column for each task.
            lengths: valid timesteps of each.
        """
        inputs = (x, lengths) if isinstance(self.backbone, LSTMBackbone) else (x,)
        ratings = self._output(self.backbone(*inputs))
        return self._criterion(ratings, targets), ratings


def spearman_of_tasks(
    y_true: Real[np.ndarray, "N tasks"], y_pred: Real[np.ndarray, "N tasks"]
) -> Float64[np.ndarray, " tasks"]:
    """Return Spearman's correlation of each task: over its tracks, and not over the tasks of a track.

    Each is as `spearman` of step 8 returns it, NaN for a task whose ratings are all equal.

    Args:
        y_true: the listeners' ratings, a row for each track and a column for each task. They stay as they are.
        y_pred: the network's, in the same order.

    Raises:
        ValueError: the shapes are not the same, or not [N, tasks].

    Example:
        >>> y_pred, y_true = predict_ratings(regressor, test_loader)
        >>> valence, energy, danceability = spearman_of_tasks(y_true, y_pred)

    Source: step 10.
    """
    true, predicted = np.asarray(y_true), np.asarray(y_pred)
    if true.shape != predicted.shape or true.ndim != 2:  # noqa: PLR2004 - tracks, tasks
        raise ValueError(
            f"spearman_of_tasks got shapes {true.shape} and {predicted.shape}; expected both to be [N, tasks]."
        )
    return np.array([spearman(*columns) for columns in zip(true.T, predicted.T, strict=True)])
