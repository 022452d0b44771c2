"""Checks of step 7: the network for digits, layer by layer, and the CNN for spectrograms.

All checks of a step stand in one module, in the order in which students meet them: `needs` names checks of the same
module.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view

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
    expect_text,
    plain,
)
from graders.checks.experiments.cnn import OVERFITTED, held_out_accuracy, overfit_loss
from graders.checks.kit.protocol import Kit
from graders.checks.oracles.networks.any_network import (
    evaluating,
    expect_gradients,
    noise,
    parameter_count,
    parameters,
    redrawn,
    sized,
)
from graders.checks.oracles.networks.blocks import (
    convolutions,
    expect_maximum,
    expect_normalised,
    expect_proportion,
    expect_relu,
)
from graders.checks.oracles.networks.cnn import (
    FEATURE_SIZE,
    FILTERS,
    MOVED,
    NETWORKS_TRIED,
    TRACK,
    backbone_of,
    changed,
    expect_network,
    numbers_of,
    responsive_backbone,
    sized_backbone_of,
    vectors,
    without_effect,
)
from graders.checks.oracles.networks.digits import (
    LAYERS,
    PARAMETERS,
    SHAPES,
    SIZES,
    WEIGHT_SIZES,
    as_map,
    backward,
    case,
    digit_network,
    expect_map,
    expect_summary,
    expect_unlike_probabilities,
    forward,
    maps_of,
    parameters_of,
    summary_of,
    without_ones,
)
from graders.checks.plots.images import expect_apart, images_of, shows
from graders.checks.thresholds import expect_reached

ROUNDING = 1e-4


SMALLEST = 128
ALIVE = 0.1  # of what comes out of a ReLU, with weights drawn as PyTorch does about half

WINDOWS = ("test_random_crop_returns_a_window_of_each_image",)
NETWORK = ("test_network_computes_the_layers_of_convnetjs",)
MAPS = ("test_activations_are_those_of_each_layer",)
SUMMARISED = ("test_summary_tells_the_shape_of_each_layer",)
VECTORS = ("test_backbone_returns_a_vector_for_each_track",)


# --- crops


@check(points=0.25, hint="image[top : top + size, left : left + size], with top and left drawn anew for each image.")
@examples(
    batch=st.sampled_from([(), (1,), (4,), (2, 1), (2, 3)]),
    image=st.sampled_from([(28, 28), (28, 44), (44, 28)]),
    size=st.integers(1, 28),
    seed=st.integers(0, 1000),
)
def test_random_crop_returns_a_window_of_each_image(
    lab: Any, batch: tuple[int, ...], image: tuple[int, int], size: int, seed: int
) -> None:
    """random_crop returns a window [size, size] of each image, whatever axes come before the last two."""
    images = np.random.default_rng(seed).uniform(0, 1, (*batch, *image)).astype(np.float32)
    call = f"random_crop(images {[*batch, *image]}, {size}, seed={seed})"
    answer = expect_dtype(lab.step07_cnn.random_crop(torch.from_numpy(images), size, seed=seed), "f", call)
    crops = expect_shape(answer, (*batch, size, size), call)
    pairs = zip(images.reshape(-1, *image), crops.reshape(-1, size, size), strict=True)
    for number, (whole, crop) in enumerate(pairs):
        if not (sliding_window_view(whole, (size, size)) == crop).all(axis=(2, 3)).any():
            raise AssertionError(f"{call}: crop {number} is not a window of image {number}.")


@check(points=0.25, hint="Draw rows 0-4 and columns 0-4 apart, both ends included, for each image on its own.")
def test_random_crop_draws_every_window(lab: Any) -> None:
    """random_crop draws each image's window, 24x24 by default, from all 25 that a 28x28 image has."""
    images = torch.arange(784.0).reshape(28, 28).repeat(500, 1, 1)
    call = "random_crop(500 images, seed=0)"
    crops = expect_shape(expect_dtype(lab.step07_cnn.random_crop(images, seed=0), "f", call), (500, 24, 24), call)
    found = {divmod(int(corner), 28) for corner in np.nan_to_num(crops[:, 0, 0])}
    missing = [(row, column) for row in range(5) for column in range(5) if (row, column) not in found]
    if missing:
        raise AssertionError(
            f"{call}: {len(missing)} of 25 windows do not occur, such as the one whose corner is at {missing[0]}."
        )


@check(points=0.25, hint="Make a generator of your own, seeded with `seed`, and draw the windows with it.")
def test_random_crop_depends_on_the_seed(lab: Any, rng: np.random.Generator) -> None:
    """random_crop draws the same windows for the same seed, and others for another seed."""
    images = torch.from_numpy(rng.uniform(0, 1, (20, 28, 28)).astype(np.float32))
    first, again, other = (
        as_array(lab.step07_cnn.random_crop(images, 24, seed=seed), f"random_crop(images, 24, seed={seed})")
        for seed in (1, 1, 2)
    )
    expect_array(again, first, "random_crop(images, 24, seed=1), called again,", 0)
    if np.array_equal(first, other):
        raise AssertionError("random_crop(images, 24) draws the same 20 windows for seeds 1 and 2.")


@check(
    points=0.25,
    hint="A generator of its own, seeded with `seed`, leaves the global one alone; without a seed, set none.",
    needs=WINDOWS,
)
def test_random_crop_seeds_no_global_generator(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """random_crop with a seed leaves global random numbers alone; without a seed it draws other windows each time."""
    images = torch.from_numpy(rng.uniform(0, 1, (20, 28, 28)).astype(np.float32))
    later = []
    for number in (1, 2):
        kit.training.seed(number)
        lab.step07_cnn.random_crop(images, 24, seed=3)
        later.append(plain(kit.training.drawn(), "random numbers"))
    if any(first == second for first, second in zip(*later, strict=True)):
        raise AssertionError(
            "After random_crop(images, 24, seed=3) the global generator draws the same whatever its seed was before."
        )
    first, second = (as_array(lab.step07_cnn.random_crop(images), "random_crop(images)") for _ in range(2))
    if np.array_equal(first, second):
        raise AssertionError("random_crop(images), without a seed, draws the same 20 windows twice.")


@check(points=0.25, hint="Raise ValueError if size is larger than height or width, or below 1.", needs=WINDOWS)
def test_random_crop_refuses_windows_larger_than_the_image(lab: Any) -> None:
    """random_crop raises ValueError for a size that is larger than the images, or below 1."""
    for image, size in (((28, 28), 29), ((28, 40), 32), ((40, 28), 32), ((28, 28), 0), ((28, 28), -2)):
        with expect_error(ValueError, f"random_crop(images {[2, *image]}, {size}, seed=0)"):
            lab.step07_cnn.random_crop(torch.zeros(2, *image), size, seed=0)


# --- the network for digits


@check(points=0.25, hint="The softmax is the network's last layer, over the axis of the classes: dim=1.")
@examples(rows=st.integers(1, 5), seed=st.integers(0, 1000))
def test_network_returns_probabilities(lab: Any, kit: Kit, rows: int, seed: int) -> None:
    """DigitNetwork returns the probabilities of the ten digits for each image, [B, 10]."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(0, 1, (rows, 1, 24, 24)).astype(np.float32)
    call = f"DigitNetwork()(x {list(x.shape)})"
    answer = expect_dtype(lab.step07_cnn.DigitNetwork()(torch.from_numpy(x)), "f", call)
    probabilities = expect_shape(answer, (rows, 10), call)
    if not (probabilities >= 0).all():
        raise AssertionError(f"{call} holds {probabilities.min():.3g}; expected probabilities.")
    expect_array(probabilities.sum(axis=1), np.ones(rows), f"the sum over the classes of {call}", ROUNDING)
    expect_unlike_probabilities(lab, kit, torch.from_numpy(x[:1]), rng)


@check(
    points=0.75,
    hint="Conv2d(1, 8, 5, padding=2), ReLU, MaxPool2d(2), Conv2d(8, 16, 5, padding=2), ReLU, MaxPool2d(3), Linear.",
)
def test_network_computes_the_layers_of_convnetjs(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """DigitNetwork is convolution, ReLU, pooling, twice, then fully connected and softmax: 5994 parameters."""
    network = digit_network(lab, kit, rng)
    expect_number(kit.training.count(network), sum(PARAMETERS), "the trainable parameters of DigitNetwork()")
    x = torch.from_numpy(rng.uniform(0, 1, (3, 1, 24, 24)).astype(np.float32))
    layers = forward(parameters_of(kit, network), x.double())
    for layer, name in ((2, "The first ReLU"), (5, "The second ReLU")):
        if not float((layers[layer] > 0).double().mean()) > ALIVE:
            raise AssertionError(
                f"{name} of DigitNetwork() with random weights lets nearly nothing pass; expected about half."
            )
    expected = layers[-1].numpy()
    expect_array(network(x), expected, "DigitNetwork()(x [3, 1, 24, 24]), computed with its own weights,", ROUNDING)


@check(points=0.5, hint="Send one image through the layers; leave out the first axis of each output, the batch's.")
def test_summary_tells_the_shape_of_each_layer(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """layer_summary has a row (name, output shape, number of parameters) for each of the nine layers."""

    def expect_row(row: Any, right: tuple[int, ...], _: int, layer: str) -> None:
        expect_text(row[0], f"layer_summary's name of {layer}")
        call = f"layer_summary's shape of {layer}"
        found = tuple(expect_length(plain(row[1], call), len(row[1]), call))
        if without_ones(found) not in {right, (*right[1:], right[0])}:
            raise AssertionError(f"{call} is {found}; expected {right}, without the batch.")

    expect_summary(lab, kit, rng, expect_row)


@check(points=0.25, hint="sum(p.numel() for p in layer.parameters()): weights and biases.")
def test_summary_counts_the_parameters_of_each_layer(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """layer_summary counts 208, 3216 and 2570 parameters, and none in the layers without weights."""

    def expect_row(row: Any, _: tuple[int, ...], right: int, layer: str) -> None:
        expect_equal(row[2], right, f"layer_summary's number of parameters of {layer}")

    expect_summary(lab, kit, rng, expect_row)


# --- what the layers show


@check(
    points=0.5,
    hint="Keep each layer's output, without the batch; a ReLU with inplace=True overwrites the convolution's.",
    needs=NETWORK,
)
def test_activations_are_those_of_each_layer(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """activation_maps returns the activations of all nine layers, from the image to the probabilities."""
    network, parameters, image = case(lab, kit, rng)
    right, _, _ = backward(parameters, image, 3)
    for layer, activations, name in zip(maps_of(lab, network, image, 3), right, LAYERS, strict=True):
        expect_text(layer["name"], f"activation_maps' name of {name}")
        expect_map(layer["activations"], activations, f"activation_maps' activations of {name}")


@check(
    points=0.5,
    hint="The loss is -log of the label's probability: torch.autograd.grad(loss, activations), or retain_grad().",
    needs=MAPS,
)
def test_gradients_are_those_of_the_loss(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """activation_maps returns, for each layer, the gradient of -log p[label] with respect to its activations."""
    network, parameters, image = case(lab, kit, rng)
    for label in (3, 8):
        _, right, _ = backward(parameters, image, label)
        for layer, gradients, name in zip(maps_of(lab, network, image, label), right, LAYERS, strict=True):
            expect_map(layer["gradients"], gradients, f"activation_maps' gradients of {name}, for label {label},")


@check(
    points=0.5,
    hint="layer.weight and its gradient for convolutions and the fully connected layer; None for the others.",
    needs=MAPS,
)
def test_weights_come_with_their_gradients(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """activation_maps returns the weights of convolutions and fully connected layer, and their gradients."""
    network, parameters, image = case(lab, kit, rng)
    _, _, right = backward(parameters, image, 3)
    for index, (layer, name) in enumerate(zip(maps_of(lab, network, image, 3), LAYERS, strict=True)):
        for key, of_size in (("weights", parameters), ("weight_gradients", right)):
            call = f"activation_maps' {key} of {name}"
            if index in WEIGHT_SIZES:
                expect_map(layer[key], np.asarray(of_size[WEIGHT_SIZES[index]]), call)
            elif layer[key] is not None:
                raise AssertionError(f"{call}, which has none, are not None.")


@check(
    points=0.25,
    hint="backward() adds to p.grad: call network.zero_grad() first, or torch.autograd.grad. Take no step.",
    needs=MAPS,
)
def test_maps_can_be_had_again(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """activation_maps gives the same gradients when called again, and leaves the network's parameters as they are."""
    network, parameters, image = case(lab, kit, rng)
    first, again = (maps_of(lab, network, image, 3) for _ in range(2))
    for index in WEIGHT_SIZES:
        call = f"the weight gradients of {LAYERS[index]}"
        before = as_map(first[index]["weight_gradients"], SIZES[WEIGHT_SIZES[index]], call)
        expect_map(again[index]["weight_gradients"], before, f"{call}, called again,")
    for size, after in parameters_of(kit, network).items():
        expect_array(after, parameters[size], f"the parameters {list(SIZES[size])} after activation_maps", 0)


def plotted(lab: Any, kit: Kit, layer: Any, name: str) -> tuple[Any, Any]:
    """Draw a layer on a new figure; return the figure and what is drawn."""
    figure = kit.empty_figure()
    lab.step07_cnn.plot_layer(layer, figure)
    shown = kit.drawn(figure)
    if not shown:
        raise AssertionError(f"plot_layer(layer, figure) of {name} drew nothing on the figure.")
    return figure, shown


def expect_shown(images: Sequence[np.ndarray], channels: np.ndarray, names: Sequence[str]) -> None:
    """Raise unless each of the channels `[C, H, W]`, of which each has a name, is among the images."""
    for channel, name in zip(channels, names, strict=True):
        if not shows(images, channel):
            raise AssertionError(f"plot_layer shows no image of {name}.")


@check(points=0.25, hint="One imshow for each channel, of the activations and of their gradients.", needs=MAPS)
def test_plot_shows_every_channel(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """plot_layer draws an image of each channel's activations and of their gradients, each in a place of its own."""
    network, _, image = case(lab, kit, rng)
    layers = maps_of(lab, network, image, 3)
    for index in (0, 1, 3):
        figure, shown = plotted(lab, kit, layers[index], LAYERS[index])
        layer = LAYERS[index]
        for key, what in (("activations", f"the activations of {layer}"), ("gradients", f"the gradients of {layer}")):
            channels = as_map(layers[index][key], SHAPES[index], what)
            expect_shown(images_of(shown), channels, [f"{what}, channel {number}" for number in range(len(channels))])
        expect_apart(kit.places(figure), f"plot_layer(layer, figure) of {LAYERS[index]}")


@check(points=0.25, hint="Where layer['weights'] is not None, draw the filters and their gradients too.", needs=MAPS)
def test_plot_shows_the_filters(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """plot_layer draws the filters of a convolution and their gradients."""
    network, _, image = case(lab, kit, rng)
    layer = maps_of(lab, network, image, 3)[1]
    _, shown = plotted(lab, kit, layer, LAYERS[1])
    for key, what in (
        ("weights", f"the weights of {LAYERS[1]}"),
        ("weight_gradients", f"the weight gradients of {LAYERS[1]}"),
    ):
        filters = as_map(layer[key], (8, 1, 5, 5), what)[:, 0]
        expect_shown(images_of(shown), filters, [f"{what}, filter {number}" for number in range(len(filters))])


@check(
    points=0.25,
    hint="figure.suptitle(layer['name']); a vector can be drawn as bars or as one image.",
    needs=(*MAPS, *SUMMARISED),
)
def test_plot_draws_all_layers_under_their_names(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """plot_layer draws each of the nine layers, also those without height and width, with its name as title."""
    network, _, image = case(lab, kit, rng)
    rows = summary_of(lab, network, "layer_summary(network)")
    for layer, row, name in zip(maps_of(lab, network, image, 3), rows, LAYERS, strict=True):
        own = expect_text(layer["name"], f"activation_maps' name of {name}")
        expect_equal(own, row[0], f"activation_maps' name of {name}, which is to be that of layer_summary,")
        figure, _ = plotted(lab, kit, layer, name)
        titles = plain(kit.titles(figure), "the titles")
        if not own or not any(own in str(title) for title in titles):
            raise AssertionError(
                f"plot_layer(layer, figure) of {name} has the titles {titles!r:.200}; expected {own!r}."
            )


# --- the backbone


@check(
    points=0.5, hint="Compute the size of what the poolings leave of input_dims, or pool to a fixed size at the end."
)
@examples(
    rows=st.integers(2, 3),
    timesteps=st.integers(SMALLEST, 180),
    features=st.sampled_from([SMALLEST, 140]),
    size=st.integers(2, 9),
    seed=st.integers(0, 99),
)
def test_backbone_returns_a_vector_for_each_track(
    lab: Any, kit: Kit, rows: int, timesteps: int, features: int, size: int, seed: int
) -> None:
    """CNNBackbone turns tracks [B, T, F] into vectors [B, feature_size], for any T and F large enough."""
    options = f"CNNBackbone(({timesteps}, {features}), filters=(2, 3, 4, 5), feature_size={size})"
    call = f"{options}(x {[rows, timesteps, features]})"
    rng = np.random.default_rng(seed)
    x = noise(rng, rows, timesteps, features)

    def make() -> tuple[Any, np.ndarray]:
        backbone = lab.step07_cnn.CNNBackbone((timesteps, features), filters=(2, 3, 4, 5), feature_size=size)
        expect_equal(backbone.feature_size, size, f"{options}.feature_size")
        redrawn(kit, sized(kit, backbone, (timesteps, features)), rng, options)
        return backbone, expect_dtype(expect_shape(backbone(x), (rows, size), call), "f", call)

    expect_network(kit, make, x, call)


@check(points=0.5, hint="squeeze() drops every axis of length 1, the batch's too: use flatten(1).", needs=VECTORS)
def test_backbone_evaluates_a_batch_of_one(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """CNNBackbone in evaluation mode turns a single track [1, T, F] into [1, feature_size]."""
    backbone = backbone_of(lab, kit, rng)
    backbone.eval()
    vectors(backbone, noise(rng, 1, *TRACK), f"backbone.eval()(x {[1, *TRACK]})")


@check(
    points=0.25,
    hint="filters=(32, 64, 128, 256), feature_size=1000, as in the skeleton.",
    needs=("test_backbone_evaluates_a_batch_of_one",),
)
def test_backbone_has_a_thousand_features_by_default(lab: Any, kit: Kit) -> None:
    """CNNBackbone(input_dims) takes one channel, has 32 to 256 filters, and returns vectors of 1000 features."""
    dims = (SMALLEST, SMALLEST)
    backbone, call = evaluating(lab.step07_cnn.CNNBackbone(dims)), f"CNNBackbone({dims})"
    expect_equal(backbone.feature_size, 1000, f"{call}.feature_size")
    expect_shape(backbone(torch.zeros(1, *dims)), (1, 1000), f"{call}(x {[1, *dims]})")
    smaller, same = (
        parameter_count(kit, sized(kit, lab.step07_cnn.CNNBackbone(dims, **options, feature_size=1), dims), call)
        for options in ({}, {"filters": (32, 64, 128, 256)})
    )
    if smaller != same:
        raise AssertionError(f"{call} has other parameters than with filters=(32, 64, 128, 256), which is the default.")


@check(points=0.25, hint="Add the axis of channels only to input of three axes: x[:, None].", needs=VECTORS)
def test_backbone_takes_channels(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """CNNBackbone takes tracks [B, in_channels, T, F] too, and each channel counts."""
    x = noise(rng, 2, 3, *TRACK)
    one = responsive_backbone(lambda: evaluating(backbone_of(lab, kit, rng)), x[:, 0])
    call = "the array of vectors for x[:, None] instead of x"
    expect_as_before(vectors(one, x[:, :1], call), vectors(one, x[:, 0]), vectors(one, x[:, 1]), call, ROUNDING)
    others = {f"channel {channel}": x.clone() for channel in range(3)}
    for channel, other in enumerate(others.values()):
        other[:, channel] = noise(rng, 2, *TRACK)
    ignored = without_effect(lambda: backbone_of(lab, kit, rng, in_channels=3), x, others)
    if ignored:
        raise AssertionError(f"With in_channels=3, another {ignored[0]} leaves the output as it is.")


@check(
    points=0.25,
    hint="Use nn.Dropout, which follows train() and eval(), not functional.dropout(x); make layers in __init__.",
    needs=VECTORS,
)
def test_backbone_repeats_itself_in_evaluation_mode(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """In evaluation mode CNNBackbone returns the same vectors for the same tracks, every time."""
    x = noise(rng, 4, *TRACK)
    backbone = responsive_backbone(lambda: evaluating(backbone_of(lab, kit, rng)), x)
    again, before, unlike = (vectors(backbone, some) for some in (x, x, noise(rng, *x.shape)))
    expect_as_before(again, before, unlike, "backbone.eval()(x), called again,", MOVED)


@check(
    points=0.5,
    hint="Batch normalisation must use its running statistics: leave track_running_stats=True, and eval() in effect.",
    needs=VECTORS,
)
def test_vector_does_not_depend_on_the_batch_in_evaluation_mode(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """In evaluation mode a track's vector is the same, whichever tracks are in its batch."""
    x = noise(rng, 6, *TRACK)

    def trained() -> Any:
        backbone = backbone_of(lab, kit, rng)
        for _ in range(3):
            backbone(noise(rng, 6, *TRACK) * 2 + 1)
        return evaluating(backbone)

    backbone = responsive_backbone(trained, x)
    call = "the array of vectors of six tracks, two at a time,"
    apart = [vectors(backbone, x[start : start + 2], call) for start in (0, 2, 4)]
    together, unlike = (vectors(backbone, some) for some in (x, noise(rng, *x.shape)))
    expect_as_before(np.concatenate(apart), together, unlike, call, ROUNDING)


@check(points=0.25, hint="nn.BatchNorm2d after each convolution.", needs=VECTORS)
def test_vector_depends_on_the_batch_in_training_mode(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """In training mode each block normalises over the batch, so that a track's vector depends on the other tracks."""
    x = noise(rng, 4, *TRACK)
    other = x.clone()
    other[1:] = noise(rng, 3, *TRACK) * 3 + 1
    for _ in range(NETWORKS_TRIED):
        backbone = backbone_of(lab, kit, rng)
        kit.training.without_dropout(backbone)
        if changed(vectors(backbone, x)[:1], vectors(backbone, other)[:1]):
            expect_normalised(kit, sized_backbone_of(lab, kit), rng)
            return
    raise AssertionError("In training mode a track's vector is the same among other tracks; expected batch norm.")


@check(
    points=0.5,
    hint="nn.BatchNorm2d keeps running statistics, and updates them in training mode only.",
    needs=VECTORS,
)
def test_running_statistics_are_learnt_in_training_mode_only(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """Batches in training mode change the running statistics of batch normalisation; evaluation mode only uses them."""
    backbone = sized_backbone_of(lab, kit)
    states = [numbers_of(kit, backbone)]
    for mode in (True, False):
        backbone.train(mode)
        backbone(noise(rng, 4, *TRACK) * 2 + 1)
        states.append(numbers_of(kit, backbone))
    fresh, trained, evaluated = states
    if all(np.array_equal(fresh[name], trained[name]) for name in fresh):
        raise AssertionError("A batch in training mode changed no running statistics.")
    moved = [name for name in trained if not np.array_equal(trained[name], evaluated[name])]
    if moved:
        raise AssertionError(f"A batch in evaluation mode changed {', '.join(map(str, moved[:4]))}.")
    x = noise(rng, 2, *TRACK)
    for _ in range(NETWORKS_TRIED):
        backbone = backbone_of(lab, kit, rng)
        before = vectors(evaluating(backbone), x)
        backbone.train()
        backbone(noise(rng, 3, *TRACK) * 10 + 5)
        if changed(before, vectors(evaluating(backbone), x)):
            return
    raise AssertionError("A batch in training mode changes no vector in evaluation mode; expected running statistics.")


@check(
    points=0.25,
    hint="A plain list hides its layers: nn.Sequential or nn.ModuleList; and make no layer in forward.",
    needs=VECTORS,
)
def test_backbone_registers_its_convolutions(lab: Any, kit: Kit) -> None:
    """CNNBackbone has the trainable parameters that its convolutions, larger than 1x1, and its linear layer need."""
    filters = (32, 64, 128, 256)  # so many that a last layer for one feature has fewer parameters than they
    call = f"CNNBackbone({TRACK}, filters={filters}, feature_size=1)"
    backbone = sized_backbone_of(lab, kit, filters=filters, feature_size=1)
    counted = parameter_count(kit, backbone, call)
    needed = sum(before * after for before, after in zip((1, *filters), filters, strict=False))
    if counted < needed:
        raise AssertionError(f"{call} has {counted} trainable parameters; its convolutions alone need {needed}.")
    weights = parameters(kit, backbone, call)
    windows = [max(weights[name].shape[2:]) for name in convolutions(weights)]
    if windows and sum(size > 1 for size in windows) < len(filters):
        raise AssertionError(f"{call} has convolutions of 1x1, which see no neighbours; expected larger windows.")
    fewer, more = (
        parameter_count(kit, sized_backbone_of(lab, kit, feature_size=size), call)
        for size in (FEATURE_SIZE, 2 * FEATURE_SIZE)
    )
    if more < fewer + FEATURE_SIZE:
        raise AssertionError(
            f"CNNBackbone has {fewer} trainable parameters for {FEATURE_SIZE} features, and {more} for "
            f"{2 * FEATURE_SIZE}; expected a linear layer, which has weights for each feature."
        )


@check(
    points=0.25,
    hint="In each block nn.ReLU(), which is no leaky one, and nn.MaxPool2d, which is no average and no stride alone.",
    needs=("test_vector_does_not_depend_on_the_batch_in_evaluation_mode",),
)
def test_blocks_rectify_and_take_the_maximum(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """Each block of CNNBackbone has ReLU, which lets nothing negative through, and max pooling."""
    backbone = sized_backbone_of(lab, kit)
    kit.training.settle(backbone, [])  # a first batch in its constructor may have moved running statistics
    backbone.eval()
    expect_proportion(kit, backbone, rng)
    expect_relu(kit, backbone, rng)
    expect_maximum(kit, backbone, rng)


@check(points=0.25, hint="Make the blocks in a loop over `filters`, one block for each.", needs=VECTORS)
def test_backbone_follows_the_filters(lab: Any, kit: Kit) -> None:
    """CNNBackbone has a block for each number in filters: a larger number there means more parameters."""
    for filters in ((4, 5), (4, 5, 6, 7)):
        call = f"CNNBackbone({TRACK}, filters={filters})"
        fewer = parameter_count(kit, sized_backbone_of(lab, kit, filters=filters), call)
        for place, number in enumerate(filters):
            larger = (*filters[:place], 2 * number, *filters[place + 1 :])
            if parameter_count(kit, sized_backbone_of(lab, kit, filters=larger), call) <= fewer:
                raise AssertionError(f"CNNBackbone has no more parameters for filters={larger} than for {filters}.")


@check(points=0.25, hint="Detach nothing, and compute nothing of it below torch.no_grad.", needs=VECTORS)
def test_every_parameter_receives_a_gradient(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """The gradient of CNNBackbone's output reaches every one of its parameters on which the output depends."""
    # In evaluation mode: in training mode batch normalisation takes away what the bias of a convolution adds.
    some = (evaluating(backbone_of(lab, kit, rng, filters=(6, 6, 6, 6))) for _ in range(2))
    expect_gradients(kit, some, (noise(rng, 2, *TRACK),), "CNNBackbone")


@check(
    points=0.25, hint="Flatten what the last pooling leaves, or pool over all of it; cut off no part.", needs=VECTORS
)
def test_vector_depends_on_all_of_the_spectrogram(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """A change in any of the four corners of a spectrogram reaches its vector: only remainders of poolings may not."""
    x, others = noise(rng, 2, *TRACK), {}
    # A third of each axis: poolings whose sizes do not divide it cut off less.
    timesteps, bands = (size // 3 for size in TRACK)
    early, late, low, high = slice(timesteps), slice(-timesteps, None), slice(bands), slice(-bands, None)
    for corner, at, among in (
        ("first timesteps, first bands", early, low),
        ("first timesteps, last bands", early, high),
        ("last timesteps, first bands", late, low),
        ("last timesteps, last bands", late, high),
    ):
        other = others[corner] = x.clone()
        other[:, at, among] = 10 * noise(rng, 2, timesteps, bands)
    ignored = without_effect(lambda: backbone_of(lab, kit, rng), x, others)
    if ignored:
        raise AssertionError(f"Another corner ({ignored[0]}) leaves the vector as it is.")


@check(points=0.25, hint="Each 2x2 pooling halves both sizes: raise ValueError when nothing is left.", needs=VECTORS)
def test_backbone_refuses_input_too_small_for_its_poolings(lab: Any) -> None:
    """CNNBackbone raises ValueError for input_dims of which its poolings leave nothing."""
    for dims in ((3, 128), (128, 3), (1, 1)):
        call = f"CNNBackbone({dims}, filters={FILTERS})"
        try:
            backbone = lab.step07_cnn.CNNBackbone(dims, filters=FILTERS, feature_size=FEATURE_SIZE)
        except ValueError:
            continue
        # Poolings that round up leave something of every input: there is nothing to refuse, if it can be called.
        backbone.eval()
        vectors(backbone, torch.zeros(2, *dims), call)


# --- learning


@check(
    points=1,
    seconds=20,
    hint="End with linear layers, without softmax or sigmoid; the convolutions must be trained too.",
    needs=VECTORS,
)
def test_cnn_overfits_a_batch(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """Trained on one batch that the judge picks, the CNN brings the loss on it to 1.8e-5 within 100 iterations."""
    loss = overfit_loss(lab, kit, rng, OVERFITTED)
    expect_reached("step07.cnn_overfits_a_batch", loss, "The loss on the batch, after 100 iterations,")


@check(
    points=1,
    seconds=20,
    hint="In evaluation mode the network must see tracks as in training: check batch norm and the order of the axes.",
    needs=VECTORS,
)
def test_cnn_names_the_genre_of_held_out_tracks(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """Trained on mel spectrograms of the training tracks, the CNN names the genre of held-out ones."""
    accuracy = held_out_accuracy(lab, kit, rng)
    expect_reached(
        "step07.cnn_names_the_genre_of_held_out_tracks", accuracy, "The accuracy on held-out tracks", held_out=True
    )
