from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn import metrics
from torch import Tensor, nn
from torch.utils.data import DataLoader

from solutions.step06_evaluation import (
    Scores,
    classification_scores,
    confusion_matrix,
    plot_confusion_matrix,
    plot_losses,
    predict,
    report_table,
)

# Tables 1 and 21 of the report: support, and the rows below the classes, as it prints them.
SUPPORT = [40, 40, 80, 80, 40, 40, 78, 40, 103, 34]
NAMES = ["Blues", "Κλασική", "Trip-Hop", "Hip Hop"]


class FirstValue(nn.Module):
    """Its logits are highest at the class that stands in x[i, 0, 0]; in training mode, at the class after it."""

    classes = 5

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(1)
        self.frozen = nn.Dropout().eval()
        self.weight = nn.Parameter(torch.ones(()))
        self.grad_enabled: list[bool] = []

    def forward(self, x: Tensor, targets: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        assert len(lengths) == len(x)
        self.norm(x[:, :1, :1])
        self.grad_enabled.append(torch.is_grad_enabled())
        highest = (x[:, 0, 0] + self.training) % self.classes
        logits = self.weight - (torch.arange(self.classes) - highest[:, None]).abs()
        return nn.functional.cross_entropy(logits, targets), logits


def loader(codes: Sequence[int], labels: Sequence[int], batch_size: int) -> DataLoader[Any]:
    tracks: Any = [(np.full((3, 2), code, np.float32), label, 3) for code, label in zip(codes, labels, strict=True)]
    return DataLoader(tracks, batch_size)


def axes() -> Axes:
    return Figure().subplots()


def case(seed: int) -> tuple[np.ndarray, np.ndarray, int]:
    rng = np.random.default_rng(seed)
    classes = int(rng.integers(1, 7))
    # Few items of many classes: some classes have no tracks, some no predictions.
    y_true, y_pred = rng.integers(0, classes, (2, int(rng.integers(1, 12))))
    return y_true, y_pred, classes


# Prediction


@pytest.mark.parametrize(("count", "batch_size"), [(6, 3), (7, 3), (8, 3), (1, 4), (3, 1)])
def test_predictions_and_labels_are_in_the_loaders_order(count: int, batch_size: int) -> None:
    codes, labels = [4, 0, 3, 3, 1, 2, 0, 4][:count], [0, 1, 2, 0, 1, 2, 0, 1][:count]

    y_pred, y_true = predict(FirstValue(), loader(codes, labels, batch_size))

    assert y_pred.tolist() == codes
    assert y_true.tolist() == labels
    assert y_pred.dtype == y_true.dtype == np.int64


def test_no_tracks_give_no_predictions() -> None:
    y_pred, y_true = predict(FirstValue(), loader([], [], 2))

    assert y_pred.shape == y_true.shape == (0,)
    assert y_pred.dtype == y_true.dtype == np.int64


def test_prediction_is_without_gradients_and_leaves_the_model_as_it_was() -> None:
    model = FirstValue()
    before = {name: value.clone() for name, value in model.state_dict().items()}

    predict(model, loader([1, 2, 3], [0, 0, 0], 2), torch.device("cpu"))

    assert model.grad_enabled == [False, False]
    assert torch.is_grad_enabled()
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert model.weight.grad is None


@pytest.mark.parametrize("training", [True, False])
def test_the_model_comes_back_in_its_mode_with_frozen_parts_still_frozen(training: bool) -> None:
    model = FirstValue()
    model.train(training)
    model.frozen.eval()

    predict(model, loader([1], [0], 1))

    assert (model.training, model.norm.training, model.frozen.training) == (training, training, False)


def test_the_model_comes_back_in_its_mode_after_an_error_too() -> None:
    model = FirstValue()

    with pytest.raises(IndexError):
        predict(model, loader([1], [7], 1))

    assert model.training


# Scores


@pytest.mark.parametrize("seed", range(60))
def test_scores_agree_with_scikit_learn(seed: int) -> None:
    y_true, y_pred, classes = case(seed)
    labels = list(range(classes))

    scores = classification_scores(y_true, y_pred, classes)

    right = metrics.precision_recall_fscore_support(y_true, y_pred, labels=labels, zero_division=0)
    for name, values in zip(("precision", "recall", "f1", "support"), right, strict=True):
        assert np.allclose(scores[name], values), name  # type: ignore[literal-required]
    assert scores["accuracy"] == pytest.approx(metrics.accuracy_score(y_true, y_pred))
    for name in ("micro", "macro", "weighted"):
        *average, _ = metrics.precision_recall_fscore_support(
            y_true, y_pred, labels=labels, average=name, zero_division=0
        )
        assert list(scores[name].values()) == pytest.approx(average), name  # type: ignore[literal-required]
        assert list(scores[name]) == ["precision", "recall", "f1"]  # type: ignore[literal-required]


@pytest.mark.filterwarnings("ignore:A single label was found")
@pytest.mark.parametrize("seed", range(20))
def test_confusion_matrix_agrees_with_scikit_learn(seed: int) -> None:
    y_true, y_pred, classes = case(seed)

    matrix = confusion_matrix(y_true, y_pred, classes)

    assert np.array_equal(matrix, metrics.confusion_matrix(y_true, y_pred, labels=list(range(classes))))
    assert matrix.dtype == np.int64


def test_rows_are_true_classes_and_columns_predicted_ones() -> None:
    assert confusion_matrix([0, 0, 1], [0, 2, 1], 3).tolist() == [[1, 0, 1], [0, 1, 0], [0, 0, 0]]


def test_scores_are_numbers_of_python() -> None:
    scores = classification_scores([0, 1, 1], [0, 1, 0], 2)

    assert type(scores["accuracy"]) is float
    assert {type(value) for value in scores["macro"].values()} == {float}
    assert scores["support"].dtype == np.int64


def test_lists_arrays_of_any_integers_and_tensors_serve_alike() -> None:
    right = classification_scores([0, 1, 1, 2], [0, 1, 2, 2], 3)

    for kind in (np.uint8, np.int32):
        scores = classification_scores(np.array([0, 1, 1, 2], kind), np.array([0, 1, 2, 2], kind), 3)
        assert np.array_equal(scores["f1"], right["f1"])
    scores = classification_scores(torch.tensor([0, 1, 1, 2]), torch.tensor([0, 1, 2, 2]), 3)  # type: ignore[arg-type]
    assert np.array_equal(scores["f1"], right["f1"])


def test_without_tracks_every_score_is_zero() -> None:
    scores = classification_scores([], [], 2)

    assert scores["accuracy"] == 0
    assert scores["f1"].tolist() == [0, 0]
    assert scores["weighted"] == {"precision": 0, "recall": 0, "f1": 0}


@pytest.mark.parametrize(
    ("y_true", "y_pred", "message"),
    [
        ([0, 1, 3], [0, 1, 2], r"y_true .*0\.\.2"),
        ([0, 1, 2], [0, 3, 2], r"y_pred .*0\.\.2"),
        ([0, -1, 2], [0, 1, 2], r"y_true .*0\.\.2"),
        ([0, 1, 2], [-1, 1, 2], r"y_pred .*0\.\.2"),
        ([0, 1, 2], [0, 1], "3 .* 2"),
        ([0, 1, 2], [1], "3 .* 1"),
        ([0.5, 1.0], [0, 1], "y_true .*float64"),
        ([[0, 1]], [[0, 1]], r"y_true .*\(1, 2\)"),
    ],
)
def test_labels_that_make_no_sense_are_refused(y_true: Any, y_pred: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        confusion_matrix(y_true, y_pred, 3)
    with pytest.raises(ValueError, match=message):
        classification_scores(y_true, y_pred, 3)


# The table


def some_scores() -> Scores:
    y_true, y_pred = np.random.default_rng(0).integers(0, len(NAMES), (2, 50))
    return classification_scores(y_true, y_pred, len(NAMES))


def test_table_says_what_scikit_learns_report_says() -> None:
    y_true, y_pred = np.random.default_rng(0).integers(0, 4, (2, 50))

    table = report_table(some_scores(), NAMES)

    report = metrics.classification_report(y_true, y_pred, target_names=NAMES)
    rows = [line.split() for line in table.splitlines()]
    assert rows == [line.split() for line in report.splitlines() if line]


def test_table_of_the_reports_layout_names_classes_by_number() -> None:
    y_true = np.repeat(np.arange(10), SUPPORT)
    table = report_table(classification_scores(y_true, np.full(575, 8), 10))

    rows = [line.split() for line in table.splitlines()]
    assert rows[0] == ["precision", "recall", "f1-score", "support"]
    assert rows[1] == ["0", "0.00", "0.00", "0.00", "40"]
    assert rows[9] == ["8", "0.18", "1.00", "0.30", "103"]
    assert rows[11] == ["accuracy", "0.18", "575"]
    assert rows[12] == ["macro", "avg", "0.02", "0.10", "0.03", "575"]
    assert rows[13] == ["weighted", "avg", "0.03", "0.18", "0.05", "575"]


def test_columns_of_the_table_are_aligned() -> None:
    lines = report_table(some_scores(), NAMES).splitlines()

    assert len({len(line) for line in lines}) == 1


def test_names_for_another_number_of_classes_are_refused() -> None:
    with pytest.raises(ValueError, match="3 names for 4 classes"):
        report_table(some_scores(), NAMES[:3])
    with pytest.raises(ValueError, match="3 names for 4 classes"):
        plot_confusion_matrix(np.eye(4, dtype=int), axes(), NAMES[:3])


# Plots

MATRIX = np.array([[12, 0, 3, 1], [2, 103, 0, 0], [7, 5, 0, 4], [0, 9, 8, 6]])


@pytest.mark.parametrize("names", [NAMES, None])
def test_confusion_matrix_is_drawn_with_its_counts_and_names(names: list[str] | None) -> None:
    ax = axes()

    image = plot_confusion_matrix(MATRIX, ax, names)

    assert list(ax.images) == [image]
    assert np.array_equal(image.get_array(), MATRIX)  # type: ignore[arg-type]
    counts = {text.get_position()[::-1]: text.get_text() for text in ax.texts}
    assert counts == {at: str(count) for at, count in np.ndenumerate(MATRIX)}
    for axis in (ax.xaxis, ax.yaxis):
        assert [label.get_text() for label in axis.get_ticklabels()] == (names or ["0", "1", "2", "3"])
        assert list(axis.get_majorticklocs()) == [0, 1, 2, 3]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("Predicted", "True")


def test_counts_are_legible_on_dark_and_on_light() -> None:
    ax = axes()

    plot_confusion_matrix(MATRIX, ax)

    colours = {text.get_text(): text.get_color() for text in ax.texts}
    assert (colours["103"], colours["0"]) == ("white", "black")


def test_a_matrix_of_zeros_can_be_drawn() -> None:
    ax = axes()

    plot_confusion_matrix(np.zeros((2, 2), int), ax)

    assert {text.get_color() for text in ax.texts} == {"black"}


def test_losses_are_two_lines_over_the_epochs() -> None:
    ax = axes()

    plot_losses({"train_loss": [2.1, 1.7, 1.5], "val_loss": [2.2, 1.9, 2.0]}, ax)

    lines = {str(line.get_label()): line.get_xydata() for line in ax.lines}
    assert np.array_equal(lines["Training"], [[1, 2.1], [2, 1.7], [3, 1.5]])
    assert np.array_equal(lines["Validation"], [[1, 2.2], [2, 1.9], [3, 2.0]])
    legend = ax.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["Training", "Validation"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("Epoch", "Loss")
    assert all(float(tick).is_integer() for tick in ax.get_xticks())
