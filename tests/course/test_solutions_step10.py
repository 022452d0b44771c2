import numpy as np
import pytest
import torch
from scipy import stats

from solutions.step05_lstm import LSTMBackbone
from solutions.step08_regression import predict_ratings
from solutions.step10_multitask import MultitaskLoss, MultitaskRegressor, spearman_of_tasks


def test_the_loss_is_the_weighted_sum_of_mean_squared_errors() -> None:
    ratings, targets = torch.rand(5, 3), torch.rand(5, 3)
    errors = ((ratings - targets) ** 2).mean(dim=0)
    for weights in ([1.0, 1.0, 1.0], [0.5, 0.0, 2.0]):
        expected = sum(weight * error for weight, error in zip(weights, errors.tolist(), strict=True))
        assert MultitaskLoss(weights)(ratings, targets).item() == pytest.approx(expected, rel=1e-5)
    assert MultitaskLoss([1, 2, 3])(ratings, ratings).item() == 0


@pytest.mark.parametrize("weights", [[], [1.0, -0.5]])
def test_impossible_weights_are_refused(weights: list[float]) -> None:
    with pytest.raises(ValueError, match="expected one of at least 0 for each task"):
        MultitaskLoss(weights)


@pytest.mark.parametrize("shape", [(4,), (4, 1), (4, 2)])
def test_shapes_that_would_broadcast_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"expected both to be \[B, 3\]"):
        MultitaskLoss([1, 1, 1])(torch.zeros(4, 3), torch.zeros(shape))


def test_the_weights_are_in_no_checkpoint() -> None:
    assert MultitaskLoss([1, 2]).state_dict() == {}


@pytest.mark.parametrize("rows", [1, 4])
def test_every_task_is_rated_and_trains_the_backbone(rows: int) -> None:
    model = MultitaskRegressor(LSTMBackbone(3, rnn_size=8, dropout=0.0))
    x, lengths = torch.randn(rows, 6, 3), torch.full((rows,), 6)
    _, ratings = model(x, torch.zeros(rows, 3), lengths)
    assert ratings.shape == (rows, 3)
    for task in range(3):
        targets = ratings.detach().clone()
        targets[:, task] += 1
        model.zero_grad()
        model(x, targets, lengths)[0].backward()
        assert any(bool(parameter.grad.abs().max() > 0) for parameter in model.backbone.parameters())  # type: ignore[union-attr]


def test_predictions_have_a_row_for_each_track() -> None:
    model = MultitaskRegressor(LSTMBackbone(3, rnn_size=8), num_tasks=2)
    batches = [(torch.randn(2, 4, 3), torch.rand(2, 2), torch.tensor([4, 2])) for _ in range(2)]
    y_pred, y_true = predict_ratings(model, batches)  # type: ignore[arg-type]
    assert y_pred.shape == y_true.shape == (4, 2)


def test_each_task_is_correlated_on_its_own() -> None:
    rng = np.random.default_rng(0)
    means = np.array([0.0, 10.0, 100.0])
    true, predicted = (rng.integers(0, 5, (20, 3)) + means for _ in range(2))
    expected = [stats.spearmanr(true[:, task], predicted[:, task]).statistic for task in range(3)]
    np.testing.assert_allclose(spearman_of_tasks(true, predicted), expected)
    with pytest.raises(ValueError, match=r"expected both to be \[N, tasks\]"):
        spearman_of_tasks(true, predicted[:, :2])
