"""Hypothesis, set so that the same submission sees the same examples on every run.

It likes to draw constants that stand in the sources of the modules that happen to be loaded. Then the same seed would
give other examples in another process; and reading the sources takes each judge longer than all else that it does with
hypothesis. So it draws none of these here.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable
from typing import Any

import hypothesis
import numpy as np
from hypothesis import strategies as st
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants
from hypothesis.strategies import SearchStrategy

SETTINGS = hypothesis.settings(
    max_examples=12,
    deadline=None,
    database=None,
    # Without shrinking a failing example costs a student's slow function no further calls.
    phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
    suppress_health_check=list(hypothesis.HealthCheck),
    report_multiple_bugs=False,
    print_blob=False,
)

NO_CONSTANTS = Constants()
vars(providers)["_get_local_constants"] = lambda: NO_CONSTANTS  # there is no public switch


def examples(**strategies: SearchStrategy[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Run a check on examples drawn from strategies; the judge supplies the seed.

    Args:
        strategies: one for each argument of the check that is not a fixture.
    """

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        return SETTINGS(hypothesis.given(**strategies)(function))

    return decorate


def draw_once(check: Callable[..., None]) -> None:
    """Draw the examples of a check without running it: what hypothesis loads and computes meanwhile, it keeps.

    An example that cannot be drawn is passed over: whoever judges meets it again, and charges that check alone.
    """
    handle = getattr(check, "hypothesis", None)
    if handle is None:
        return
    inner, handle.inner_test = handle.inner_test, lambda *_, **__: None
    try:
        with contextlib.suppress(Exception):
            hypothesis.seed(0)(check)(**dict.fromkeys(inspect.signature(check).parameters))
    finally:
        handle.inner_test = inner


def in_any_order(values: np.ndarray) -> SearchStrategy[np.ndarray]:
    """Draw the same array in C order, in Fortran order, or as a strided view."""
    strided = np.repeat(values, 2, axis=-1)[..., ::2]
    return st.sampled_from([values, np.asfortranarray(values), strided])


__all__ = ["SETTINGS", "examples", "in_any_order", "st"]
