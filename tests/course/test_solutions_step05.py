import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from solutions.step05_lstm import (
    Classifier,
    EarlyStopping,
    LSTMBackbone,
    overfit_batch,
    save_checkpoint,
    train,
    training_loop,
    validation_loop,
)


def tracks(count: int = 10, batch_size: int = 4) -> DataLoader[Any]:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(count, 6, 3, generator=generator)
    items: list[Any] = [(x[i], i % 2, 1 + i % 6) for i in range(count)]
    return DataLoader(items, batch_size)  # type: ignore[arg-type]


def classifier(seed: int = 0, **options: Any) -> Classifier:
    torch.manual_seed(seed)
    return Classifier(LSTMBackbone(3, rnn_size=8, **options), num_classes=2)


def adam(model: nn.Module, lr: float = 0.02) -> torch.optim.Optimizer:
    return torch.optim.Adam(model.parameters(), lr)


@pytest.mark.parametrize("layers", [1, 2])
def test_the_state_is_the_lstms_own_after_the_last_valid_timestep(layers: int) -> None:
    backbone = LSTMBackbone(3, rnn_size=4, num_layers=layers, bidirectional=True).eval()
    lstm = next(one for one in backbone.modules() if isinstance(one, nn.LSTM))
    x, lengths = torch.randn(3, 7, 3), [7, 2, 5]

    features = backbone(x, torch.tensor(lengths))

    for row, length in enumerate(lengths):
        outputs, _ = lstm(x[row : row + 1, :length])
        assert torch.allclose(features[row, :4], outputs[0, -1, :4], atol=1e-6)
        assert torch.allclose(features[row, 4:], outputs[0, 0, 4:], atol=1e-6)


@pytest.mark.parametrize("length", [0, 5])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_track_without_timesteps_or_with_more_than_there_are_is_refused(length: int, bidirectional: bool) -> None:
    with pytest.raises(ValueError, match=r"expected 1\.\.4"):
        LSTMBackbone(3, bidirectional=bidirectional)(torch.zeros(1, 4, 3), torch.tensor([length]))


def test_a_checkpoint_keeps_the_whole_classifier(tmp_path: Path) -> None:
    saved, x, lengths = classifier(1).eval(), torch.randn(2, 5, 3), torch.tensor([5, 3])
    save_checkpoint(saved, tmp_path / "ταξινομητής.pt")

    loaded = Classifier(LSTMBackbone(3, rnn_size=8), 2, load_from_checkpoint=tmp_path / "ταξινομητής.pt").eval()

    targets = torch.tensor([0, 1])
    assert torch.equal(loaded(x, targets, lengths)[1], saved(x, targets, lengths)[1])


def test_a_checkpoint_of_another_size_is_refused(tmp_path: Path) -> None:
    save_checkpoint(classifier(), tmp_path / "model.pt")

    with pytest.raises(RuntimeError, match="size mismatch"):
        Classifier(LSTMBackbone(3, rnn_size=9), 2, load_from_checkpoint=tmp_path / "model.pt")
    with pytest.raises(FileNotFoundError):
        Classifier(LSTMBackbone(3, rnn_size=8), 2, load_from_checkpoint=tmp_path / "missing.pt")


def test_the_validation_loss_is_the_mean_over_all_tracks() -> None:
    model = classifier().eval()
    x, targets, lengths = next(iter(tracks(batch_size=10)))
    with torch.no_grad():
        expected = model(x, targets, lengths)[0].item()

    assert validation_loop(model, tracks(batch_size=4)) == pytest.approx(expected, rel=1e-5)
    assert not model.training


def test_an_epoch_lowers_the_loss() -> None:
    model, loader = classifier(dropout=0.0), tracks()
    optimizer = adam(model)
    losses = [training_loop(model, loader, optimizer) for _ in range(30)]

    assert losses[-1] < losses[0] / 2
    assert model.training


@pytest.mark.parametrize("loop", [lambda model, loader: training_loop(model, loader, adam(model)), validation_loop])
def test_a_loader_without_batches_is_refused(loop: Any) -> None:
    with pytest.raises(ValueError, match="no batches"):
        loop(classifier(), [])


def test_early_stopping_compares_with_the_best_of_all_epochs() -> None:
    stopping = EarlyStopping(patience=3)

    assert [stopping.step(loss) for loss in (0.5, 0.9, 0.8, 0.7)] == [False, False, False, True]
    assert stopping.best == 0.5
    assert not stopping.improved


def test_early_stopping_takes_no_number_for_no_improvement() -> None:
    stopping = EarlyStopping(patience=2)

    assert [stopping.step(loss) for loss in (math.nan, 1.0, math.nan, math.nan)] == [False, False, False, True]


@pytest.mark.parametrize("options", [{"patience": 0}, {"patience": 2, "min_delta": -0.1}])
def test_early_stopping_refuses_what_makes_no_sense(options: Any) -> None:
    with pytest.raises(ValueError, match="EarlyStopping has"):
        EarlyStopping(**options)


def test_overfitting_takes_the_first_batch_to_zero() -> None:
    model = classifier(dropout=0.0)

    losses = overfit_batch(model, tracks(), adam(model, 0.05), iterations=150)

    assert len(losses) == 150
    assert losses[-1] < 1e-3 < losses[0]


class Counting(nn.Module):
    """A model whose weight counts training batches, and whose validation losses are given for each epoch."""

    def __init__(self, losses: list[float]) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))
        self.losses: Iterator[float] = iter(losses)

    def forward(self, x: Tensor, _targets: Tensor, _lengths: Tensor) -> tuple[Tensor, Tensor]:
        return (-self.weight if self.training else torch.tensor(next(self.losses))), x


@pytest.mark.parametrize(
    ("losses", "epochs_run", "best_epoch"),
    [
        ([0.9, 0.5, 0.8, 0.7, 0.6, 0.1], 5, 2),  # better than the epoch before is not better than the best
        ([0.9, 0.8, 0.7, 0.6], 4, 4),
        ([0.5, 0.6, 0.4, 0.7], 4, 3),  # never stopped, and still restored
        ([0.5, 0.6, 0.7, 0.8, 0.1], 4, 1),
    ],
)
def test_training_ends_with_its_best_weights(losses: list[float], epochs_run: int, best_epoch: int) -> None:
    model = Counting(losses)
    one_batch = tracks(count=4)

    history = train(model, one_batch, one_batch, torch.optim.SGD(model.parameters(), 1.0), epochs=len(losses))

    assert history["val_loss"] == pytest.approx(losses[:epochs_run])
    assert len(history["train_loss"]) == epochs_run
    assert model.weight.item() == best_epoch


def test_training_can_overfit_one_batch() -> None:
    model = classifier()

    history = train(model, tracks(), tracks(), adam(model), epochs=7, overfit_batch=True)

    assert len(history["train_loss"]) == 7
    assert history["val_loss"] == []


def test_training_prints_nothing_into_a_pipe(capfd: pytest.CaptureFixture[str]) -> None:
    model = classifier()
    train(model, tracks(), tracks(), adam(model), epochs=2)
    overfit_batch(model, tracks(), adam(model), iterations=2)

    assert capfd.readouterr() == ("", "")


def test_training_shows_its_progress_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    model = classifier()
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    train(model, tracks(), tracks(), adam(model), epochs=2)

    assert "Training: 100%" in capsys.readouterr().err
