"""Checks of step 5: the LSTM, the classifier, the loops that train it, early stopping and checkpoints.

All checks of a step stand in one module, in the order in which students meet them: `needs` names checks of the same
module.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from graders.authoring.check import check
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
)
from graders.checks.doubles.models import MakeDouble
from graders.checks.doubles.scripted import MOMENTUM, START, Gauge
from graders.checks.experiments.lstm import held_out_accuracy, overfit_loss
from graders.checks.kit.protocol import Kit
from graders.checks.oracles.arithmetic import batches, cross_entropy, either, mean_over_items, one_less
from graders.checks.oracles.early_stopping import best_epoch, stopped_at, stops_at
from graders.checks.oracles.networks.any_network import evaluating, learning, noise, parameters
from graders.checks.oracles.networks.classifiers import classifier_of, expect_logits_of_the_backbone, logits_of
from graders.checks.oracles.networks.lstm import directions, expect_bounded, states
from graders.checks.oracles.scripted_training import (
    expect_epochs,
    expect_one_batch,
    expect_weight_of,
    history_of,
    losses_of,
    trained_on_script,
)
from graders.checks.thresholds import expect_reached

LONG = 60
RESPONSE = 0.25  # of a long track's last timestep beside a short one's: about 1 for an LSTM, 1 / LONG for a mean
REMEMBERED = 0.003  # of what another last timestep does; a fresh LSTM reaches 0.03 and more
MOVED = 1e-6
CHANGES = 4  # of a timestep: one of them may happen to leave a value as it was
ROUNDING = 1e-4
DROPPED = 0.15  # how far the part of the states that are dropped may be from the probability: chance makes 0.04
STATES = ("test_backbone_returns_a_state_for_each_track",)
READS_THE_END = ("test_last_timestep_counts_as_much_in_a_long_track",)
STEPS = ("test_training_loop_takes_a_step_for_each_batch",)
STOPS = ("test_training_stops_when_patience_is_over",)
RETURNS = ("test_training_loop_returns_the_mean_loss",)
WAITS = ("test_early_stopping_counts_epochs_since_the_best",)
LOSS = ("test_classifier_returns_cross_entropy_and_logits",)
REPEATS = ("test_classifier_repeats_itself_in_evaluation_mode",)


# --- the backbone


@check(points=0.25, hint="feature_size is rnn_size; return [B, feature_size], whatever the number of layers.")
@examples(
    rows=st.integers(2, 5),
    timesteps=st.integers(1, 7),
    features=st.integers(2, 6),
    size=st.integers(3, 6),
    layers=st.integers(1, 2),
    seed=st.integers(0, 99),
)
def test_backbone_returns_a_state_for_each_track(
    lab: Any, rows: int, timesteps: int, features: int, size: int, layers: int, seed: int
) -> None:
    """LSTMBackbone returns one state for each track of a batch, [B, feature_size]."""
    backbone = lab.step05_lstm.LSTMBackbone(features, size, layers)
    built = f"LSTMBackbone({features}, {size}, {layers})"
    expect_equal(backbone.feature_size, size, f"{built}.feature_size")
    call = f"{built}(x {[rows, timesteps, features]}, lengths)"
    lengths = [1 + row % timesteps for row in range(rows)]
    x = noise(np.random.default_rng(seed), rows, timesteps, features)
    state = states(backbone, x, lengths, size, call)
    if not np.ptp(state, axis=0).any():
        raise AssertionError(f"{call} is the same for tracks that are unlike; expected it to depend on the track.")
    expect_bounded(evaluating(backbone), 100 * x, size)


@check(
    points=0.25,
    hint="squeeze() takes away every axis of length 1, that of a batch of one too: say which axis, or index it.",
    needs=STATES,
)
def test_backbone_takes_a_single_track(lab: Any, rng: np.random.Generator) -> None:
    """LSTMBackbone returns [1, feature_size] for a batch of one track, also of one timestep or one feature."""
    for timesteps, features, size in ((5, 4, 3), (1, 4, 3), (1, 1, 3)):
        backbone = evaluating(lab.step05_lstm.LSTMBackbone(features, size))
        call = f"LSTMBackbone({features}, {size})(x {[1, timesteps, features]}, [{timesteps}])"
        x, other = noise(rng, 1, timesteps, features), 5 * noise(rng, 1, timesteps, features)
        if np.array_equal(states(backbone, x, [timesteps], size, call), states(backbone, other, [timesteps], size)):
            raise AssertionError(f"{call} is the same for tracks that are unlike; expected it to depend on the track.")


@check(points=0.5, needs=STATES, hint="Take the state at each track's last valid timestep, not a mean over time.")
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
    short, long = responses
    if not long >= RESPONSE * short > 0:
        raise AssertionError(
            f"Another last timestep moves the state of a track of 1 timestep by {short:.2g}, and that of a track of "
            f"{LONG} by {long:.2g}; expected about as much: the state after the last timestep."
        )


@check(
    points=0.25, needs=STATES, hint="nn.LSTM returns (outputs, (h, c)): take the hidden state h, not the cell state c."
)
def test_state_is_the_hidden_one(lab: Any, rng: np.random.Generator) -> None:
    """The state is the LSTM's hidden state, and not the cell state, which grows with a track that is long and loud."""
    # The same loud timestep again and again opens the gates of some cells, which grow by 1 with each.
    x = 100 * noise(rng, 8, 1, 6).repeat(1, LONG, 1)
    for bidirectional in directions(lab):
        backbone = evaluating(lab.step05_lstm.LSTMBackbone(6, rnn_size=16, bidirectional=bidirectional))
        expect_bounded(backbone, x, 32 if bidirectional else 16)


@check(points=0.25, needs=STATES, hint="Carry the state from timestep to timestep: nn.LSTM over the whole track.")
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
    points=0.5,
    hint="Pack: pack_padded_sequence(..., enforce_sorted=False). Indexing lengths - 1 is right forwards only.",
    needs=READS_THE_END,
)
@examples(
    lengths=st.lists(st.integers(1, 8), min_size=2, max_size=4),
    seed=st.integers(0, 99),
)
def test_padding_does_not_reach_the_state(lab: Any, lengths: list[int], seed: int) -> None:
    """What lies beyond a track's length has no influence on its state, forwards or backwards."""
    generator = np.random.default_rng(seed)
    x = noise(generator, len(lengths), 10, 4)
    other = x.clone()
    for row, length in enumerate(lengths):
        other[row, length:] = noise(generator, 10 - length, 4) * 50
    for bidirectional in directions(lab):
        backbone = evaluating(lab.step05_lstm.LSTMBackbone(4, rnn_size=5, bidirectional=bidirectional))
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
    for bidirectional in directions(lab):
        backbone = evaluating(lab.step05_lstm.LSTMBackbone(4, rnn_size=5, bidirectional=bidirectional))
        lengths = [3, 9, 1, 6]
        x = noise(rng, 4, 9, 4)
        width = 10 if bidirectional else 5
        call = f"the state of each track of lengths {lengths}, alone (bidirectional={bidirectional}),"
        # Twice alone: another check is about batches of one.
        twice = (x[[i, i], :length] for i, length in enumerate(lengths))
        alone = [states(backbone, one, [len(one[0])] * 2, width, call)[:1] for one in twice]
        together, unlike = (states(backbone, some, lengths, width) for some in (x, noise(rng, *x.shape)))
        expect_as_before(np.concatenate(alone), together, unlike, call, ROUNDING)


@check(
    points=0.5,
    hint="Forwards, the state after the last valid timestep; backwards, that after the first: output[:, 0, H:].",
    needs=STATES,
)
def test_both_directions_read_the_whole_track(lab: Any, rng: np.random.Generator) -> None:
    """Bidirectional: the state is twice as wide, and all of it depends on the first valid timestep and on the last."""
    backbone = evaluating(lab.step05_lstm.LSTMBackbone(4, rnn_size=5, bidirectional=True))
    expect_equal(backbone.feature_size, 10, "LSTMBackbone(4, rnn_size=5, bidirectional=True).feature_size")
    lengths = [5, 3]
    x = noise(rng, 2, 5, 4)
    before = states(backbone, x, lengths, 10, "bidirectional backbone(x, lengths)")
    for name, steps in (("first valid timestep", (0, 0)), ("last valid timestep", (4, 2))):
        still = np.ones(before.shape, bool)
        for _ in range(CHANGES):
            changed = x.clone()
            for row, step in enumerate(steps):
                changed[row, step] = noise(rng, 4)
            still &= np.abs(states(backbone, changed, lengths, 10) - before) <= MOVED
        if still.any():
            raise AssertionError(
                f"After a change of the {name}, {int(still.any(axis=0).sum())} of 10 values of the state are as "
                "before; expected each to depend on it."
            )


@check(
    points=0.25,
    hint="Length 0 has no last timestep, and lengths - 1 = -1 is the last index: look at the lengths first, and raise.",
    needs=READS_THE_END,
)
def test_lengths_that_cannot_be_are_refused(lab: Any, rng: np.random.Generator) -> None:
    """LSTMBackbone raises an error for a length that is 0, or greater than the timesteps that there are."""
    for bidirectional in directions(lab):
        backbone = lab.step05_lstm.LSTMBackbone(4, 3, 1, bidirectional)
        for lengths in ([3, 0], [0, 3], [6, 2]):
            call = f"LSTMBackbone(4, 3, 1, {bidirectional})(x [2, 5, 4], {lengths})"
            with expect_error((ValueError, RuntimeError, IndexError), call):
                backbone(noise(rng, 2, 5, 4), torch.tensor(lengths))


@check(
    points=0.5,
    hint="Make layers in __init__ as attributes, so that they are registered; pass num_layers and bidirectional on.",
    needs=STATES,
)
def test_backbone_registers_what_it_learns(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """All weights that an LSTM of its layers and directions needs are registered, and receive gradients."""
    for layers, bidirectional in ((layers, two) for two in directions(lab) for layers in (1, 2, 3)):
        backbone = lab.step05_lstm.LSTMBackbone(4, 5, layers, bidirectional, 0.0)
        call, ways = f"LSTMBackbone(4, 5, {layers}, {bidirectional})", 2 if bidirectional else 1
        needed = ways * (4 * 5 * (4 + 5) + (layers - 1) * 4 * 5 * (5 * ways + 5))
        sizes = {name: values.size for name, values in parameters(kit, backbone, call).items()}
        reached = learning(kit, backbone, (noise(rng, 3, 6, 4), torch.tensor([6, 4, 2])), call)
        counted = sum(size for name, size in sizes.items() if name in reached)
        if counted < needed:
            without = ", ".join(sorted(sizes.keys() - reached)[:4])
            raise AssertionError(
                f"{call} has {sum(sizes.values())} parameters, and a gradient reaches {counted} of them"
                f"{f' (not {without})' if without else ''}; its gates need {needed}, and biases."
            )


@check(
    points=0.5,
    hint="Use nn.Dropout, which follows train() and eval(); nn.LSTM's own dropout does nothing with one layer.",
    needs=READS_THE_END,
)
def test_dropout_acts_in_training_only(lab: Any, rng: np.random.Generator) -> None:
    """dropout acts on the state with its probability in training mode, and never in evaluation mode."""
    x, lengths = noise(rng, 8, 5, 4), [5] * 8
    for dropout, training in ((0.5, True), (0.2, True), (0.5, False), (0.0, True)):
        backbone = lab.step05_lstm.LSTMBackbone(4, 16, 1, False, dropout)
        backbone.train(training)
        first, second = (states(backbone, x, lengths, 16) for _ in range(2))
        mode = "in training mode" if training else "in evaluation mode"
        call = f"dropout={dropout} {mode}, the same tracks twice"
        if dropout and training:
            if np.array_equal(first, second):
                raise AssertionError(f"{call} gave equal states; expected dropout to act.")
            part = float((np.stack([first, second]) == 0).mean())
            if not abs(part - dropout) <= DROPPED:
                raise AssertionError(f"{call}: {part:.2f} of the states' values are 0; expected about {dropout}.")
        else:
            expect_as_before(second, first, states(backbone, noise(rng, *x.shape), lengths, 16), call)


@check(
    points=0.25,
    hint="nn.LSTM(..., dropout=dropout) acts between its layers; layers of your own need an nn.Dropout in between.",
    needs=("test_backbone_registers_what_it_learns", "test_dropout_acts_in_training_only"),
)
def test_dropout_acts_between_layers(lab: Any, rng: np.random.Generator) -> None:
    """With several layers dropout acts between them too, in training mode."""
    x, lengths = noise(rng, 8, 5, 4), [5] * 8
    for layers in (1, 2):
        backbone = lab.step05_lstm.LSTMBackbone(4, 16, layers, False, 0.5)
        first, second = (states(backbone, x, lengths, 16) for _ in range(2))
        kept = (first != 0) & (second != 0)
        moved = not np.allclose(first[kept], second[kept], rtol=ROUNDING)
        if moved != (layers > 1):
            raise AssertionError(
                f"LSTMBackbone(4, 16, {layers}, dropout=0.5) in training mode, the same tracks twice: what dropout on "
                f"the state has kept is {'another' if moved else 'the same'}; expected dropout between layers only."
            )


@check(
    points=0.25,
    hint="The defaults are those of the skeleton: rnn_size=128, num_layers=1, bidirectional=False, dropout=0.1.",
    needs=("test_dropout_acts_in_training_only",),
)
def test_backbone_has_the_defaults_of_the_skeleton(lab: Any, rng: np.random.Generator) -> None:
    """LSTMBackbone(input_dim) has one layer of 128 units in one direction, and a dropout of 0.1."""
    backbone = lab.step05_lstm.LSTMBackbone(4)
    expect_equal(backbone.feature_size, 128, "LSTMBackbone(4).feature_size")
    backbone.train()
    x = noise(rng, 8, 3, 4)
    first, second = (states(backbone, x, [3] * 8, 128, "LSTMBackbone(4)(x, lengths)") for _ in range(2))
    part = float((np.stack([first, second]) == 0).mean())
    if not 0.05 <= part <= 0.15:
        raise AssertionError(f"LSTMBackbone(4) in training mode: {part:.3f} of its states are 0; expected about 0.1.")
    kept = (first != 0) & (second != 0)
    if not np.allclose(first[kept], second[kept], rtol=ROUNDING):
        raise AssertionError("LSTMBackbone(4) in training mode has dropout between layers; expected a single layer.")


# --- the classifier


@check(points=0.25, hint="nn.CrossEntropyLoss on the logits as they are, without softmax; then return loss, logits.")
@examples(rows=st.integers(2, 6), classes=st.integers(2, 10), seed=st.integers(0, 99))
def test_classifier_returns_cross_entropy_and_logits(lab: Any, kit: Kit, rows: int, classes: int, seed: int) -> None:
    """Classifier returns (mean cross-entropy, logits [B, C])."""
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


@check(
    points=0.25,
    hint="squeeze() takes away every axis of length 1, that of a batch of one too: the logits are [1, C].",
    needs=LOSS,
)
def test_classifier_takes_a_single_track(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """Classifier returns (cross-entropy, logits [1, C]) for a batch of one track."""
    call = "Classifier(backbone, 3)(x [1, 3, 4], targets [1], lengths [1])"
    answer = classifier_of(lab, kit, rng)(noise(rng, 1, 3, 4), torch.tensor([2]), torch.tensor([3]))
    loss, logits = expect_length(answer, 2, call)
    scores = expect_dtype(expect_shape(logits, (1, 3), f"the logits of {call}"), "f", f"the logits of {call}")
    expect_number(loss, cross_entropy(scores, [2]), f"the loss of {call}", ROUNDING)


@check(
    points=0.25,
    hint="Use nn.Dropout, which follows train() and eval(), not functional.dropout(x), which always acts.",
    needs=LOSS,
)
def test_classifier_repeats_itself_in_evaluation_mode(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """In evaluation mode the classifier's logits for the same tracks are the same every time."""
    classifier, x = classifier_of(lab, kit, rng), noise(rng, 4, 3, 4)
    call = "classifier.eval()(x, targets, lengths), called again,"
    targets = [0, 1, 2, 0]
    before, unlike, again = (logits_of(classifier, some, targets, call) for some in (x, noise(rng, *x.shape), x))
    turned = logits_of(classifier, x.flip(0), targets[::-1], call)
    expect_as_before(again, before, unlike, f"the array of logits of {call}", ROUNDING)
    what = f"the array of logits of {call} with the tracks in another order,"
    expect_as_before(turned[::-1], before, unlike, what, ROUNDING)


@check(
    points=0.25,
    hint="The logits are the output layer's, on what the backbone makes of x; targets serve the loss.",
    needs=REPEATS,
)
def test_logits_depend_on_the_tracks_alone(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """The classifier's logits depend on the tracks, and not on the targets."""
    classifier, x, call = classifier_of(lab, kit, rng), noise(rng, 2, 3, 4), "classifier(x, targets, lengths)"
    before, after = (logits_of(classifier, x, targets, call) for targets in ([0, 1], [2, 0]))
    unlike = logits_of(classifier, noise(rng, *x.shape), [0, 1], call)
    expect_as_before(after, before, unlike, "the array of logits for other targets", ROUNDING)


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
    classifier = classifier_of(lab, kit, rng, backbone)
    before = as_array(kit.training.weights(backbone)["linear.weight"], "the backbone's weights").copy()
    tracks = kit.training.loader(noise(rng, 6, 3, 4).numpy(), [0, 1, 2, 0, 1, 2], [3] * 6, 6)
    kit.training.fit(classifier, tracks, kit.training.sgd(classifier, 0.5), 1)
    after = as_array(kit.training.weights(backbone)["linear.weight"], "the backbone's weights")
    if np.array_equal(before, after):
        raise AssertionError("After a step of SGD the weights of the classifier's backbone are as before.")


@check(
    points=0.5,
    hint="torch.save(model.state_dict(), path), and load_state_dict(torch.load(path)) in __init__.",
    needs=(*LOSS, *REPEATS),
)
def test_checkpoint_restores_the_classifier(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """A classifier made with load_from_checkpoint gives the logits of the one that save_checkpoint wrote."""
    step, path, x = lab.step05_lstm, kit.scratch_file("ταξινομητής.pt"), noise(rng, 3, 4, 4).numpy()
    saved = classifier_of(lab, kit, rng)
    step.save_checkpoint(saved, path)
    path = kit.moved(path)
    loaded = evaluating(step.Classifier(kit.training.MeanOfFrames(4, 6), 3, load_from_checkpoint=path))
    right, fresh = (
        expect_dtype(expect_shape(kit.training.logits(model, x, [4] * 3), (3, 3), "the logits"), "f", "the logits")
        for model in (saved, classifier_of(lab, kit, rng))
    )
    call = "the array of logits of the classifier that was loaded"
    expect_as_before(kit.training.logits(loaded, x, [4] * 3), right, fresh, call)
    if kit.holds(path, "MeanOfFrames"):
        raise AssertionError("save_checkpoint writes the model itself; expected its state_dict alone.")


@check(
    points=0.25,
    hint="load_state_dict is strict by itself: leave strict=True, and catch nothing.",
    needs=("test_checkpoint_restores_the_classifier",),
)
def test_checkpoint_that_does_not_fit_is_refused(lab: Any, kit: Kit) -> None:
    """A checkpoint with other layers or other shapes raises an error, and so does one that is not there."""
    step, path = lab.step05_lstm, kit.scratch_file("other.pt")
    others: tuple[Any, ...] = (kit.training.MeanOfFrames(4, 6), step.Classifier(kit.training.MeanOfFrames(4, 6), 5))
    if kit.training.is_lazy(others[1]):  # a lazy layer takes whatever shape a checkpoint has
        others = others[:1]
    for other, name in zip(others, ("another model's", "one of 5 classes for one of 3"), strict=False):
        step.save_checkpoint(other, path)
        with expect_error((RuntimeError, KeyError, ValueError), f"Classifier(..., load_from_checkpoint={name})"):
            step.Classifier(kit.training.MeanOfFrames(4, 6), 3, load_from_checkpoint=path)
    with expect_error(OSError, "Classifier(..., load_from_checkpoint='missing.pt')"):
        step.Classifier(kit.training.MeanOfFrames(4, 6), 3, load_from_checkpoint="missing.pt")


# --- the loops


@check(
    points=0.5,
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
        mean = float(np.mean(losses))
        # It may be measured while it trains, or after that, in evaluation mode.
        right = either(returned, mean, epoch.evaluated(weight))
        hints = [*one_less(right, 3, 12), (losses[-1], "That is the loss of the last batch; return the mean of all.")]
        expect_number(returned, right, f"training_loop in epoch {number}", ROUNDING, mistakes=hints)


@check(
    points=0.25,
    hint="Weight each batch's mean loss with the number of its tracks, and divide by the number of all tracks.",
    needs=(*STEPS, *RETURNS),
)
def test_smaller_last_batch_counts_for_less(lab: Any, kit: Kit, double: MakeDouble, rng: np.random.Generator) -> None:
    """Both loops return the mean over tracks, to which a last batch of fewer tracks contributes less."""
    gauge = Gauge.draw(rng)
    model, epoch = double(gauge), batches(gauge, rng, 9, 4)
    expected, losses, call = epoch.evaluated(), epoch.descent(0.4)[0], "on batches of 4, 4 and 1"
    hints = [*one_less(expected, 3, 9), (expected * 3 / 9, "Divide by the number of tracks that there were.")]
    validated = lab.step05_lstm.validation_loop(model, epoch.loader(kit), "cpu")
    expect_number(validated, expected, f"validation_loop {call}", ROUNDING, mistakes=hints)
    returned = lab.step05_lstm.training_loop(model, epoch.loader(kit), kit.training.sgd(model, 0.4), "cpu")
    right = either(returned, mean_over_items(losses, epoch.sizes), epoch.evaluated(epoch.descent(0.4)[1]))
    expect_number(returned, right, f"training_loop {call}", ROUNDING)


@check(points=0.5, hint="model.eval() first, and neither backward nor step.")
def test_validation_loop_measures_and_changes_nothing(
    lab: Any, kit: Kit, double: MakeDouble, rng: np.random.Generator
) -> None:
    """validation_loop returns the loss in evaluation mode; weights and buffers stay as they are."""
    gauge = Gauge.draw(rng)
    model, epoch = double(gauge), batches(gauge, rng, 12, 4)
    model.train()
    returned = lab.step05_lstm.validation_loop(model, epoch.loader(kit), "cpu")
    # What the sum is divided by is charged once, where it is about batches of unequal sizes.
    right = epoch.evaluated()
    right = either(returned, right, *(wrong for wrong, _ in one_less(right, 3, 12)))
    expect_number(returned, right, "validation_loop in evaluation mode", ROUNDING)
    expect_number(kit.training.weights(model)["weight"], START, "the weight after validation_loop")
    expect_number(kit.training.weights(model)["state"], 0, "what a buffer has learnt in validation_loop")


@check(
    points=0.25,
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


@check(
    points=0.25,
    hint="Without batches there is no mean: raise ValueError, and return neither 0 nor nan.",
    needs=STEPS,
)
def test_loops_refuse_a_loader_without_batches(
    lab: Any, kit: Kit, double: MakeDouble, rng: np.random.Generator
) -> None:
    """Both loops raise an error for a loader that has no batches."""
    gauge = Gauge.draw(rng)
    model, errors = double(gauge), (ValueError, ArithmeticError, RuntimeError)
    empty = kit.training.loader(np.zeros((0, 3, 2)), [], [], 4)
    with expect_error(errors, "training_loop(model, loader without batches, optimizer, 'cpu')"):
        lab.step05_lstm.training_loop(model, empty, kit.training.sgd(model, 0.4), "cpu")
    with expect_error(errors, "validation_loop(model, loader without batches, 'cpu')"):
        lab.step05_lstm.validation_loop(model, empty, "cpu")


# --- early stopping


@check(points=0.25, hint="Compare with the best loss of all epochs, and count the epochs since; an improvement resets.")
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
    hint="An improvement is loss < best - min_delta; with the default, 0, every lower loss is one.",
    needs=WAITS,
)
def test_early_stopping_wants_more_than_min_delta(lab: Any) -> None:
    """A loss lower than the best by no more than min_delta, which is 0 by default, is no improvement."""
    losses = [1.0, 0.95, 0.92, 0.85, 0.84, 0.83, 0.82]
    slowly = [1.0, *(1 - step * 1e-5 for step in range(1, 9))]
    for sequence, options in (
        (losses, {"min_delta": 0.0}),
        (losses, {"min_delta": 0.1}),
        ([8.0, 7.6, 7.4, 7.3, 7.2, 7.1, 7.0], {"min_delta": 0.5}),
        (slowly, {}),
        ([1.0] * 5, {}),
    ):
        call = f"EarlyStopping({', '.join(f'{name}={value}' for name, value in options.items())})"
        got = stopped_at(lab.step05_lstm.EarlyStopping(**options), sequence, call)
        right = stops_at(sequence, 3, options.get("min_delta", 0.0))
        expect_equal(got, right, f"the epoch at which {call} stops, of losses {sequence},")


@check(
    points=0.25,
    hint="self.best begins with math.inf and becomes the loss that improves on it; set self.improved in every step.",
    needs=("test_early_stopping_wants_more_than_min_delta",),
)
def test_early_stopping_tells_the_best_loss(lab: Any) -> None:
    """EarlyStopping.best is the lowest loss so far, infinity at first, and .improved whether the last one improved."""
    for min_delta, losses, best, improved in (
        (0.0, [0.9, 0.5, 0.7, 0.4, 0.4], [0.9, 0.5, 0.5, 0.4, 0.4], [True, True, False, True, False]),
        (0.1, [0.9, 0.85, 0.7, 0.65, 0.5], [0.9, 0.9, 0.7, 0.7, 0.5], [True, False, True, False, True]),
    ):
        call = f"EarlyStopping(min_delta={min_delta})"
        stopping = lab.step05_lstm.EarlyStopping(min_delta=min_delta)
        expect_equal(stopping.best, float("inf"), f"{call}.best before the first loss")
        for number, loss in enumerate(losses):
            stopping.step(loss)
            after = f"of {call} after the losses {losses[: number + 1]}"
            expect_number(stopping.best, best[number], f"the attribute best {after}")
            expect_equal(stopping.improved, improved[number], f"the attribute improved {after}")


@check(
    points=0.25,
    hint="Every comparison with nan is False: write the condition of an improvement, not that of its absence.",
    needs=WAITS,
)
def test_a_loss_that_is_no_number_never_improves(lab: Any) -> None:
    """A loss of nan is no improvement: it does not become the best loss, and training that has diverged stops."""
    nan = float("nan")
    for losses in ([0.9, nan, nan, nan, nan], [nan, nan, nan, nan], [0.9, 0.5, nan, 0.6, 0.55], [nan, 0.5, 0.4, 0.3]):
        got = stopped_at(lab.step05_lstm.EarlyStopping(patience=3), losses, "EarlyStopping(patience=3)")
        right, call = stops_at(losses, 3), f"the epoch at which EarlyStopping(patience=3) stops, of losses {losses},"
        expect_equal(got, right, call)


@check(
    points=0.25,
    hint="In __init__, raise ValueError for a patience below 1 or a min_delta below 0.",
    needs=WAITS,
)
def test_early_stopping_refuses_what_makes_no_sense(lab: Any) -> None:
    """EarlyStopping raises ValueError for a patience below 1 and for a negative min_delta."""
    for patience, min_delta in ((0, 0.0), (-1, 0.0), (2, -0.1)):
        with expect_error(ValueError, f"EarlyStopping(patience={patience}, min_delta={min_delta})"):
            lab.step05_lstm.EarlyStopping(patience=patience, min_delta=min_delta)


# --- overfitting a batch


@check(points=0.5, hint="batch = next(iter(loader)) once, before the loop: the loader shuffles, as loaders do.")
def test_overfit_batch_stays_with_the_first_batch(
    lab: Any, kit: Kit, double: MakeDouble, rng: np.random.Generator
) -> None:
    """overfit_batch takes all steps, 400 by default, on the whole first batch, and returns the loss before each."""
    # The last one's loss is nearly 0 from the beginning, which is no reason to stop.
    for steps, options, times in ((5, {"iterations": 5}, 1.0), (400, {}, 1.0), (6, {"iterations": 6}, 1e-6)):
        gauge = Gauge.draw(rng)
        model, loader = double(gauge), kit.training.shuffling(batches(gauge, rng, 12, 4, times).loader(kit))
        given = "".join(f", {name}={value}" for name, value in options.items())
        call, rate = f"overfit_batch(model, loader, optimizer, 'cpu'{given})", 2 / steps
        returned = lab.step05_lstm.overfit_batch(model, loader, kit.training.sgd(model, rate), "cpu", **options)
        slope = expect_one_batch(gauge, steps, call)
        expect_equal(gauge.seen, 4 * steps, f"the tracks seen in training mode by {call}")
        expected = [slope * (START - rate * slope * step) for step in range(steps)]
        weight = START - rate * slope * steps
        expect_number(kit.training.weights(model)["weight"], weight, f"the weight after {call}", ROUNDING)
        expect_array(losses_of(returned, f"the losses of {call}"), expected, f"the losses of {call}", ROUNDING)


@check(
    points=0.5,
    hint="With overfit_batch=True, call overfit_batch with iterations=epochs, and leave the validation data alone.",
    needs=("test_overfit_batch_stays_with_the_first_batch",),
)
def test_train_can_overfit_a_batch(lab: Any, kit: Kit, double: MakeDouble, rng: np.random.Generator) -> None:
    """train(..., overfit_batch=True) takes `epochs` steps on the first training batch; val_loss is empty."""
    gauge = Gauge.draw(rng)
    model, loader = double(gauge), kit.training.shuffling(batches(gauge, rng, 12, 4).loader(kit))
    call = "train(..., epochs=6, overfit_batch=True)"
    optimizer, validation = kit.training.sgd(model, 0.4), batches(gauge, rng, 4, 4)
    history = lab.step05_lstm.train(model, loader, validation.loader(kit), optimizer, 6, "cpu", overfit_batch=True)
    slope = expect_one_batch(gauge, 6, call)
    expect_number(kit.training.weights(model)["weight"], START - 0.4 * slope * 6, f"the weight after {call}", ROUNDING)
    losses = history_of(history, call)
    expected, what = [slope * (START - 0.4 * slope * step) for step in range(6)], f"the train_loss of {call}"
    expect_array(losses_of(losses["train_loss"], what), expected, what, ROUNDING)
    expect_length(losses["val_loss"], 0, f"the val_loss of {call}")


# --- training


@check(
    points=0.25,
    hint="Append one loss for each epoch to history['train_loss'] and to history['val_loss'].",
    needs=(*RETURNS, "test_validation_loop_measures_and_changes_nothing"),
)
def test_history_has_a_loss_for_each_epoch(lab: Any, kit: Kit, double: MakeDouble, rng: np.random.Generator) -> None:
    """train runs all epochs while the validation loss improves, and returns both losses of each."""
    script, history, _, call = trained_on_script(lab, kit, double, rng, [0.9, 0.8, 0.7, 0.6, 0.5])
    what = f"the val_loss of {call}"
    expect_array(losses_of(history["val_loss"], what), script.losses, what, ROUNDING)
    what, training = f"the train_loss of {call}", losses_of(history["train_loss"], f"the train_loss of {call}")
    # It may be measured while the epoch trains, or after that, in evaluation mode.
    measured = training.shape == (5,) and np.allclose(training, script.looked[:5], atol=ROUNDING)
    expect_array(training, script.looked[:5] if measured else script.training_losses(5), what, ROUNDING)


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
    """train stops after `patience` epochs, 3 by default, without a new best validation loss, and not before."""
    for losses, patience in (
        ([0.5, 0.9, 0.8, 0.7, 0.6, 0.55], 3),
        ([0.5, 0.6, 0.7, 0.8], 1),
        ([0.9, 0.5, 0.7, 0.4, 0.6, 0.6, 0.6, 0.6], 2),
        ([0.5, 0.6, 0.6, 0.4, 0.6, 0.6, 0.3, 0.6], 3),
        ([0.5, 0.6, 0.7, 0.8, 0.9], None),
    ):
        trained = trained_on_script(lab, kit, double, rng, losses, patience)
        expect_epochs(trained, stops_at(losses, patience or 3) or len(losses))


@check(
    points=0.25,
    hint="training_loop begins with model.train(), validation_loop with model.eval(): train calls both in each epoch.",
    needs=(
        *(*STEPS, *STOPS, "test_validation_loop_measures_and_changes_nothing"),
        "test_training_resumes_after_validation",
    ),
)
def test_train_changes_the_mode_in_every_epoch(
    lab: Any, kit: Kit, double: MakeDouble, rng: np.random.Generator
) -> None:
    """In every epoch train learns in training mode and validates in evaluation mode."""
    script, _, _, call = trained_on_script(lab, kit, double, rng, [0.9, 0.8, 0.7])
    for kind, modes, right in (
        ("the training batches", script.training_modes, True),
        ("the validation batches", script.validation_modes, False),
    ):
        wrong = [number for number, training in enumerate(modes) if training is not right]
        if wrong or not modes:
            epoch = 1 + wrong[0] * 3 // len(modes) if wrong else 1
            mode = "in evaluation mode" if right else "in training mode"
            raise AssertionError(f"{call}: {kind} of epoch {epoch} came to a model {mode}.")


@check(
    points=0.5,
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
    for losses in ([0.9, 0.4, 0.6, 0.5], [0.4, 0.6, 0.5], [0.9, 0.8, 0.7], [0.9 - 0.05 * epoch for epoch in range(12)]):
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
