"""Checks of step 8: the regressor, its predictions, Spearman's correlation, and learning of energy."""

from __future__ import annotations

import math
from collections.abc import Sequence
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
from graders.checks.doubles.models import MakeDouble
from graders.checks.doubles.scripted import Predicting
from graders.checks.experiments.ratings import held_out_energy
from graders.checks.kit.protocol import Kit
from graders.checks.oracles import regressors
from graders.checks.oracles.networks import evaluating, noise
from graders.checks.oracles.regressors import FEATURES, mean_squared_error, spearman_right
from graders.checks.thresholds import expect_reached
from graders.outcomes import WrongType

LOSS = ("test_regressor_returns_mean_squared_error_and_ratings",)
TRACKS = ("test_ratings_depend_on_the_tracks_alone",)
RANKS = ("test_spearman_is_the_correlation_of_ranks",)
PREDICTS = ("test_predict_ratings_returns_both_ratings_of_each_track",)


def regressor(lab: Any, kit: Kit) -> Any:
    """Return a new regressor on a backbone of the kit."""
    return lab.step08_regression.Regressor(kit.training.MeanOfImage(FEATURES, 6))


# --- the regressor


@check(points=1.5, hint="Targets are [B]: squeeze(1) the output [B, 1], or the difference broadcasts to [B, B].")
@examples(rows=st.integers(2, 6), seed=st.integers(0, 99))
def test_regressor_returns_mean_squared_error_and_ratings(lab: Any, kit: Kit, rows: int, seed: int) -> None:
    """Regressor returns (mean squared error, ratings) for targets [B]; the error of its own ratings is 0."""
    call = f"Regressor(backbone)(x {[rows, 3, FEATURES]}, targets {[rows]}, lengths)"
    regressors.expect_loss(regressor(lab, kit), (rows,), seed, mean_squared_error, call)
    regressors.expect_unlike_ratings(lambda: regressor(lab, kit), (rows,), seed, call)
    generator = np.random.default_rng(seed)
    regressors.expect_ratings_of_the_backbone(kit, lab.step08_regression.Regressor, (), generator)


@check(points=0.25, hint="The ratings are the output layer's, on what the backbone makes of x; targets serve the loss.")
def test_ratings_depend_on_the_tracks_alone(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """The regressor's ratings depend on the tracks, and not on the targets."""
    regressors.expect_ratings_of_tracks_alone(regressor(lab, kit), (12,), rng)
    regressors.expect_ratings_of_the_backbone(kit, lab.step08_regression.Regressor, (), rng)


@check(
    points=0.5,
    hint="squeeze() takes the batch axis away from a batch of one: squeeze(1) or squeeze(-1).",
    needs=TRACKS,
)
def test_regressor_takes_a_batch_of_one(lab: Any, kit: Kit) -> None:
    """Regressor returns one rating, [1] or [1, 1], and the right loss for a single track."""
    call = f"Regressor(backbone)(x {[1, 3, FEATURES]}, targets [1], lengths)"
    regressors.expect_loss(regressor(lab, kit), (1,), 0, mean_squared_error, call)


@check(points=0.5, hint="Put nothing after the linear layer: a ReLU makes every rating below 0 a 0.")
def test_ratings_are_not_clipped(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """Tracks that are unlike get ratings that are unlike, also where these are below 0."""
    regressors.expect_ratings_of_the_backbone(kit, lab.step08_regression.Regressor, (), rng)
    for _ in range(3):
        regressors.expect_no_clipping(regressor(lab, kit), (24,), rng)


@check(points=0.5, hint="Only an LSTMBackbone takes lengths, and it needs them: call any other backbone with x alone.")
def test_regressor_hands_lengths_to_an_lstm_alone(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """An LSTMBackbone is called with the lengths, any other backbone with the tracks alone."""
    regressors.answer(regressor(lab, kit), noise(rng, 3, 6, FEATURES), np.zeros(3), [6, 4, 1], "Regressor(CNN)(...)")
    regressors.expect_ratings_of_the_backbone(kit, lab.step08_regression.Regressor, (), rng)
    regressors.expect_lengths_reach_an_lstm(lab, lab.step08_regression.Regressor, (3,), rng)


@check(points=0.25, hint="Keep backbone and output layer as attributes, and detach nothing.")
def test_regressor_trains_its_backbone(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """A step of an optimiser of the regressor's parameters changes the backbone's weights too."""
    backbone = kit.training.MeanOfImage(FEATURES, 6)
    model = lab.step08_regression.Regressor(backbone)
    before = as_array(kit.training.weights(backbone)["linear.weight"], "the backbone's weights").copy()
    tracks = kit.training.ratings_loader(noise(rng, 6, 3, FEATURES).numpy(), rng.uniform(2, 3, 6), [3] * 6, 6)
    kit.training.fit(model, tracks, kit.training.sgd(model, 0.1), 1)
    if np.array_equal(before, as_array(kit.training.weights(backbone)["linear.weight"], "the backbone's weights")):
        raise AssertionError("After a step of SGD the weights of the regressor's backbone are as before.")


@check(
    points=0.5,
    hint="load_state_dict(torch.load(path)) in __init__, strict as it is by itself.",
    needs=LOSS,
)
def test_checkpoint_restores_the_regressor(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """load_from_checkpoint restores the regressor that was saved, and refuses a checkpoint that does not fit."""
    step, path, x = lab.step08_regression, kit.scratch_file("παλινδρομητής.pt"), noise(rng, 4, 3, FEATURES)

    def ratings(model: Any) -> np.ndarray:
        return regressors.answer(evaluating(model), x, np.zeros(4), [3] * 4, "regressor(x, targets, lengths)")[1]

    saved = regressor(lab, kit)
    wanted = ratings(saved)
    lab.step05_lstm.save_checkpoint(saved, path)
    loaded = step.Regressor(kit.training.MeanOfImage(FEATURES, 6), load_from_checkpoint=path)
    call = "the array of ratings of the regressor that was loaded"
    expect_as_before(ratings(loaded), wanted, ratings(regressor(lab, kit)), call, regressors.ROUNDING)
    with expect_error((RuntimeError, KeyError, ValueError), "Regressor(another backbone, load_from_checkpoint=...)"):
        step.Regressor(kit.training.NormalisedMean(FEATURES, 6), load_from_checkpoint=path)
    with expect_error(OSError, "Regressor(backbone, load_from_checkpoint='missing.pt')"):
        step.Regressor(kit.training.MeanOfImage(FEATURES, 6), load_from_checkpoint="missing.pt")


# --- predictions


class RatedTracks(NamedTuple):
    """Ratings of some tracks by a scripted model and by listeners: `[N]`, or `[N, tasks]` each."""

    predicted: np.ndarray
    listeners: np.ndarray

    def loader(self, kit: Kit, model: Predicting, size: int) -> Any:
        """Return a loader of tracks of ragged lengths for such a model, with the listeners' ratings."""
        x, lengths = model.tracks(4, FEATURES)
        return kit.training.ratings_loader(x, self.listeners, lengths, size)


def rated_tracks(rng: np.random.Generator, count: int, tasks: int | None = None) -> RatedTracks:
    """Return random ratings of tracks, all different."""
    shape = (count,) if tasks is None else (count, tasks)
    return RatedTracks(
        *(rng.permutation(4 * count * (tasks or 1))[: np.prod(shape)].reshape(shape) / 7 for _ in range(2))
    )


def predicted(lab: Any, model: Any, loader: Any, shape: tuple[int, ...], call: str) -> list[np.ndarray]:
    """Return the (y_pred, y_true) of predict_ratings; raise unless their shapes are right, `[N]` or `[N, 1]`."""
    pair = expect_length(lab.step08_regression.predict_ratings(model, loader, "cpu"), 2, call)
    arrays = []
    for value, name in zip(pair, ("y_pred", "y_true"), strict=True):
        array = as_array(value, f"{name} of {call}")
        if array.shape not in {shape, (*shape, 1)}:
            raise AssertionError(f"{name} of {call} has shape {array.shape}; expected {shape}.")
        arrays.append(expect_dtype(array, "f", f"{name} of {call}").reshape(shape))
    return arrays


def expect_predicted(
    lab: Any, kit: Kit, double: MakeDouble, rated: RatedTracks, size: int, *, training: bool = False
) -> list[bool]:
    """Raise unless predict_ratings is right for tracks in batches of a size, in the order of the loader.

    Returns:
        For each call of the model, whether gradients were to be computed.
    """
    predicting = Predicting(rated.predicted, at_the_end=True)
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
    """predict_ratings keeps a smaller last batch, takes single tracks, and gives a row of ratings for each task."""
    for count, size, tasks in ((9, 4, None), (3, 1, None), (1, 1, None), (7, 3, 3)):
        expect_predicted(lab, kit, double, rated_tracks(rng, count, tasks), size)


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
    points=0.5,
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


# --- Spearman's correlation


def expect_spearman(
    lab: Any, true: Sequence[float] | np.ndarray, predicted_ones: Sequence[float] | np.ndarray, call: str | None = None
) -> None:
    """Raise unless spearman returns SciPy's value, for lists and for arrays."""
    call = call or f"spearman({list(true)}, {list(predicted_ones)})"
    for kind in (list, np.array):
        value = lab.step08_regression.spearman(kind(true), kind(predicted_ones))
        expect_number(value, spearman_right(true, predicted_ones), f"{call}, computed in float64,", 1e-9)


DISTINCT = st.permutations(range(9)).map(lambda order: [value**2 / 8 for value in order])
TIED = st.lists(st.integers(0, 3), min_size=4, max_size=12).filter(lambda values: len(set(values)) > 1)


@check(points=0.75, hint="Replace each value by its rank: argsort of argsort, not argsort; then Pearson's correlation.")
@examples(true=DISTINCT, other=DISTINCT)
def test_spearman_is_the_correlation_of_ranks(lab: Any, true: list[float], other: list[float]) -> None:
    """spearman is Pearson's correlation of the ranks: here of lists without ties."""
    expect_spearman(lab, true, other)


@check(points=0.25, hint="Take the ranks of the values, not the values: Pearson's correlation is 1 on a line only.")
def test_spearman_of_a_monotone_relation_is_one(lab: Any, rng: np.random.Generator) -> None:
    """spearman is 1 where one list rises with the other, however bent the curve, and -1 where it falls."""
    values = np.cumsum(rng.uniform(0.05, 0.4, 6))
    for other, name in ((np.exp(9 * values), "exp(9 y_true)"), (-(values**9), "-y_true ** 9")):
        expect_spearman(lab, values, other, f"spearman(y_true, {name})")


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


@check(
    points=0.25,
    hint="Compare the shapes, and raise ValueError; return float('nan') where all values are equal.",
    needs=RANKS,
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
    for true, other in (([1.0, 2.0, 3.0], [1.0, 2.0]), ([1.0, 2.0], [1.0, 2.0, 3.0]), ([1.0], [2.0])):
        with expect_error(ValueError, f"spearman({true}, {other})"):
            lab.step08_regression.spearman(np.array(true), np.array(other))


# --- learning


@check(
    points=0.75,
    seconds=20,
    hint="If the loss falls but the ratings stay near the mean, the loss compares each rating with all targets.",
)
def test_regressor_rates_the_energy_of_held_out_tracks(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """Trained on rated tracks, a regressor's ratings of held-out ones correlate with the listeners' (energy)."""
    correlation = held_out_energy(lab, kit, rng)
    what = "Spearman's correlation on held-out tracks"
    expect_reached("step08.regressor_rates_the_energy_of_held_out_tracks", correlation, what, held_out=True)
