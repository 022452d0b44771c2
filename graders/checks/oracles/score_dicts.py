"""Reading the dict of step 6's `classification_scores`, and comparing it with scikit-learn's scores."""

from __future__ import annotations

from typing import Any

import numpy as np

from graders.authoring.describe import describe
from graders.authoring.expect import expect_array, expect_number, plain
from graders.checks.oracles.predictions import Case, right_averages
from graders.outcomes import WrongType


def scored(lab: Any, case: Case) -> tuple[Any, str]:
    """Return the classification_scores of a case, and the call."""
    return lab.step06_evaluation.classification_scores(*case.arrays), f"classification_scores{case.arguments}"


def entry(scores: Any, name: str, call: str) -> Any:
    """Return an entry of a dict of scores; raise if there is none."""
    if not isinstance(scores, dict):
        raise WrongType(f"{call} is {describe(scores)}; expected a dict with {name!r}.")
    if name not in scores:
        raise AssertionError(f"{call} has no entry {name!r}; its entries are {', '.join(map(describe, scores))}.")
    return scores[name]


def for_each_class(scores: Any, name: str, call: str) -> Any:
    """Return the scores of each class, which may be a list, as an array or a tensor."""
    value = entry(scores, name, call)
    return np.array(plain(value, call)) if isinstance(value, list | tuple) else value


def expect_for_each_class(scores: Any, name: str, expected: np.ndarray, call: str) -> None:
    """Raise unless the scores of each class are right."""
    names = [f"class {number}" for number in range(len(expected))]
    expect_array(for_each_class(scores, name, call), expected, f"{call}[{name!r}]", names=names)


def expect_average(lab: Any, case: Case, average: str) -> None:
    """Raise unless precision, recall and F1 of one kind of average are right."""
    scores, call = scored(lab, case)
    averages = entry(scores, average, call)
    for name, expected in right_averages(case, average).items():
        where = f"{call}[{average!r}]"
        expect_number(entry(averages, name, where), expected, f"{where}[{name!r}]")
