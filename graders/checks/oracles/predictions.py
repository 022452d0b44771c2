"""True and predicted classes of some tracks, and their scores by scikit-learn."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from graders.authoring.examples import st


class Case(NamedTuple):
    """True and predicted classes of some tracks."""

    true: tuple[int, ...]
    predicted: tuple[int, ...]
    classes: int

    @property
    def lists(self) -> tuple[list[int], list[int], int]:
        """The arguments of confusion_matrix and classification_scores, as lists."""
        return list(self.true), list(self.predicted), self.classes

    @property
    def arrays(self) -> tuple[np.ndarray, np.ndarray, int]:
        """The arguments, as arrays."""
        return np.array(self.true), np.array(self.predicted), self.classes

    @property
    def true_classes(self) -> list[str]:
        """What the rows of the confusion matrix are about."""
        return [f"true class {number}" for number in range(self.classes)]

    @property
    def arguments(self) -> str:
        """The arguments, as a student would write them."""
        return f"(y_true={list(self.true)}, y_pred={list(self.predicted)}, num_classes={self.classes})"


EDGES = {
    "a class never predicted": Case((0, 0, 1, 2, 2), (0, 1, 1, 0, 1), 3),
    "a class without tracks": Case((0, 0, 1, 1), (0, 2, 1, 2), 3),
    "a class with neither": Case((0, 0, 2, 2), (0, 2, 2, 2), 4),
    "a class with nothing right": Case((0, 0, 1, 2), (0, 0, 2, 1), 3),
    "everything wrong": Case((0, 1, 2), (1, 2, 0), 3),
    "one track": Case((1,), (1,), 3),
}


# Results are kept: checks with the same strategy are given the same cases.
@functools.lru_cache(maxsize=1000)
def right_matrix(case: Case) -> np.ndarray:
    """Return the confusion matrix of a case."""
    from sklearn import metrics  # noqa: PLC0415 - slow to load, and not needed to list the checks

    matrix: np.ndarray = metrics.confusion_matrix(case.true, case.predicted, labels=np.arange(case.classes))
    return matrix


@functools.lru_cache(maxsize=1000)
def right_averages(case: Case, average: str | None = None) -> dict[str, Any]:
    """Return precision, recall, F1 and support of a case by name: of each class, or an average without support."""
    from sklearn import metrics  # noqa: PLC0415 - slow to load, and not needed to list the checks

    values = metrics.precision_recall_fscore_support(
        case.true, case.predicted, labels=np.arange(case.classes), average=average, zero_division=0
    )
    names = ("precision", "recall", "f1", "support")
    return {name: value for name, value in zip(names, values, strict=True) if value is not None}


@functools.lru_cache(maxsize=1000)
def right_accuracy(case: Case) -> float:
    """Return the accuracy of a case."""
    from sklearn import metrics  # noqa: PLC0415 - slow to load, and not needed to list the checks

    return float(metrics.accuracy_score(case.true, case.predicted))


def right_scores(case: Case) -> dict[str, Any]:
    """Return the scores of a case in a new dict, as classification_scores is to return them."""
    per_class = {name: values.copy() for name, values in right_averages(case).items()}
    averages = {
        average: {name: float(value) for name, value in right_averages(case, average).items()}
        for average in ("micro", "macro", "weighted")
    }
    return {"accuracy": right_accuracy(case), **per_class, **averages}


def case_of(pairs: Sequence[tuple[int, int]], classes: int) -> Case:
    """Return the case of some (true, predicted) pairs."""
    true, predicted = zip(*pairs, strict=True)
    return Case(true, predicted, classes)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Draw a case in which each class has tracks, predictions and a right one; some of class 0 are taken for 1."""
    classes = draw(st.integers(1, 4))
    label = st.integers(0, classes - 1)
    right = [(number, number) for number in range(classes)]
    confused = [(0, 0), (0, 1), (0, 1)] if classes > 1 else []
    further = draw(st.lists(st.tuples(label, label), max_size=6))
    return case_of(draw(st.permutations([*right, *confused, *further])), classes)


@st.composite
def sparse_cases(draw: st.DrawFn) -> Case:
    """Draw a case in which some of the classes have neither tracks nor predictions, the last one among them."""
    classes = draw(st.integers(4, 7))
    label = st.sampled_from(draw(st.lists(st.integers(0, classes - 2), min_size=1, max_size=3, unique=True)))
    return case_of(draw(st.lists(st.tuples(label, label), min_size=1, max_size=9)), classes)


def table_case(rng: np.random.Generator) -> Case:
    """Return a random case of 230 tracks of 4 classes: one is never predicted, another has 150 tracks."""
    true = np.repeat(np.arange(4), [40, 150, 12, 28])
    guess = rng.choice([0, 1, 3], true.shape)
    mistaken = (rng.uniform(size=true.shape) < 0.4) | (true == 2)
    return Case(tuple(true.tolist()), tuple(np.where(mistaken, guess, true).tolist()), 4)
