import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from torch.utils.data import DataLoader

from solutions.step05_lstm import LSTMBackbone, save_checkpoint, train
from solutions.step07_cnn import CNNBackbone
from solutions.step08_regression import Regressor, predict_ratings, spearman

RATINGS = st.lists(st.sampled_from([0.1, 0.25, 0.5, 0.75, 0.9]), min_size=2, max_size=12)


def rated_tracks(count: int = 10, batch_size: int = 4, *, shuffle: bool = False) -> DataLoader[Any]:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(count, 6, 3, generator=generator)
    items: list[Any] = [(x[i], torch.tensor(i / count), 1 + i % 6) for i in range(count)]
    return DataLoader(items, batch_size, shuffle=shuffle)  # type: ignore[arg-type]


def regressor(seed: int = 0, **options: Any) -> Regressor:
    torch.manual_seed(seed)
    return Regressor(LSTMBackbone(3, rnn_size=8, dropout=0.0), **options)


@settings(deadline=None, derandomize=True)
@given(RATINGS, st.randoms(use_true_random=False))
def test_spearman_is_scipys_ties_included(ratings: list[float], random: Any) -> None:
    other = random.sample(ratings, len(ratings))
    with np.errstate(all="ignore"):
        expected = stats.spearmanr(ratings, other).statistic if len(set(ratings)) > 1 else math.nan

    assert spearman(ratings, other) == pytest.approx(expected, nan_ok=True)


def test_spearman_of_a_bent_curve_is_one() -> None:
    values = np.linspace(-1, 2, 9)
    assert spearman(values, np.exp(5 * values)) == pytest.approx(1)
    assert spearman(values, -(values**3)) == pytest.approx(-1)


@pytest.mark.parametrize(("true", "predicted"), [([1.0, 2.0], [1.0]), ([1.0], [1.0]), ([[1.0, 2.0]], [[1.0, 2.0]])])
def test_spearman_refuses_what_are_not_two_lists(true: Any, predicted: Any) -> None:
    with pytest.raises(ValueError, match="expected two lists of one length"):
        spearman(true, predicted)


@pytest.mark.parametrize("rows", [1, 4])
def test_the_loss_is_the_mean_squared_error_of_the_ratings(rows: int) -> None:
    model = regressor().eval()
    x, targets, lengths = next(iter(rated_tracks(batch_size=rows)))

    loss, ratings = model(x, targets.double(), lengths)

    assert ratings.shape == (rows,)
    assert loss.item() == pytest.approx(((ratings - targets) ** 2).mean().item(), rel=1e-5)
    assert model(x, ratings.detach(), lengths)[0].item() == 0


def test_a_cnn_is_rated_without_lengths() -> None:
    model = Regressor(CNNBackbone((32, 32), filters=(2, 2), feature_size=4))
    _, ratings = model(torch.zeros(3, 32, 32), torch.zeros(3), torch.tensor([32, 32, 32]))
    assert ratings.shape == (3,)


def test_ratings_and_truth_keep_their_pairs_when_the_loader_shuffles() -> None:
    model = regressor().train()
    in_order = predict_ratings(model, rated_tracks())
    shuffled = predict_ratings(model, rated_tracks(shuffle=True))

    assert not model.training
    assert [part.shape for part in in_order] == [(10,), (10,)]
    order = np.argsort(shuffled[1])
    np.testing.assert_allclose(shuffled[0][order], in_order[0], atol=1e-6)
    assert not np.array_equal(shuffled[1], in_order[1])


def test_the_loops_of_step_5_train_it() -> None:
    model = regressor()
    optimizer = torch.optim.Adam(model.parameters(), 0.02)
    history = train(model, rated_tracks(), rated_tracks(), optimizer, epochs=30, patience=30)
    assert min(history["val_loss"]) < 0.2 * history["val_loss"][0]


def test_a_checkpoint_keeps_the_whole_regressor(tmp_path: Path) -> None:
    saved = regressor(1)
    save_checkpoint(saved, tmp_path / "παλινδρόμηση.pt")
    loaded = regressor(2, load_from_checkpoint=tmp_path / "παλινδρόμηση.pt")
    np.testing.assert_array_equal(predict_ratings(loaded, rated_tracks())[0], predict_ratings(saved, rated_tracks())[0])
    with pytest.raises(RuntimeError):
        Regressor(LSTMBackbone(3, rnn_size=9), load_from_checkpoint=tmp_path / "παλινδρόμηση.pt")
