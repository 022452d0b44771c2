import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn
from torch.nn import functional

from solutions.step07_cnn import (
    CNNBackbone,
    DigitNetwork,
    LayerMaps,
    activation_maps,
    layer_summary,
    load_digits,
    plot_layer,
    random_crop,
)

NINE = ["input", "conv1", "relu1", "pool1", "conv2", "relu2", "pool2", "fully connected", "softmax"]


@pytest.fixture(scope="module")
def network() -> DigitNetwork:
    torch.manual_seed(0)
    return DigitNetwork()


@pytest.fixture(scope="module")
def image() -> Tensor:
    return torch.rand(1, 24, 24, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def maps(network: DigitNetwork, image: Tensor) -> list[LayerMaps]:
    return activation_maps(network, image, label=3)


# --- digits


def test_digits_are_in_the_format_of_mnist() -> None:
    images, labels = load_digits()

    assert images.shape == (1797, 28, 28)
    assert images.dtype == torch.float32
    assert [images.min().item(), images.max().item()] == [0, 1]
    assert labels.dtype == torch.int64
    assert torch.bincount(labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


def test_digits_fill_the_middle_of_the_image() -> None:
    images, _ = load_digits()

    assert images[:, 4:24, 4:24].sum() == images.sum()


def test_crops_are_windows_of_their_images() -> None:
    images = torch.rand(3, 2, 28, 28)

    crops = random_crop(images, 25, seed=0)

    assert crops.shape == (3, 2, 25, 25)
    for image, crop in zip(images.flatten(0, 1), crops.flatten(0, 1), strict=True):
        assert (image.unfold(0, 25, 1).unfold(1, 25, 1) == crop).all((2, 3)).sum() == 1


def test_every_window_is_as_likely() -> None:
    positions = torch.arange(28.0 * 28).reshape(28, 28)

    corners, counts = random_crop(positions.expand(5000, 28, 28), seed=0)[:, 0, 0].unique(return_counts=True)

    assert corners.tolist() == [28 * row + column for row in range(5) for column in range(5)]
    assert 150 < counts.min() <= counts.max() < 250


def test_seed_decides_on_the_windows() -> None:
    images = torch.rand(10, 28, 28)

    assert torch.equal(random_crop(images, seed=1), random_crop(images, seed=1))
    assert not torch.equal(random_crop(images, seed=1), random_crop(images, seed=2))
    assert not torch.equal(random_crop(images), random_crop(images))


def test_one_image_is_cropped_too() -> None:
    assert random_crop(torch.rand(28, 28), seed=0).shape == (24, 24)


@pytest.mark.parametrize("size", [29, 0])
def test_windows_that_do_not_fit_are_refused(size: int) -> None:
    with pytest.raises(ValueError, match=r"1\.\.28"):
        random_crop(torch.rand(2, 28, 28), size)


# --- the network for digits


@pytest.mark.parametrize("batch", [1, 4])
def test_network_returns_probabilities(network: DigitNetwork, batch: int) -> None:
    probabilities = network(torch.rand(batch, 1, 24, 24))

    assert probabilities.shape == (batch, 10)
    assert (probabilities > 0).all()
    assert torch.allclose(probabilities.sum(dim=1), torch.ones(batch))


def test_network_learns_digits() -> None:
    images, labels = load_digits()
    torch.manual_seed(0)
    network = DigitNetwork()
    optimizer = torch.optim.Adam(network.parameters(), 5e-3)
    for step, batch in enumerate(torch.arange(1200).split(50)):
        crops = random_crop(images[batch], seed=step)[:, None]
        optimizer.zero_grad()
        functional.nll_loss(network(crops).log(), labels[batch]).backward()
        optimizer.step()

    with torch.no_grad():
        predicted = network(random_crop(images[1200:], seed=0)[:, None]).argmax(dim=1)

    assert (predicted == labels[1200:]).float().mean() > 0.6


def test_summary_is_that_of_convnetjs(network: DigitNetwork) -> None:
    shapes = [
        (1, 24, 24),
        (8, 24, 24),
        (8, 24, 24),
        (8, 12, 12),
        (16, 12, 12),
        (16, 12, 12),
        (16, 4, 4),
        (10,),
        (10,),
    ]
    parameters = [0, 208, 0, 0, 3216, 0, 0, 2570, 0]

    assert layer_summary(network) == list(zip(NINE, shapes, parameters, strict=True))


def test_maps_have_the_shapes_of_the_summary(network: DigitNetwork, maps: list[LayerMaps]) -> None:
    summary = layer_summary(network)

    assert [layer["name"] for layer in maps] == [name for name, _, _ in summary]
    for layer, (_, shape, parameters) in zip(maps, summary, strict=True):
        assert layer["activations"].shape == layer["gradients"].shape == shape
        assert (layer["weights"] is None) == (layer["weight_gradients"] is None) == (parameters == 0)


def test_activations_lead_from_the_image_to_the_probabilities(
    network: DigitNetwork, image: Tensor, maps: list[LayerMaps]
) -> None:
    assert torch.equal(maps[0]["activations"], image)
    assert torch.equal(maps[2]["activations"], maps[1]["activations"].relu())
    assert torch.allclose(maps[8]["activations"], network(image[None])[0])


def test_gradients_are_those_of_the_loss(network: DigitNetwork, image: Tensor, maps: list[LayerMaps]) -> None:
    def loss(pixels: Tensor) -> Tensor:
        probabilities: Tensor = network(pixels[None])
        return -probabilities[0, 3].log()

    probabilities = maps[8]["activations"]
    one_hot = functional.one_hot(torch.tensor(3), 10)
    (expected,) = torch.autograd.functional.vjp(loss, image)[1:]

    assert torch.allclose(maps[0]["gradients"], expected)
    assert torch.allclose(maps[7]["gradients"], probabilities - one_hot, atol=1e-6)
    assert torch.allclose(maps[8]["gradients"], -one_hot / probabilities)
    assert maps[7]["weight_gradients"] is not None
    outer = torch.outer(probabilities - one_hot, maps[6]["activations"].flatten())
    assert torch.allclose(maps[7]["weight_gradients"], outer, atol=1e-6)


def test_maps_leave_the_network_as_it_was(network: DigitNetwork, image: Tensor) -> None:
    before = {name: value.clone() for name, value in network.state_dict().items()}

    with torch.no_grad():
        activation_maps(network, image, label=0)

    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.parameters())


def test_maps_are_constants(maps: list[LayerMaps]) -> None:
    tensors = [value for layer in maps for value in layer.values() if isinstance(value, Tensor)]

    assert len(tensors) == 2 * 9 + 2 * 3
    assert not any(tensor.requires_grad for tensor in tensors)


@pytest.mark.parametrize(
    ("index", "images"), [(0, (1, 1)), (1, (8, 8, 8, 8)), (3, (8, 8)), (4, (16, 16, 16, 16)), (7, (1, 1, 1, 1))]
)
def test_plot_shows_an_image_for_each_channel(maps: list[LayerMaps], index: int, images: tuple[int, ...]) -> None:
    figure = Figure()

    plot_layer(maps[index], figure)

    assert figure.get_suptitle() == NINE[index]
    assert tuple(len(ax.images) for ax in figure.axes) == images
    titles = ["Activations", "Activation gradients", "Weights", "Weight gradients"]
    assert [ax.get_title().partition(" (")[0] for ax in figure.axes] == titles[: len(images)]


def test_drawn_channels_are_side_by_side(maps: list[LayerMaps]) -> None:
    figure = Figure()

    plot_layer(maps[1], figure)

    ax = figure.axes[0]
    drawn = [image.get_array() for image in ax.images]
    assert np.array_equal(np.stack([np.asarray(image) for image in drawn]), maps[1]["activations"].numpy())
    extents = np.array([image.get_extent() for image in ax.images])
    assert len({tuple(extent) for extent in extents.tolist()}) == 8
    assert (ax.get_xlim(), ax.get_ylim()) == (
        (extents[:, 0].min(), extents[:, 1].max()),
        (extents[:, 2].max(), extents[:, 3].min()),
    )


# --- the backbone


@pytest.mark.parametrize(("timesteps", "features"), [(16, 16), (50, 128), (87, 140), (33, 17)])
def test_backbone_returns_a_vector_for_each_track(timesteps: int, features: int) -> None:
    backbone = CNNBackbone((timesteps, features), filters=(2, 3, 4, 5), feature_size=7)

    assert backbone.feature_size == 7
    assert backbone(torch.rand(3, timesteps, features)).shape == (3, 7)


def test_defaults_are_the_courses() -> None:
    backbone = CNNBackbone((32, 128))

    assert backbone.feature_size == 1000
    assert backbone(torch.rand(2, 32, 128)).shape == (2, 1000)
    assert [layer.out_channels for layer in backbone.modules() if isinstance(layer, nn.Conv2d)] == [32, 64, 128, 256]


def test_channels_may_be_given() -> None:
    one, three = CNNBackbone((16, 16), filters=(2, 2)), CNNBackbone((16, 16), in_channels=3, filters=(2, 2))
    x = torch.rand(2, 16, 16)

    assert torch.equal(one.eval()(x[:, None]), one(x))
    assert three(torch.rand(2, 3, 16, 16)).shape == (2, 1000)


def test_batch_of_one_is_evaluated() -> None:
    assert CNNBackbone((16, 16), feature_size=4).eval()(torch.rand(1, 16, 16)).shape == (1, 4)


def test_a_block_for_each_number_of_filters() -> None:
    backbone = CNNBackbone((8, 8), filters=(2, 3, 4), feature_size=5)

    kinds = [type(layer) for layer in backbone.modules() if not list(layer.children())]
    assert kinds == [nn.Conv2d, nn.BatchNorm2d, nn.ReLU, nn.MaxPool2d] * 3 + [nn.Flatten, nn.Linear, nn.ReLU]


@pytest.mark.parametrize("input_dims", [(15, 128), (100, 12)])
def test_inputs_too_small_for_the_poolings_are_refused(input_dims: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="at least 16"):
        CNNBackbone(input_dims)


def test_backbone_overfits_a_batch() -> None:
    torch.manual_seed(0)
    backbone = CNNBackbone((32, 32), filters=(4, 4, 4, 4), feature_size=32)
    model = nn.Sequential(backbone, nn.Linear(32, 3))
    x, labels = torch.randn(6, 32, 32), torch.tensor([0, 1, 2, 0, 1, 2])
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(40):
        optimizer.zero_grad()
        loss = functional.cross_entropy(model(x), labels)
        loss.backward()
        optimizer.step()

    assert loss.item() < 1e-2
