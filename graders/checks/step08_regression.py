"""Checks of step 8: the regressor, its predictions, Spearman's correlation, and learning of energy.

All checks of a step stand in one module, in the order in which students meet them: `needs` names checks of the same
module.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from graders.authoring.check import check
from graders.authoring.describe import describe
from graders.authoring.examples import examples, st
from graders.authoring.expect import (
    as_array,
    expect_array,
    expect_as_before,
    expect_dtype,
    expect_error,
    expect_length,
    expect_number,
)
from graders.checks.doubles.models import Call, MakeDouble, Said
from graders.checks.doubles.scripted import Predicting
from graders.checks.experiments.ratings import held_out_energy
from graders.checks.kit.protocol import Kit
from graders.checks.oracles.networks import bends, regressors
from graders.checks.oracles.networks.any_network import evaluating, noise
from graders.checks.oracles.networks.regressors import FEATURES, mean_squared_error, spearman_right
from graders.checks.thresholds import expect_reached
from graders.outcomes import WrongType

ANSWERS = ("test_regressor_returns_a_loss_and_a_rating_of_each_track",)
TRACKS = ("test_ratings_depend_on_the_tracks_alone",)
ANY = ("test_ratings_are_not_clipped",)
NOTHING_ELSE = ("test_regressor_changes_nothing_else",)
OWN = ("test_each_track_is_rated_on_its_own",)
LOSS = ("test_regressor_returns_mean_squared_error_and_ratings",)
TRAINS = ("test_regressor_trains_its_backbone",)
RANKS = ("test_spearman_is_the_correlation_of_ranks",)
PAIRS = ("test_predict_ratings_pairs_the_ratings_of_a_track",)
RISES = ("test_spearman_of_a_monotone_relation_is_one",)
TIES = ("test_spearman_averages_the_ranks_of_ties",)
PREDICTS = ("test_predict_ratings_returns_both_ratings_of_each_track",)


def regressor(lab: Any, kit: Kit, rng: np.random.Generator, kind: str = "MeanOfFrames") -> Any:
    """Return a new regressor on a backbone of the kit."""
    return lab.step08_regression.Regressor(regressors.drawn(kit, rng, kind))


# --- the regressor


@check(points=0.25, hint="Return the loss first, one number, and then the ratings: the output layer's, [B] or [B, 1].")
def test_regressor_returns_a_loss_and_a_rating_of_each_track(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """Regressor returns (loss, ratings): a number, and a rating of each track that its backbone's features make."""
    for rows in (4, 2, 5):
        call = f"Regressor(backbone)(x {[rows, 3, FEATURES]}, targets {[rows]}, lengths)"
        regressors.expect_answer(kit, lab.step08_regression.Regressor, (rows,), rng, call)


@check(
    points=0.25,
    hint="The ratings are the output layer's, on what the backbone makes of x; targets serve the loss.",
    needs=ANSWERS,
)
def test_ratings_depend_on_the_tracks_alone(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """In evaluation mode the regressor's ratings depend on the tracks, and not on the targets."""
    regressors.expect_ratings_of_tracks_alone(kit, lab.step08_regression.Regressor, (12,), rng)


@check(
    points=0.25,
    hint="Hand x to the backbone as it is, and compute no mean or deviation over the tracks of a batch.",
    needs=TRACKS,
)
def test_each_track_is_rated_on_its_own(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """The backbone gets each track as it is, and a track's rating is the same whatever else is in its batch."""
    regressors.expect_each_track_on_its_own(kit, lab.step08_regression.Regressor, (12,), rng)
    bends.expect_no_statistics(kit, lab.step08_regression.Regressor, (12,), rng)


@check(
    points=1,
    hint="The loss is the mean over the batch of (rating - target) ** 2, with both of one shape.",
    needs=TRACKS,
)
@examples(rows=st.integers(2, 6), seed=st.integers(0, 99))
def test_regressor_returns_mean_squared_error_and_ratings(lab: Any, kit: Kit, rows: int, seed: int) -> None:
    """Regressor returns (mean squared error, ratings) for targets [B]; the error of its own ratings is 0."""
    call = f"Regressor(backbone)(x {[rows, 3, FEATURES]}, targets {[rows]}, lengths)"
    model = regressor(lab, kit, np.random.default_rng(seed))
    regressors.expect_loss(kit, model, (rows,), seed, mean_squared_error, call)


@check(
    points=0.25,
    hint="squeeze() takes the batch axis away from a batch of one: squeeze(1) or squeeze(-1).",
    needs=TRACKS,
)
def test_regressor_takes_a_batch_of_one(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """Regressor returns a number and one rating, [1] or [1, 1], for a single track."""
    call = f"Regressor(backbone)(x {[1, 3, FEATURES]}, targets [1], lengths)"
    model = evaluating(regressor(lab, kit, rng))
    loss, _ = regressors.answer(model, noise(rng, 1, 3, FEATURES), np.ones(1), [3], call)
    regressors.expect_loss_number(loss, call)


@check(
    points=0.5,
    hint="Put nothing after the linear layer: a ReLU makes every rating below 0 a 0, a sigmoid ends at 0 and 1.",
    needs=OWN,
)
def test_ratings_are_not_clipped(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """A regressor can learn any rating, also one below 0 or above 1: nothing follows its linear layer."""
    regressors.expect_any_rating(kit, lab.step08_regression.Regressor, None, rng)
    bends.expect_no_bend_at_zero(kit, lab.step08_regression.Regressor, None, rng)


@check(
    points=0.5,
    hint="Only an LSTMBackbone takes lengths, and it needs them: call any other backbone with x alone.",
    needs=OWN,
)
def test_regressor_hands_lengths_to_an_lstm_alone(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """An LSTMBackbone is called with the lengths, any other backbone with the tracks alone."""
    model = regressor(lab, kit, rng, "MeanOfImage")
    regressors.answer(model, noise(rng, 3, 6, FEATURES), np.zeros(3), [6, 4, 1], "Regressor(CNN)(...)")
    regressors.expect_lengths_reach_an_lstm(lab, kit, lab.step08_regression.Regressor, (3,), rng)


@check(
    points=0.25,
    hint="Change nothing in place, and leave train(), eval() and seeds to those who call the regressor.",
    needs=TRACKS,
)
def test_regressor_changes_nothing_else(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """A call of the regressor leaves its arguments, its mode and the random generators as they are."""
    regressors.expect_no_side_effects(kit, lab.step08_regression.Regressor, (6,), rng)


@check(points=0.25, hint="Keep backbone and output layer as attributes, and detach or freeze nothing.", needs=OWN)
def test_regressor_trains_its_backbone(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """Steps of an optimiser of the regressor's parameters change the backbone's weights and the output layer's."""
    regressors.expect_training_of_all(kit, lab.step08_regression.Regressor, (8,), rng, "Regressor(backbone)")


@check(
    points=0.5,
    hint="load_state_dict(torch.load(path)) in __init__, strict as it is by itself.",
    needs=TRAINS,
)
def test_checkpoint_restores_the_regressor(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """load_from_checkpoint restores the regressor that was saved, and refuses a checkpoint that does not fit."""
    step, path, x = lab.step08_regression, kit.scratch_file("παλινδρομητής.pt"), noise(rng, 4, 3, FEATURES)

    def ratings(model: Any) -> np.ndarray:
        return regressors.answer(evaluating(model), x, np.zeros(4), [3] * 4, regressors.CALL)[1]

    _, saved = regressors.lively(kit, step.Regressor, (8,), rng, "NormalisedMean")
    wanted = ratings(saved)
    lab.step05_lstm.save_checkpoint(saved, path)
    path = kit.moved(path)
    loaded = step.Regressor(regressors.drawn(kit, rng, "NormalisedMean"), load_from_checkpoint=path)
    call = "the array of ratings of the regressor that was loaded"
    unlike = ratings(regressor(lab, kit, rng, "NormalisedMean"))
    expect_as_before(ratings(loaded), wanted, unlike, call, regressors.ROUNDING)
    for kind in ("MeanOfFrames", "MixedMean"):
        with expect_error((RuntimeError, KeyError, ValueError), f"Regressor({kind}, load_from_checkpoint=...)"):
            step.Regressor(regressors.drawn(kit, rng, kind), load_from_checkpoint=path)
    with expect_error(OSError, "Regressor(backbone, load_from_checkpoint='missing.pt')"):
        step.Regressor(regressors.drawn(kit, rng, "NormalisedMean"), load_from_checkpoint="missing.pt")


# --- predictions


@dataclass
class Listening(Predicting):
    """A `Predicting` that demands the listeners' ratings of the same tracks as targets."""

    listeners: np.ndarray = field(default_factory=lambda: np.zeros(0))

    def say(self, call: Call) -> Said:
        """Return the answer for a batch."""
        rows = call.x[np.arange(len(call.x)), call.lengths - 1, 0].astype(np.int64)
        if call.targets.shape != (len(rows), *self.listeners.shape[1:]) or not np.allclose(
            call.targets, self.listeners[rows], rtol=1e-4, atol=1e-4
        ):
            raise ValueError("the model got targets that are not the listeners' ratings of its tracks")
        return super().say(call)


class RatedTracks(NamedTuple):
    """Ratings of some tracks by a scripted model and by listeners: `[N]`, or `[N, tasks]` each."""

    predicted: np.ndarray
    listeners: np.ndarray

    def loader(self, kit: Kit, model: Predicting, size: int) -> Any:
        """Return a loader of tracks of ragged lengths for such a model, with the listeners' ratings."""
        x, lengths = model.tracks(4, FEATURES)
        return kit.training.ratings_loader(x, self.listeners, lengths, size)


def rated_tracks(rng: np.random.Generator, count: int, tasks: int | None = None) -> RatedTracks:
    """Return random ratings of tracks, all different, some below 0."""
    shape = (count,) if tasks is None else (count, tasks)
    return RatedTracks(
        *(rng.permutation(4 * count * (tasks or 1))[: np.prod(shape)].reshape(shape) / 7 - 2 for _ in range(2))
    )


def predicted(
    lab: Any, model: Any, loader: Any, shape: tuple[int, ...], call: str, device: tuple[str, ...] = ("cpu",)
) -> list[np.ndarray]:
    """Return the (y_pred, y_true) of predict_ratings; raise unless their shapes are right, `[N]` or `[N, 1]`."""
    pair = expect_length(lab.step08_regression.predict_ratings(model, loader, *device), 2, call)
    arrays = []
    for value, name in zip(pair, ("y_pred", "y_true"), strict=True):
        array = as_array(value, f"{name} of {call}")
        if array.shape not in {shape, (*shape, 1)}:
            raise AssertionError(f"{name} of {call} has shape {array.shape}; expected {shape}.")
        arrays.append(expect_dtype(array, "f", f"{name} of {call}").reshape(shape))
    return arrays


def expect_predicted(
    lab: Any,
    kit: Kit,
    double: MakeDouble,
    rated: RatedTracks,
    size: int,
    *,
    training: bool = False,
    column: bool = False,
) -> list[bool]:
    """Raise unless predict_ratings is right for tracks in batches of a size, in the order of the loader.

    Args:
        lab: the student's modules.
        kit: the kit.
        double: makes the scripted model.
        rated: the ratings.
        size: tracks of a batch.
        training: the model comes in training mode.
        column: the model's ratings are `[B, 1]`.

    Returns:
        For each call of the model, whether gradients were to be computed.
    """
    table = rated.predicted[:, None] if column else rated.predicted
    predicting = Listening(table, at_the_end=True, listeners=rated.listeners)
    model = double(predicting)
    model.train(training)
    call = f"predict_ratings(model, loader of {len(rated.predicted)} tracks in batches of {size}, 'cpu')"
    y_pred, y_true = predicted(lab, model, rated.loader(kit, predicting, size), rated.predicted.shape, call)
    expect_array(y_pred, rated.predicted, f"y_pred of {call}")
    expect_array(y_true, rated.listeners, f"y_true of {call}")
    return predicting.kept_graphs


@check(points=0.5, hint="Collect the model's second result and the targets of each batch; return predictions first.")
def test_predict_ratings_returns_both_ratings_of_each_track(
    lab: Any, kit: Kit, double: MakeDouble, rng: np.random.Generator
) -> None:
    """predict_ratings returns (y_pred, y_true), a number for each track: the model's rating and the listeners'."""
    expect_predicted(lab, kit, double, rated_tracks(rng, 12), 4)


@check(
    points=0.25,
    hint="Join the batches with torch.cat: a smaller last batch, or a batch of one, is one among others.",
    needs=PREDICTS,
)
def test_predict_ratings_takes_ragged_batches_and_several_tasks(
    lab: Any, kit: Kit, double: MakeDouble, rng: np.random.Generator
) -> None:
    """predict_ratings keeps a smaller last batch, takes single tracks, several tasks, and a model that gives [B, 1]."""
    for count, size, tasks in ((9, 4, None), (3, 1, None), (1, 1, None), (7, 3, 3), (5, 4, 2)):
        expect_predicted(lab, kit, double, rated_tracks(rng, count, tasks), size)
    for count, size in ((9, 4), (3, 1)):
        expect_predicted(lab, kit, double, rated_tracks(rng, count), size, column=True)


@check(
    points=0.25,
    hint="Call model.eval() first, as dropout would change the ratings, and with torch.no_grad(): around the loop.",
    needs=PREDICTS,
)
def test_predict_ratings_evaluates_in_evaluation_mode(
    lab: Any, kit: Kit, double: MakeDouble, rng: np.random.Generator
) -> None:
    """predict_ratings evaluates in evaluation mode, also if the model comes in training mode, without gradients."""
    kept = expect_predicted(lab, kit, double, rated_tracks(rng, 12), 4, training=True)
    if any(kept):
        raise AssertionError(
            f"predict_ratings kept a graph for gradients of {sum(kept)} of {len(kept)} batches; expected none."
        )


@check(
    points=0.25,
    hint="Collect both in the same loop: a loader that shuffles has another order in the next.",
    needs=PREDICTS,
)
def test_predict_ratings_pairs_the_ratings_of_a_track(
    lab: Any, kit: Kit, double: MakeDouble, rng: np.random.Generator
) -> None:
    """predict_ratings pairs the two ratings of each track, also when the loader shuffles."""
    rated = rated_tracks(rng, 24)
    predicting = Predicting(rated.predicted, at_the_end=True)
    loader = kit.training.shuffling(rated.loader(kit, predicting, 4))
    call = "predict_ratings(model, shuffling loader of 24 tracks, 'cpu')"
    y_pred, y_true = predicted(lab, evaluating(double(predicting)), loader, rated.predicted.shape, call)
    order, right = np.argsort(y_pred), np.argsort(rated.predicted)
    expect_array(y_pred[order], rated.predicted[right], f"the sorted y_pred of {call}")
    expect_array(y_true[order], rated.listeners[right], f"y_true of {call}, in the order of y_pred,")


@check(
    points=0.25,
    hint="Go through the loader once, seed nothing, and write with torch.no_grad(): as a block, which ends.",
    needs=PAIRS,
)
def test_predict_ratings_changes_nothing_else(lab: Any, kit: Kit, double: MakeDouble, rng: np.random.Generator) -> None:
    """predict_ratings reads each track once, and leaves weights, gradients and random generators as they are."""
    rated, after = rated_tracks(rng, 8), []
    predicting = Predicting(rated.predicted, at_the_end=True)
    model, loader = evaluating(double(predicting)), rated.loader(kit, predicting, 4)
    before = kit.training.weights(model)
    call = "predict_ratings(model, loader of 8 tracks)"
    for number in range(2):
        kit.training.seed(number)
        predicted(lab, model, loader, rated.predicted.shape, call, ())
        after.append(kit.calls.draw())
    if kit.calls.gradients_on() is not True:
        raise AssertionError(f"After {call} no gradients are computed any more: nothing could be trained.")
    if kit.training.count(model) != 1:
        raise AssertionError(f"After {call} the model's weights are frozen; expected them to be as they were.")
    for name, value in kit.training.weights(model).items():
        expect_array(value, as_array(before[name], name), f"the model's {name} after {call}")
    read = kit.training.tracks_read(loader) // 2
    if read != len(rated.predicted):
        raise AssertionError(f"{call} read {read} tracks; expected {len(rated.predicted)}, each once.")
    if kit.calls.seeded(*after) is True:
        raise AssertionError(f"{call} seeds random generators; expected it to leave them alone.")


# --- Spearman's correlation


def expect_spearman(
    lab: Any, true: Sequence[float] | np.ndarray, predicted_ones: Sequence[float] | np.ndarray, call: str | None = None
) -> None:
    """Raise unless spearman returns SciPy's value, for lists, tuples and arrays."""
    call = call or f"spearman({list(true)}, {list(predicted_ones)})"
    for kind in (list, tuple, np.array):
        value = lab.step08_regression.spearman(kind(true), kind(predicted_ones))
        expect_number(value, spearman_right(true, predicted_ones), f"{call}, computed in float64,", 1e-9)


DISTINCT = st.permutations(range(9)).map(lambda order: [value**2 / 8 for value in order])
TIED = st.lists(st.integers(0, 3), min_size=4, max_size=12).filter(lambda values: len(set(values)) > 1)


@check(points=0.25, hint="Take the ranks of the values, not the values: Pearson's correlation is 1 on a line only.")
def test_spearman_of_a_monotone_relation_is_one(lab: Any, rng: np.random.Generator) -> None:
    """spearman is 1 where one list rises with the other, however bent the curve, and -1 where it falls."""
    values = np.cumsum(rng.uniform(0.05, 0.4, 6))
    for other, name in ((np.exp(9 * values), "exp(9 y_true)"), (-(values**9), "-y_true ** 9")):
        expect_spearman(lab, values, other, f"spearman(y_true, {name})")


@check(
    points=0.5,
    hint="Replace each value by its rank: argsort of argsort, not argsort; then Pearson's correlation.",
    needs=RISES,
)
@examples(true=DISTINCT, other=DISTINCT)
def test_spearman_is_the_correlation_of_ranks(lab: Any, true: list[float], other: list[float]) -> None:
    """spearman is Pearson's correlation of the ranks: here of lists without ties."""
    expect_spearman(lab, true, other)


@check(
    points=0.5,
    hint="Equal values share the average of their ranks; 1 - 6 sum(d^2) / (n^3 - n) is for lists without ties.",
    needs=RANKS,
)
@examples(true=TIED, seed=st.integers(0, 99))
def test_spearman_averages_the_ranks_of_ties(lab: Any, true: list[int], seed: int) -> None:
    """spearman gives equal values the average of their ranks, in either list."""
    other = np.random.default_rng(seed).permutation(true).tolist()
    expect_spearman(lab, [float(value) for value in true], [float(value) for value in other])
    expect_spearman(lab, true, other)


@check(
    points=0.25,
    hint="Turn both lists into arrays of np.float64, not of np.float32 or of integers, and sort none of them in place.",
    needs=RANKS,
)
def test_spearman_ranks_values_that_are_close(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """spearman tells values apart that differ in the tenth digit, takes integers, and leaves both lists as they are."""
    close, large = 0.5 + rng.permutation(8) * 1e-10, 2**25 + rng.permutation(8)
    for true, other, name in (
        (close, rng.permutation(8) / 8, "values that differ by 1e-10"),
        (rng.permutation(8) / 8, close, "values, some that differ by 1e-10"),
        (large, rng.permutation(8), "integers above 2 ** 25"),
    ):
        expect_spearman(lab, true, other, f"spearman of {name}")
    lists = (close.tolist(), (rng.permutation(8) / 8).tolist())
    for kind, makes in (("list", lists), ("array", tuple(map(np.array, lists)))):
        for place, (given, after) in enumerate(
            zip(lists, kit.arguments_after(lab.step08_regression.spearman, *makes), strict=True)
        ):
            expect_array(np.asarray(after), given, f"{kind} {place} that spearman was given, after the call,", 0)


@check(
    points=0.25,
    hint="Compare the shapes, and raise ValueError; return float('nan') where all values are equal.",
    needs=TIES,
)
def test_spearman_refuses_what_has_no_order(lab: Any) -> None:
    """spearman is NaN if either list has equal values only, and raises ValueError for lists that do not match."""
    expect_spearman(lab, [0.25, 0.75], [3.0, 1.0])
    equal, unlike = [0.5, 0.5, 0.5], [0.1, 0.2, 0.3]
    for true, other in ((equal, unlike), (unlike, equal), (equal, equal)):
        value = lab.step08_regression.spearman(true, other)
        if isinstance(value, np.generic) or getattr(value, "shape", None) == ():
            value = value.item()
        if not isinstance(value, float):
            raise WrongType(f"spearman({true}, {other}) returned {describe(value)}; expected nan.")
        if not math.isnan(value):
            raise AssertionError(f"spearman({true}, {other}) returned {value}; expected nan.")
    short, long, row = [1.0, 2.0], [1.0, 2.0, 3.0], [[1.0, 2.0, 3.0]]
    for one, two in ((long, short), (short, long), ([1.0], [2.0]), ([], []), (row, row), (row, long)):
        with expect_error(ValueError, f"spearman({one}, {two})"):
            lab.step08_regression.spearman(np.array(one), np.array(two))


# --- learning


@check(
    points=0.75,
    seconds=20,
    hint="If the loss falls but the ratings stay near the mean, the loss compares each rating with all targets.",
    needs=(*LOSS, *ANY, *NOTHING_ELSE, *TRAINS),
)
def test_regressor_rates_the_energy_of_held_out_tracks(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """Trained on rated tracks, a regressor's ratings of held-out ones correlate with the listeners' (energy)."""
    correlation = held_out_energy(lab, kit, rng)
    what = "Spearman's correlation on held-out tracks"
    expect_reached("step08.regressor_rates_the_energy_of_held_out_tracks", correlation, what, held_out=True)
