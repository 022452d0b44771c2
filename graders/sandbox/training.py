"""The kit's part for training: models whose losses are known by arithmetic, loaders, optimisers, an instructor's loop.

What these models do is plain: whoever knows the batches can compute every loss and weight that a right training loop
ends with, and so the judge does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

EVALUATED = 3.0  # factor of a gauge's loss outside of training mode


class _Tracks(Dataset[tuple[np.ndarray, Any, int]]):
    def __init__(self, x: np.ndarray, targets: Sequence[Any] | Tensor, lengths: Sequence[int]) -> None:
        self.x = np.asarray(x, np.float32)
        self.targets = targets
        self.lengths = lengths

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: int) -> tuple[np.ndarray, Any, int]:
        return self.x[index], self.targets[index], int(self.lengths[index])


def loader(x: np.ndarray, labels: Sequence[int], lengths: Sequence[int], batch_size: int) -> DataLoader[Any]:
    """Return a loader over tracks `[N, T, F]` in the order given; the last batch may be smaller."""
    return DataLoader(_Tracks(x, [int(label) for label in labels], lengths), batch_size)


def ratings_loader(x: np.ndarray, ratings: np.ndarray, lengths: Sequence[int], batch_size: int) -> DataLoader[Any]:
    """Return such a loader with ratings for targets: float32 `[N]`, or `[N, tasks]`."""
    return DataLoader(_Tracks(x, torch.as_tensor(ratings, dtype=torch.float32), lengths), batch_size)


def shuffling(batches: DataLoader[Any]) -> DataLoader[Any]:
    """Return a loader of the same items in batches of the same size, in another order in every pass."""
    return DataLoader(batches.dataset, batches.batch_size, shuffle=True)


class Gauge(nn.Module):
    """A model of one weight, whose loss is `mean_i(weight * x[i, 0, 0] * (1 + label_i) * length_i)`.

    Outside of training mode the loss is three times that. Its buffer `seen` counts the items met in training mode.
    Its logits `[B, C]` are highest at class `x[i, 0, 0]`, or at the class after it in training mode.
    """

    seen: Tensor

    def __init__(self, classes: int = 4) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))
        self.register_buffer("seen", torch.zeros(()))
        self.classes = classes

    def forward(self, x: Tensor, targets: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Return (loss, logits `[B, C]`) of tracks `[B, T, F]`."""
        values = x[:, 0, 0]
        if self.training:
            self.seen += len(x)
        loss = self.weight * (values * (1 + targets) * lengths).mean() * (1.0 if self.training else EVALUATED)
        highest = (values + 1) % self.classes if self.training else values
        logits = self.weight * 0 - (torch.arange(self.classes) - highest[:, None]).abs()
        return loss, logits


class Scripted(nn.Module):
    """A model whose validation losses are in the data.

    A training batch (`x` above 0) has the loss `-weight`, so that SGD with learning rate 1 adds 1 to the weight: the
    weight counts the batches trained on. Of a validation batch the loss is `-x[0, e, 0]`, after `e + 1` epochs of
    `batches` training batches each. The buffer `seen` counts training batches too, as the buffers of batch
    normalisation would.
    """

    seen: Tensor

    def __init__(self, batches: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))
        self.register_buffer("seen", torch.zeros(()))
        self.batches = batches

    def forward(self, x: Tensor, targets: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:  # noqa: ARG002
        """Return (loss, logits `[B, 2]`) of tracks `[B, T, F]`."""
        logits = torch.zeros(len(x), 2) + 0 * self.weight
        if x[0, 0, 0] > 0:
            self.seen += 1
            return -self.weight, logits
        epoch = max(0, round(self.weight.item() / self.batches) - 1)
        return 0 * self.weight - x[0, min(epoch, x.shape[1] - 1), 0], logits


class LastStepClassifier(nn.Module):
    """A model whose logits `[B, C]` are highest at the class `x[i, length_i - 1, 0]`; its loss is 0.

    Attributes:
        kept_graphs: for each batch, whether gradients could be computed from its logits.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))
        self.classes = classes
        self.kept_graphs: list[bool] = []

    def forward(self, x: Tensor, targets: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:  # noqa: ARG002
        """Return (loss, logits `[B, C]`) of tracks `[B, T, F]`."""
        highest = x[torch.arange(len(x)), lengths - 1, 0]
        logits = self.weight - (torch.arange(self.classes) - highest[:, None]).abs()
        self.kept_graphs.append(logits.requires_grad)
        return 0 * self.weight, logits


class LastStepRater(nn.Module):
    """A model that rates a track with the last valid values of its first features, one for each task; its loss is 0.

    In training mode it rates each track 1 higher.

    Args:
        tasks: the ratings are `[B, tasks]`; `[B]` without tasks.
    """

    def __init__(self, tasks: int | None = None) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))
        self.tasks = tasks

    def forward(self, x: Tensor, targets: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:  # noqa: ARG002
        """Return (loss, ratings) of tracks `[B, T, F]`."""
        last = x[torch.arange(len(x)), lengths - 1]
        ratings = last[:, 0] if self.tasks is None else last[:, : self.tasks]
        return 0 * self.weight, ratings + self.weight + int(self.training)


class MixedMean(nn.Module):
    """A small backbone, called with tracks alone; no other model has layers of its names."""

    def __init__(self, input_dim: int, feature_size: int) -> None:
        super().__init__()
        self.feature_size = feature_size
        self.mixing = nn.Linear(input_dim, feature_size)

    def forward(self, x: Tensor) -> Tensor:
        """Return features `[B, H]` of tracks `[B, T, F]`."""
        features: Tensor = self.mixing(x.mean(1))
        return features


class NormalisedMean(MixedMean):
    """The same with batch normalisation, whose statistics are buffers."""

    def __init__(self, input_dim: int, feature_size: int) -> None:
        super().__init__(input_dim, feature_size)
        self.normalisation = nn.BatchNorm1d(feature_size)

    def forward(self, x: Tensor) -> Tensor:
        """Return features `[B, H]` of tracks `[B, T, F]`."""
        features: Tensor = self.normalisation(super().forward(x))
        return features


class DeepMean(nn.Module):
    """A backbone that learns from the mean of all timesteps, with a hidden layer; called with tracks alone."""

    def __init__(self, input_dim: int, feature_size: int) -> None:
        super().__init__()
        self.feature_size = feature_size
        self.layers = nn.Sequential(nn.Linear(input_dim, feature_size), nn.Tanh())

    def forward(self, x: Tensor) -> Tensor:
        """Return features `[B, H]` of tracks `[B, T, F]`."""
        features: Tensor = self.layers(x.mean(1))
        return features


class Rated(nn.Module):
    """A model of one rating for each task, the same for all tracks; its loss is a student's."""

    def __init__(self, loss: Any, tasks: int) -> None:
        super().__init__()
        self.rating = nn.Parameter(torch.zeros(tasks))
        self.loss = loss

    def forward(self, x: Tensor, targets: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:  # noqa: ARG002
        """Return (loss, ratings `[B, tasks]`) of tracks `[B, T, F]`."""
        ratings = self.rating.expand(len(x), -1)
        return self.loss(ratings, targets), ratings


class Head(nn.Module):
    """An instructor's classifier on a student's CNN backbone: one linear layer, and cross-entropy."""

    def __init__(self, backbone: Any, classes: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.output = nn.Linear(int(backbone.feature_size), classes)

    def forward(self, x: Tensor, targets: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:  # noqa: ARG002
        """Return (cross-entropy, logits `[B, C]`) of tracks `[B, T, F]`."""
        logits = self.output(self.backbone(x).float())
        return nn.functional.cross_entropy(logits, targets), logits


def sgd(model: nn.Module, lr: float) -> torch.optim.Optimizer:
    """Return plain gradient descent on a model's parameters."""
    return torch.optim.SGD(model.parameters(), lr)


def adam(model: nn.Module, lr: float) -> torch.optim.Optimizer:
    """Return Adam on a model's parameters."""
    return torch.optim.Adam(model.parameters(), lr)


def fit(model: nn.Module, batches: DataLoader[Any], optimizer: torch.optim.Optimizer, epochs: int) -> None:
    """Train a model for some epochs, in training mode."""
    model.train()
    for _ in range(epochs):
        for x, targets, lengths in batches:
            optimizer.zero_grad()
            loss, _ = model(x, targets, lengths)
            loss.backward()
            optimizer.step()


def logits(model: nn.Module, x: np.ndarray, lengths: Sequence[int]) -> Tensor:
    """Return a model's logits for tracks `[N, T, F]`, in the mode that it is in; it gets no labels but zeros."""
    with torch.no_grad():
        _, result = model(torch.as_tensor(x), torch.zeros(len(x), dtype=torch.int64), torch.as_tensor(lengths))
    return result.detach()  # type: ignore[no-any-return]


def ratings(model: nn.Module, x: np.ndarray, lengths: Sequence[int], tasks: int | None = None) -> Tensor:
    """Return a model's ratings of tracks `[N, T, F]`, in the mode that it is in; it gets no targets but zeros."""
    targets = torch.zeros(len(x)) if tasks is None else torch.zeros(len(x), tasks)
    with torch.no_grad():
        _, result = model(torch.as_tensor(x), targets, torch.as_tensor(lengths))
    return result.detach()  # type: ignore[no-any-return]


def weights(module: nn.Module) -> dict[str, Tensor]:
    """Return copies of all parameters and buffers, by name."""
    return {name: value.detach().clone() for name, value in module.state_dict().items()}


def count(module: nn.Module) -> int:
    """Return the number of trainable parameters."""
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)


def gradients(module: nn.Module, *inputs: Any) -> dict[str, float]:
    """Call a module, go back from the sum of squares of its output, and return each parameter's largest gradient."""
    module.zero_grad()
    module(*inputs).square().sum().backward()
    return {
        name: 0.0 if parameter.grad is None else parameter.grad.abs().max().item()
        for name, parameter in module.named_parameters()
    }


class MeanOfFrames(nn.Module):
    """A backbone without memory: a linear layer on the mean of all timesteps. It takes lengths, and ignores them."""

    def __init__(self, input_dim: int, feature_size: int) -> None:
        super().__init__()
        self.feature_size = feature_size
        self.linear = nn.Linear(input_dim, feature_size)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:  # noqa: ARG002
        """Return features `[B, H]` of tracks `[B, T, F]`."""
        features: Tensor = self.linear(x.mean(1))
        return features


class MeanOfImage(MeanOfFrames):
    """The same as a CNN is called: with tracks alone."""

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
        """Return features `[B, H]` of tracks `[B, T, F]`."""
        return super().forward(x)
