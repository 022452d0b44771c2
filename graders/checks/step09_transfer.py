"""Checks of step 9: a backbone's weights, taken from the checkpoint of a classifier, and trained on.

All checks of a step stand in one module, in the order in which students meet them: `needs` names checks of the same
module.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import torch

from graders.authoring.check import check
from graders.authoring.expect import as_array, expect_array, expect_error
from graders.checks.kit.protocol import Kit
from graders.checks.oracles.networks import features
from graders.checks.oracles.networks.any_network import evaluating, noise
from graders.checks.oracles.networks.regressors import answer, mean_squared_error
from graders.outcomes import Outcome, SubmissionError, WrongType

Weights: TypeAlias = dict[str, np.ndarray]
MakeBackbone: TypeAlias = Callable[[Kit], Any]

FEATURES, SIZE = 4, 6
LEARNT = {"mixing.weight", "normalisation.weight", "normalisation.bias"}
LOADS = ("test_backbone_gets_the_weights_of_the_classifier",)
NO_RATE = 1e-12  # a learning rate at which nothing moves by more than what is lost in rounding
WAY_TOLERANCE = 0.1  # of the way that Adam goes: its steps are the learning rate while gradients keep their signs
ERROR_LEFT = 0.2  # of the error, after 20 epochs: the reference leaves a twentieth at most
LAYER_NAMES = (
    "backbone",
    "conv",
    "bn",
    "output",
    "_output",
    "output_layer",
    "head",
    "fc",
    "linear",
    "classifier",
    "out",
)
MOST_OF_WAY, LEAST_OF_WAY = 1.1, 0.65  # of the way of Adam: the least where a head begins with zeros
RETURNS = ("test_loading_returns_the_backbone",)
TRAINABLE = ("test_transferred_weights_can_be_trained",)
FITS = ("test_checkpoint_that_does_not_fit_is_an_error",)
ADAM = ("test_fine_tuning_takes_the_steps_of_adam",)
ALL = ("test_fine_tuning_trains_all_weights",)
TUNES = ("test_fine_tuning_begins_with_the_transferred_weights",)


def fresh_backbone(kit: Kit) -> Any:
    """Return a backbone of the kit, with fresh weights."""
    return kit.training.NormalisedMean(FEATURES, SIZE)


def plain_backbone(kit: Kit) -> Any:
    """Return a backbone without normalisation, whose statistics lag behind: a loss may rise with them."""
    return kit.training.MixedMean(FEATURES, SIZE)


def draw_tracks(rng: np.random.Generator) -> torch.Tensor:
    """Return 12 random tracks of 3 timesteps."""
    return (noise(rng, 12, 3, FEATURES) + 1) * 2


def genre_loader(kit: Kit, rng: np.random.Generator) -> Any:
    """Return a loader of 12 tracks of three genres, in batches of 4."""
    return kit.training.loader(draw_tracks(rng).numpy(), np.arange(12) % 3, [3] * 12, 4)


def trained_classifier(
    lab: Any, kit: Kit, rng: np.random.Generator, make: MakeBackbone = fresh_backbone
) -> tuple[Any, str]:
    """Return the backbone of a trained classifier, whose buffers have learnt, and its checkpoint's path."""
    backbone, path = make(kit), kit.scratch_file("είδη.pt")
    classifier = lab.step05_lstm.Classifier(backbone, 3)
    kit.training.fit(classifier, genre_loader(kit, rng), kit.training.sgd(classifier, 0.2), 15)
    lab.step05_lstm.save_checkpoint(classifier, path)
    return backbone, path


def new_classifier(lab: Any, kit: Kit, backbone: Any) -> Any:
    """Return a new classifier on a backbone; a lazy output layer has its size."""
    classifier = lab.step05_lstm.Classifier(backbone, 3)
    if kit.training.is_lazy(classifier):
        kit.training.logits(evaluating(classifier), np.zeros((1, 1, FEATURES), np.float32), [1])
        classifier.train()
    return classifier


def save_classifier(lab: Any, kit: Kit, backbone: Any, path: str) -> None:
    """Write the checkpoint of a new classifier on a backbone."""
    lab.step05_lstm.save_checkpoint(new_classifier(lab, kit, backbone), path)


def drawn_weights(rng: np.random.Generator, size: int = SIZE) -> Weights:
    """Return random weights and buffers of a backbone with normalisation."""
    return {
        "mixing.weight": rng.uniform(-1, 1, (size, FEATURES)),
        "mixing.bias": rng.uniform(-1, 1, size),
        "normalisation.weight": rng.uniform(0.5, 2, size),
        "normalisation.bias": rng.uniform(-1, 1, size),
        "normalisation.running_mean": rng.uniform(-1, 1, size),
        "normalisation.running_var": rng.uniform(0.5, 2, size),
    }


def features_of(values: Weights, x: torch.Tensor) -> np.ndarray:
    """Return what a backbone with normalisation, with these weights, makes of tracks in evaluation mode."""
    mixed = x.numpy().astype(np.float64).mean(axis=1) @ values["mixing.weight"].T + values["mixing.bias"]
    deviation = np.sqrt(values["normalisation.running_var"] + 1e-5)
    scaled = (mixed - values["normalisation.running_mean"]) / deviation
    features: np.ndarray = scaled * values["normalisation.weight"] + values["normalisation.bias"]
    return features


def drawn_classifier(lab: Any, kit: Kit, rng: np.random.Generator) -> tuple[Weights, str]:
    """Return the weights that the judge has drawn for the backbone of a classifier, and the checkpoint's path."""
    backbone, path, values = fresh_backbone(kit), kit.scratch_file("είδη.pt"), drawn_weights(rng)
    kit.training.set_weights(backbone, values)
    save_classifier(lab, kit, backbone, path)
    return values, kit.moved(path)


def weights(kit: Kit, module: Any, what: str, make: MakeBackbone = fresh_backbone) -> Weights:
    """Return the weights and buffers of a backbone, or of a model on one, by their names in the backbone."""
    found = {}
    state = kit.training.weights(module)
    for wanted in kit.training.weights(make(kit)):
        values = [value for name, value in state.items() if name == wanted or str(name).endswith(f".{wanted}")]
        arrays = [as_array(value, f"{wanted} of {what}").copy() for value in values]
        # A backbone may be registered twice; its weights are the same then.
        if not arrays or not all(np.array_equal(array, arrays[0]) for array in arrays):
            raise AssertionError(f"{what} has {len(arrays)} weights named {wanted}; expected those of its backbone.")
        found[wanted] = arrays[0]
    return found


def learnt(values: Weights) -> Weights:
    """Return the weights that an optimiser changes: no buffers, and no bias that normalisation undoes."""
    return {name: value for name, value in values.items() if name in LEARNT}


def expect_weights(got: Weights, wanted: Weights, what: str) -> None:
    """Raise unless weights are as wanted."""
    for name, value in wanted.items():
        expect_array(got[name], value, f"{name} of {what}", 1e-6)


def moved(first: Weights, second: Weights) -> list[str]:
    """Return the names of the weights that differ."""
    return [name for name, value in first.items() if not np.allclose(value, second[name], atol=1e-7)]


@check(points=1, hint="Keep the entries that begin with the backbone's prefix, without it; then load them strictly.")
def test_backbone_gets_the_weights_of_the_classifier(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """After load_backbone_from_checkpoint all weights and buffers are those of the classifier's backbone."""
    what = "the backbone, after load_backbone_from_checkpoint(backbone, path),"
    source, path = trained_classifier(lab, kit, rng)
    backbone = fresh_backbone(kit)
    lab.step09_transfer.load_backbone_from_checkpoint(backbone, path)
    expect_weights(weights(kit, backbone, what), weights(kit, source, "the source"), what)
    values, path = drawn_classifier(lab, kit, rng)
    lab.step09_transfer.load_backbone_from_checkpoint(backbone, path)
    got = weights(kit, backbone, what)
    expect_weights({name: got[name] for name in values}, values, what)
    x = noise(rng, 5, 3, FEATURES)
    expect_array(evaluating(backbone)(x), features_of(values, x), f"the array of features of {what}", 1e-5)


@check(points=0.5, hint="load_state_dict returns a list of keys: call it, and then return backbone.", needs=LOADS)
def test_loading_returns_the_backbone(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """load_backbone_from_checkpoint returns the backbone itself, ready to be a regressor's."""
    values, path = drawn_classifier(lab, kit, rng)
    backbone = fresh_backbone(kit)
    returned = lab.step09_transfer.load_backbone_from_checkpoint(backbone, path)
    if not kit.is_a(returned, "torch.nn", "Module"):
        raise WrongType("load_backbone_from_checkpoint returned no nn.Module; expected the backbone.")
    x = noise(rng, 5, 3, FEATURES)
    expect_array(evaluating(returned)(x), features_of(values, x), "what is returned, of x,", 1e-5)
    if kit.calls.same(returned, backbone) is not True:
        raise AssertionError("load_backbone_from_checkpoint returned another module; expected the backbone itself.")


@check(
    points=0.75, hint="Leave strict=True: with strict=False a prefix that matches nothing loads nothing.", needs=LOADS
)
def test_checkpoint_that_does_not_fit_is_an_error(lab: Any, kit: Kit) -> None:
    """A checkpoint of other layers or shapes, of too few or too many, of no classifier, and no file raise an error."""
    step, path = lab.step09_transfer, kit.scratch_file("άλλο.pt")
    for other, make, name in (
        (kit.training.DeepMean(FEATURES, SIZE), fresh_backbone, "other layers"),
        (kit.training.DeepMean(FEATURES, SIZE), plain_backbone, "layers of other names"),
        (kit.training.NormalisedMean(FEATURES, SIZE + 1), fresh_backbone, "other shapes"),
        (kit.training.MixedMean(FEATURES, SIZE), fresh_backbone, "too few layers"),
        (kit.training.NormalisedMean(FEATURES, SIZE), plain_backbone, "too many layers"),
    ):
        save_classifier(lab, kit, other, path)
        with expect_error((RuntimeError, KeyError, ValueError), f"load_backbone_from_checkpoint of {name}"):
            step.load_backbone_from_checkpoint(make(kit), path)
    lab.step05_lstm.save_checkpoint(kit.training.MeanOfImage(FEATURES, SIZE), path)
    with expect_error(
        (RuntimeError, KeyError, ValueError), "load_backbone_from_checkpoint of no classifier's checkpoint"
    ):
        step.load_backbone_from_checkpoint(fresh_backbone(kit), path)
    with expect_error(OSError, "load_backbone_from_checkpoint(backbone, 'missing.pt')"):
        step.load_backbone_from_checkpoint(fresh_backbone(kit), "missing.pt")


@check(
    points=0.25,
    hint="Cut the prefix off where a name begins with it, and nowhere else: not with lstrip or replace, nor by a list.",
    needs=FITS,
)
def test_layers_of_any_name_are_transferred(lab: Any, kit: Kit) -> None:
    """Layers of the backbone are transferred whatever their names, also those of the classifier's output layer."""
    step, path = lab.step09_transfer, kit.scratch_file("ονόματα.pt")
    plain_classifier = kit.training.weights(new_classifier(lab, kit, plain_backbone(kit)))
    heads = sorted({str(name).split(".", maxsplit=1)[0] for name in plain_classifier})
    names = [*heads, *(name for name in LAYER_NAMES if name not in heads)]
    source = kit.training.NamesakeMean(FEATURES, SIZE, names)
    save_classifier(lab, kit, source, path)
    backbone = kit.training.NamesakeMean(FEATURES, SIZE, names)
    call = f"load_backbone_from_checkpoint(backbone with layers {', '.join(names)}; path)"
    try:
        step.load_backbone_from_checkpoint(backbone, path)
    except SubmissionError as error:
        if error.outcome is not Outcome.STUDENT_ERROR:
            raise
        raise AssertionError(f"{error} [{call}; expected it to fit.]") from error
    got, wanted = (kit.training.weights(one) for one in (backbone, source))
    for name, value in wanted.items():
        expect_array(got[name], as_array(value, str(name)), f"{name} of the backbone, after {call},", 1e-6)


@check(points=0.25, hint="Load into the parameters; neither freeze nor replace them.", needs=LOADS)
def test_transferred_weights_can_be_trained(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """The transferred weights are trained with the rest: a step of an optimiser changes them."""
    _, path = trained_classifier(lab, kit, rng)
    backbone = fresh_backbone(kit)
    lab.step09_transfer.load_backbone_from_checkpoint(backbone, path)
    before = learnt(weights(kit, backbone, "the backbone"))
    model = kit.training.Head(backbone, 3)
    kit.training.fit(model, genre_loader(kit, rng), kit.training.sgd(model, 0.2), 1)
    still = before.keys() - set(moved(before, weights(kit, backbone, "the backbone")))
    if still:
        raise AssertionError(f"After an epoch {', '.join(sorted(still))} of the backbone are as loaded.")


class Tuned(NamedTuple):
    """A result of fine_tune.

    Attributes:
        weights: those of the regressor's backbone.
        given: those of the backbone that was given.
        parameters: all that the loss depends on.
        error: the mean squared error on training tracks.
        frozen: the names of those of `parameters` that cannot be trained any more.
    """

    weights: Weights
    given: Weights
    parameters: Weights
    error: float
    frozen: list[str]


def largest_changes(first: Weights, second: Weights) -> dict[str, float]:
    """Return the largest change of the weights of each name."""
    return {name: float(np.abs(second[name] - value).max()) for name, value in first.items()}


def fine_tuned(
    lab: Any,
    kit: Kit,
    rng: np.random.Generator,
    path: str,
    asked: tuple[()] | tuple[int, float] = (),
    make: MakeBackbone = fresh_backbone,
    batch: int = 4,
    others: bool = False,
    silent: bool = False,
) -> Tuned:
    """Return the result of fine_tune on random ratings.

    Args:
        lab: the student's modules.
        kit: the kit.
        rng: draws the tracks.
        path: of the classifier's checkpoint.
        asked: epochs and learning rate, or neither.
        make: makes the backbone.
        batch: tracks of a batch.
        others: validate on other tracks, whose ratings are far on the other side; otherwise on the same.
        silent: the last feature of all tracks is 0.
    """
    x, aside = draw_tracks(rng), draw_tracks(rng)
    if silent:
        x[:, :, -1] = 0
    targets = rng.uniform(10, 11, 12)  # so far from the first ratings that the loss falls
    loader = kit.training.ratings_loader(x.numpy(), targets, [3] * 12, batch)
    opposite = kit.training.ratings_loader(aside.numpy(), -3 * targets, [3] * 12, batch)
    validation = opposite if others else loader
    kit.training.seed(int(rng.integers(2**31)))
    arguments = (*asked, "cpu") if asked else ()
    backbone = make(kit)
    model = lab.step09_transfer.fine_tune(backbone, path, loader, validation, *arguments)
    call = "regressor(x, targets, lengths), with the regressor that fine_tune returned,"
    _, ratings = answer(evaluating(model), x, targets, [3] * 12, call)
    parameters, tuned = kit.training.parameters(model), weights(kit, model, "the regressor of fine_tune", make)
    given = weights(kit, backbone, "the backbone given to fine_tune", make)
    trainable = {str(name) for name in kit.calls.trainable(model)}
    used = {str(name) for name in kit.calls.in_the_loss(model, loader)}
    of_loss = {
        str(name): as_array(value, f"{name} of the regressor").copy()
        for name, value in parameters.items()
        if str(name) in used
    }
    frozen = sorted(of_loss.keys() - trainable)
    return Tuned(tuned, given, of_loss, mean_squared_error(ratings, targets), frozen)


def repeatedly(lab: Any, kit: Kit, rng: np.random.Generator, path: str) -> Callable[..., Tuned]:
    """Return a function that fine-tunes a plain backbone, each time with the same tracks and the same fresh weights."""
    seed = int(rng.integers(2**31))
    return lambda asked, **more: fine_tuned(lab, kit, np.random.default_rng(seed), path, asked, plain_backbone, **more)


@check(
    points=0.75,
    hint="Build the Regressor on the backbone that was loaded, and do not make a new one afterwards.",
    needs=RETURNS,
)
def test_fine_tuning_begins_with_the_transferred_weights(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """fine_tune trains on from the transferred weights: at a learning rate of next to nothing they are unchanged."""
    source, path = trained_classifier(lab, kit, rng)
    what = f"the regressor of fine_tune(..., learning_rate={NO_RATE})"
    tuned = fine_tuned(lab, kit, rng, path, (1, NO_RATE))
    expect_weights(tuned.weights, learnt(weights(kit, source, "the source")), what)
    expect_ratings_of_the_transferred(lab, kit, rng)


def expect_ratings_of_the_transferred(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """Raise unless the ratings of a regressor that was hardly tuned are made of the features of the weights it got.

    The judge draws the weights: two features of four, so that it knows in which directions nothing may change.
    """
    backbone, path = kit.training.MixedMean(features.FEATURES, features.KEPT), kit.scratch_file("είδη.pt")
    mixing = rng.uniform(-1, 1, (features.KEPT, features.FEATURES))
    kit.training.set_weights(backbone, {"mixing.weight": mixing})
    save_classifier(lab, kit, backbone, path)
    fresh = kit.training.MixedMean(features.FEATURES, features.KEPT)
    tracks = kit.training.ratings_loader(draw_tracks(rng).numpy(), rng.uniform(1, 2, 12), [3] * 12, 4)
    model = evaluating(lab.step09_transfer.fine_tune(fresh, path, tracks, tracks, 1, NO_RATE, "cpu"))
    call = f"the regressor of fine_tune(..., learning_rate={NO_RATE})"

    def ratings(x: torch.Tensor) -> np.ndarray:
        return answer(model, x, np.zeros(len(x)), [x.shape[1]] * len(x), call)[1]

    features.expect_made_of_features(mixing, ratings, rng, call)


@check(
    points=0.25,
    hint="Let the error of load_backbone_from_checkpoint through: catch nothing.",
    needs=(*TUNES, *FITS),
)
def test_fine_tuning_refuses_what_does_not_fit(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """fine_tune raises an error for a checkpoint that does not fit or is not there, and trains nothing then."""
    _, path = trained_classifier(lab, kit, rng)
    loader = kit.training.ratings_loader(draw_tracks(rng).numpy(), np.ones(12), [3] * 12, 4)
    for make, name, at, kinds in (
        (plain_backbone, "path of a checkpoint of more layers", path, (RuntimeError, KeyError, ValueError)),
        (fresh_backbone, "'missing.pt'", "missing.pt", OSError),
    ):
        with expect_error(kinds, f"fine_tune(backbone, {name}, ...)"):
            lab.step09_transfer.fine_tune(make(kit), at, loader, loader, 1, 1e-3, "cpu")


@check(
    points=0.25,
    hint="Give the optimiser all parameters of the regressor, and call train of step 5.",
    needs=(*TUNES, *TRAINABLE),
)
def test_fine_tuning_trains_all_weights(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """fine_tune trains all weights of the backbone, as long and at the learning rate asked for, and the error falls."""
    source, path = trained_classifier(lab, kit, rng)
    begun = learnt(weights(kit, source, "the source"))
    tuned_once = fine_tuned(lab, kit, rng, path, (1, 1e-2))
    still = begun.keys() - set(moved(begun, tuned_once.weights))
    if still:
        raise AssertionError(f"After fine_tune {', '.join(sorted(still))} of the backbone are as loaded.")
    if tuned_once.frozen:
        names = ", ".join(tuned_once.frozen[:4])
        raise AssertionError(f"After fine_tune {names} of the regressor are frozen; expected all to be trainable.")
    what = "the backbone that was given to fine_tune, which becomes the regressor's,"
    expect_weights(tuned_once.given, learnt(tuned_once.weights), what)

    source, path = trained_classifier(lab, kit, rng, plain_backbone)
    loaded = weights(kit, source, "the source", plain_backbone)
    tuned = repeatedly(lab, kit, rng, path)

    def largest_change(epochs: int, learning_rate: float) -> float:
        return max(largest_changes(loaded, tuned((epochs, learning_rate)).weights).values())

    # While the loss falls, as it does at these rates, train keeps the last epoch's weights.
    short, long, faster = largest_change(1, 1e-2), largest_change(6, 1e-2), largest_change(1, 6e-2)
    for name, distance in (("6 epochs instead of 1", long), ("6 times the learning rate", faster)):
        if not distance > 2 * short:
            raise AssertionError(
                f"fine_tune moves the weights by {short:.2g}, and with {name} by {distance:.2g}; expected more."
            )
    before, after = tuned((1, NO_RATE)).error, tuned((20, 6e-2)).error
    if not after < ERROR_LEFT * before:
        raise AssertionError(
            f"The mean squared error on the training tracks is {before:.3g} before fine_tune, and {after:.3g} after 20 "
            f"epochs; expected less than {ERROR_LEFT:g} of what it was."
        )


@check(
    points=0.25,
    hint="torch.optim.Adam(regressor.parameters(), lr=learning_rate), and as many epochs as asked for.",
    needs=ALL,
)
def test_fine_tuning_takes_the_steps_of_adam(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """fine_tune trains all weights with Adam: in each epoch of one batch, by its learning rate while the loss falls."""
    _, path = trained_classifier(lab, kit, rng, plain_backbone)
    tuned = repeatedly(lab, kit, rng, path)
    begun = tuned((1, NO_RATE), batch=12)
    for asked, epochs, rate in (((8, 1e-3), 8, 1e-3), ((1, 1e-3), 1, 1e-3), ((), 5, 1e-4)):
        after = tuned(asked, batch=12)
        changes = largest_changes(begun.parameters, after.parameters)
        call = f"fine_tune(..., {epochs}, {rate:g})" if asked else "fine_tune without epochs and learning rate"
        still = sorted(name for name, change in changes.items() if change < rate / 100)
        if still and epochs > 1:  # in the first, a head of zeros passes nothing on
            raise AssertionError(
                f"{call}: {', '.join(still)} of the regressor are as after fine_tune(..., 1, {NO_RATE})."
            )
        if not any(abs(change - epochs * rate) < WAY_TOLERANCE * epochs * rate for change in changes.values()):
            raise AssertionError(
                f"{call} with one batch moves weights by {min(changes.values()):.3g} to {max(changes.values()):.3g}; "
                f"expected {epochs} of Adam's steps of {rate:g}."
            )
        if epochs > 5:
            expect_one_rate(changes, epochs * rate, call)


def expect_one_rate(changes: dict[str, float], way: float, call: str) -> None:
    """Raise unless all weights went about the way that Adam goes."""
    for name, change in changes.items():
        if not LEAST_OF_WAY * way < change < MOST_OF_WAY * way:
            raise AssertionError(
                f"{call} with one batch moves {name} of the regressor by {change:.3g}; expected the same learning rate "
                f"for all, and so about {way:.3g}."
            )


@check(
    points=0.25,
    hint="Train in training mode, and let batch normalisation go on from the statistics of the checkpoint.",
    needs=ADAM,
)
def test_fine_tuning_goes_on_with_the_statistics(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """fine_tune goes on with the backbone's running statistics, each batch of training tracks once an epoch."""
    source, path = trained_classifier(lab, kit, rng)
    begun = weights(kit, source, "the source")
    seed = int(rng.integers(2**31))
    tuned = fine_tuned(lab, kit, np.random.default_rng(seed), path, (1, NO_RATE)).weights
    x = draw_tracks(np.random.default_rng(seed)).numpy()
    features = x.mean(1) @ begun["mixing.weight"].T + begun["mixing.bias"]
    mean, variance = begun["normalisation.running_mean"], begun["normalisation.running_var"]
    for batch in features.reshape(3, 4, SIZE):
        mean, variance = 0.9 * mean + 0.1 * batch.mean(0), 0.9 * variance + 0.1 * batch.var(0, ddof=1)
    what = "of the regressor of fine_tune(..., 1, ...), with 3 batches,"
    for name, wanted in (("running_mean", mean), ("running_var", variance)):
        expect_array(tuned[f"normalisation.{name}"], wanted, f"{name} {what}", 1e-4)


@check(points=0.25, hint="torch.optim.Adam(regressor.parameters(), lr=learning_rate): no weight_decay.", needs=ALL)
def test_fine_tuning_does_not_decay_weights(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """fine_tune leaves weights as they are that no rating depends on: it is Adam without weight decay."""
    source, path = trained_classifier(lab, kit, rng, plain_backbone)
    begun = weights(kit, source, "the source", plain_backbone)["mixing.weight"]
    tuned = repeatedly(lab, kit, rng, path)((6, 1e-2), batch=12, silent=True).weights["mixing.weight"]
    if not np.abs(tuned[:, :-1] - begun[:, :-1]).max() > 1e-3:
        raise AssertionError("After fine_tune(..., 6, 0.01) the weights of the backbone's mixing layer are as loaded.")
    what = "the weights for a feature that is 0 in all tracks, after fine_tune(..., 6, 0.01), as they were loaded,"
    expect_array(tuned[:, -1], begun[:, -1], what, 1e-7)


@check(
    points=0.25,
    hint="train(regressor, train_loader, val_loader, optimizer, epochs, device): it keeps the best epoch's weights.",
    needs=ALL,
)
def test_fine_tuning_learns_from_one_loader_and_validates_on_the_other(
    lab: Any, kit: Kit, rng: np.random.Generator
) -> None:
    """fine_tune learns from train_loader, and ends with the weights of the epoch that is best on val_loader."""
    _, path = trained_classifier(lab, kit, rng, plain_backbone)
    tuned = repeatedly(lab, kit, rng, path)
    begun, best, last = (tuned(asked, batch=12, others=True) for asked in ((1, NO_RATE), (1, 6e-2), (20, 6e-2)))
    near, far = (max(largest_changes(begun.weights, one.weights).values()) for one in (best, last))
    if far > 3 * near:
        raise AssertionError(
            f"The first epoch is the best on val_loader; fine_tune moves the weights by {near:.3g} in it, "
            f"and by {far:.3g} in 20 epochs; expected the weights of the best epoch."
        )
    if not best.error < begun.error:
        raise AssertionError(
            f"The mean squared error on the tracks of train_loader is {begun.error:.3g} before fine_tune, and "
            f"{best.error:.3g} after an epoch; expected it to fall."
        )
