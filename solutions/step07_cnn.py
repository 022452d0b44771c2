"""Step 7: what the layers of a convolutional network do, seen on digits, and a CNN for spectrograms."""

from collections.abc import Sequence
from itertools import pairwise
from typing import TypedDict

import torch
from jaxtyping import Float, Float32, Int64
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor, nn
from torch.nn import functional

_POOLING = 2
_IMAGES_IN_A_ROW = 8


def load_digits() -> tuple[Float32[Tensor, "N 28 28"], Int64[Tensor, " N"]]:  # given
    """Return scikit-learn's 1797 handwritten digits in the format of MNIST, for which they stand in.

    As in MNIST, each digit fills the 20x20 pixels in the middle of its image; it is upsampled from 8x8 pixels.

    Returns:
        (images, labels): pixels from 0, the background, to 1; and the digits 0-9.

    Source: step 7, question a.
    """
    # Imported here, since it takes half a second, and only the figures need it.
    from sklearn import datasets  # noqa: PLC0415

    digits = datasets.load_digits()
    small = torch.tensor(digits.images / 16, dtype=torch.float32)
    middle = functional.interpolate(small[:, None], size=(20, 20), mode="bilinear")[:, 0]
    return functional.pad(middle, (4, 4, 4, 4)), torch.tensor(digits.target, dtype=torch.int64)


def random_crop(
    images: Float[Tensor, "*batch H W"], size: int = 24, seed: int | None = None
) -> Float[Tensor, "*batch size size"]:
    """Cut a random window out of each image, so that a network cannot rely on where in the image a digit is.

    Each image has a window of its own, and every window inside the image is as likely as any other.

    Args:
        images: any number of images, for example [28, 28], [B, 28, 28] or [B, 1, 28, 28].
        size: height and width of the windows, in pixels.
        seed: seed of the windows: the same seed draws the same ones, and leaves global generators as they are.
            Without it they are drawn with PyTorch's global generator, others in every call.

    Raises:
        ValueError: `size` is larger than the images, or below 1.

    Example:
        >>> random_crop(torch.zeros(5, 28, 28), seed=0).shape
        torch.Size([5, 24, 24])

    Source: step 7, question a (figure 11).
    """
    height, width = images.shape[-2:]
    if not 1 <= size <= min(height, width):
        raise ValueError(
            f"random_crop cannot cut {size}x{size} windows out of {height}x{width} images; "
            f"expected a size of 1..{min(height, width)}."
        )
    flat = images.reshape(-1, height, width)
    generator = None if seed is None else torch.Generator().manual_seed(seed)
    tops = torch.randint(height - size + 1, (len(flat), 1), generator=generator)
    lefts = torch.randint(width - size + 1, (len(flat), 1), generator=generator)
    rows, columns = tops + torch.arange(size), lefts + torch.arange(size)
    image = torch.arange(len(flat))[:, None, None]
    return flat[image, rows[:, :, None], columns[:, None, :]].reshape(*images.shape[:-2], size, size)


class DigitNetwork(nn.Module):
    """The network of ConvNetJS's MNIST demonstration, which names a digit.

    Its layers, and the shape of what each returns:

    - convolution with 8 filters of 5x5, padding 2: [8, 24, 24], 208 parameters; then ReLU;
    - max pooling of 2x2, stride 2: [8, 12, 12];
    - convolution with 16 filters of 5x5, padding 2: [16, 12, 12], 3216 parameters; then ReLU;
    - max pooling of 3x3, stride 3: [16, 4, 4];
    - fully connected: [10], 2570 parameters; then softmax.

    Example:
        >>> DigitNetwork()(torch.zeros(5, 1, 24, 24)).shape
        torch.Size([5, 10])

    Source: step 7, question a; https://cs.stanford.edu/people/karpathy/convnetjs/demo/mnist.html.
    """

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleDict(
            {
                "conv1": nn.Conv2d(1, 8, 5, padding=2),
                "relu1": nn.ReLU(),
                "pool1": nn.MaxPool2d(2),
                "conv2": nn.Conv2d(8, 16, 5, padding=2),
                "relu2": nn.ReLU(),
                "pool2": nn.MaxPool2d(3),
                "flatten": nn.Flatten(),
                "fully connected": nn.Linear(16 * 4 * 4, 10),
                "softmax": nn.Softmax(dim=1),
            }
        )

    def forward(self, x: Float[Tensor, "B 1 24 24"]) -> Float[Tensor, "B 10"]:
        """Return the probability of each digit for each image."""
        return _activations(self, x)["softmax"]


def _activations(network: DigitNetwork, x: Float[Tensor, "B 1 24 24"]) -> dict[str, Tensor]:
    """Return the input and what each layer returns, by name; flattening is no layer of its own."""
    activations = {"input": x}
    for name, layer in network.layers.items():
        x = layer(x)
        if not isinstance(layer, nn.Flatten):
            activations[name] = x
    return activations


def layer_summary(network: DigitNetwork) -> list[tuple[str, tuple[int, ...], int]]:
    """Return (name, output shape, number of parameters) of each layer, from the input to the softmax: nine rows.

    The layers are input, convolution, ReLU, pooling, convolution, ReLU, pooling, fully connected, softmax; name
    them as you like. Shapes are without the batch: (channels, height, width), or (classes,) for the last two. All
    is computed from the network that is given, whose layers may have been changed after it was made.

    Example:
        >>> layer_summary(DigitNetwork())[1]
        ('conv1', (8, 24, 24), 208)

    Source: step 7, question a (figures 11-19).
    """
    with torch.no_grad():
        activations = _activations(network, torch.zeros(1, 1, 24, 24))
    parameters = {name: sum(p.numel() for p in layer.parameters()) for name, layer in network.layers.items()}
    return [(name, tuple(values.shape[1:]), parameters.get(name, 0)) for name, values in activations.items()]


class LayerMaps(TypedDict):
    """What one layer of a `DigitNetwork` makes of one image: a dict. Gradients are of the loss -log p[label].

    Attributes:
        name: the layer's name, as in `layer_summary`.
        activations: what the layer returns: [channels, height, width] or [classes].
        gradients: of the activations, in the same shape.
        weights: [filters, channels, 5, 5] or [classes, 256]; None for a layer without weights.
        weight_gradients: of the weights, in the same shape; None for a layer without weights.
    """

    name: str
    activations: Tensor
    gradients: Tensor
    weights: Tensor | None
    weight_gradients: Tensor | None


def activation_maps(network: DigitNetwork, image: Float[Tensor, "1 24 24"], label: int) -> list[LayerMaps]:
    """Return what ConvNetJS shows of each layer, from the input to the softmax: nine `LayerMaps`.

    The network's parameters stay as they are.

    Args:
        network: the network to look into.
        image: the image that it gets.
        label: the digit that the image shows; the loss is -log of its probability.

    Example:
        >>> maps = activation_maps(network, image, label=3)
        >>> maps[1]["name"], maps[1]["activations"].shape, maps[1]["weights"].shape
        ('conv1', torch.Size([8, 24, 24]), torch.Size([8, 1, 5, 5]))

    Source: step 7, question a (figures 11-19).
    """
    weights = {name: layer.weight for name, layer in network.layers.items() if isinstance(layer, nn.Conv2d | nn.Linear)}
    with torch.enable_grad():
        activations = _activations(network, image.detach().clone()[None].requires_grad_())
        loss = -activations["softmax"][0, label].log()
        gradients = torch.autograd.grad(loss, [*activations.values(), *weights.values()])
    of_activations = dict(zip(activations, gradients, strict=False))
    of_weights = dict(zip(weights, gradients[len(activations) :], strict=True))
    return [
        LayerMaps(
            name=name,
            activations=values[0].detach(),
            gradients=of_activations[name][0],
            weights=weights[name].detach().clone() if name in weights else None,
            weight_gradients=of_weights.get(name),
        )
        for name, values in activations.items()
    ]


def plot_layer(layer: LayerMaps, figure: Figure) -> None:
    """Draw what ConvNetJS shows of a layer: activations, their gradients and, where it has them, its weights.

    Each of the up to four parts is a row of images, one for each channel or filter; of a fully connected layer
    and of the softmax each part is a single image. The figure's title is the layer's name.

    Args:
        layer: one of the dicts of `activation_maps`.
        figure: an empty figure to draw on.

    Example:
        >>> figure = plt.figure()
        >>> plot_layer(activation_maps(network, image, label=3)[1], figure)

    Source: step 7, question a (figures 11-19).
    """
    parts = {
        "Activations": layer["activations"],
        "Activation gradients": layer["gradients"],
        "Weights": layer["weights"],
        "Weight gradients": layer["weight_gradients"],
    }
    shown = {title: values for title, values in parts.items() if values is not None}
    figure.suptitle(layer["name"])
    rows = figure.subplots(len(shown), 1, squeeze=False)[:, 0]
    for ax, (title, values) in zip(rows, shown.items(), strict=True):
        _draw_images(_as_images(values), ax)
        ax.set_title(f"{title} ({values.min():.3g} to {values.max():.3g})", fontsize="small")


def _as_images(values: Tensor) -> Float[Tensor, "images height width"]:
    """Return what to draw: a filter's input channels side by side, and what has no height and width as one image."""
    match values.ndim:
        case 1:
            return values[None, None]
        case 2:
            return values[None]
        case 3:
            return values
    return values.transpose(1, 2).flatten(2)


def _draw_images(images: Float[Tensor, "images height width"], ax: Axes) -> None:
    """Draw images of one grey scale on one pair of axes, a few in a row."""
    height, width = images.shape[1:]
    for i, image in enumerate(images):
        top, left = i // _IMAGES_IN_A_ROW * (height + 1), i % _IMAGES_IN_A_ROW * (width + 1)
        extent = (left, left + width, top + height, top)
        ax.imshow(image.numpy(), cmap="gray", vmin=float(images.min()), vmax=float(images.max()), extent=extent)
    rows, columns = -(-len(images) // _IMAGES_IN_A_ROW), min(len(images), _IMAGES_IN_A_ROW)
    ax.set_axis_off()
    ax.set(xlim=(0, columns * (width + 1) - 1), ylim=(rows * (height + 1) - 1, 0))


class CNNBackbone(nn.Module):
    """A convolutional network that looks at a spectrogram as at an image, and returns one vector for it.

    One block for each number in `filters`: 2D convolution, batch normalisation, ReLU, and max pooling, whose sizes you
    choose: at 128 timesteps and 128 features something must be left, and what a pooling cuts off is a remainder. The
    convolutions have windows larger than 1x1, without dilation. A linear layer then makes the vector; dropout may come
    before it, and a ReLU after it. A track may be moved and scaled first, by the same numbers as every other track.

    Args:
        input_dims: (T, F), the timesteps and the features of the input, padding included.
        in_channels: channels of the input; a spectrogram has one.
        filters: filters of each convolution.
        feature_size: size of the vector that is returned.

    Attributes:
        feature_size: size of the vector that is returned.

    Raises:
        ValueError: the poolings leave nothing of `input_dims`.

    Example:
        >>> backbone = CNNBackbone((100, 128))
        >>> backbone(torch.zeros(5, 100, 128)).shape
        torch.Size([5, 1000])

    Source: step 7, questions d and e. Batch normalisation: Ioffe and Szegedy, 2015.
    """

    def __init__(
        self,
        input_dims: tuple[int, int],
        in_channels: int = 1,
        filters: Sequence[int] = (32, 64, 128, 256),
        feature_size: int = 1000,
    ) -> None:
        super().__init__()
        scale = _POOLING ** len(filters)
        timesteps, features = (size // scale for size in input_dims)
        if min(timesteps, features) < 1:
            raise ValueError(
                f"CNNBackbone's input_dims are {tuple(input_dims)}; its {len(filters)} poolings need at least "
                f"{scale} timesteps and {scale} features."
            )
        self.feature_size = feature_size
        self._blocks = nn.Sequential(*[_block(*channels) for channels in pairwise((in_channels, *filters))])
        self._output = nn.Sequential(
            nn.Flatten(), nn.Linear(filters[-1] * timesteps * features, feature_size), nn.ReLU()
        )

    def forward(
        self, x: Float[Tensor, "B T F"] | Float[Tensor, "B in_channels T F"]
    ) -> Float[Tensor, "B feature_size"]:
        """Return a vector for each spectrogram. Without an axis of channels, there is one channel."""
        images = x[:, None] if x.ndim == 3 else x  # noqa: PLR2004 - batch, timesteps, features
        vectors: Tensor = self._output(self._blocks(images))
        return vectors


def _block(in_channels: int, filters: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(in_channels, filters, kernel_size=3, padding=1),
        nn.BatchNorm2d(filters),
        nn.ReLU(),
        nn.MaxPool2d(_POOLING),
    )
