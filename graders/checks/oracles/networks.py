"""What checks ask of any network: random tracks, its mode, its parameters, and the gradients that reach them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch

from graders.authoring.expect import plain
from graders.checks.kit.protocol import Kit
from graders.outcomes import WrongType


def noise(rng: np.random.Generator, *shape: int) -> torch.Tensor:
    """Draw tracks, or parts of them, as a network meets them after standardisation: float32, mean 0, deviation 1."""
    return torch.from_numpy(rng.standard_normal(shape).astype(np.float32))


def evaluating(module: Any) -> Any:
    """Return a module once it is in evaluation mode."""
    module.eval()
    return module


def parameter_count(kit: Kit, module: Any, call: str) -> int:
    """Return the number of trainable parameters of a module."""
    counted = plain(kit.training.count(module), f"the parameters of {call}")
    if not isinstance(counted, int):
        raise WrongType(f"The parameters of {call} cannot be counted.")
    return counted


def expect_gradients(kit: Kit, modules: Iterable[Any], inputs: tuple[Any, ...], call: str) -> None:
    """Demand that a module has parameters, and that a gradient of its output on the inputs reaches each of them.

    Args:
        kit: the kit.
        modules: the module, or several of its kind with fresh weights: each parameter needs a gradient in one of them.
        inputs: what it is called with.
        call: the module in words.
    """
    unmoved: set[str] | None = None
    for module in modules:
        gradients = plain(kit.training.gradients(module, *inputs), f"the gradients of {call}")
        still = {str(name) for name, largest in gradients.items() if not largest > 0}
        unmoved = still if unmoved is None else unmoved & still
        if gradients and not unmoved:
            return
    names = ", ".join(sorted(unmoved or ())[:4])
    raise AssertionError(f"{call}: no gradient reaches {names or 'anything: there are no parameters'}.")


def sized(kit: Kit, network: Any, shape: tuple[int, ...]) -> Any:
    """Return a new network once all of its parameters have their sizes, which lazy layers get from a first batch."""
    if kit.training.is_lazy(network):
        evaluating(network)(torch.zeros(1, *shape))
        network.train()
    return network
