"""Any network: random tracks, its mode, its parameters, and the gradients that reach them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch

from graders.authoring.expect import plain
from graders.checks.kit.protocol import Kit
from graders.outcomes import WrongType


def noise(rng: np.random.Generator, *shape: int) -> torch.Tensor:
    """Return random standardised tracks, or parts of them: float32, mean 0, deviation 1."""
    return torch.from_numpy(rng.standard_normal(shape).astype(np.float32))


def evaluating(module: Any) -> Any:
    """Put a module into evaluation mode, and return it."""
    module.eval()
    return module


def parameter_count(kit: Kit, module: Any, call: str) -> int:
    """Return the number of trainable parameters of a module."""
    counted = plain(kit.training.count(module), f"the parameters of {call}")
    if not isinstance(counted, int):
        raise WrongType(f"The parameters of {call} cannot be counted.")
    return counted


def expect_gradients(kit: Kit, modules: Iterable[Any], inputs: tuple[Any, ...], call: str) -> None:
    """Raise unless a module has parameters, and a gradient of its output reaches each of them.

    Args:
        kit: the kit.
        modules: the module, or several of its kind with fresh weights: each parameter needs a gradient in one of them.
        inputs: what it is called with.
        call: the module, as a student would write it.
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
    """Return a new network whose parameters have their sizes; lazy layers get them from a first batch."""
    if kit.training.is_lazy(network):
        evaluating(network)(torch.zeros(1, *shape))
        network.train()
    return network
