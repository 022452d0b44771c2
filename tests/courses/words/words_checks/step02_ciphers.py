"""Checks of step 2."""

from __future__ import annotations

import string
from typing import Any

import numpy as np

from graders.authoring.check import check
from graders.authoring.expect import expect_equal


@check(points=1, hint="Beyond z, go on at a: use the remainder.")
def test_letters_are_shifted(words: Any, rng: np.random.Generator) -> None:
    """shift moves each letter a-z by so many places, beyond z again from a, and leaves the rest."""
    letters = string.ascii_lowercase
    for by in (0, 3, *rng.integers(-30, 60, 4).tolist()):
        expected = "".join(letters[(place + by) % 26] for place in range(26)) + " Άλφα Z!"
        expect_equal(words.step02_ciphers.shift(letters + " Άλφα Z!", by), expected, f"shift(text, {by})")


@check(points=1, hint="Shift back by as many.", needs=("test_letters_are_shifted",))
def test_shifts_are_undone(words: Any, rng: np.random.Generator) -> None:
    """unshift returns the text that shift was given."""
    by = int(rng.integers(1, 26))
    expect_equal(words.step02_ciphers.unshift(words.step02_ciphers.shift("abc xyz", by), by), "abc xyz", "unshift")
