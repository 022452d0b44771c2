"""The digit network of step 7: the judge's forward and backward pass, with the submission's weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from graders.authoring.expect import (
    as_array,
    expect_array,
    expect_as_before,
    expect_dtype,
    expect_length,
    expect_shape,
)
from graders.checks.kit.protocol import Kit
from graders.checks.oracles.networks.any_network import redrawn, sized
from graders.checks.oracles.networks.cnn import NETWORKS_TRIED
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
ROUNDING = 1e-4
SUMMARY = "layer_summary(DigitNetwork())"
KEYS = ("name", "activations", "gradients", "weights", "weight_gradients")
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


def digit_network(lab: Any, kit: Kit, rng: np.random.Generator) -> Any:
    """Return a new network with random weights of the judge's."""
    return redrawn(kit, sized(kit, lab.step07_cnn.DigitNetwork(), (1, 24, 24)), rng, "DigitNetwork()")


def expect_unlike_probabilities(lab: Any, kit: Kit, image: torch.Tensor, rng: np.random.Generator) -> None:
    """Raise unless a new network has other probabilities for the negative of an image, and nearly the same beside it.

    All filters of a new one may happen to be silent, so it is enough if one of several networks does.
    """
    call = "DigitNetwork()(x), for an image that is darker by a millionth,"
    for _ in range(NETWORKS_TRIED):
        network = digit_network(lab, kit, rng)
        of = [as_array(network(one), "DigitNetwork()(x)") for one in (image, image * (1 - 1e-6), 1 - image)]
        if not np.array_equal(of[0], of[2]):
            expect_as_before(of[1], of[0], of[2], call, ROUNDING)
            return
    raise AssertionError("DigitNetwork()(x) is the same for images that are unlike; expected it to depend on them.")


def expect_responsive(lab: Any, kit: Kit, images: torch.Tensor, rng: np.random.Generator) -> None:
    """Raise if none of several new networks has other outputs for the negatives of some images."""
    for _ in range(NETWORKS_TRIED):
        network = digit_network(lab, kit, rng)
        ordinary, negative = (as_array(network(some), "DigitNetwork()(x)") for some in (images, 1 - images))
        if not np.array_equal(ordinary, negative):
            return
    raise AssertionError("DigitNetwork()(x) is the same for images that are unlike; expected it to depend on them.")


def summary_of(lab: Any, network: Any, call: str) -> list[Any]:
    """Return the nine rows of the summary of a network."""
    rows = expect_length(lab.step07_cnn.layer_summary(network), 9, call)
    return [expect_length(row, 3, f"row {number} of {call}") for number, row in enumerate(rows)]


def expect_summary(lab: Any, kit: Kit, rng: np.random.Generator, expect_row: Callable[..., None]) -> None:
    """Compare the rows of summaries: of a new network, and of one whose convolutions were changed afterwards.

    Args:
        lab: the student's modules.
        kit: the kit.
        rng: draws an image.
        expect_row: compares a row; called with it, the right shape and number of parameters, and the layer's name.
    """
    images = torch.from_numpy(rng.uniform(0, 1, (3, 1, 24, 24)).astype(np.float32))
    expect_responsive(lab, kit, images, rng)
    network = sized(kit, lab.step07_cnn.DigitNetwork(), (1, 24, 24))
    for row, *right in zip(summary_of(lab, network, SUMMARY), SHAPES, PARAMETERS, LAYERS, strict=True):
        expect_row(row, *right)
    # A network that makes no use of nn.Conv2d cannot be changed, and is left as it is.
    if kit.training.change_convolutions(network) is True:
        names = [f"{name} of a network whose convolutions were changed" for name in LAYERS]
        rows = summary_of(lab, network, "layer_summary of a network whose convolutions were changed")
        for row, *right in zip(rows, CHANGED_SHAPES, CHANGED_PARAMETERS, names, strict=True):
            expect_row(row, *right)


def without_ones(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return a shape such as (1, 1, 10) as (10,)."""
    return (max(shape),) if len(shape) == 3 and sorted(shape)[:2] == [1, 1] else shape


def maps_of(lab: Any, network: Any, image: torch.Tensor, label: int) -> Any:
    """Return the nine dicts of activation_maps."""
    call = f"activation_maps(network, image, {label})"
    layers = expect_length(lab.step07_cnn.activation_maps(network, image, label), 9, call)
    for layer, name in zip(layers, LAYERS, strict=True):
        if not isinstance(layer, dict) or not set(KEYS) <= layer.keys():
            raise WrongType(f"{call}: the item of {name} is no dict with the keys {', '.join(KEYS)}.")
    return layers


def as_map(value: Any, shape: tuple[int, ...], call: str) -> np.ndarray:
    """Return a map as an array of floating point numbers, once its shape is right."""
    array = expect_dtype(value, "f", call)
    if array.shape in {(*shape, 1, 1), (1, 1, *shape)} or (shape == (10, 256) and array.shape == (10, 16, 4, 4)):
        return array.reshape(shape)
    return expect_shape(array, shape, call)


def expect_map(value: Any, right: np.ndarray, call: str) -> None:
    """Raise unless a map has the right shape and values; relative to the largest, since gradients are small."""
    array = as_map(value, right.shape, call)
    expect_array(array, right, call, ROUNDING * min(1.0, float(np.abs(right).max())))


def case(lab: Any, kit: Kit, rng: np.random.Generator) -> tuple[Any, Parameters, torch.Tensor]:
    """Return a new network, its parameters, and an image for it."""
    network = digit_network(lab, kit, rng)
    parameters = parameters_of(kit, network)
    return network, parameters, clear_image(parameters, rng)
