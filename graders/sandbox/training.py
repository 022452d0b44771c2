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


class _Tracks(Dataset[tuple[np.ndarray, int, int]]):
    def __init__(self, x: np.ndarray, labels: Sequence[int], lengths: Sequence[int]) -> None:
        self.x = np.asarray(x, np.float32)
        self.labels = labels
        self.lengths = lengths

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: int) -> tuple[np.ndarray, int, int]:
        return self.x[index], int(self.labels[index]), int(self.lengths[index])


def loader(x: np.ndarray, labels: Sequence[int], lengths: Sequence[int], batch_size: int) -> DataLoader[Any]:
    """Return a loader over tracks `[N, T, F]` in the order given; the last batch may be smaller."""
    return DataLoader(_Tracks(x, labels, lengths), batch_size)


class Gauge(nn.Module):
    """A model of one weight, whose loss is `mean_i(weight * x[i, 0, 0] * (1 + label_i) * length_i)`.

    Outside of training mode the loss is three times that. Its buffer `seen` counts the items met in training mode.
    Its logits `[B, C]` are highest at class `x[i, 0, 0]`, or at the class after it in training mode.
    """

    seen: Tensor

    def __init__(self, classes: int) -> None:
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


def gauge(classes: int = 4) -> Gauge:
    """Return a new gauge, of weight 1."""
    return Gauge(classes)


class Scripted(nn.Module):
    """A model whose validation losses are written down beforehand.

    A training batch (`x` above 0) has the loss `-weight`, so that SGD with learning rate 1 adds 1 to the weight: the
    weight counts the batches trained on. A validation batch (`x` below 0) has the loss that the script has for the
    weight. Its buffer `seen` counts training batches too, as the buffers of batch normalisation would.
    """

    seen: Tensor

    def __init__(self, script: Sequence[float], batches: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))
        self.register_buffer("seen", torch.zeros(()))
        self.script = list(script)
        self.batches = batches

    def forward(self, x: Tensor, targets: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:  # noqa: ARG002
        """Return (loss, logits `[B, 2]`) of tracks `[B, T, F]`."""
        logits = torch.zeros(len(x), 2) + 0 * self.weight
        if x[0, 0, 0] > 0:
            self.seen += 1
            return -self.weight, logits
        epoch = max(0, round(self.weight.item() / self.batches) - 1)
        return 0 * self.weight + self.script[min(epoch, len(self.script) - 1)], logits


def scripted(script: Sequence[float], batches: int) -> Scripted:
    """Return a model with a validation loss for each epoch of `batches` training batches."""
    return Scripted(script, batches)


class Head(nn.Module):
    """An instructor's classifier on a student's backbone."""

    def __init__(self, backbone: Any, classes: int, with_lengths: bool) -> None:
        super().__init__()
        self.backbone = backbone
        self.output = nn.Linear(int(backbone.feature_size), classes)
        self.with_lengths = with_lengths

    def forward(self, x: Tensor, targets: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Return (cross-entropy, logits `[B, C]`) of tracks `[B, T, F]`."""
        features = self.backbone(x, lengths) if self.with_lengths else self.backbone(x)
        logits = self.output(features.float())
        return nn.functional.cross_entropy(logits, targets), logits


def head(backbone: Any, classes: int, with_lengths: bool) -> Head:
    """Return a classifier that puts one linear layer on a backbone, which takes lengths or does not."""
    return Head(backbone, classes, with_lengths)


def sgd(model: nn.Module, lr: float) -> torch.optim.Optimizer:
    """Return plain gradient descent on a model's parameters."""
    return torch.optim.SGD(model.parameters(), lr)


def adam(model: nn.Module, lr: float) -> torch.optim.Optimizer:
    """Return Adam on a model's parameters."""
    return torch.optim.Adam(model.parameters(), lr)


def fit(model: nn.Module, batches: DataLoader[Any], optimizer: torch.optim.Optimizer, epochs: int) -> list[float]:
    """Train a model for some epochs, in training mode; return the loss of every step."""
    model.train()
    losses = []
    for _ in range(epochs):
        for x, targets, lengths in batches:
            optimizer.zero_grad()
            loss, _ = model(x, targets, lengths)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    return losses


def logits(model: nn.Module, x: np.ndarray, lengths: Sequence[int]) -> Tensor:
    """Return a model's logits for tracks `[N, T, F]`, in the mode that it is in; it gets no labels but zeros."""
    with torch.no_grad():
        _, result = model(torch.as_tensor(x), torch.zeros(len(x), dtype=torch.int64), torch.as_tensor(lengths))
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


def mean_of_frames(input_dim: int, feature_size: int) -> MeanOfFrames:
    """Return a backbone that is called as an LSTM is."""
    return MeanOfFrames(input_dim, feature_size)


def mean_of_image(input_dim: int, feature_size: int) -> MeanOfImage:
    """Return a backbone that is called as a CNN is."""
    return MeanOfImage(input_dim, feature_size)
