"""Step 5: an LSTM that names the genre of a track, and the loop that trains it."""

from __future__ import annotations

import math
import os
from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence
from torch.optim import Optimizer
from torch.utils.data import DataLoader
from tqdm import tqdm


class LSTMBackbone(nn.Module):
    """An LSTM that reads a track and returns its hidden state after the last valid timestep.

    A bidirectional one returns two states side by side: that of the forward direction after the last valid
    timestep, and that of the backward direction after the first. With several layers it is the last one's state.
    It is the hidden state, whose values lie between -1 and 1, and not the cell state, which grows with the track.

    Args:
        input_dim: features F of a timestep.
        rnn_size: size of the state of one direction.
        num_layers: LSTMs stacked on one another.
        bidirectional: read the track backwards too.
        dropout: probability of dropout, in training mode only, on the state that is returned and between layers.

    Attributes:
        feature_size: size H of the state that is returned: `rnn_size`, or twice that when bidirectional.

    Example:
        >>> backbone = LSTMBackbone(128, rnn_size=64, bidirectional=True)
        >>> backbone(torch.zeros(2, 10, 128), torch.tensor([10, 7])).shape
        torch.Size([2, 128])

    Source: step 5.
    """

    def __init__(
        self,
        input_dim: int,
        rnn_size: int = 128,
        num_layers: int = 1,
        bidirectional: bool = False,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.feature_size = rnn_size * (2 if bidirectional else 1)
        self._lstm = nn.LSTM(
            input_dim,
            rnn_size,
            num_layers,
            batch_first=True,
            bidirectional=bidirectional,
            dropout=dropout if num_layers > 1 else 0.0,
        )
        self._dropout = nn.Dropout(dropout)

    def forward(self, x: Float[Tensor, "B T F"], lengths: Int64[Tensor, " B"]) -> Float[Tensor, "B H"]:
        """Return the state of each track; what lies beyond its length, which is padding, has no influence.

        Args:
            x: the tracks, padded to a common number of timesteps.
            lengths: valid timesteps of each track, at least 1 and at most T, in any order.

        Raises:
            ValueError: a length is below 1 or above T.
        """
        if not 1 <= int(lengths.min()) <= int(lengths.max()) <= x.shape[1]:
            raise ValueError(
                f"LSTMBackbone got lengths {lengths.tolist()}; expected 1..{x.shape[1]}, the timesteps of x."
            )
        states = self._last_states(x, lengths)
        directions = states[-2:] if self._lstm.bidirectional else states[-1:]
        features: Tensor = self._dropout(directions.transpose(0, 1).flatten(1))
        return features

    def _last_states(self, x: Tensor, lengths: Tensor) -> Float[Tensor, "directions B rnn_size"]:
        """Return the state of each direction after its last valid timestep; with several layers, perhaps of all."""
        if not self._lstm.bidirectional:
            # Padding comes after the last valid timestep, and cannot reach its state. Packed, it would not be read at
            # all, but PyTorch's fused LSTM for CPUs does not take packed tracks, and the other one is slower by more.
            outputs, _ = self._lstm(x[:, : int(lengths.max())])
            return outputs[torch.arange(len(x)), lengths - 1][None]  # type: ignore[no-any-return]
        packed = pack_padded_sequence(x, lengths.cpu(), batch_first=True, enforce_sorted=False)
        _, (states, _) = self._lstm(packed)
        return states  # type: ignore[no-any-return]


class Classifier(nn.Module):
    """A backbone with one linear layer on top, which tells classes apart.

    An `LSTMBackbone` is called with tracks and lengths, any other backbone, such as the CNN of step 7, with the
    tracks alone.

    Args:
        backbone: module that turns tracks into features [B, H], with H as its attribute `feature_size`.
        num_classes: number C of classes.
        load_from_checkpoint: file that `save_checkpoint` wrote for a classifier of the same layers; its weights
            replace the fresh ones.

    Raises:
        FileNotFoundError: there is no such checkpoint.
        RuntimeError: the checkpoint does not fit, because its names or shapes are not those of this classifier.

    Example:
        >>> classifier = Classifier(LSTMBackbone(128), num_classes=10)
        >>> loss, logits = classifier(torch.zeros(2, 7, 128), torch.tensor([3, 0]), torch.tensor([7, 5]))
        >>> logits.shape
        torch.Size([2, 10])

    Source: step 5.
    """

    def __init__(
        self, backbone: nn.Module, num_classes: int, load_from_checkpoint: str | os.PathLike[str] | None = None
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self._output = nn.Linear(_feature_size(backbone), num_classes)
        self._criterion = nn.CrossEntropyLoss()
        if load_from_checkpoint is not None:
            self.load_state_dict(torch.load(load_from_checkpoint, map_location="cpu", weights_only=True))

    def forward(
        self, x: Float[Tensor, "B T F"], targets: Int64[Tensor, " B"], lengths: Int64[Tensor, " B"]
    ) -> tuple[Float[Tensor, ""], Float[Tensor, "B C"]]:
        """Return the mean cross-entropy of the batch, and the logits.

        Args:
            x: the tracks.
            targets: the class of each, 0..C-1.
            lengths: valid timesteps of each.
        """
        inputs = (x, lengths) if isinstance(self.backbone, LSTMBackbone) else (x,)
        logits = self._output(self.backbone(*inputs))
        return self._criterion(logits, targets), logits


def _feature_size(backbone: nn.Module) -> int:
    return int(backbone.feature_size)  # type: ignore[arg-type]


def save_checkpoint(model: nn.Module, path: str | os.PathLike[str]) -> None:
    """Write the weights and buffers of a model to a file, as `load_from_checkpoint` reads them.

    Args:
        model: the model; only its `state_dict` is written.
        path: the file; its folder must exist.

    Example:
        >>> save_checkpoint(model, "best.pt")
        >>> same = Classifier(LSTMBackbone(128), num_classes=10, load_from_checkpoint="best.pt")

    Source: step 5; see `torch.save`.
    """
    torch.save(model.state_dict(), path)


def training_loop(
    model: nn.Module, loader: DataLoader[Any], optimizer: Optimizer, device: str | torch.device = "cpu"
) -> float:
    """Train a model for one epoch, in training mode: one plain step of the optimiser for each batch.

    Args:
        model: called as `model(x, targets, lengths)`, it returns (mean loss of the batch, output).
        loader: batches (x, targets, lengths).
        optimizer: optimiser of the model's parameters.
        device: where the model is, and where the batches go.

    Returns:
        The mean loss over the epoch's items: a smaller last batch counts for less.

    Raises:
        ValueError: the loader has no batches.

    Example:
        >>> loader = [(torch.zeros(2, 7, 128), torch.tensor([3, 0]), torch.tensor([7, 5]))]  # one batch
        >>> model = Classifier(LSTMBackbone(128), num_classes=10)
        >>> optimizer = torch.optim.Adam(model.parameters())
        >>> first, second = (training_loop(model, loader, optimizer) for _ in range(2))
        >>> second < first
        True

    Source: step 5.
    """
    model.train()
    total, count = torch.zeros((), device=device), 0
    for x, targets, lengths in loader:
        optimizer.zero_grad()
        loss, _ = model(x.to(device), targets.to(device), lengths)
        loss.backward()
        optimizer.step()
        total += loss.detach() * len(x)
        count += len(x)
    return _mean(total, count)


@torch.no_grad()
def validation_loop(model: nn.Module, loader: DataLoader[Any], device: str | torch.device = "cpu") -> float:
    """Return the mean loss of a model over a loader's items, in evaluation mode; the model learns nothing.

    Args:
        model: called as `model(x, targets, lengths)`, it returns (mean loss of the batch, output).
        loader: batches (x, targets, lengths).
        device: where the model is, and where the batches go.

    Raises:
        ValueError: the loader has no batches.

    Example:
        >>> loader = [(torch.zeros(2, 7, 128), torch.tensor([3, 0]), torch.tensor([7, 5]))]  # one batch
        >>> model = Classifier(LSTMBackbone(128), num_classes=10)
        >>> validation_loop(model, loader) == validation_loop(model, loader)
        True

    Source: step 5.
    """
    model.eval()
    total, count = torch.zeros((), device=device), 0
    for x, targets, lengths in loader:
        loss, _ = model(x.to(device), targets.to(device), lengths)
        total += loss * len(x)
        count += len(x)
    return _mean(total, count)


def _mean(total: Tensor, count: int) -> float:
    if not count:
        raise ValueError("The loader has no batches; check how the data set was split.")
    return total.item() / count


class EarlyStopping:
    """Tell when the validation loss has stopped improving.

    A loss improves if it is lower than the best so far by more than `min_delta`; the best so far is that of all
    epochs, not only of the one before. A loss that is not a number never improves.

    Args:
        patience: epochs in a row without an improvement after which to stop.
        min_delta: how much lower a loss must be.

    Attributes:
        best: the best loss so far; infinity before the first.
        improved: the loss given last was an improvement.

    Raises:
        ValueError: `patience` is below 1, or `min_delta` is negative.

    Example:
        >>> stopping = EarlyStopping(patience=2)
        >>> [stopping.step(loss) for loss in (0.9, 0.7, 0.8, 0.75)]
        [False, False, False, True]

    Source: step 5.
    """

    def __init__(self, patience: int = 3, min_delta: float = 0.0) -> None:
        if patience < 1 or min_delta < 0:
            raise ValueError(
                f"EarlyStopping has patience={patience} and min_delta={min_delta}; "
                "expected at least 1 epoch, and a difference of at least 0."
            )
        self.best = math.inf
        self.improved = False
        self._patience = patience
        self._min_delta = min_delta
        self._waited = 0

    def step(self, loss: float) -> bool:
        """Take the validation loss of an epoch, and return whether to stop now."""
        self.improved = loss < self.best - self._min_delta
        if self.improved:
            self.best = loss
            self._waited = 0
        else:
            self._waited += 1
        return self._waited >= self._patience


def overfit_batch(
    model: nn.Module,
    loader: DataLoader[Any],
    optimizer: Optimizer,
    device: str | torch.device = "cpu",
    iterations: int = 400,
) -> list[float]:
    """Train a model on the first batch of a loader again and again: a model that is right brings its loss to 0.

    The model comes in training mode, as a new one is, and stays in it.

    Args:
        model: called as `model(x, targets, lengths)`, it returns (mean loss of the batch, output).
        loader: batches (x, targets, lengths); the first is taken once, whole.
        optimizer: optimiser of the model's parameters.
        device: where the model goes, and the batch.
        iterations: steps of the optimiser.

    Returns:
        The loss before each step.

    Example:
        >>> loader = [(torch.zeros(2, 7, 128), torch.tensor([3, 0]), torch.tensor([7, 5]))]  # one batch
        >>> model = Classifier(LSTMBackbone(128), num_classes=10)
        >>> optimizer = torch.optim.Adam(model.parameters())
        >>> len(overfit_batch(model, loader, optimizer, iterations=5))
        5

    Source: step 5.
    """
    model.to(device)
    model.train()
    x, targets, lengths = next(iter(loader))
    x, targets = x.to(device), targets.to(device)
    losses = []
    # disable=None: a bar for a person at a terminal, and nothing in a pipe.
    with tqdm(range(iterations), "Overfitting", unit="step", disable=None) as progress:
        for _ in progress:
            optimizer.zero_grad()
            loss, _ = model(x, targets, lengths)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            progress.set_postfix(loss=f"{losses[-1]:.2g}")
    return losses


# The argument of `train` hides the function of the same name.
_overfit_batch = overfit_batch


def train(
    model: nn.Module,
    train_loader: DataLoader[Any],
    val_loader: DataLoader[Any],
    optimizer: Optimizer,
    epochs: int,
    device: str | torch.device = "cpu",
    overfit_batch: bool = False,
    patience: int = 3,
) -> dict[str, list[float]]:
    """Train a model until its validation loss stops improving; it ends with the weights of its best epoch.

    Each epoch is a `training_loop` and then a `validation_loop`. Training stops after `patience` epochs in a row
    without an improvement, or after `epochs`; in either case the weights and buffers of the epoch with the
    lowest validation loss are restored. The learning rate stays as it is. On a terminal a bar shows the progress.

    Args:
        model: called as `model(x, targets, lengths)`, it returns (mean loss of the batch, output).
        train_loader: batches (x, targets, lengths) to learn from.
        val_loader: batches to validate on.
        optimizer: optimiser of the model's parameters.
        epochs: the most epochs.
        device: where the model goes, and the batches.
        overfit_batch: take `epochs` steps on the first batch instead, as `overfit_batch` does, without
            validating.
        patience: epochs without an improvement after which to stop.

    Returns:
        The history: `train_loss` and `val_loss`, each a list with one loss for each epoch. When overfitting,
        `train_loss` has one for each step, and `val_loss` is empty.

    Example:
        >>> loader = [(torch.zeros(2, 7, 128), torch.tensor([3, 0]), torch.tensor([7, 5]))]  # one batch
        >>> model = Classifier(LSTMBackbone(128), num_classes=10)
        >>> optimizer = torch.optim.Adam(model.parameters())
        >>> history = train(model, loader, loader, optimizer, epochs=2)
        >>> len(history["train_loss"]), len(history["val_loss"])
        (2, 2)

    Source: step 5. The report trains for 100 epochs at most, with Adam, learning rate 1e-5, weight decay 1e-6,
    dropout 0.4 and patience 3.
    """
    if overfit_batch:
        return {"train_loss": _overfit_batch(model, train_loader, optimizer, device, epochs), "val_loss": []}
    model.to(device)
    history: dict[str, list[float]] = {"train_loss": [], "val_loss": []}
    stopping = EarlyStopping(patience)
    best = _snapshot(model)
    with tqdm(range(epochs), "Training", unit="epoch", disable=None) as progress:
        for _ in progress:
            history["train_loss"].append(training_loop(model, train_loader, optimizer, device))
            history["val_loss"].append(validation_loop(model, val_loader, device))
            progress.set_postfix({name: f"{losses[-1]:.3g}" for name, losses in history.items()})
            stop = stopping.step(history["val_loss"][-1])
            if stopping.improved:
                best = _snapshot(model)
            if stop:
                break
    model.load_state_dict(best)
    return history


def _snapshot(model: nn.Module) -> dict[str, Tensor]:
    """Return copies of the weights and buffers: `state_dict` alone would change with the model."""
    return {name: value.detach().clone() for name, value in model.state_dict().items()}
