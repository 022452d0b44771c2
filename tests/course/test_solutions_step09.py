from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader

from solutions.step05_lstm import Classifier, save_checkpoint
from solutions.step07_cnn import CNNBackbone
from solutions.step08_regression import Regressor
from solutions.step09_transfer import fine_tune, load_backbone_from_checkpoint

DIMS = (32, 32)


def backbone(seed: int, filters: tuple[int, ...] = (2, 3)) -> CNNBackbone:
    torch.manual_seed(seed)
    return CNNBackbone(DIMS, filters=filters, feature_size=4)


@pytest.fixture
def source(tmp_path: Path) -> tuple[CNNBackbone, Path]:
    """A classifier's backbone whose batch normalisation has seen tracks, and the classifier's checkpoint."""
    trained = backbone(0)
    trained.train()(torch.randn(8, *DIMS) * 3 + 1)
    save_checkpoint(Classifier(trained, 10), tmp_path / "είδη.pt")
    return trained, tmp_path / "είδη.pt"


def rated(count: int = 6) -> DataLoader[Any]:
    generator = torch.Generator().manual_seed(0)
    items: list[Any] = [(torch.randn(*DIMS, generator=generator), torch.tensor(i / count), 32) for i in range(count)]
    return DataLoader(items, 3)  # type: ignore[arg-type]


def test_weights_and_statistics_are_the_classifiers(source: tuple[CNNBackbone, Path]) -> None:
    trained, path = source
    fresh = backbone(1)
    assert load_backbone_from_checkpoint(fresh, path) is fresh
    for name, value in fresh.state_dict().items():
        assert torch.equal(value, trained.state_dict()[name]), name


def test_a_checkpoint_of_other_layers_is_refused(source: tuple[CNNBackbone, Path], tmp_path: Path) -> None:
    _, path = source
    with pytest.raises(RuntimeError):
        load_backbone_from_checkpoint(backbone(1, (2, 3, 4)), path)
    save_checkpoint(backbone(1), tmp_path / "backbone alone.pt")
    with pytest.raises(RuntimeError):
        load_backbone_from_checkpoint(backbone(1), tmp_path / "backbone alone.pt")
    with pytest.raises(FileNotFoundError):
        load_backbone_from_checkpoint(backbone(1), tmp_path / "missing.pt")


def test_fine_tuning_trains_what_was_transferred(source: tuple[CNNBackbone, Path]) -> None:
    trained, path = source
    before = {name: value.clone() for name, value in trained.state_dict().items()}

    fresh = backbone(1)
    tuned = fine_tune(fresh, path, rated(), rated(), epochs=2, learning_rate=1e-3)

    assert isinstance(tuned, Regressor)
    assert tuned.backbone is fresh
    moved = {name: (value - before[name]).abs().max().item() for name, value in fresh.named_parameters()}
    assert min(moved[name] for name in moved if "weight" in name) > 0
    # Near the source, where Adam's few steps of 1e-3 lead, and not near other fresh weights.
    assert max(moved.values()) < 0.02


def test_no_epochs_leave_the_classifiers_weights(source: tuple[CNNBackbone, Path]) -> None:
    trained, path = source
    fresh = backbone(1)
    fine_tune(fresh, path, rated(), rated(), epochs=0)
    for name, value in fresh.state_dict().items():
        assert torch.equal(value, trained.state_dict()[name]), name
