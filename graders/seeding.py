"""Seeding every library that draws random numbers in this process."""

from __future__ import annotations

import random

import numpy as np

from graders.libraries import libraries

WORDS, WORD_BITS = 4, 32


def seed_libraries(seed: int) -> None:
    """Seed Python's `random`, NumPy's global generator, and those of a course's libraries.

    Args:
        seed: from 0 to 2**128 - 1.
    """
    random.seed(seed)
    words = [(seed >> WORD_BITS * place) % 2**WORD_BITS for place in range(WORDS)]
    np.random.seed(words if seed >= 2**WORD_BITS else seed)  # noqa: NPY002 - what students' code may use
    for library in libraries():
        library.seed(seed)
