"""Step 6: what a model predicts for tracks it has not seen, and how good that is: scores, tables and plots."""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

import numpy as np
import torch
from jaxtyping import Float, Float64, Int, Int64
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from torch import nn
from torch.utils.data import DataLoader


class Averages(TypedDict):
    """Precision, recall and F1 of all classes together."""

    precision: float
    recall: float
    f1: float


class Scores(TypedDict):
    """The scores of a classifier, as fractions of 1; those of single classes are arrays [C], in order of class."""

    accuracy: float
    precision: Float64[np.ndarray, " C"]
    recall: Float64[np.ndarray, " C"]
    f1: Float64[np.ndarray, " C"]
    support: Int64[np.ndarray, " C"]
    micro: Averages
    macro: Averages
    weighted: Averages


def predict(
    model: nn.Module, loader: DataLoader[Any], device: str | torch.device = "cpu"
) -> tuple[Int64[np.ndarray, " N"], Int64[np.ndarray, " N"]]:
    """Return the class that a model predicts for each track of a loader, and the track's true class.

    The class predicted is the one with the highest logit. The model is in evaluation mode meanwhile, so that it
    neither drops anything out nor learns, and comes back in the mode in which it came. No gradients are computed
    meanwhile; afterwards they are again, if they were before.

    Args:
        model: called as `model(x, targets, lengths)`, it returns (loss, logits [B, C]).
        loader: batches (x [B, T, F], targets [B], lengths [B]); it is gone through once.
        device: where the model goes, and the batches.

    Returns:
        (y_pred, y_true), each with one class for each track, in the order in which the loader gives them.

    Example:
        >>> y_pred, y_true = predict(model, test_loader)
        >>> classification_scores(y_true, y_pred, num_classes=10)["accuracy"]

    Source: step 6.
    """
    raise NotImplementedError("predict is yours to write: step 6")


def confusion_matrix(
    y_true: Sequence[int] | Int[np.ndarray, " N"], y_pred: Sequence[int] | Int[np.ndarray, " N"], num_classes: int
) -> Int64[np.ndarray, "C C"]:
    """Count the tracks of each true class (rows) that were predicted as each class (columns).

    Args:
        y_true: the true class of each track.
        y_pred: the class predicted for it.
        num_classes: number C of classes, with those that do not occur.

    Raises:
        ValueError: a label is not one of 0..C-1, or there are not as many predictions as true classes.

    Example:
        >>> confusion_matrix([0, 0, 1], [0, 2, 1], num_classes=3)
        array([[1, 0, 1],
               [0, 1, 0],
               [0, 0, 0]])

    Source: step 6. Compare `sklearn.metrics.confusion_matrix`.
    """
    raise NotImplementedError("confusion_matrix is yours to write: step 6")


def classification_scores(
    y_true: Sequence[int] | Int[np.ndarray, " N"], y_pred: Sequence[int] | Int[np.ndarray, " N"], num_classes: int
) -> Scores:
    """Score the predictions of a classifier, for each class and for all together.

    With TP, FP and FN the true positives, false positives and false negatives of a class:

    - precision = TP / (TP + FP), of what was predicted as the class, how much belongs to it;
    - recall = TP / (TP + FN), of what belongs to the class, how much was found;
    - f1 = 2 precision recall / (precision + recall), their harmonic mean;
    - support = TP + FN, the number of the class's tracks.

    A quotient whose denominator is 0 is 0: a class that was never predicted has precision 0, one without tracks
    recall 0. Accuracy is the fraction of tracks predicted rightly. The averages are

    - micro: of the sums of TP, FP and FN over the classes. Each track has one class and one prediction, so all
      three are equal to the accuracy;
    - macro: the mean over all C classes, each of which counts the same;
    - weighted: the mean over the classes, weighted by support.

    Args:
        y_true: the true class of each track.
        y_pred: the class predicted for it.
        num_classes: number C of classes, with those that do not occur.

    Raises:
        ValueError: a label is not one of 0..C-1, or there are not as many predictions as true classes.

    Example:
        >>> scores = classification_scores([0, 0, 1, 1], [0, 1, 1, 1], num_classes=3)
        >>> scores["recall"]
        array([0.5, 1. , 0. ])
        >>> scores["macro"]["recall"], scores["weighted"]["recall"]
        (0.5, 0.75)

    Source: step 6. Compare `sklearn.metrics.precision_recall_fscore_support` with `zero_division=0`.
    """
    raise NotImplementedError("classification_scores is yours to write: step 6")


def report_table(scores: Scores, class_names: Sequence[str] | None = None) -> str:
    """Lay scores out as a table in plain text.

    Below the header there is a row for each class with precision, recall, F1 and support, then one with the
    accuracy, and the macro and the weighted averages. Scores have two decimals.

    Args:
        scores: what `classification_scores` returns.
        class_names: names of the classes 0..C-1, in that order; their numbers unless given.

    Raises:
        ValueError: there are not as many names as classes.

    Example:
        >>> print(report_table(classification_scores([0, 0, 1, 1], [0, 1, 1, 1], 2), ["Blues", "Trip-Hop"]))
                      precision     recall   f1-score    support
               Blues       1.00       0.50       0.67          2
            Trip-Hop       0.67       1.00       0.80          2
            accuracy                             0.75          4
           macro avg       0.83       0.75       0.73          4
        weighted avg       0.83       0.75       0.73          4

    Source: step 6, the report's tables 1-3 and 10; step 7, its table 21. Compare
    `sklearn.metrics.classification_report`.
    """
    raise NotImplementedError("report_table is yours to write: step 6")


def plot_confusion_matrix(
    matrix: Int[np.ndarray, "C C"], ax: Axes, class_names: Sequence[str] | None = None
) -> AxesImage:
    """Draw a confusion matrix as a heat map, with the count written in each cell, and return what was drawn.

    The x axis is labelled "Predicted", the y axis "True"; at the ticks stand the names of the classes.

    Args:
        matrix: counts with true classes as rows, as `confusion_matrix` returns them.
        ax: where to draw.
        class_names: names of the classes 0..C-1, in that order; their numbers unless given.

    Raises:
        ValueError: there are not as many names as classes.

    Example:
        >>> image = plot_confusion_matrix(confusion_matrix(y_true, y_pred, 2), ax, ["Blues", "Trip-Hop"])
        >>> figure.colorbar(image, ax=ax, label="Tracks")

    Source: step 6. Compare `sklearn.metrics.ConfusionMatrixDisplay`.
    """
    raise NotImplementedError("plot_confusion_matrix is yours to write: step 6")


def plot_losses(history: Mapping[str, Sequence[float] | Float[np.ndarray, " E"]], ax: Axes) -> None:
    """Draw the training loss and the validation loss of each epoch as two lines, with a legend.

    The x axis is labelled "Epoch" and counts from 1, the y axis is labelled "Loss".

    Args:
        history: `train_loss` and `val_loss`, with one loss for each epoch, as `train` returns them.
        ax: where to draw.

    Example:
        >>> plot_losses(train(model, train_loader, val_loader, optimizer, epochs=100), ax)

    Source: step 6 (figures 7-10); step 7 (figure 20).
    """
    raise NotImplementedError("plot_losses is yours to write: step 6")
