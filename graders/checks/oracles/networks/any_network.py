"""Any network: random tracks, its mode, its parameters, and the gradients that reach them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch

from graders.authoring.expect import as_array, plain
from graders.checks.kit.protocol import Kit
from graders.outcomes import WrongType

BESIDE = 0.1  # the most by which biases and scales are moved
OTHERWISE = -1.5  # times the weights: others, of about their size


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


def parameters(kit: Kit, module: Any, call: str) -> dict[str, np.ndarray]:
    """Return the parameters of a module by name."""
    state = kit.training.parameters(module)
    if not isinstance(state, dict):
        raise WrongType(f"The parameters of {call} are no dict of tensors.")
    return {str(name): as_array(value, f"{name} of {call}") for name, value in state.items()}


def redrawn(kit: Kit, module: Any, rng: np.random.Generator, call: str) -> Any:
    """Give a module random weights of the judge's, and return it.

    What its own weights are when it is new is free: zeros in the last layer, or the same in every one, after a seed.
    """
    values = {}
    for name, array in parameters(kit, module, call).items():
        bound = math.sqrt(3 / math.prod(array.shape[1:])) if array.ndim > 1 else BESIDE  # a deviation of 1 stays one
        drawn = rng.uniform(-bound, bound, array.shape)
        values[name] = (drawn if array.ndim > 1 else array + drawn).astype(array.dtype)
    kit.training.load(module, values)
    return module


def learning(kit: Kit, module: Any, inputs: tuple[Any, ...], call: str) -> set[str]:
    """Return the names of the parameters that a gradient of a module's output reaches."""
    gradients = plain(kit.training.gradients(module, *inputs), f"the gradients of {call}")
    return {str(name) for name, largest in gradients.items() if largest > 0}


def expect_gradients(kit: Kit, modules: Iterable[Any], inputs: tuple[Any, ...], call: str) -> None:
    """Raise unless a gradient of a module's output reaches each of the parameters on which the output depends.

    Layers that are left over, and never used, need none.

    Args:
        kit: the kit.
        modules: several of a kind with other weights: each parameter needs a gradient in one of them.
        inputs: what they are called with.
        call: the module, as a student would write it.
    """
    reached: set[str] = set()
    in_use: set[str] = set()
    for module in modules:
        reached |= learning(kit, module, inputs, call)
        before = as_array(module(*inputs), f"{call}(x)").copy()
        for name, values in parameters(kit, module, call).items():
            if name in reached | in_use:
                continue
            kit.training.load(module, {name: values * OTHERWISE + BESIDE})
            if not np.array_equal(as_array(module(*inputs), f"{call}(x)"), before):
                in_use.add(name)
            kit.training.load(module, {name: values})
    if not reached:
        raise AssertionError(f"{call}: a gradient of its output reaches no parameter.")
    if not in_use <= reached:
        names = ", ".join(sorted(in_use - reached)[:4])
        raise AssertionError(f"{call}: no gradient reaches {names}, on which the output depends.")


def sized(kit: Kit, network: Any, shape: tuple[int, ...]) -> Any:
    """Return a new network whose parameters have their sizes; lazy layers get them from a first batch."""
    if kit.training.is_lazy(network):
        evaluating(network)(torch.zeros(1, *shape))
        network.train()
    return network
