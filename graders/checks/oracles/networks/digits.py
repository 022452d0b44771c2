"""The digit network of step 7: the judge's forward and backward pass, with the submission's weights."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from graders.authoring.expect import as_array
from graders.checks.kit.protocol import Kit
from graders.outcomes import WrongType

Parameters: TypeAlias = dict[int, Tensor]  # by their number of elements

LAYERS = (
    "the input",
    "the first convolution",
    "the first ReLU",
    "the first pooling",
    "the second convolution",
    "the second ReLU",
    "the second pooling",
    "the fully connected layer",
    "the softmax",
)
SHAPES = ((1, 24, 24), (8, 24, 24), (8, 24, 24), (8, 12, 12), (16, 12, 12), (16, 12, 12), (16, 4, 4), (10,), (10,))
PARAMETERS = (0, 208, 0, 0, 3216, 0, 0, 2570, 0)
# The same with padding of 4 in the first convolution, and filters of 3x3 in the second, which sees 14x14.
CHANGED_SHAPES = (
    (1, 24, 24), (8, 28, 28), (8, 28, 28), (8, 14, 14), (16, 14, 14), (16, 14, 14), (16, 4, 4), (10,), (10,),
)  # fmt: skip
CHANGED_PARAMETERS = (0, 208, 0, 0, 1168, 0, 0, 2570, 0)
# Each tensor of the network is known by its size, whatever its name.
SIZES = {200: (8, 1, 5, 5), 8: (8,), 3200: (16, 8, 5, 5), 16: (16,), 2560: (10, 256), 10: (10,)}
WEIGHT_SIZES = {1: 200, 4: 3200, 7: 2560}


def parameters_of(kit: Kit, network: Any) -> Parameters:
    """Return the network's weights and biases in float64, by their number of elements."""
    state = kit.training.parameters(network)
    if not isinstance(state, dict):
        raise WrongType("The parameters of DigitNetwork() are no dict of tensors.")
    arrays = [as_array(value, f"{name} of DigitNetwork()") for name, value in state.items()]
    sizes = sorted(array.size for array in arrays)
    if sizes != sorted(SIZES):
        raise AssertionError(
            f"The weights and biases of DigitNetwork() have {sizes} elements; expected {sorted(SIZES)}."
        )
    if any(np.ptp(array) == 0 for array in arrays if array.ndim > 1):
        raise AssertionError("The weights of a layer of DigitNetwork() are all the same; expected random ones.")
    return {array.size: torch.tensor(array.reshape(SIZES[array.size]), dtype=torch.float64) for array in arrays}


def forward(parameters: Parameters, x: Tensor) -> list[Tensor]:
    """Return the output of each of the nine layers for images `[B, 1, 24, 24]`."""
    first = functional.conv2d(x, parameters[200], parameters[8], padding=2)
    pooled = functional.max_pool2d(rectified := functional.relu(first), 2)
    second = functional.conv2d(pooled, parameters[3200], parameters[16], padding=2)
    last = functional.max_pool2d(rectified_again := functional.relu(second), 3)
    scores = functional.linear(last.flatten(1), parameters[2560], parameters[10])
    return [x, first, rectified, pooled, second, rectified_again, last, scores, scores.softmax(dim=1)]


def backward(
    parameters: Parameters, image: Tensor, label: int
) -> tuple[list[np.ndarray], list[np.ndarray], dict[int, np.ndarray]]:
    """Return the activations, and the gradients of `-log p[label]`: of the activations, and of the weights by size."""
    weights = {size: parameters[size].clone().requires_grad_() for size in WEIGHT_SIZES.values()}
    layers = forward(parameters | weights, image.double()[None].requires_grad_())
    loss = -layers[-1][0, label].log()
    gradients = [gradient.numpy() for gradient in torch.autograd.grad(loss, [*layers, *weights.values()])]
    activations = [layer.detach().numpy()[0] for layer in layers]
    return activations, [gradient[0] for gradient in gradients[:9]], dict(zip(weights, gradients[9:], strict=True))


def margins(parameters: Parameters, images: Tensor) -> Tensor:
    """Return for each image how far its activations are from a tie, where rounding decides about ReLU or pooling."""
    _, first, rectified, _, second, rectified_again, *_ = forward(parameters, images.double())
    found = [first.abs().flatten(1).amin(dim=1), second.abs().flatten(1).amin(dim=1)]
    for values, size in ((rectified, 2), (rectified_again, 3)):
        windows = values.unfold(2, size, size).unfold(3, size, size).flatten(4)
        largest, next_largest = windows.topk(2).values.unbind(-1)
        apart = torch.where(largest > 0, largest - next_largest, torch.inf)
        found.append(apart.flatten(1).amin(dim=1))
    return torch.stack(found).amin(dim=0)


def clear_image(parameters: Parameters, rng: np.random.Generator) -> Tensor:
    """Return a random image `[1, 24, 24]` on which float32 and float64 agree about every ReLU and every maximum."""
    images = torch.from_numpy(rng.uniform(0, 1, (8, 1, 24, 24)).astype(np.float32))
    return images[margins(parameters, images).argmax()].clone()
