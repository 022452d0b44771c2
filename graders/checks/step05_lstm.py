"""Checks of step 5: the LSTM, the classifier, the loops that train it, early stopping and checkpoints.

All checks of a step stand in one module, in the order in which students meet them: `needs` names checks of the same
module.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from graders.authoring.check import check
from graders.authoring.describe import describe
from graders.authoring.examples import examples, st
from graders.authoring.expect import (
    as_array,
    expect_array,
    expect_as_before,
    expect_dtype,
    expect_equal,
    expect_error,
    expect_length,
    expect_number,
    expect_shape,
    plain,
)
from graders.checks.doubles.models import MakeDouble
from graders.checks.doubles.scripted import MOMENTUM, START, Gauge
from graders.checks.experiments.lstm import held_out_accuracy, overfit_loss
from graders.checks.kit.protocol import Kit
from graders.checks.oracles.arithmetic import batches, cross_entropy, mean_over_items
from graders.checks.oracles.early_stopping import best_epoch, stopped_at, stops_at
from graders.checks.oracles.features import FEATURES, KEPT, expect_made_of_features, weight_of
from graders.checks.oracles.networks import evaluating, expect_gradients, noise, parameter_count
from graders.checks.oracles.scripted_training import expect_epochs, expect_weight_of, trained_on_script
from graders.checks.thresholds import expect_reached
from graders.outcomes import WrongType

LONG = 60
RESPONSE = 0.25  # of a long track's last timestep beside a short one's: about 1 for an LSTM, 1 / LONG for a mean
REMEMBERED = 0.003  # of what another last timestep does; a fresh LSTM reaches 0.03 and more
MOVED = 1e-6
CHANGES = 4  # of a timestep: one of them may happen to leave a value as it was
ROUNDING = 1e-4
READS_THE_END = ("test_last_timestep_counts_as_much_in_a_long_track",)
STEPS = ("test_training_loop_takes_a_step_for_each_batch",)
STOPS = ("test_training_stops_when_patience_is_over",)
LOSS = ("test_classifier_returns_cross_entropy_and_logits",)


def states(
    backbone: Any, x: torch.Tensor, lengths: Sequence[int], width: int, call: str = "backbone(x, lengths)"
) -> np.ndarray:
    """Return a backbone's states of tracks `[B, T, F]`, as an array `[B, width]`."""
    return expect_dtype(expect_shape(backbone(x, torch.tensor(lengths)), (len(x), width), call), "f", call)


def losses_of(value: Any, call: str) -> np.ndarray:
    """Return a list of losses, which are finite numbers, as an array of floats."""
    losses = plain(value, call)
    if not isinstance(losses, list):
        raise WrongType(f"{call} are {describe(value)}; expected a list of numbers.")
    for number, loss in enumerate(losses):
        expect_number(loss, loss, f"loss {number} of {call}")
    return np.asarray(losses, np.float64)


# --- the backbone


@check(points=0.5, hint="feature_size is rnn_size, or twice that when bidirectional; return [B, feature_size].")
@examples(
    rows=st.integers(1, 5),
    timesteps=st.integers(1, 7),
    features=st.integers(1, 6),
    size=st.integers(1, 6),
    layers=st.integers(1, 2),
    bidirectional=st.booleans(),
    seed=st.integers(0, 99),
)
def test_backbone_returns_a_state_for_each_track(
    lab: Any, rows: int, timesteps: int, features: int, size: int, layers: int, bidirectional: bool, seed: int
) -> None:
    """LSTMBackbone returns one state for each track, [B, feature_size], also for one track and one timestep."""
    backbone = lab.step05_lstm.LSTMBackbone(features, size, layers, bidirectional)
    width = size * 2 if bidirectional else size
    built = f"LSTMBackbone({features}, {size}, {layers}, {bidirectional})"
    expect_equal(backbone.feature_size, width, f"{built}.feature_size")
    call = f"{built}(x {[rows, timesteps, features]}, lengths)"
    lengths = [1 + row % timesteps for row in range(rows)]
    x = noise(np.random.default_rng(seed), rows, timesteps, features)
    state = expect_dtype(expect_shape(backbone(x, torch.tensor(lengths)), (rows, width), call), "f", call)
    if rows > 1 and not np.ptp(state, axis=0).any():
        raise AssertionError(f"{call} is the same for tracks that are unlike; expected it to depend on the track.")
    expect_bounded(evaluating(backbone), x, width)


def expect_bounded(backbone: Any, x: torch.Tensor, width: int) -> None:
    """Raise unless the states of an LSTM are between -1 and 1, as they are however large the tracks' values are."""
    largest = np.abs(states(backbone, 100 * x, [x.shape[1]] * len(x), width)).max()
    if not largest <= 1 + ROUNDING:
        raise AssertionError(
            f"The state of LSTMBackbone holds {largest:.3g}; expected the state of an LSTM, which is between -1 and 1."
        )


@check(points=0.5, hint="Take the state at each track's last valid timestep, not a mean over time.")
def test_last_timestep_counts_as_much_in_a_long_track(lab: Any, rng: np.random.Generator) -> None:
    """The state is that after the last timestep: what happens there counts in a long track as in a short one."""
    backbone = evaluating(lab.step05_lstm.LSTMBackbone(6, rnn_size=16))
    responses = []
    for length in (1, LONG):
        x = noise(rng, 8, length, 6)
        changed = x.clone()
        changed[:, -1] = noise(rng, 8, 6)
        before, after = (states(backbone, some, [length] * 8, 16) for some in (x, changed))
        responses.append(float(np.abs(after - before).mean()))
    expect_bounded(backbone, x, 16)
    short, long = responses
    if not long >= RESPONSE * short > 0:
        raise AssertionError(
            f"Another last timestep moves the state of a track of 1 timestep by {short:.2g}, and that of a track of "
            f"{LONG} by {long:.2g}; expected about as much: the state after the last timestep."
        )


@check(points=0.5, hint="Carry the state from timestep to timestep: nn.LSTM over the whole track.")
def test_state_remembers_the_order_of_timesteps(lab: Any, rng: np.random.Generator) -> None:
    """The state depends on the order of a track's timesteps, also of those before the last."""
    backbone = evaluating(lab.step05_lstm.LSTMBackbone(4, rnn_size=8))
    x = noise(rng, 16, 6, 4)
    before = states(backbone, x, [6] * 16, 8)

    def moved(other: torch.Tensor) -> float:
        return float(np.abs(states(backbone, other, [6] * 16, 8) - before).mean())

    ended = x.clone()
    ended[:, -1] = noise(rng, 16, 4)
    by_the_last = moved(ended)
    for step in (2, 3, 4):
        swapped = x.clone()
        swapped[:, [step - 1, step]] = x[:, [step, step - 1]]
        by_a_swap = moved(swapped)
        if not by_a_swap > REMEMBERED * by_the_last:
            raise AssertionError(
                f"A swap of timesteps {step - 1} and {step} of 6 moves the state by {by_a_swap:.2g}, another last one "
                f"by {by_the_last:.2g}; expected the state to depend on the order of all timesteps."
            )


@check(
    points=0.75,
    hint="Pack: pack_padded_sequence(..., enforce_sorted=False). Indexing lengths - 1 is right forwards only.",
    needs=READS_THE_END,
)
@examples(
    lengths=st.lists(st.integers(1, 8), min_size=1, max_size=4),
    bidirectional=st.booleans(),
    seed=st.integers(0, 99),
)
def test_padding_does_not_reach_the_state(lab: Any, lengths: list[int], bidirectional: bool, seed: int) -> None:
    """What lies beyond a track's length has no influence on its state, forwards or backwards."""
    backbone = evaluating(lab.step05_lstm.LSTMBackbone(4, rnn_size=5, bidirectional=bidirectional))
    generator = np.random.default_rng(seed)
    x = noise(generator, len(lengths), 10, 4)
    other = x.clone()
    for row, length in enumerate(lengths):
        other[row, length:] = noise(generator, 10 - length, 4) * 50
    call = f"the state of tracks of lengths {lengths} after other padding (bidirectional={bidirectional})"
    width = 10 if bidirectional else 5
    before, padded = (states(backbone, some, lengths, width, call) for some in (x, other))
    expect_as_before(padded, before, states(backbone, noise(generator, *x.shape), lengths, width), call, ROUNDING)


@check(
    points=0.5,
    hint="Neither sort the tracks without undoing it, nor let one track's length decide about another's state.",
    needs=READS_THE_END,
)
def test_state_does_not_depend_on_the_batch(lab: Any, rng: np.random.Generator) -> None:
    """In evaluation mode a track has the same state alone as in any batch of ragged lengths, in any order."""
    for bidirectional in (False, True):
        backbone = evaluating(lab.step05_lstm.LSTMBackbone(4, rnn_size=5, bidirectional=bidirectional))
        lengths = [3, 9, 1, 6]
        x = noise(rng, 4, 9, 4)
        width = 10 if bidirectional else 5
        call = f"the state of each track of lengths {lengths}, alone (bidirectional={bidirectional}),"
        alone = [states(backbone, x[i : i + 1, :length], [length], width, call) for i, length in enumerate(lengths)]
        together, unlike = (states(backbone, some, lengths, width) for some in (x, noise(rng, *x.shape)))
        expect_as_before(np.concatenate(alone), together, unlike, call, ROUNDING)


@check(
    points=0.75,
    hint="Forwards, the state after the last valid timestep; backwards, that after the first: output[:, 0, H:].",
)
def test_both_directions_read_the_whole_track(lab: Any, rng: np.random.Generator) -> None:
    """Bidirectional: every value of the state depends on the first valid timestep and on the last."""
    backbone = evaluating(lab.step05_lstm.LSTMBackbone(4, rnn_size=5, bidirectional=True))
    lengths = [5, 3]
    x = noise(rng, 2, 5, 4)
    before = states(backbone, x, lengths, 10, "bidirectional backbone(x, lengths)")
    for name, steps in (("first", (0, 0)), ("last", (4, 2))):
        still = np.ones(before.shape, bool)
        for _ in range(CHANGES):
            changed = x.clone()
            for row, step in enumerate(steps):
                changed[row, step] = noise(rng, 4)
            still &= np.abs(states(backbone, changed, lengths, 10) - before) <= MOVED
        if still.any():
            raise AssertionError(
                f"After a change of the {name} valid timestep {int(still.any(axis=0).sum())} of 10 values of the "
                "state are as before; expected each to depend on it."
            )


@check(
    points=0.5,
    hint="Make layers in __init__ as attributes, so that they are registered; pass num_layers and bidirectional on.",
)
def test_backbone_registers_what_it_learns(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """All weights that an LSTM of its size needs are registered parameters, and each receives a gradient."""
    for layers, directions in ((1, 1), (2, 1), (1, 2)):
        backbone = lab.step05_lstm.LSTMBackbone(4, 5, layers, directions == 2, 0.0)
        call = f"LSTMBackbone(4, 5, {layers}, {directions == 2})"
        needed = directions * (4 * 5 * (4 + 5) + (layers - 1) * 4 * 5 * (5 + 5))
        counted = parameter_count(kit, backbone, call)
        if counted < needed:
            raise AssertionError(f"{call} has {counted} trainable parameters; its gates need {needed} and biases.")
        expect_gradients(kit, [backbone], (noise(rng, 3, 6, 4), torch.tensor([6, 4, 2])), call)


@check(
    points=0.5,
    hint="Use nn.Dropout, which follows train() and eval(); nn.LSTM's own dropout does nothing with one layer.",
    needs=READS_THE_END,
)
def test_dropout_acts_in_training_only(lab: Any, rng: np.random.Generator) -> None:
    """dropout acts in training mode, if its probability is not 0, and never in evaluation mode."""
    x, lengths = noise(rng, 6, 5, 4), [5] * 6
    for dropout, training in ((0.5, True), (0.5, False), (0.0, True)):
        backbone = lab.step05_lstm.LSTMBackbone(4, 16, 1, False, dropout)
        backbone.train(training)
        first, second = (states(backbone, x, lengths, 16) for _ in range(2))
        mode = "training" if training else "evaluation"
        call = f"dropout={dropout} in {mode} mode: the same tracks twice"
        if dropout and training:
            if np.array_equal(first, second):
                raise AssertionError(f"{call} gave equal states; expected dropout to act.")
        else:
            expect_as_before(second, first, states(backbone, noise(rng, *x.shape), lengths, 16), call)


# --- the classifier


@check(points=0.5, hint="nn.CrossEntropyLoss on the logits as they are, without softmax; then return loss, logits.")
@examples(rows=st.integers(1, 6), classes=st.integers(2, 10), seed=st.integers(0, 99))
def test_classifier_returns_cross_entropy_and_logits(lab: Any, kit: Kit, rows: int, classes: int, seed: int) -> None:
    """Classifier returns (mean cross-entropy, logits [B, C]), also for a single track."""
    generator = np.random.default_rng(seed)
    classifier = lab.step05_lstm.Classifier(kit.training.MeanOfFrames(4, 6), classes)
    labels = generator.integers(0, classes, rows)
    call = f"Classifier(backbone, {classes})(x {[rows, 3, 4]}, targets, lengths)"
    answer = classifier(noise(generator, rows, 3, 4) * 3, torch.from_numpy(labels), torch.full((rows,), 3))
    loss, logits = expect_length(answer, 2, call)
    scores = expect_shape(logits, (rows, classes), f"the logits of {call}")
    expect_dtype(scores, "f", f"the logits of {call}")
    expect_number(loss, cross_entropy(scores, labels), f"the loss of {call}", ROUNDING)
    expect_logits_of_the_backbone(lab, kit, classes, generator)


def expect_logits_of_the_backbone(lab: Any, kit: Kit, classes: int, rng: np.random.Generator) -> None:
    """Raise unless a classifier's logits, after some training, are made of what its backbone returns."""
    backbone = kit.training.MeanOfFrames(FEATURES, KEPT)
    classifier = lab.step05_lstm.Classifier(backbone, classes)
    tracks = kit.training.loader(noise(rng, 8, 3, FEATURES).numpy() * 3, np.arange(8) % classes, [3] * 8, 8)
    kit.training.fit(classifier, tracks, kit.training.sgd(classifier, 0.2), 3)
    call = f"Classifier(backbone, {classes})(x, targets, lengths)"
    evaluating(classifier)

    def logits(x: torch.Tensor) -> np.ndarray:
        answer = classifier(x, torch.zeros(len(x), dtype=torch.int64), torch.full((len(x),), x.shape[1]))
        return expect_shape(expect_length(answer, 2, call)[1], (len(x), classes), f"the logits of {call}")

    if not np.ptp(logits(noise(rng, 8, 3, FEATURES) * 3), axis=0).any():
        raise AssertionError(f"The logits of {call}, after some training, are the same for tracks that are unlike.")
    expect_made_of_features(weight_of(kit, backbone), logits, rng, call)


@check(points=0.25, hint="The logits are the output layer's, on what the backbone makes of x; targets serve the loss.")
def test_logits_depend_on_the_tracks_alone(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """The classifier's logits depend on the tracks, and not on the targets."""
    classifier = evaluating(lab.step05_lstm.Classifier(kit.training.MeanOfFrames(4, 6), 3))
    x, lengths, logits = noise(rng, 2, 3, 4), torch.tensor([3, 3]), []
    for tracks, targets in ((x, [0, 1]), (x, [2, 0]), (noise(rng, 2, 3, 4), [0, 1])):
        _, some = expect_length(classifier(tracks, torch.tensor(targets), lengths), 2, "the classifier's answer")
        logits.append(expect_dtype(expect_shape(some, (2, 3), "the logits"), "f", "the logits"))
    expect_as_before(logits[1], logits[0], logits[2], "the array of logits for other targets", ROUNDING)


@check(
    points=0.25,
    hint="Only an LSTMBackbone takes lengths: call any other backbone with x alone.",
    needs=LOSS,
)
def test_classifier_takes_a_backbone_without_lengths(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """Classifier also works on a backbone that is called with the tracks alone, as the CNN of step 7 is."""
    classifier = lab.step05_lstm.Classifier(kit.training.MeanOfImage(4, 6), 3)
    call = "Classifier(a backbone without lengths, 3)(x, targets, lengths)"
    _, logits = expect_length(classifier(noise(rng, 2, 5, 4), torch.tensor([2, 0]), torch.tensor([5, 2])), 2, call)
    expect_shape(logits, (2, 3), f"the logits of {call}")


@check(points=0.25, hint="Keep backbone and output layer as attributes, and detach nothing.")
def test_classifier_trains_its_backbone(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """A step of an optimiser of the classifier's parameters changes the backbone's weights too."""
    backbone = kit.training.MeanOfFrames(4, 6)
    classifier = lab.step05_lstm.Classifier(backbone, 3)
    before = as_array(kit.training.weights(backbone)["linear.weight"], "the backbone's weights").copy()
    tracks = kit.training.loader(noise(rng, 6, 3, 4).numpy(), [0, 1, 2, 0, 1, 2], [3] * 6, 6)
    kit.training.fit(classifier, tracks, kit.training.sgd(classifier, 0.5), 1)
    after = as_array(kit.training.weights(backbone)["linear.weight"], "the backbone's weights")
    if np.array_equal(before, after):
        raise AssertionError("After a step of SGD the weights of the classifier's backbone are as before.")


@check(
    points=0.5,
    hint="torch.save(model.state_dict(), path), and load_state_dict(torch.load(path)) in __init__.",
    needs=LOSS,
)
def test_checkpoint_restores_the_classifier(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """A classifier made with load_from_checkpoint gives the logits of the one that save_checkpoint wrote."""
    step, path, x = lab.step05_lstm, kit.scratch_file("ταξινομητής.pt"), noise(rng, 3, 4, 4).numpy()
    saved = evaluating(step.Classifier(kit.training.MeanOfFrames(4, 6), 3))
    step.save_checkpoint(saved, path)
    loaded = evaluating(step.Classifier(kit.training.MeanOfFrames(4, 6), 3, load_from_checkpoint=path))
    right, fresh = (
        expect_dtype(expect_shape(kit.training.logits(model, x, [4] * 3), (3, 3), "the logits"), "f", "the logits")
        for model in (saved, evaluating(step.Classifier(kit.training.MeanOfFrames(4, 6), 3)))
    )
    call = "the array of logits of the classifier that was loaded"
    expect_as_before(kit.training.logits(loaded, x, [4] * 3), right, fresh, call)


@check(
    points=0.25,
    hint="load_state_dict is strict by itself: leave strict=True, and catch nothing.",
    needs=("test_checkpoint_restores_the_classifier",),
)
def test_checkpoint_that_does_not_fit_is_refused(lab: Any, kit: Kit) -> None:
    """A checkpoint with other layers or other shapes raises an error, and so does one that is not there."""
    step, path = lab.step05_lstm, kit.scratch_file("other.pt")
    others = (kit.training.MeanOfFrames(4, 6), step.Classifier(kit.training.MeanOfFrames(4, 6), 5))
    for other, name in zip(others, ("another model's", "one of 5 classes for one of 3"), strict=True):
        step.save_checkpoint(other, path)
        with expect_error((RuntimeError, KeyError, ValueError), f"Classifier(..., load_from_checkpoint={name})"):
            step.Classifier(kit.training.MeanOfFrames(4, 6), 3, load_from_checkpoint=path)
    with expect_error(OSError, "Classifier(..., load_from_checkpoint='missing.pt')"):
        step.Classifier(kit.training.MeanOfFrames(4, 6), 3, load_from_checkpoint="missing.pt")


# --- the loops


@check(
    points=0.75,
    hint="model.train() first; then for each batch zero_grad, forward, backward, step, with its targets and lengths.",
)
def test_training_loop_takes_a_step_for_each_batch(
    lab: Any, kit: Kit, double: MakeDouble, rng: np.random.Generator
) -> None:
    """training_loop takes one step of the optimiser for each batch, with fresh gradients, in training mode."""
    gauge = Gauge.draw(rng)
    model, epoch = evaluating(double(gauge)), batches(gauge, rng, 12, 4)
    lab.step05_lstm.training_loop(model, epoch.loader(kit), kit.training.sgd(model, 1.0, MOMENTUM), "cpu")
    _, weight = epoch.descent(1.0, momentum=MOMENTUM)
    expect_number(kit.training.weights(model)["weight"], weight, "the weight after training_loop", ROUNDING)
    expect_number(gauge.seen, 12, "the number of tracks seen in training mode by training_loop")


@check(
    points=0.25,
    hint="Add up loss times tracks of each batch; divide once, by the number of tracks.",
    needs=STEPS,
)
def test_training_loop_returns_the_mean_loss(lab: Any, kit: Kit, double: MakeDouble, rng: np.random.Generator) -> None:
    """training_loop returns the mean loss of the epoch, and starts from nothing in the next."""
    gauge = Gauge.draw(rng)
    model, epoch = double(gauge), batches(gauge, rng, 12, 4)
    loader, optimizer, weight = epoch.loader(kit), kit.training.sgd(model, 0.4), START
    for number in (1, 2):
        losses, weight = epoch.descent(0.4, weight)
        returned = lab.step05_lstm.training_loop(model, loader, optimizer, "cpu")
        expect_number(returned, float(np.mean(losses)), f"training_loop in epoch {number}", ROUNDING)


@check(
    points=0.5,
    hint="Weight each batch's mean loss with the number of its tracks, and divide by the number of all tracks.",
    needs=STEPS,
)
def test_smaller_last_batch_counts_for_less(lab: Any, kit: Kit, double: MakeDouble, rng: np.random.Generator) -> None:
    """Both loops return the mean over tracks, to which a last batch of fewer tracks contributes less."""
    gauge = Gauge.draw(rng)
    model, epoch = double(gauge), batches(gauge, rng, 9, 4)
    expected = epoch.evaluated()
    expect_number(lab.step05_lstm.validation_loop(model, epoch.loader(kit), "cpu"), expected,
                  "validation_loop on batches of 4, 4 and 1", ROUNDING)  # fmt: skip
    losses, _ = epoch.descent(0.4)
    returned = lab.step05_lstm.training_loop(model, epoch.loader(kit), kit.training.sgd(model, 0.4), "cpu")
    expect_number(returned, mean_over_items(losses, epoch.sizes), "training_loop on batches of 4, 4 and 1", ROUNDING)


@check(points=0.75, hint="model.eval() first, and neither backward nor step.")
def test_validation_loop_measures_and_changes_nothing(
    lab: Any, kit: Kit, double: MakeDouble, rng: np.random.Generator
) -> None:
    """validation_loop returns the mean loss in evaluation mode; weights and buffers stay as they are."""
    gauge = Gauge.draw(rng)
    model, epoch = double(gauge), batches(gauge, rng, 12, 4)
    model.train()
    returned = lab.step05_lstm.validation_loop(model, epoch.loader(kit), "cpu")
    expect_number(returned, epoch.evaluated(), "validation_loop in evaluation mode", ROUNDING)
    expect_number(kit.training.weights(model)["weight"], START, "the weight after validation_loop")
    expect_number(kit.training.weights(model)["state"], 0, "what a buffer has learnt in validation_loop")


@check(
    points=0.5,
    hint="model.train() belongs into training_loop: validation has left the model in evaluation mode.",
    needs=(*STEPS, "test_validation_loop_measures_and_changes_nothing"),
)
def test_training_resumes_after_validation(lab: Any, kit: Kit, double: MakeDouble, rng: np.random.Generator) -> None:
    """After a validation the next epoch trains in training mode again."""
    gauge = Gauge.draw(rng)
    model, epoch = double(gauge), batches(gauge, rng, 8, 4)
    loader, optimizer = epoch.loader(kit), kit.training.sgd(model, 0.4)
    weight = START
    for _ in range(2):
        lab.step05_lstm.training_loop(model, loader, optimizer, "cpu")
        lab.step05_lstm.validation_loop(model, loader, "cpu")
        _, weight = epoch.descent(0.4, weight)
    call = "training, validation, training, validation"
    expect_number(kit.training.weights(model)["weight"], weight, f"the weight after {call}", ROUNDING)
    expect_number(gauge.seen, 16, f"the tracks seen in training mode in {call}")


# --- early stopping


@check(points=0.75, hint="Compare with the best loss of all epochs, and count the epochs since; an improvement resets.")
@examples(
    losses=st.lists(st.integers(1, 12).map(lambda tenths: tenths / 10), min_size=4, max_size=12),
    patience=st.integers(1, 4),
)
def test_early_stopping_counts_epochs_since_the_best(lab: Any, losses: list[float], patience: int) -> None:
    """EarlyStopping says stop after `patience` epochs in a row without a loss below the best so far."""
    call = f"EarlyStopping(patience={patience})"
    for sequence in (losses, [0.5, 0.9, 0.8, 0.7, 0.6]):
        got = stopped_at(lab.step05_lstm.EarlyStopping(patience), sequence, call)
        expect_equal(got, stops_at(sequence, patience), f"the epoch at which {call} stops, of losses {sequence},")


@check(
    points=0.25,
    hint="An improvement is loss < best - min_delta.",
    needs=("test_early_stopping_counts_epochs_since_the_best",),
)
def test_early_stopping_wants_more_than_min_delta(lab: Any) -> None:
    """A loss lower than the best by no more than min_delta is no improvement, and does not become the best."""
    losses = [1.0, 0.95, 0.92, 0.85, 0.84, 0.83, 0.82]
    for min_delta in (0.0, 0.1):
        call = f"EarlyStopping(patience=3, min_delta={min_delta})"
        got = stopped_at(lab.step05_lstm.EarlyStopping(patience=3, min_delta=min_delta), losses, call)
        expect_equal(got, stops_at(losses, 3, min_delta), f"the epoch at which {call} stops, of losses {losses},")


# --- overfitting a batch


@check(points=0.5, hint="batch = next(iter(loader)) once, before the loop.")
def test_overfit_batch_stays_with_the_first_batch(
    lab: Any, kit: Kit, double: MakeDouble, rng: np.random.Generator
) -> None:
    """overfit_batch takes every step on the whole first batch, and returns the loss before each."""
    gauge = Gauge.draw(rng)
    model, epoch = evaluating(double(gauge)), batches(gauge, rng, 12, 4)
    call = "overfit_batch(model, loader, optimizer, 'cpu', 5)"
    returned = lab.step05_lstm.overfit_batch(model, epoch.loader(kit), kit.training.sgd(model, 0.4), "cpu", 5)
    slope = epoch.slopes[0]
    expected = [slope * (START - 0.4 * slope * step) for step in range(5)]
    expect_number(kit.training.weights(model)["weight"], START - 0.4 * slope * 5, f"the weight after {call}", ROUNDING)
    expect_array(losses_of(returned, f"the losses of {call}"), expected, f"the losses of {call}", ROUNDING)


@check(
    points=0.5,
    hint="With overfit_batch=True, call overfit_batch with iterations=epochs, and leave the validation data alone.",
    needs=("test_overfit_batch_stays_with_the_first_batch",),
)
def test_train_can_overfit_a_batch(lab: Any, kit: Kit, double: MakeDouble, rng: np.random.Generator) -> None:
    """train(..., overfit_batch=True) takes `epochs` steps on the first training batch, and nothing else."""
    gauge = Gauge.draw(rng)
    model, epoch = double(gauge), batches(gauge, rng, 12, 4)
    call = "train(..., epochs=6, overfit_batch=True)"
    optimizer, validation = kit.training.sgd(model, 0.4), batches(gauge, rng, 4, 4)
    history = lab.step05_lstm.train(
        model, epoch.loader(kit), validation.loader(kit), optimizer, 6, "cpu", overfit_batch=True
    )
    slope = epoch.slopes[0]
    expect_number(kit.training.weights(model)["weight"], START - 0.4 * slope * 6, f"the weight after {call}", ROUNDING)
    expect_length(plain(history, call)["train_loss"], 6, f"the train_loss of {call}")


# --- training


@check(points=0.25, hint="Append one loss for each epoch to history['train_loss'] and to history['val_loss'].")
def test_history_has_a_loss_for_each_epoch(lab: Any, kit: Kit, double: MakeDouble, rng: np.random.Generator) -> None:
    """train runs all epochs while the validation loss improves, and returns both losses of each."""
    script, history, _, call = trained_on_script(lab, kit, double, rng, [0.9, 0.8, 0.7, 0.6, 0.5])
    for name, expected in (("val_loss", script.losses), ("train_loss", script.training_losses(5))):
        what = f"the {name} of {call}"
        expect_array(losses_of(history[name], what), expected, what, ROUNDING)


@check(points=0.25, hint="Call training_loop on the whole train_loader, once in each epoch.", needs=STEPS)
def test_train_takes_a_step_for_each_batch(lab: Any, kit: Kit, double: MakeDouble, rng: np.random.Generator) -> None:
    """In an epoch train takes one step for each batch of the training loader."""
    gauge = Gauge.draw(rng)
    model, epoch = double(gauge), batches(gauge, rng, 12, 4)
    lab.step05_lstm.train(model, epoch.loader(kit), epoch.loader(kit), kit.training.sgd(model, 0.4), 1, "cpu")
    _, weight = epoch.descent(0.4)
    what = "the weight after train(..., epochs=1) on 3 batches"
    expect_number(kit.training.weights(model)["weight"], weight, what, ROUNDING)


@check(points=0.5, hint="Give EarlyStopping the validation loss, once in each epoch, from the first one on.")
def test_training_stops_when_patience_is_over(lab: Any, kit: Kit, double: MakeDouble, rng: np.random.Generator) -> None:
    """train stops after `patience` epochs without a new best validation loss, and not before."""
    for losses, patience in (
        ([0.5, 0.9, 0.8, 0.7, 0.6, 0.55], 3),
        ([0.5, 0.6, 0.7, 0.8], 1),
        ([0.9, 0.5, 0.7, 0.4, 0.6, 0.6, 0.6, 0.6], 2),
        ([0.5, 0.6, 0.6, 0.4, 0.6, 0.6, 0.3, 0.6], 3),
    ):
        trained = trained_on_script(lab, kit, double, rng, losses, patience)
        expect_epochs(trained, stops_at(losses, patience) or len(losses))


@check(
    points=0.75,
    hint="Copy the weights of each new best epoch (clone or deepcopy), and load them before train returns.",
    needs=STOPS,
)
def test_stopped_training_ends_with_the_best_weights(
    lab: Any, kit: Kit, double: MakeDouble, rng: np.random.Generator
) -> None:
    """When early stopping ends training, the model has the weights of the epoch with the lowest validation loss."""
    for losses, patience in (([0.9, 0.5, 0.8, 0.7, 0.6], 3), ([0.9, 0.5, 0.7, 0.4, 0.6, 0.45], 2)):
        expect_weight_of(trained_on_script(lab, kit, double, rng, losses, patience), best_epoch(losses))


@check(points=0.5, hint="Load the best weights after the loop, not only where early stopping breaks out of it.")
def test_complete_training_ends_with_the_best_weights(
    lab: Any, kit: Kit, double: MakeDouble, rng: np.random.Generator
) -> None:
    """When training runs through all epochs, the model has the best weights as well."""
    for losses in ([0.9, 0.4, 0.6, 0.5], [0.4, 0.6, 0.5], [0.9, 0.8, 0.7]):
        expect_weight_of(trained_on_script(lab, kit, double, rng, losses, patience=10), best_epoch(losses))


@check(
    points=0.25,
    hint="state_dict holds buffers, such as batch normalisation's statistics, beside the parameters: restore both.",
    needs=("test_complete_training_ends_with_the_best_weights",),
)
def test_best_buffers_are_restored_too(lab: Any, kit: Kit, double: MakeDouble, rng: np.random.Generator) -> None:
    """The buffers, such as the statistics of batch normalisation, are those of the best epoch too."""
    script, _, ended, call = trained_on_script(lab, kit, double, rng, [0.9, 0.4, 0.6, 0.5], patience=10)
    what = f"the model's buffer after {call}, which is to be that of epoch 2,"
    expect_number(ended["state"], script.state_after(2), what, ROUNDING)


# --- learning


@check(
    points=1.25,
    seconds=20,
    hint="If the loss stays up, a layer does not learn, or softmax comes before the cross-entropy, which has its own.",
)
def test_lstm_overfits_a_batch(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """Trained on one batch that the judge picks, the LSTM's loss on it, computed from its logits, comes close to 0."""
    loss = overfit_loss(lab, kit, rng)
    expect_reached("step05.lstm_overfits_a_batch", loss, "The loss on the batch, after overfit_batch,")


@check(points=1, seconds=20, hint="Train on the training tracks only, and return logits that do not need the targets.")
def test_lstm_names_the_genre_of_held_out_tracks(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """Trained on the beat-synchronous tracks, the LSTM names the genre of held-out ones better than chance."""
    accuracy = held_out_accuracy(lab, kit, rng)
    expect_reached(
        "step05.lstm_names_the_genre_of_held_out_tracks", accuracy, "The accuracy on held-out tracks", held_out=True
    )
