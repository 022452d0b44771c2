"""The blocks of a CNN: that each of them normalises, rectifies, and takes the maximum.

Weights of the judge's, no biases, and batch normalisation that changes nothing leave of a network what is looked for:
convolutions, activations, and pooling.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from graders.checks.kit.protocol import Kit
from graders.checks.oracles.networks.any_network import noise, parameters
from graders.checks.oracles.networks.cnn import FILTERS, TRACK, changed, vectors

# Times a track. The first convolution's weights are divided by it, so that a network which moves its input by some
# decibels, as if to standardise it, is no different from one that does not.
LOUD = 2.0**20
LOUDNESSES = (1.0, 32.0, 1024.0)  # powers of two, which floating point numbers take without rounding
PROPORTION = 1e-3  # of the vector: rounding and a moved input make a tenth of it, a Tanh or an ELU a hundredth or more
DRAWS = 4  # of weights: an activation of a late block may meet few negative values with some
TAKEN_BACK = 0.02  # of the largest value: what is added to a variance before it divides is all that differs
BENT = 0.9  # of a sum: a shared window of overlapping poolings leaves 2/3 of it, an average all
SILENT = 1e-3  # of the largest response: a line that a stride leaves out, or the remainder of a pooling
NEIGHBOURS = 6  # values to look at, well inside of a track
STRIDES = (2, 3, 4)  # of convolutions that hand on some cells only: two neighbours of theirs are so far apart
LINES = (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 18, 19, 24, 30, 37, 46, 58, 72, 90)  # from an end of an axis: enough for most
FURTHER_LINES = tuple(line for line in range(1, 72) if line not in LINES)

SCALES = ("weight", "gamma", "scale")
BIASES = ("bias", "beta", "shift", "offset")

Weights = dict[str, np.ndarray]


def without_biases(kit: Kit, backbone: Any, draw: Callable[[tuple[int, ...]], np.ndarray]) -> Weights:
    """Return weights for a backbone: biases 0, scales of normalisation 1, all others drawn.

    A parameter with one number for each channel is a scale or a bias by its name, or by its values where the name does
    not say: a scale begins near 1.

    Args:
        kit: the kit.
        backbone: a new backbone.
        draw: returns an array of a shape.
    """
    return {
        name: (draw(array.shape) if is_matrix(array) else np.full(array.shape, is_scale(name, array))).astype(
            array.dtype
        )
        for name, array in parameters(kit, backbone, "CNNBackbone").items()
    }


def is_matrix(array: np.ndarray) -> bool:
    """Tell whether a parameter mixes values, as those of convolutions `[out, in, h, w]` and linear layers do."""
    return array.squeeze().ndim > 1


def is_scale(name: str, array: np.ndarray) -> bool:
    """Tell whether a parameter of one number for each channel is a scale of normalisation, and not a bias."""
    last = name.rpartition(".")[2].lower()
    if any(word in last for word in BIASES):
        return False
    return "parametrizations." in name or any(word in last for word in SCALES) or bool(array.mean() > 0.5)


def of_unit_variance(rng: np.random.Generator) -> Callable[[tuple[int, ...]], np.ndarray]:
    """Return a function that draws weights of a shape `[out, ...]`, of either sign, which keep a deviation."""

    def draw(shape: tuple[int, ...]) -> np.ndarray:
        bound = np.sqrt(3 / np.prod(shape[1:]))
        return rng.uniform(-bound, bound, shape)

    return draw


def positive(rng: np.random.Generator) -> Callable[[tuple[int, ...]], np.ndarray]:
    """Return a function that draws positive weights of a shape `[out, ...]`, which keep a mean."""
    return lambda shape: rng.uniform(0.5, 1.5, shape) / np.prod(shape[1:])


def convolutions(weights: Mapping[str, np.ndarray]) -> list[str]:
    """Return the names of the 2D convolutions' weights `[filters, in, h, w]`, from the input to the output."""
    return [name for name, array in weights.items() if array.ndim == 4 and is_matrix(array)]


def expect_normalised(kit: Kit, backbone: Any, rng: np.random.Generator) -> None:
    """Raise unless, in training mode, each block takes back that its filters are larger, each by another factor.

    Args:
        kit: the kit.
        backbone: a new backbone; it is left in training mode, without dropout.
        rng: where tracks and weights come from.
    """
    x, weights = noise(rng, 4, *TRACK), without_biases(kit, backbone, of_unit_variance(rng))
    names = convolutions(weights)
    kit.training.without_dropout(backbone)
    backbone.train()

    def answer(changes: Weights) -> np.ndarray:
        kit.training.load(backbone, weights | changes)
        kit.training.seed(len(names))  # for a functional dropout, which follows the mode
        return vectors(backbone, x)

    before, unlike = answer({}), []
    for number, name in enumerate(names, 1):
        factors = 2.0 ** (1 + np.arange(len(weights[name])) % 4).reshape(-1, 1, 1, 1)
        after = answer({name: (weights[name] * factors).astype(weights[name].dtype)})
        if not np.abs(after - before).max() <= TAKEN_BACK * np.abs(before).max():
            unlike.append(number)
    if unlike and len(names) - len(unlike) < min(len(FILTERS), len(names)):
        where = f"the convolution of block {unlike[0]}" if len(names) == len(FILTERS) else "a convolution"
        raise AssertionError(
            f"In training mode larger filters of {where} of CNNBackbone change its vectors; expected batch "
            "normalisation in each block, which takes that back."
        )


def expect_proportion(kit: Kit, backbone: Any, rng: np.random.Generator) -> None:
    """Raise unless vectors grow in proportion to a track, as they do with ReLU and pooling, and no other activation."""
    x = noise(rng, 1, *TRACK)
    for _ in range(DRAWS):
        weights = without_biases(kit, backbone, of_unit_variance(rng))
        for name in convolutions(weights)[:1]:
            weights[name] = weights[name] / LOUD
        kit.training.load(backbone, weights)
        found = vectors(backbone, torch.cat([x * (LOUD * times) for times in LOUDNESSES])).astype(np.float64)
        alike = found / np.array(LOUDNESSES)[:, None]
        if not np.ptp(alike, axis=0).max() <= PROPORTION * np.abs(alike).max():
            raise AssertionError(
                f"Without biases, CNNBackbone's vector of a track that is {LOUDNESSES[1]:.0f} times as loud is not "
                f"{LOUDNESSES[1]:.0f} times its vector; expected no activation but ReLU: Tanh, Sigmoid, ELU and GELU "
                "do not keep proportions, nor does a division by the track's own deviation."
            )


def expect_relu(kit: Kit, backbone: Any, rng: np.random.Generator) -> None:
    """Raise unless nothing reaches the vector of what is negative after the convolution of a block.

    All weights are positive, and so are the tracks; but those of one convolution are negative, and those of the layer
    after it, which makes positive again what comes through.
    """
    weights = without_biases(kit, backbone, positive(rng))
    x = LOUD * torch.from_numpy(rng.uniform(0, 1, (2, *TRACK)).astype(np.float32))
    names, layers = convolutions(weights), [name for name, array in weights.items() if is_matrix(array)]
    leaking = []
    for number, name in enumerate(names, 1):
        negative = layers[layers.index(name) :][:2]
        kit.training.load(backbone, weights | {name: -weights[name] for name in negative})
        if changed(*vectors(backbone, x)):
            leaking.append(number)
    if len(names) < len(FILTERS):  # convolutions that are not to be found: the tracks are negative
        kit.training.load(backbone, weights)
        leaking = [0] if changed(*vectors(backbone, -x)) else []
    elif len(names) - len(leaking) >= len(FILTERS):
        return
    if leaking:
        where = f"the convolution of block {leaking[0]}" if len(names) == len(FILTERS) else "a convolution"
        raise AssertionError(
            f"Where all that comes out of {where} is negative, CNNBackbone's vectors of two tracks differ; "
            "expected ReLU, which leaves nothing of either."
        )


def expect_maximum(kit: Kit, backbone: Any, rng: np.random.Generator) -> None:
    """Raise unless each block takes a maximum.

    Each convolution hands on what it gets, but for one, which hands it on twice, side by side. A line in a track comes
    to one cell, or to two. If a maximum makes one of the two again, then it is the block's own or a later one's: a
    later one's only if it makes one of two lines that come to neighbours among the next convolution's cells.
    """
    weights = without_biases(kit, backbone, positive(rng))
    names = [name for name in convolutions(weights) if _can_shift(weights[name])]
    if len(names) < len(FILTERS):
        _expect_bent(kit, backbone, weights, rng)
        return
    sides = expect_neighbours(kit, backbone, weights, names[0], rng)
    looks = [
        _Maxima(kit, backbone, weights, names, _lines(axis, way, lines), sides[axis], way)
        for lines in (LINES, FURTHER_LINES)
        for axis in (1, 0)
        for way in (1, -1)
    ]
    if len(names) == len(FILTERS):  # one by one: a block without a maximum is told after that one
        number = next((n for n in range(len(names)) if not any(look.is_taken(n) for look in looks)), None)
        if number is None:
            return
        where = f"block {number + 1}"
    else:  # several convolutions in a block, of which one has a maximum after it: look until there are enough
        taken: set[int] = set()
        for look in looks:
            taken |= {n for n in range(len(names)) if n not in taken and look.is_taken(n)}
            if len(taken) >= len(FILTERS):
                return
        where = "one of the blocks"
    raise AssertionError(
        f"Of two neighbouring values {where} of CNNBackbone does not hand on the larger one alone; expected "
        "max pooling, and neither their mean nor a convolution with a stride in its place."
    )


def expect_neighbours(
    kit: Kit, backbone: Any, weights: Weights, name: str, rng: np.random.Generator
) -> tuple[int, int]:
    """Return which axes of the first convolution's window are those of timesteps and of features.

    It hands on a value from one place of its window, and the neighbour of that value from the place beside it: to the
    same cell, if it sees the track as an image.

    Args:
        kit: the kit.
        backbone: the network.
        weights: positive ones.
        name: the first convolution's weights `[filters, in, h, w]`.
        rng: where the values to look at come from.

    Raises:
        AssertionError: neighbouring timesteps, or features, are no neighbours to the convolution.
    """
    places = np.stack([rng.integers(size // 4, size // 2, NEIGHBOURS) for size in TRACK], axis=1)

    def responses(moved: int | None, taps: np.ndarray) -> np.ndarray:
        x = torch.zeros(NEIGHBOURS, *TRACK)
        for number, (timestep, feature) in enumerate(places.tolist()):
            x[number, timestep + (moved == 0), feature + (moved == 1)] = LOUD
        kit.training.load(backbone, weights | {name: taps})
        return vectors(backbone, x).astype(np.float64)

    def is_seen(axis: int, side: int) -> bool:
        # Of an image that is turned round, the neighbour is on the other side.
        for beside, middle in itertools.permutations(_taps(weights[name], side, 1)):
            one, other = responses(None, middle), responses(axis, beside)
            if np.allclose(one, other, rtol=PROPORTION, atol=PROPORTION * np.abs(one).max()):
                return True
        return False

    sides = []
    for axis, called in enumerate(("Neighbouring timesteps", "Neighbouring features")):
        found = [side for side in (axis, 1 - axis) if is_seen(axis, side)]
        if not found:
            raise AssertionError(
                f"{called} of a track are no neighbours to the first convolution of CNNBackbone; expected "
                "the track as an image [T, F]: transpose it if you want, but do not reshape it, and set no dilation."
            )
        sides.append(found[0])
    return sides[0], sides[1]


def _expect_bent(kit: Kit, backbone: Any, weights: Weights, rng: np.random.Generator) -> None:
    """Raise if a network whose convolutions are not to be found is linear where its weights are positive."""
    first, second = (torch.from_numpy(rng.uniform(0, 1, (1, *TRACK)).astype(np.float32)) for _ in range(2))
    kit.training.load(backbone, weights)
    one, other, between = vectors(backbone, torch.cat([first, second, (first + second) / 2])).astype(np.float64)
    if not np.abs(one + other - 2 * between).max() > PROPORTION * np.abs(one - other).max():
        raise AssertionError(
            "With positive weights CNNBackbone's vector of the mean of two tracks is the mean of their vectors; "
            "expected max pooling, which makes it smaller."
        )


def _can_shift(weight: np.ndarray) -> bool:
    """Tell whether a convolution `[filters, in, h, w]` is one of a block, with neighbours to take values from."""
    return len(weight) in FILTERS and min(weight.shape[2:]) > 1


def _lines(axis: int, way: int, numbers: Sequence[int]) -> torch.Tensor:
    """Return tracks `[B, T, F]` with one line each, so many cells from the end of an axis, or from its beginning."""
    x = torch.zeros(len(numbers), *TRACK)
    for number, line in enumerate(numbers):
        x.select(axis + 1, TRACK[axis] - 1 - line if way > 0 else line)[number] = LOUD
    return x


class _Maxima:
    """Tells of convolutions whether a maximum is taken between each and the next one, by lines along one axis.

    Args:
        kit: the kit.
        backbone: the network.
        weights: positive ones.
        names: the convolutions' weights `[filters, in, h, w]`, from the input to the output.
        x: tracks `[B, T, F]` with a line each.
        axis: of the convolutions' windows, 0 or 1, along which neighbours of a line are.
        way: 1 for neighbours further on, -1 for those further back.
    """

    def __init__(
        self, kit: Kit, backbone: Any, weights: Weights, names: list[str], x: torch.Tensor, axis: int, way: int
    ) -> None:
        self._kit, self._backbone, self._weights, self._names = kit, backbone, weights, names
        self._x, self._axis, self._way = x, axis, way
        self._handing_on = weights | {name: _taps(weights[name], axis, way)[0] for name in names}
        self._found: dict[int, tuple[np.ndarray, bool]] = {}

    def is_taken(self, number: int) -> bool:
        """Tell whether a maximum is taken between the convolution of this number, from 0, and the next one."""
        own, seen = self._own(number)
        following = number + 1 < len(self._names)
        name = self._names[number]
        if seen:
            return bool((own & ~self._own(number + 1)[0]).any() if following and own.any() else own.any())
        for stride in STRIDES:
            if self._weights[name].shape[2 + self._axis] <= stride:
                break
            others = self._handing_on | {name: _taps(self._weights[name], self._axis, stride * self._way)[0]}
            apart, seen = self._merged(name, others, stride * self._way)
            if seen:
                if following and apart.any():
                    apart &= ~self._merged(self._names[number + 1], others, self._way)[0]
                return bool(apart.any())
        return False

    def _own(self, number: int) -> tuple[np.ndarray, bool]:
        if number not in self._found:
            self._found[number] = self._merged(self._names[number], self._handing_on, self._way)
        return self._found[number]

    def _merged(self, name: str, others: Weights, shift: int) -> tuple[np.ndarray, bool]:
        """Tell of each line whether a maximum makes one of its two cells, and whether any line comes to two."""
        one, two = _taps(self._weights[name], self._axis, shift)
        answers = []
        for taps in (one, two, one + two):
            self._kit.training.load(self._backbone, others | {name: taps})
            answers.append(vectors(self._backbone, self._x).astype(np.float64).sum(axis=1))
        seen = np.minimum(answers[0], answers[1]) > SILENT * answers[2].max()
        return seen & (answers[2] < BENT * (answers[0] + answers[1])), bool(seen.any())


def _taps(weight: np.ndarray, axis: int, shift: int) -> tuple[np.ndarray, np.ndarray]:
    """Return two weights for a convolution, each of which hands on the mean of its channels from one place.

    The first place is in the middle, if there is room; the cells to which the second hands on are those of the first,
    moved along the axis by a shift.
    """
    size = weight.shape[2 + axis]
    place = [(length - 1) // 2 for length in weight.shape[2:]]
    # What stands further back in the window comes to a cell further on.
    first = min(max(place[axis], shift), size - 1 + min(shift, 0))
    both = []
    for along in (first, first - shift):
        place[axis] = along
        tap = np.zeros_like(weight)
        tap[:, :, place[0], place[1]] = 1 / weight.shape[1]
        both.append(tap)
    return both[0], both[1]
