"""Seeding every library that draws random numbers in this process."""

from __future__ import annotations

import random
import sys
from typing import Any

WORDS, WORD_BITS = 4, 32
LARGEST_TORCH_SEED = 2**63


def seed_libraries(seed: int) -> None:
    """Seed Python's `random`, and NumPy's and PyTorch's global generators where they are loaded.

    Args:
        seed: from 0 to 2**128 - 1; PyTorch takes 63 bits of it.
    """
    random.seed(seed)
    numpy: Any = sys.modules.get("numpy")
    if hasattr(numpy, "random"):
        numpy.random.seed([(seed >> WORD_BITS * place) % 2**WORD_BITS for place in range(WORDS)])
    torch: Any = sys.modules.get("torch")
    if hasattr(torch, "manual_seed"):
        torch.manual_seed(seed % LARGEST_TORCH_SEED)
