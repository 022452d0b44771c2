"""The kit's part that looks at calls: what a model hands to its backbone, what a call changes besides its answer."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from graders.checks.kit.training import seed


def loss_has_graph(model: nn.Module, x: Tensor, targets: Tensor, lengths: Tensor) -> bool:
    """Return whether a model's loss can be minimised."""
    loss, _ = model(x, targets, lengths)
    return isinstance(loss, Tensor) and loss.requires_grad


def side_effects(model: nn.Module, x: Tensor, targets: Tensor, lengths: Tensor) -> list[str]:
    """Return what a call of a model changes besides its answer, each as a few words."""
    changed = set()
    for training in (True, False):
        model.train(training)
        given = {"x": x.clone(), "targets": targets.clone(), "lengths": lengths.clone()}
        drawn = []
        for number in range(2):
            seed(number)
            model(*given.values())
            drawn.append(draw())
        changed |= {
            name
            for name, before in (("x", x), ("targets", targets), ("lengths", lengths))
            if not torch.equal(given[name], before)
        }
        if any(module.training != training for module in model.modules()):
            changed.add("its mode")
        if seeded(*drawn):
            changed.add("the random generators, which it seeds")
    return sorted(changed)


def received(model: nn.Module, backbone: nn.Module, x: Tensor, targets: Tensor, lengths: Tensor) -> list[list[Tensor]]:
    """Return the tensors with which a model calls its backbone, call by call."""
    calls = []
    forward = backbone.forward

    def recorded(*args: Any, **options: Any) -> Any:
        given = [torch.tensor(part) if isinstance(part, list) else part for part in (*args, *options.values())]
        calls.append([part.detach().clone() for part in given if isinstance(part, Tensor)])
        return forward(*args, **options)

    backbone.forward = recorded
    try:
        with torch.no_grad():
            model(x, targets, lengths)
    finally:
        del backbone.forward
    return calls


def states(backbone: nn.Module, x: Tensor, lengths: Tensor) -> Tensor:
    """Return what a backbone returns for tracks and lengths, as float32; it may work in another precision."""
    dtype = next((part.dtype for part in backbone.parameters()), x.dtype)
    with torch.no_grad():
        result: Tensor = backbone(x.to(dtype), lengths).float()
    return result


def others(model: nn.Module, part: nn.Module) -> list[str]:
    """Return the names of a model's parameters that are not of one of its parts."""
    of_part = {id(parameter) for parameter in part.parameters()}
    return [name for name, parameter in model.named_parameters() if id(parameter) not in of_part]


def adam_of(model: nn.Module, names: Sequence[str], lr: float) -> torch.optim.Optimizer:
    """Return Adam on some of a model's parameters."""
    return torch.optim.Adam([model.get_parameter(name) for name in names], lr)


def in_the_loss(model: nn.Module, batches: DataLoader[Any]) -> list[str]:
    """Return the names of the parameters on which a model's loss depends, those that are frozen too."""
    model.train().requires_grad_()
    model.zero_grad()
    for x, targets, lengths in batches:
        model(x, targets, lengths)[0].backward()
    return [name for name, parameter in model.named_parameters() if parameter.grad is not None]


def trainable(model: nn.Module) -> list[str]:
    """Return the names of a model's parameters that are not frozen."""
    return [name for name, parameter in model.named_parameters() if parameter.requires_grad]


def draw() -> list[float]:
    """Return the next random number of each library."""
    return [random.random(), np.random.rand(), torch.rand(()).item()]  # noqa: NPY002, S311 - what is seeded


def seeded(first: Sequence[float], second: Sequence[float]) -> bool:
    """Return whether what was drawn after one seed and after another is the same: a call in between has seeded."""
    return any(one == other for one, other in zip(first, second, strict=True))


def gradients_on() -> bool:
    """Return whether gradients are computed, and switch them on."""
    on = torch.is_grad_enabled()
    torch.set_grad_enabled(True)
    return on


def same(first: Any, second: Any) -> bool:
    """Return whether two objects are one."""
    return first is second


def silence(backbone: nn.Module) -> None:
    """Set all weights of a backbone to zero, in place: it returns the same for all tracks."""
    with torch.no_grad():
        for parameter in backbone.parameters():
            parameter.zero_()
