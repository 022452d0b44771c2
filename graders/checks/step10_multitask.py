"""Checks of step 10: the loss of several tasks, the network for them, and its correlation on each."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from graders.authoring.check import check
from graders.authoring.examples import examples, st
from graders.authoring.expect import as_array, expect_error, expect_length, expect_number
from graders.checks.experiments.ratings import held_out_axes
from graders.checks.kit.protocol import Kit
from graders.checks.oracles import regressors
from graders.checks.oracles.networks import evaluating, noise
from graders.checks.oracles.regressors import FEATURES, ROUNDING, spearman_right
from graders.checks.thresholds import expect_reached

LOSS = ("test_loss_is_the_weighted_sum_of_the_tasks_errors",)
RATES = ("test_regressor_rates_a_track_on_each_axis",)


def regressor(lab: Any, kit: Kit, tasks: int = 3) -> Any:
    """Return a new regressor of several tasks on a backbone of the kit."""
    return lab.step10_multitask.MultitaskRegressor(kit.training.MeanOfImage(FEATURES, 6), tasks)


def task_errors(ratings: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return the mean squared error of each task."""
    errors: np.ndarray = np.mean((np.asarray(ratings, np.float64) - np.asarray(targets, np.float32)) ** 2, axis=0)
    return errors


# --- the loss


@check(points=1.25, hint="Take each task's mean squared error over the batch, times its weight, and add them up.")
@examples(rows=st.integers(1, 5), weights=st.lists(st.sampled_from([0.25, 1, 2, 3.5]), min_size=1, max_size=4))
def test_loss_is_the_weighted_sum_of_the_tasks_errors(lab: Any, rows: int, weights: list[float]) -> None:
    """MultitaskLoss(weights) is the sum over tasks of weight times mean squared error."""
    generator = np.random.default_rng(rows)
    ratings, targets = generator.uniform(0, 2, (2, rows, len(weights))).astype(np.float32)
    loss = lab.step10_multitask.MultitaskLoss(weights)(torch.from_numpy(ratings), torch.from_numpy(targets))
    call = f"MultitaskLoss({weights})(ratings, targets), both {[rows, len(weights)]},"
    expect_number(loss, float(np.dot(weights, task_errors(ratings, targets))), call, ROUNDING)


@check(points=0.5, hint="Compare the shapes before you subtract: broadcasting hides what does not fit.", needs=LOSS)
def test_loss_refuses_what_does_not_fit(lab: Any) -> None:
    """MultitaskLoss raises ValueError for weights that are none or negative, and for shapes that do not match them."""
    for weights in ([], [1.0, -1.0]):
        with expect_error(ValueError, f"MultitaskLoss({weights})"):
            lab.step10_multitask.MultitaskLoss(weights)
    loss = lab.step10_multitask.MultitaskLoss([1.0, 1.0, 1.0])
    wrong = (((4, 2), (4, 2)), ((4, 1), (4, 1)), ((4, 3), (4, 1)), ((4, 3), (3,)), ((4, 1), (4, 3)), ((4, 3), (3, 4)))
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


@check(points=1.25, hint="One linear layer with num_tasks outputs; the loss is MultitaskLoss([1] * num_tasks).")
@examples(rows=st.integers(2, 5), tasks=st.integers(2, 4), seed=st.integers(0, 99))
def test_regressor_rates_a_track_on_each_axis(lab: Any, kit: Kit, rows: int, tasks: int, seed: int) -> None:
    """MultitaskRegressor returns (sum of the tasks' mean squared errors, ratings [B, num_tasks])."""
    call = f"MultitaskRegressor(backbone, {tasks})(x {[rows, 3, FEATURES]}, targets {[rows, tasks]}, lengths)"

    def loss_of(ratings: np.ndarray, targets: np.ndarray) -> float:
        return float(task_errors(ratings, targets).sum())

    regressors.expect_loss(regressor(lab, kit, tasks), (rows, tasks), seed, loss_of, call)
    regressors.expect_unlike_ratings(lambda: regressor(lab, kit, tasks), (rows, tasks), seed, call)
    generator = np.random.default_rng(seed)
    regressors.expect_ratings_of_the_backbone(
        kit, lambda backbone: lab.step10_multitask.MultitaskRegressor(backbone, tasks), (tasks,), generator
    )


@check(points=0.25, hint="squeeze() takes the batch axis away from a batch of one.", needs=RATES)
def test_regressor_takes_a_batch_of_one(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """MultitaskRegressor rates a single track: ratings [1, num_tasks]."""
    call = f"MultitaskRegressor(backbone, 3)(x {[1, 3, FEATURES]}, targets [1, 3], lengths)"
    regressors.answer(regressor(lab, kit), noise(rng, 1, 3, FEATURES), np.zeros((1, 3)), [3], call)


@check(points=0.25, hint="The ratings are the output layer's, on what the backbone makes of x; targets serve the loss.")
def test_ratings_depend_on_the_tracks_alone(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """The ratings depend on the tracks, and not on the targets."""
    regressors.expect_ratings_of_tracks_alone(regressor(lab, kit), (12, 3), rng)
    regressors.expect_ratings_of_the_backbone(kit, lab.step10_multitask.MultitaskRegressor, (3,), rng)


@check(
    points=0.25,
    hint="One linear layer on the backbone's features, an output for each task, and nothing else.",
)
def test_ratings_are_not_clipped(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """Tracks that are unlike get ratings that are unlike, and so do the axes of a track."""
    model = regressor(lab, kit)
    regressors.expect_ratings_of_the_backbone(kit, lab.step10_multitask.MultitaskRegressor, (3,), rng)
    regressors.expect_no_clipping(model, (24, 3), rng)
    x = noise(rng, 6, 3, FEATURES)
    _, ratings = regressors.answer(model, x, np.zeros((6, 3)), [3] * 6, "regressor(x, targets, lengths)")
    for one, other in ((0, 1), (0, 2), (1, 2)):
        if np.allclose(ratings[:, one], ratings[:, other], atol=1e-6):
            raise AssertionError(f"Axes {one} and {other} have the same ratings; expected an output for each.")


@check(points=0.5, hint="Only an LSTMBackbone takes lengths, and it needs them: call any other backbone with x alone.")
def test_regressor_hands_lengths_to_an_lstm_alone(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """An LSTMBackbone is called with the lengths, any other backbone with the tracks alone."""
    x = noise(rng, 3, 6, FEATURES)
    regressors.answer(regressor(lab, kit), x, np.zeros((3, 3)), [6, 4, 1], "MultitaskRegressor(CNN)(...)")
    regressors.expect_ratings_of_the_backbone(kit, lab.step10_multitask.MultitaskRegressor, (3,), rng)
    regressors.expect_lengths_reach_an_lstm(lab, lab.step10_multitask.MultitaskRegressor, (3, 3), rng)


@check(points=0.5, hint="All tasks share the one backbone: detach nothing, and leave no task out of the loss.")
def test_every_task_trains_the_backbone(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """Each task alone trains the backbone: where all others are rated perfectly, its error still moves the weights."""
    x = noise(rng, 6, 3, FEATURES)
    for task in range(3):
        backbone = kit.training.MeanOfImage(FEATURES, 6)
        model = lab.step10_multitask.MultitaskRegressor(backbone, 3)
        call = "regressor(x, targets, lengths)"
        _, targets = regressors.answer(evaluating(model), x, np.zeros((6, 3)), [3] * 6, call)
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


@check(points=1, hint="Correlate column with column: over all tasks at once it is the tasks' means that correlate.")
def test_each_task_has_its_own_correlation(lab: Any, rng: np.random.Generator) -> None:
    """spearman_of_tasks returns Spearman's correlation over the tracks for each task, whatever the tasks' means."""
    for tracks, tasks, apart in ((9, 3, 10.0), (12, 2, 0.0), (9, 3, 0.0), (5, 3, 10.0)):
        true, predicted = rated(rng, tracks, tasks, apart)
        call = f"spearman_of_tasks(y_true, y_pred), both {[tracks, tasks]},"
        values = expect_length(lab.step10_multitask.spearman_of_tasks(true, predicted), tasks, call)
        for task, value in enumerate(values):
            expected = spearman_right(true[:, task], predicted[:, task])
            expect_number(value, expected, f"the correlation of task {task} of {call}", 1e-6)


@check(
    points=0.25,
    hint="Compare the shapes, and raise ValueError.",
    needs=("test_each_task_has_its_own_correlation",),
)
def test_correlation_refuses_what_does_not_match(lab: Any, rng: np.random.Generator) -> None:
    """spearman_of_tasks raises ValueError for arrays whose shapes differ, or that have no axis of tasks."""
    true, predicted = rated(rng)
    for first, second in ((true, predicted[:, :2]), (true[:5], predicted), (true[:, 0], predicted[:, 0])):
        with expect_error(ValueError, f"spearman_of_tasks of shapes {list(first.shape)} and {list(second.shape)}"):
            lab.step10_multitask.spearman_of_tasks(first, second)


# --- learning


@check(
    points=0.75,
    seconds=20,
    hint="If one axis stays behind, its output is not trained, or the columns of ratings and targets are not the same.",
)
def test_all_axes_of_held_out_tracks_are_rated(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """Trained on rated tracks, the ratings of held-out ones correlate with the listeners' on all three axes."""
    correlation = held_out_axes(lab, kit, rng)
    what = "Spearman's correlation on held-out tracks, the lowest of three axes,"
    expect_reached("step10.all_axes_of_held_out_tracks_are_rated", correlation, what, held_out=True)
