"""Checks of step 10: the loss of several tasks, the network for them, and its correlation on each."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import torch

from graders.authoring.check import check
from graders.authoring.describe import describe
from graders.authoring.examples import examples, st
from graders.authoring.expect import as_array, expect_array, expect_error, expect_length, expect_number, plain
from graders.checks.experiments.ratings import held_out_axes
from graders.checks.kit.protocol import Kit
from graders.checks.oracles.networks import bends, regressors
from graders.checks.oracles.networks.any_network import evaluating, noise
from graders.checks.oracles.networks.regressors import FEATURES, ROUNDING, spearman_right
from graders.checks.thresholds import expect_reached

CLEAR = ("test_loss_can_be_minimised",)
LOSS = ("test_loss_is_the_weighted_sum_of_the_tasks_errors",)
ANSWERS = ("test_regressor_returns_a_loss_and_ratings_of_each_track",)
TRACKS = ("test_ratings_depend_on_the_tracks_alone",)
ANY = ("test_ratings_are_not_clipped",)
NOTHING_ELSE = ("test_regressor_changes_nothing_else",)
OWN = ("test_each_track_is_rated_on_its_own",)
RATES = ("test_regressor_rates_a_track_on_each_axis",)
TRAINS = ("test_every_task_trains_the_backbone",)
CORRELATES = ("test_each_task_has_its_own_correlation",)


def three_tasks(lab: Any) -> regressors.MakeRegressor:
    """Return what makes a regressor of three tasks."""
    return lambda backbone: lab.step10_multitask.MultitaskRegressor(backbone, 3)


def task_errors(ratings: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return the mean squared error of each task."""
    errors: np.ndarray = np.mean((np.asarray(ratings, np.float64) - np.asarray(targets, np.float32)) ** 2, axis=0)
    return errors


# --- the loss


@check(points=1, hint="Take each task's mean squared error over the batch, times its weight, and add them up.")
@examples(rows=st.integers(1, 5), weights=st.lists(st.sampled_from([0.25, 1, 2, 3.7, 0.1]), min_size=1, max_size=5))
def test_loss_is_the_weighted_sum_of_the_tasks_errors(lab: Any, rows: int, weights: list[float]) -> None:
    """MultitaskLoss(weights) is the sum over tasks of weight times mean squared error."""
    generator = np.random.default_rng(rows)
    ratings, targets = generator.uniform(0, 2, (2, rows, len(weights))).astype(np.float32)
    loss = lab.step10_multitask.MultitaskLoss(weights)(torch.from_numpy(ratings), torch.from_numpy(targets))
    call = f"MultitaskLoss({weights})(ratings, targets), both {[rows, len(weights)]},"
    expect_number(loss, float(np.dot(weights, task_errors(ratings, targets))), call, 1e-5)


@check(points=0.5, hint="Compare the shapes before you subtract: broadcasting hides what does not fit.", needs=LOSS)
def test_loss_refuses_what_does_not_fit(lab: Any) -> None:
    """MultitaskLoss raises ValueError for weights that are none or negative, and for shapes that do not match them."""
    for weights in ([], [1.0, -1.0], [-1.0, 1.0], [1.0, -0.5, 1.0]):
        with expect_error(ValueError, f"MultitaskLoss({weights})"):
            lab.step10_multitask.MultitaskLoss(weights)
    loss = lab.step10_multitask.MultitaskLoss([1.0, 1.0, 1.0])
    wrong: list[tuple[tuple[int, ...], tuple[int, ...]]] = [
        *(((4, 2), (4, 2)), ((4, 1), (4, 1)), ((4, 3), (4, 1)), ((4, 3), (3,)), ((4, 1), (4, 3)), ((4, 3), (3, 4))),
        *(((4, 3), (1, 3)), ((1, 3), (4, 3)), ((2, 4, 3), (2, 4, 3)), ((3,), (3,))),
    ]
    for ratings, targets in wrong:
        call = f"MultitaskLoss([1, 1, 1])(ratings {list(ratings)}, targets {list(targets)})"
        with expect_error((ValueError, RuntimeError), call):
            loss(torch.zeros(ratings), torch.zeros(targets))


@check(points=0.25, hint="The weighted sum is a tensor with a graph: use no .item() and no NumPy.", needs=LOSS)
def test_loss_can_be_minimised(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """The gradients of the loss move the ratings of every task that has a weight, of no other, and no weight."""
    loss = lab.step10_multitask.MultitaskLoss([1.0, 0.0, 4.0])
    model = kit.training.Rated(loss, 3)
    tracks = kit.training.ratings_loader(noise(rng, 4, 3, FEATURES).numpy(), rng.uniform(1, 2, (4, 3)), [3] * 4, 4)
    kit.training.fit(model, tracks, kit.training.sgd(model, 0.1), 1)
    moved = as_array(kit.training.weights(model)["rating"], "the ratings") != 0
    if moved.tolist() != [True, False, True]:
        raise AssertionError(
            f"After a step on MultitaskLoss([1, 0, 4]) the ratings of tasks {np.flatnonzero(moved).tolist()} moved; "
            "expected tasks [0, 2]."
        )
    call = "MultitaskLoss([1, 0, 4])(ones, zeros), after a step on it,"
    expect_number(loss(torch.ones(4, 3), torch.zeros(4, 3)), 5, call, ROUNDING)


# --- the regressor


@check(points=0.25, hint="Return the loss first, one number, and then the ratings of the linear layer: [B, num_tasks].")
def test_regressor_returns_a_loss_and_ratings_of_each_track(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """MultitaskRegressor returns (loss, ratings [B, num_tasks]), for one axis or many; without num_tasks, for three."""
    for rows, tasks in ((4, 3), (2, 1), (3, 6), (4, None)):
        call = f"MultitaskRegressor(backbone, {tasks})(x {[rows, 3, FEATURES]}, targets {[rows, tasks]}, lengths)"
        arguments = () if tasks is None else (tasks,)
        if tasks is None:
            call = f"MultitaskRegressor(backbone)(x {[rows, 3, FEATURES]}, targets {[rows, 3]}, lengths)"
        make = functools.partial(_multitask, lab, arguments)
        regressors.expect_answer(kit, make, (rows, tasks or 3), rng, call)


def _multitask(lab: Any, arguments: tuple[int, ...], backbone: Any) -> Any:
    return lab.step10_multitask.MultitaskRegressor(backbone, *arguments)


@check(
    points=0.25,
    hint="The ratings are the output layer's, on what the backbone makes of x; targets serve the loss.",
    needs=ANSWERS,
)
def test_ratings_depend_on_the_tracks_alone(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """In evaluation mode the ratings depend on the tracks, and not on the targets."""
    regressors.expect_ratings_of_tracks_alone(kit, three_tasks(lab), (12, 3), rng)


@check(
    points=0.25,
    hint="Hand x to the backbone as it is, and compute no mean or deviation over the tracks of a batch.",
    needs=TRACKS,
)
def test_each_track_is_rated_on_its_own(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """The backbone gets each track as it is, and a track's ratings are the same whatever else is in its batch."""
    regressors.expect_each_track_on_its_own(kit, three_tasks(lab), (12, 3), rng)


@check(
    points=0.75,
    hint="The loss is MultitaskLoss([1] * num_tasks), of the ratings of the linear layer.",
    needs=(*CLEAR, *TRACKS),
)
@examples(rows=st.integers(2, 5), tasks=st.sampled_from([3, 1, 2, 4, 6]), seed=st.integers(0, 99))
def test_regressor_rates_a_track_on_each_axis(lab: Any, kit: Kit, rows: int, tasks: int, seed: int) -> None:
    """MultitaskRegressor returns (sum of the tasks' mean squared errors, ratings [B, num_tasks])."""
    call = f"MultitaskRegressor(backbone, {tasks})(x {[rows, 3, FEATURES]}, targets {[rows, tasks]}, lengths)"

    def loss_of(ratings: np.ndarray, targets: np.ndarray) -> float:
        return float(task_errors(ratings, targets).sum())

    model = lab.step10_multitask.MultitaskRegressor(regressors.drawn(kit, np.random.default_rng(seed)), tasks)
    regressors.expect_loss(kit, model, (rows, tasks), seed, loss_of, call)


@check(points=0.25, hint="squeeze() takes the batch axis away from a batch of one.", needs=TRACKS)
def test_regressor_takes_a_batch_of_one(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """MultitaskRegressor rates a single track: ratings [1, num_tasks]."""
    call = f"MultitaskRegressor(backbone, 3)(x {[1, 3, FEATURES]}, targets [1, 3], lengths)"
    model = evaluating(three_tasks(lab)(regressors.drawn(kit, rng)))
    loss, _ = regressors.answer(model, noise(rng, 1, 3, FEATURES), np.zeros((1, 3)), [3], call)
    regressors.expect_loss_number(loss, call)


@check(
    points=0.25,
    hint="One linear layer on the backbone's features, an output for each task, and nothing after it.",
    needs=OWN,
)
def test_ratings_are_not_clipped(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """Each axis can learn any rating, also one below 0 or above 1, whatever the others learn: nothing is clipped."""
    regressors.expect_any_rating(kit, three_tasks(lab), 3, rng)
    bends.expect_no_bend_at_zero(kit, three_tasks(lab), 3, rng)


@check(
    points=0.5,
    hint="Only an LSTMBackbone takes lengths, and it needs them: call any other backbone with x alone.",
    needs=OWN,
)
def test_regressor_hands_lengths_to_an_lstm_alone(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """An LSTMBackbone is called with the lengths, any other backbone with the tracks alone."""
    model = three_tasks(lab)(regressors.drawn(kit, rng, "MeanOfImage"))
    x = noise(rng, 3, 6, FEATURES)
    regressors.answer(model, x, np.zeros((3, 3)), [6, 4, 1], "MultitaskRegressor(CNN)(...)")
    regressors.expect_lengths_reach_an_lstm(lab, kit, three_tasks(lab), (3, 3), rng)


@check(
    points=0.25,
    hint="Change nothing in place, and leave train(), eval() and seeds to those who call the regressor.",
    needs=TRACKS,
)
def test_regressor_changes_nothing_else(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """A call of the regressor leaves its arguments, its mode and the random generators as they are."""
    regressors.expect_no_side_effects(kit, three_tasks(lab), (6, 3), rng)


@check(
    points=0.5,
    hint="All tasks share the one backbone: detach and freeze nothing, and leave no task out of the loss.",
    needs=(*OWN, *RATES),
)
def test_every_task_trains_the_backbone(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """Each task alone trains the backbone: where all others are rated perfectly, its error still moves the weights."""
    regressors.expect_training_of_all(kit, three_tasks(lab), (8, 3), rng, "MultitaskRegressor(backbone)")
    x = noise(rng, 6, 3, FEATURES)
    for task in range(3):
        backbone, model = regressors.lively(kit, three_tasks(lab), (12, 3), rng)
        _, targets = regressors.answer(model, x, np.zeros((6, 3)), [3] * 6, regressors.CALL)
        targets = targets.copy()
        targets[:, task] += 3
        before = as_array(kit.training.weights(backbone)["linear.weight"], "the backbone's weights").copy()
        tracks = kit.training.ratings_loader(x.numpy(), targets, [3] * 6, 6)
        kit.training.fit(model, tracks, kit.training.sgd(model, 0.1), 1)
        after = as_array(kit.training.weights(backbone)["linear.weight"], "the backbone's weights")
        if not np.abs(after - before).max() > regressors.MOVED:
            raise AssertionError(f"A step of SGD on the error of task {task} alone left the backbone as it was.")


# --- the correlation of each task


def rated(
    rng: np.random.Generator, tracks: int = 9, tasks: int = 3, apart: float = 10.0
) -> tuple[np.ndarray, np.ndarray]:
    """Return random ratings by listeners and by a network, with ties; the tasks' means are `apart`."""
    drawn = rng.integers(0, 6, (2, tracks, tasks))
    # Two tracks that differ: a task that rates all of them alike has no correlation.
    drawn[:, 0] = (drawn[:, 1] + rng.integers(1, 6, (2, tasks))) % 6
    true, predicted = drawn / 8 + apart * np.arange(tasks)
    return true, predicted


def correlations(lab: Any, true: np.ndarray, predicted: np.ndarray, call: str) -> list[Any]:
    """Return what spearman_of_tasks returns, once it has a number for each task."""
    values = lab.step10_multitask.spearman_of_tasks(true, predicted)
    if not isinstance(values, list | tuple):
        values = as_array(values, call)
    return list(expect_length(values, true.shape[1], call))


@check(points=0.75, hint="Correlate column with column: over all tasks at once it is the tasks' means that correlate.")
def test_each_task_has_its_own_correlation(lab: Any, rng: np.random.Generator) -> None:
    """spearman_of_tasks returns Spearman's correlation over the tracks for each task, whatever the tasks' means."""
    for tracks, tasks, apart in ((9, 3, 10.0), (12, 2, 0.0), (9, 3, 0.0), (5, 3, 10.0), (8, 1, 0.0), (3, 5, 10.0)):
        true, predicted = rated(rng, tracks, tasks, apart)
        call = f"spearman_of_tasks(y_true, y_pred), both {[tracks, tasks]},"
        for task, value in enumerate(correlations(lab, true, predicted, call)):
            expected = spearman_right(true[:, task], predicted[:, task])
            expect_number(value, expected, f"the correlation of task {task} of {call}", 1e-6)


@check(
    points=0.25,
    hint="Call spearman of step 8 for each column, in float64, and leave its result as it is, NaN too.",
    needs=CORRELATES,
)
def test_tasks_without_an_order_are_nan(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """A task whose ratings are all equal gets NaN, close ratings are told apart, and the arrays stay as they are."""
    true, predicted = rated(rng)
    predicted[:, 1] = 0.5
    true[:, 2] = 0.5 + rng.permutation(len(true)) * 1e-10
    call = "spearman_of_tasks(y_true, y_pred), where y_pred[:, 1] is 0.5 and values of y_true[:, 2] differ by 1e-10,"
    first, equal, close = correlations(lab, true, predicted, call)
    for task, value in ((0, first), (2, close)):
        expected = spearman_right(true[:, task], predicted[:, task])
        expect_number(value, expected, f"the correlation of task {task} of {call}", 1e-6)
    if not np.isnan(as_array(np.asarray(plain(equal, call), np.float64), call)):
        raise AssertionError(f"The correlation of task 1 of {call} is {describe(equal)}; expected nan.")
    after = kit.arguments_after(lab.step10_multitask.spearman_of_tasks, true, predicted)
    for name, before, array in zip(("y_true", "y_pred"), (true, predicted), after, strict=True):
        expect_array(array, before, f"{name} after spearman_of_tasks(y_true, y_pred)", 0)


@check(points=0.25, hint="Compare the shapes, and raise ValueError.", needs=CORRELATES)
def test_correlation_refuses_what_does_not_match(lab: Any, rng: np.random.Generator) -> None:
    """spearman_of_tasks raises ValueError for arrays whose shapes differ, or that are not [N, tasks]."""
    true, predicted = rated(rng)
    wrong = [(true, predicted[:, :2]), (true[:5], predicted), (true[:, 0], predicted[:, 0]), (true[None], true[None])]
    for first, second in wrong:
        with expect_error(ValueError, f"spearman_of_tasks of shapes {list(first.shape)} and {list(second.shape)}"):
            lab.step10_multitask.spearman_of_tasks(first, second)


# --- learning


@check(
    points=0.75,
    seconds=20,
    hint="If one axis stays behind, its output is not trained, or the columns of ratings and targets are not the same.",
    needs=(*ANY, *NOTHING_ELSE, *TRAINS),
)
def test_all_axes_of_held_out_tracks_are_rated(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """Trained on rated tracks, the ratings of held-out ones correlate with the listeners' on all three axes."""
    correlation = held_out_axes(lab, kit, rng)
    what = "Spearman's correlation on held-out tracks, the lowest of three axes,"
    expect_reached("step10.all_axes_of_held_out_tracks_are_rated", correlation, what, held_out=True)
