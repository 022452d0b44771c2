"""Regressors of steps 8 and 10: their loss, their ratings, and what they hand to their backbones.

A head may begin with zeros, have a hidden layer, or be drawn from a seed of its own. So backbones are drawn anew, each
from another seed, and what ratings depend on is seen after a little training, which is the kit's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import ArrayLike

from graders.authoring.describe import describe
from graders.authoring.expect import (
    as_array,
    expect_array,
    expect_as_before,
    expect_dtype,
    expect_length,
    expect_number,
    plain,
)
from graders.checks.kit.protocol import Kit
from graders.checks.oracles.networks import features
from graders.checks.oracles.networks.any_network import evaluating, noise, parameter_count
from graders.outcomes import WrongType

MakeRegressor: TypeAlias = Callable[[Any], Any]  # makes a regressor on a backbone

ROUNDING = 1e-4
MOVED = 1e-6
FEATURES = 4
KEPT = 6  # features that a backbone makes of them
NETWORKS_TRIED = 4
CALL = "regressor(x, targets, lengths)"
LOW, HIGH = -2.0, 3.0  # ratings to be learnt, far apart, and on both sides of 0 and 1
NEAR = 1.0  # to a rating that was learnt


def answer(
    regressor: Any, x: torch.Tensor, targets: ArrayLike, lengths: Sequence[int], call: str
) -> tuple[Any, np.ndarray]:
    """Return a regressor's loss, as it came, and its ratings, as an array of the shape of the targets.

    Ratings `[B, 1]` are as good as `[B]`, and the other way round.
    """
    wanted = np.asarray(targets, np.float32)
    pair = regressor(x, torch.from_numpy(wanted), torch.tensor(lengths))
    loss, ratings = expect_length(pair, 2, call)
    array = as_array(ratings, f"the ratings of {call}")
    flat = wanted.shape[:1] if wanted.shape[1:] == (1,) else wanted.shape
    if array.shape not in {wanted.shape, (*wanted.shape, 1), flat}:
        raise AssertionError(f"The ratings of {call} have shape {array.shape}; expected {wanted.shape}.")
    return loss, expect_dtype(array, "f", f"the ratings of {call}").reshape(wanted.shape)


def drawn(kit: Kit, rng: np.random.Generator, kind: str = "MeanOfFrames") -> Any:
    """Return a small backbone of the kit, drawn from a seed of its own, whatever a submission has seeded."""
    kit.training.seed(int(rng.integers(2**31)))
    return getattr(kit.training, kind)(FEATURES, KEPT)


def awake(kit: Kit, regressor: Any, shape: tuple[int, ...], rng: np.random.Generator) -> Any:
    """Return a regressor in evaluation mode, after a little training, so that a head of zeros says something."""
    x, targets = noise(rng, *shape[:1], 3, FEATURES) * 2, rng.uniform(0, 1, shape)
    batches = kit.training.ratings_loader(x.numpy(), targets, [3] * shape[0], shape[0])
    kit.training.fit_ratings(regressor, batches, kit.training.adam(regressor, 3e-2), 10)
    return evaluating(regressor)


def lively(
    kit: Kit, make: MakeRegressor, shape: tuple[int, ...], rng: np.random.Generator, kind: str = "MeanOfFrames"
) -> tuple[Any, Any]:
    """Return a backbone and a regressor on it that is awake and rates most tracks differently, on each axis.

    One whose ratings are clipped may begin with the same for all, and stay there: several are tried.
    """
    x, count = noise(rng, *shape[:1], 3, FEATURES), shape[0]
    found = []
    for _ in range(NETWORKS_TRIED):
        backbone = drawn(kit, rng, kind)
        regressor = awake(kit, make(backbone), shape, rng)
        columns = answer(regressor, x, np.zeros(shape), [3] * count, CALL)[1].reshape(count, -1).T
        different = min(len(np.unique(column)) for column in columns)
        found.append((different, backbone, regressor))
        if different > count - 2:
            break
    return max(found, key=lambda one: one[0])[1:]


def expect_answer(kit: Kit, make: MakeRegressor, shape: tuple[int, ...], rng: np.random.Generator, call: str) -> None:
    """Raise unless a regressor answers with a loss and a rating of each track, made from what its backbone returns.

    All of several regressors have to rate different tracks the same before that is told: a single one may clip all
    ratings to 0, and `expect_any_rating` is about that.
    """
    x, lengths = noise(rng, shape[0], 3, FEATURES) * 2, [3] * shape[0]
    targets = rng.uniform(0, 1, shape)
    for _ in range(NETWORKS_TRIED):
        backbone = drawn(kit, rng)
        before = kit.training.weights(backbone)
        regressor = make(backbone)
        loss, ratings = answer(regressor, x, targets, lengths, call)
        expect_loss_number(loss, call)
        for name, value in kit.training.weights(backbone).items():
            as_made = as_array(before[name], f"the backbone's {name}")
            expect_array(value, as_made, f"the backbone's {name}, once the regressor is made,", MOVED)
        received = kit.calls.received(regressor, backbone, x, torch.zeros(shape), torch.tensor(lengths))
        if not len(received):
            raise AssertionError(f"{call} does not call its backbone; expected ratings made from what it returns.")
        if np.ptp(ratings, axis=0).any():
            return
        _, ratings = answer(awake(kit, regressor, (12, *shape[1:]), rng), x, targets, lengths, call)
        if np.ptp(ratings, axis=0).any():
            return
    raise AssertionError(f"The ratings of {call} are the same for tracks that are unlike, also after some training.")


def expect_loss_number(loss: Any, call: str) -> None:
    """Raise unless a loss is one finite number."""
    number = plain(loss, f"the loss of {call}")
    if isinstance(number, list):
        raise AssertionError(  # noqa: TRY004 - a tensor is right, of another shape
            f"The loss of {call}, which comes first, has shape {list(np.shape(number))}; expected one number."
        )
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise WrongType(f"The loss of {call} is {describe(number)}; expected a number.")
    if not math.isfinite(number):
        raise AssertionError(f"The loss of {call} is {number}; expected a finite number.")


def expect_loss(
    kit: Kit,
    regressor: Any,
    shape: tuple[int, ...],
    seed: int,
    loss_of: Callable[[np.ndarray, np.ndarray], float],
    call: str,
) -> None:
    """Raise unless the loss is right for random targets of a shape, and 0 for the regressor's own ratings."""
    generator = np.random.default_rng(seed)
    x, lengths = noise(generator, shape[0], 3, FEATURES) * 3, [3] * shape[0]
    targets = generator.uniform(0, 1, shape) if seed % 2 else generator.uniform(-3, 9, shape)
    evaluating(regressor)
    loss, ratings = answer(regressor, x, targets, lengths, call)
    right = loss_of(ratings.astype(np.float64), targets)
    wrong = well_known(ratings.astype(np.float64), targets.astype(np.float32), right)
    expect_number(loss, right, f"the loss of {call}", ROUNDING, mistakes=wrong)
    loss, _ = answer(regressor, x, ratings, lengths, call)
    expect_number(loss, 0, f"the loss of {call}, where the targets are its own ratings,", ROUNDING)
    regressor.train()
    loss, ratings = answer(regressor, x, targets, lengths, call)
    expect_number(loss, loss_of(ratings.astype(np.float64), targets), f"the loss of {call} in training", ROUNDING)
    inputs = (x, torch.from_numpy(targets.astype(np.float32)), torch.tensor(lengths))
    if plain(kit.calls.loss_has_graph(regressor, *inputs), "the graph of the loss") is not True:
        raise AssertionError(f"The loss of {call} has no gradient; return it as a tensor, without item() or detach().")


def well_known(ratings: np.ndarray, targets: np.ndarray, right: float) -> list[tuple[float, str]]:
    """Return losses that are well known to be wrong, each with its hint."""
    rows, errors = len(ratings), ratings - targets
    known = [
        (float(np.abs(errors).sum() / rows), "This is the mean absolute error: take the squares of the differences."),
        (right**0.5, "This is the root of the mean squared error: leave the root out."),
        (right * rows, "This is the sum over the batch: divide by the number of its tracks, or use the mean."),
        (right * rows / max(1, rows - 1), "This is a mean divided by B - 1: divide by the number of tracks, B."),
        (right / 2, "This is half of it: the mean of the squares, without a factor."),
    ]
    if ratings.ndim == 1:
        apart = float(np.square(ratings[:, None] - targets[None]).mean())
        hint = "Each rating is compared with the targets of all tracks: [B, 1] - [B] is [B, B]. Use squeeze(1) first."
        known.insert(0, (apart, hint))
    elif ratings.shape[1] > 1:
        known.append((right / ratings.shape[1], "This is the mean over the tasks: add their errors up."))
        for by in range(1, ratings.shape[1]):
            moved = float(np.square(ratings - np.roll(targets, by, axis=1)).mean(axis=0).sum())
            known.append((moved, "Ratings are compared with another task's targets: column k is task k in both."))
    for by in range(1, rows):
        moved = float(np.square(ratings - np.roll(targets, by, axis=0)).sum() / rows)
        known.append((moved, "Ratings are compared with the targets of other tracks: row i is track i in both."))
    return known


def expect_ratings_of_tracks_alone(
    kit: Kit, make: MakeRegressor, shape: tuple[int, ...], rng: np.random.Generator
) -> None:
    """Raise unless ratings depend on the tracks, and not on the targets."""
    x, lengths = noise(rng, shape[0], 3, FEATURES) * 2, [3] * shape[0]
    backbone, regressor = lively(kit, make, shape, rng)
    targets = rng.uniform(0, 1, (2, *shape))
    _, first = answer(regressor, x, targets[0], lengths, CALL)
    _, again = answer(regressor, x, targets[0], lengths, CALL)
    if not np.allclose(first, again, rtol=ROUNDING, atol=ROUNDING):
        raise AssertionError(
            f"{CALL} gives other ratings when it is called again in evaluation mode; expected the same: dropout is for "
            "training mode alone, as nn.Dropout is, and layers are made once, in __init__."
        )
    _, second = answer(regressor, x, targets[1], lengths, "regressor(x, other targets, lengths)")
    _, third = answer(regressor, noise(rng, *x.shape), targets[0], lengths, "regressor(other x, targets, lengths)")
    expect_as_before(second, first, third, "the array of ratings for other targets", ROUNDING)
    kit.calls.silence(backbone)
    _, silent = answer(regressor, x, targets[0], lengths, CALL)
    if not np.ptp(silent, axis=0).max() <= ROUNDING * max(1.0, float(np.abs(silent).max())):
        raise AssertionError(
            f"{CALL} rates tracks that are unlike differently on a backbone that returns the same for all; "
            "expected ratings made of what the backbone returns."
        )


def expect_each_track_on_its_own(
    kit: Kit, make: MakeRegressor, shape: tuple[int, ...], rng: np.random.Generator
) -> None:
    """Raise unless a track's rating is made from what the backbone returns for this track, as it is, and no other."""
    backbone, regressor = lively(kit, make, shape, rng)
    x, lengths = noise(rng, shape[0], 5, FEATURES), [5] * shape[0]
    _, ratings = answer(regressor, x, np.zeros(shape), lengths, CALL)
    half = shape[0] // 2
    part = answer(regressor, x[:half], np.zeros((half, *shape[1:])), lengths[:half], CALL)[1]
    what = f"the array of ratings of {half} tracks, which were among {shape[0]} before,"
    expect_array(part, ratings[:half], what, ROUNDING)
    expect_tracks_arrive(kit, regressor, backbone, x, shape, lengths)

    narrow = kit.training.MeanOfFrames(features.FEATURES, features.KEPT)
    on_narrow = awake(kit, make(narrow), shape, rng)

    def ratings_of(tracks: torch.Tensor) -> np.ndarray:
        size = (len(tracks), *shape[1:])
        return answer(on_narrow, tracks, np.zeros(size), [tracks.shape[1]] * len(tracks), CALL)[1]

    features.expect_made_of_features(features.weight_of(kit, narrow), ratings_of, rng, CALL)


def expect_tracks_arrive(
    kit: Kit, regressor: Any, backbone: Any, x: torch.Tensor, shape: tuple[int, ...], lengths: Sequence[int]
) -> None:
    """Raise unless a backbone is called with each track, as it is, and with its length if it is called with lengths.

    The tracks may come in another order, in several calls, and cut at the end of the longest.
    """
    received = list(_arrived(kit.calls.received(regressor, backbone, x, torch.zeros(shape), torch.tensor(lengths))))
    for row, (track, length) in enumerate(zip(x.numpy(), lengths, strict=True)):
        of_track = [valid for part, valid in received if _begins_with(part, track[:length])]
        if not of_track:
            raise AssertionError(
                f"The backbone is not called with track {row} as it is: what it gets differs from x[{row}] in its "
                f"{length} valid timesteps."
            )
        if not any(valid is None or valid == length for valid in of_track):
            raise AssertionError(
                f"The backbone is called with length {of_track[0]} for a track of {length} valid timesteps."
            )


def _arrived(calls: Any) -> Iterator[tuple[np.ndarray, int | None]]:
    """Return each track that a backbone got, with its length where there were lengths."""
    for call in calls:
        parts = [as_array(part, "what the backbone gets") for part in call]
        tracks = [part for part in parts if part.dtype.kind == "f"]
        lengths = [part.ravel() for part in parts if part.dtype.kind in "iu"]
        if not tracks or tracks[0].ndim < 2:
            continue
        valid = lengths[0].tolist() if lengths and len(lengths[0]) == len(tracks[0]) else [None] * len(tracks[0])
        yield from zip(tracks[0], valid, strict=True)


def _begins_with(part: np.ndarray, track: np.ndarray) -> bool:
    """Tell whether what arrived is a track, with padding after it; axes of one are left out."""
    squeezed = part.reshape(-1, track.shape[1]) if part.size and part.size % track.shape[1] == 0 else part
    return squeezed.ndim == track.ndim and bool(
        np.shape(squeezed[: len(track)]) == track.shape and np.allclose(squeezed[: len(track)], track, atol=1e-6)
    )


def expect_any_rating(kit: Kit, make: MakeRegressor, tasks: int | None, rng: np.random.Generator) -> None:
    """Raise unless a regressor learns to rate all tracks below 0, and well above 1, each task on its own."""
    for number in range(2):
        wanted = np.array([LOW, HIGH, LOW] if number else [HIGH, LOW, HIGH])[: tasks or 1]
        x = noise(rng, 8, 3, FEATURES)
        targets = np.tile(wanted, (8, 1)) if tasks else np.full(8, wanted[0])
        regressor = make(drawn(kit, rng))
        batches = kit.training.ratings_loader(x.numpy(), targets, [3] * 8, 8)
        for rate, steps in ((0.2, 25), (0.02, 10)):
            kit.training.fit_ratings(regressor, batches, kit.training.adam(regressor, rate), steps)
        _, ratings = answer(evaluating(regressor), x, targets, [3] * 8, CALL)
        means = ratings.reshape(8, -1).mean(axis=0)
        for task, (mean, right) in enumerate(zip(means, wanted, strict=True)):
            if not abs(mean - right) < NEAR:
                on = f"axis {task} of {wanted.tolist()}" if tasks else "one axis"
                raise AssertionError(
                    f"After training on ratings of {right:g} ({on}), the regressor's are {mean:.3g} in the mean; "
                    f"expected about {right:g}: a rating may be any number."
                )


def expect_lengths_reach_an_lstm(
    lab: Any, kit: Kit, make: MakeRegressor, shape: tuple[int, ...], rng: np.random.Generator
) -> None:
    """Raise unless a regressor hands the lengths to an LSTMBackbone: other lengths make other ratings."""
    backbone = lab.step05_lstm.LSTMBackbone(FEATURES, rnn_size=5)
    x, targets = noise(rng, shape[0], 6, FEATURES), np.zeros(shape)
    fresh = (awake(kit, make(backbone), (12, *shape[1:]), rng) for _ in range(NETWORKS_TRIED))
    answers = ((one, answer(one, x, targets, [6] * shape[0], CALL)[1]) for one in fresh)
    regressor = next((one for one, rated in answers if np.ptp(rated, axis=0).any()), None)
    if regressor is None:
        raise AssertionError("The ratings on an LSTMBackbone are the same for tracks that are unlike.")
    evaluating(backbone)

    def ratings(length: int) -> np.ndarray:
        return answer(regressor, x, targets, [length] * shape[0], CALL)[1]

    def states(lengths: Sequence[int]) -> np.ndarray:
        return as_array(kit.calls.states(backbone, x, torch.tensor(lengths)), "backbone(x, lengths)")

    # Checks of step 5 are about a backbone that ignores lengths,
    whole, part = (states([n] * shape[0]) for n in (6, 2))
    if not np.array_equal(whole, part) and np.array_equal(ratings(6), ratings(2)):
        raise AssertionError(
            "The ratings of tracks of 6 timesteps and of their first 2 are the same on an LSTMBackbone, "
            "whose states differ; expected it to be called with the lengths."
        )
    own = [2, 6, 4]
    mixed = answer(regressor, x, targets, own, CALL)[1]
    alike = np.stack([ratings(length)[row] for row, length in enumerate(own)])
    apart = [states([n] * len(own))[i] for i, n in enumerate(own)]
    # and about one that reads tracks differently in such a batch.
    if np.allclose(states(own), apart, atol=ROUNDING):
        expect_array(mixed, alike, f"the array of ratings of tracks of {own} timesteps in one batch", ROUNDING)
    expect_tracks_arrive(kit, regressor, backbone, x, shape, own)


def expect_no_side_effects(kit: Kit, make: MakeRegressor, shape: tuple[int, ...], rng: np.random.Generator) -> None:
    """Raise if a call changes what it is given, the regressor's mode, or the state of random generators."""
    x, targets = noise(rng, shape[0], 3, FEATURES), torch.from_numpy(rng.uniform(0, 1, shape).astype(np.float32))
    regressor = make(drawn(kit, rng))
    changed = plain(kit.calls.side_effects(regressor, x, targets, torch.tensor([3] * shape[0])), "what a call changes")
    if changed:
        raise AssertionError(f"{CALL} changes {', '.join(map(str, changed))}; expected it to leave that as it is.")


def expect_training_of_all(
    kit: Kit, make: MakeRegressor, shape: tuple[int, ...], rng: np.random.Generator, name: str
) -> None:
    """Raise unless an optimiser of a regressor's parameters changes its backbone, and its output layer too."""
    backbone, regressor = lively(kit, make, shape, rng)
    before = {key: as_array(value, f"the backbone's {key}").copy() for key, value in _weights(kit, backbone)}
    awake(kit, regressor, shape, rng)
    still = [key for key, value in _weights(kit, backbone) if not np.abs(value - before[key]).max() > MOVED]
    if still:
        raise AssertionError(
            f"After some steps of an optimiser of the regressor's parameters, {', '.join(still)} of its backbone "
            "are as before."
        )
    names = plain(kit.calls.others(regressor, backbone), f"the parameters of {name}")
    if not names:
        raise AssertionError(f"{name} has no parameters besides its backbone's: keep the output layer as an attribute.")
    x = noise(rng, shape[0], 3, FEATURES)
    _, first = answer(regressor, x, np.zeros(shape), [3] * shape[0], CALL)
    batches = kit.training.ratings_loader(x.numpy(), first + 5, [3] * shape[0], shape[0])
    kit.training.fit_ratings(regressor, batches, kit.calls.adam_of(regressor, names, 3e-2), 5)
    _, second = answer(evaluating(regressor), x, np.zeros(shape), [3] * shape[0], CALL)
    if not np.abs(second - first).max() > MOVED:
        raise AssertionError(
            f"After some steps of an optimiser of {', '.join(names)} alone, the ratings are as before; "
            "expected the output layer to be trained."
        )
    own = parameter_count(kit, regressor, name) - parameter_count(kit, backbone, "its backbone")
    if own < KEPT * min(2, first[0].size):  # a hidden layer may be narrower than there are tasks
        raise AssertionError(
            f"{name} has {own} trainable parameters besides its backbone's; expected a linear layer on the {KEPT} "
            "features, with weights of its own for each rating."
        )


def _weights(kit: Kit, module: Any) -> list[tuple[str, np.ndarray]]:
    return [(str(name), as_array(value, str(name))) for name, value in kit.training.weights(module).items()]


def spearman_right(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    """Return SciPy's Spearman correlation; NaN if one of the lists is constant."""
    from scipy import stats  # noqa: PLC0415 - it takes a while, and only these checks need it

    if np.ptp(np.asarray(y_true)) == 0 or np.ptp(np.asarray(y_pred)) == 0:
        return float("nan")
    return float(stats.spearmanr(y_true, y_pred).statistic)


def mean_squared_error(ratings: np.ndarray, targets: np.ndarray) -> float:
    """Return the mean squared error."""
    return float(np.mean((ratings - np.asarray(targets, np.float32)) ** 2))
