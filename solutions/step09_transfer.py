"""Step 9: what a network has learnt of genres, transferred to ratings."""

import os
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader

from .step05_lstm import train
from .step08_regression import Regressor

_PREFIX = "backbone."


def load_backbone_from_checkpoint(backbone: nn.Module, path: str | os.PathLike[str]) -> nn.Module:
    """Give a backbone the weights that the backbone of a trained classifier has, and return it.

    Weights and buffers, such as the statistics of batch normalisation, are taken from the checkpoint, whatever the
    backbone's layers are called; its output layer is left out, since it knows genres and nothing else.

    Args:
        backbone: a backbone with the same layers as the classifier's; it is changed in place.
        path: file that `save_checkpoint` of step 5 wrote for a whole `Classifier`.

    Returns:
        The same backbone.

    Raises:
        FileNotFoundError: there is no such checkpoint.
        RuntimeError: the checkpoint does not fit: layers of the backbone are not in it, it has others, or their shapes
            are not the same. A backbone that kept fresh weights would transfer nothing.

    Example:
        >>> save_checkpoint(classifier, "genres.pt")
        >>> backbone = load_backbone_from_checkpoint(CNNBackbone((1300, 128)), "genres.pt")

    Source: step 9.
    """
    weights = torch.load(path, map_location="cpu", weights_only=True)
    backbone.load_state_dict(
        {name.removeprefix(_PREFIX): value for name, value in weights.items() if name.startswith(_PREFIX)}
    )
    return backbone


def fine_tune(
    backbone: nn.Module,
    path: str | os.PathLike[str],
    train_loader: DataLoader[Any],
    val_loader: DataLoader[Any],
    epochs: int = 5,
    learning_rate: float = 1e-4,
    device: str | torch.device = "cpu",
) -> nn.Module:
    """Return a `Regressor` on the backbone of a trained classifier, trained on ratings.

    All of its weights are trained, the transferred ones too, with Adam at one learning rate, without weight decay,
    and with `train` of step 5; none is frozen, not even afterwards. Batch normalisation goes on from the transferred
    statistics.

    Args:
        backbone: a backbone with the same layers as the classifier's; it becomes the regressor's.
        path: file that `save_checkpoint` of step 5 wrote for a whole `Classifier`.
        train_loader: batches (x, ratings, lengths) to learn from.
        val_loader: batches to validate on.
        epochs: the most epochs.
        learning_rate: Adam's.
        device: where the regressor goes, and the batches.

    Raises:
        FileNotFoundError, RuntimeError: as `load_backbone_from_checkpoint`.

    Example:
        >>> genres = Classifier(LSTMBackbone(128), num_classes=10)  # of step 5, once it is trained
        >>> save_checkpoint(genres, "genres.pt")
        >>> regressor = fine_tune(LSTMBackbone(128), "genres.pt", train_loader, val_loader)

    Source: step 9: five epochs on valence.
    """
    regressor = Regressor(load_backbone_from_checkpoint(backbone, path)).to(device)
    optimizer = torch.optim.Adam(regressor.parameters(), lr=learning_rate)
    train(regressor, train_loader, val_loader, optimizer, epochs, device)
    return regressor
