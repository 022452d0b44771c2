"""The kit's part for training: loaders, small models, optimisers, and an instructor's training loop.

The models are simple, so that the judge, who knows the batches, can compute what a right training loop ends with.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

Integers: TypeAlias = Sequence[int] | np.ndarray
DROPOUTS = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout, nn.FeatureAlphaDropout)
NORMALISATIONS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


class _Tracks(Dataset[tuple[np.ndarray, Any, int]]):
    def __init__(self, x: np.ndarray, targets: Sequence[Any] | Tensor, lengths: Integers) -> None:
        self.x = np.asarray(x, np.float32)
        self.targets = targets
        self.lengths = lengths
        self.read = 0

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: int) -> tuple[np.ndarray, Any, int]:
        self.read += 1
        return self.x[index], self.targets[index], int(self.lengths[index])


class Indexed(Dataset[tuple[np.ndarray, int, int]]):
    """A data set whose item `i` is (array of `i`, `[2, features]`), label `i`, length 2; it can be pickled."""

    def __init__(self, size: int, features: int) -> None:
        self.size = size
        self.features = features

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> tuple[np.ndarray, int, int]:
        if not -self.size <= index < self.size:
            raise IndexError(f"the data set has {self.size} items, and none of number {index}")
        return np.full((2, self.features), index, np.float32), int(index), 2


def loader(x: np.ndarray, labels: Integers, lengths: Integers, batch_size: int) -> DataLoader[Any]:
    """Return a loader over tracks `[N, T, F]` in the order given; the last batch may be smaller."""
    return DataLoader(_Tracks(x, [int(label) for label in labels], lengths), batch_size)


def ratings_loader(x: np.ndarray, ratings: np.ndarray, lengths: Integers, batch_size: int) -> DataLoader[Any]:
    """Return a loader over tracks with ratings for targets: float32 `[N]`, or `[N, tasks]`."""
    return DataLoader(_Tracks(x, torch.as_tensor(ratings, dtype=torch.float32), lengths), batch_size)


def shuffling(batches: DataLoader[Any]) -> DataLoader[Any]:
    """Return a loader of the same items in batches of the same size, in another order in every pass."""
    return DataLoader(batches.dataset, batches.batch_size, shuffle=True)


def tracks_read(batches: DataLoader[Any]) -> int:
    """Return how often tracks of a loader of the kit were read, in this process."""
    return batches.dataset.read  # type: ignore[attr-defined,no-any-return]


class ScriptedModel(nn.Module):
    """A model of one weight and one buffer, for which the judge answers, call by call.

    Args:
        ask: asks the judge; its arguments are tracks, targets, lengths, the model's mode, and whether gradients are
            to be computed. The answer is slope and offset of the loss, the output, and the buffer's new value or None.
    """

    state: Tensor

    def __init__(self, ask: Callable[..., Any]) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))
        self.register_buffer("state", torch.zeros(()))
        self.inner = nn.Identity()  # whose mode is the model's only where `train` and `eval` were called
        self.ask = ask

    def forward(self, x: Tensor, targets: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Return (loss, output) of tracks `[B, T, F]`."""
        batch = (part.detach() for part in (x, targets, lengths))
        slope, offset, output, state = self.ask(*batch, self.inner.training, torch.is_grad_enabled())
        if state is not None:
            self.state.fill_(state)
        answer = torch.as_tensor(output, dtype=torch.float32)
        return slope * self.weight + offset, answer + 0 * self.weight


class MixedMean(nn.Module):
    """A small backbone, which takes lengths and ignores them; no other model has layers of its names."""

    def __init__(self, input_dim: int, feature_size: int) -> None:
        super().__init__()
        self.feature_size = feature_size
        self.mixing = nn.Linear(input_dim, feature_size)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:  # noqa: ARG002
        """Return features `[B, H]` of tracks `[B, T, F]`."""
        features: Tensor = self.mixing(x.mean(1))
        return features


class NormalisedMean(MixedMean):
    """A `MixedMean` with batch normalisation, whose statistics are buffers."""

    def __init__(self, input_dim: int, feature_size: int) -> None:
        super().__init__(input_dim, feature_size)
        self.normalisation = nn.BatchNorm1d(feature_size)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Return features `[B, H]` of tracks `[B, T, F]`."""
        features: Tensor = self.normalisation(super().forward(x, lengths))
        return features


class DeepMean(nn.Module):
    """A backbone with a hidden layer, on the mean of all timesteps; it takes lengths, and ignores them."""

    def __init__(self, input_dim: int, feature_size: int) -> None:
        super().__init__()
        self.feature_size = feature_size
        self.layers = nn.Sequential(nn.Linear(input_dim, feature_size), nn.Tanh())

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:  # noqa: ARG002
        """Return features `[B, H]` of tracks `[B, T, F]`."""
        features: Tensor = self.layers(x.mean(1))
        return features


class NamesakeMean(nn.Module):
    """A backbone whose layers have the names given, as far as a module may have them: those of other parts."""

    def __init__(self, input_dim: int, feature_size: int, names: Sequence[str]) -> None:
        super().__init__()
        self.feature_size = feature_size
        sizes = [input_dim, *[feature_size] * len(names)]
        self._names = [name for name in names if not hasattr(self, name)]
        for name, size in zip(self._names, sizes, strict=False):
            self.add_module(name, nn.Linear(size, feature_size))

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:  # noqa: ARG002
        """Return features `[B, H]` of tracks `[B, T, F]`."""
        features = x.mean(1)
        for name in self._names:
            features = self.get_submodule(name)(features)
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


def sgd(model: nn.Module, lr: float, momentum: float = 0.0) -> torch.optim.Optimizer:
    """Return gradient descent on a model's parameters."""
    return torch.optim.SGD(model.parameters(), lr, momentum)


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


def fit_ratings(model: nn.Module, batches: DataLoader[Any], optimizer: torch.optim.Optimizer, epochs: int) -> None:
    """Train a regressor, whatever its own loss, on the squared errors of its ratings, if these have a graph."""
    model.train()
    for _ in range(epochs):
        for x, targets, lengths in batches:
            optimizer.zero_grad()
            loss, rated = model(x.clone(), targets.clone(), lengths)
            if rated.requires_grad:
                loss = (rated.reshape(targets.shape) - targets).square().mean()
            loss.backward()
            optimizer.step()


def logits(model: nn.Module, x: np.ndarray, lengths: Integers) -> Tensor:
    """Return a model's logits for tracks `[N, T, F]`, in its present mode; the labels that it gets are zeros."""
    with torch.no_grad():
        _, result = model(torch.as_tensor(x), torch.zeros(len(x), dtype=torch.int64), torch.as_tensor(lengths))
    return result.detach()  # type: ignore[no-any-return]


def ratings(model: nn.Module, x: np.ndarray, lengths: Integers, tasks: int | None = None) -> Tensor:
    """Return a model's ratings of tracks `[N, T, F]`, in its present mode; the targets that it gets are zeros."""
    targets = torch.zeros(len(x)) if tasks is None else torch.zeros(len(x), tasks)
    with torch.no_grad():
        _, result = model(torch.as_tensor(x), targets, torch.as_tensor(lengths))
    return result.detach()  # type: ignore[no-any-return]


def weights(module: nn.Module) -> dict[str, Tensor]:
    """Return copies of all parameters and buffers, by name."""
    return {name: value.detach().clone() for name, value in module.state_dict().items()}


def set_weights(module: nn.Module, values: dict[str, Any]) -> None:
    """Give a module these parameters and buffers, by name; those that are not named stay as they are."""
    named = {name: torch.as_tensor(value, dtype=module.state_dict()[name].dtype) for name, value in values.items()}
    module.load_state_dict({**module.state_dict(), **named})


def parameters(module: nn.Module) -> dict[str, Tensor]:
    """Return copies of the parameters, by name, each once however often it is registered."""
    return {name: value.detach().clone() for name, value in module.named_parameters()}


def load(module: nn.Module, values: dict[str, Any]) -> None:
    """Give parameters of a module other values, by name."""
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            if name in values:
                parameter.copy_(torch.as_tensor(values[name]))


def without_dropout(module: nn.Module) -> None:
    """Let the dropout layers of a module drop nothing, in every mode."""
    for layer in module.modules():
        if isinstance(layer, DROPOUTS):
            layer.p = 0.0


def settle(module: nn.Module, batches: DataLoader[Any]) -> None:
    """Let the running statistics of batch normalisation be the means over some batches, whatever its momentum is."""
    layers = [layer for layer in module.modules() if isinstance(layer, NORMALISATIONS)]
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None
    module.train()
    with torch.no_grad():
        for x, targets, lengths in batches:
            module(x, targets, lengths)
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum


def is_lazy(module: nn.Module) -> bool:
    """Return whether layers of a module wait for their first batch to learn their sizes."""
    return any(isinstance(parameter, nn.UninitializedParameter) for parameter in module.parameters())


def seed(number: int) -> None:
    """Seed the random numbers of all libraries."""
    random.seed(number)
    np.random.seed(number)  # noqa: NPY002 - the generator that students' code may use
    torch.manual_seed(number)


def drawn() -> list[float]:
    """Return what the global generators of NumPy and PyTorch draw next."""
    return [np.random.random(), torch.rand(()).item()]  # noqa: NPY002 - the generators that students' code may use


def count(module: nn.Module) -> int:
    """Return the number of trainable parameters."""
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)


def change_convolutions(network: nn.Module) -> bool:
    """Change the two convolutions of a digit network in place: the first pads 4, the second has 3x3 filters.

    What comes after them still fits. Returns whether it was done: layers that are no `nn.Conv2d` are left alone.
    """
    found = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d)]
    if [layer.kernel_size for layer in found] != [(5, 5), (5, 5)] or [layer.in_channels for layer in found] != [1, 8]:
        return False
    first, second = found
    first.padding = (4, 4)
    second.weight = nn.Parameter(second.weight.detach()[:, :, 1:4, 1:4].clone())
    second.kernel_size, second.padding = (3, 3), (1, 1)
    return True


def gradients(module: nn.Module, *inputs: Any) -> dict[str, float]:
    """Return the largest gradient of each parameter, of the sum of squares of a module's output."""
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
    """A `MeanOfFrames` that is called as a CNN is: with tracks alone."""

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
        """Return features `[B, H]` of tracks `[B, T, F]`."""
        return super().forward(x)
