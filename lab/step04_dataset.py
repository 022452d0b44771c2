"""Step 4: merge the genres, pad the tracks to one length, and load them in batches."""

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

import numpy as np
from jaxtyping import Float32, Int, Int64, Num
from matplotlib.axes import Axes
from torch.utils.data import DataLoader, Dataset

# The ten genres to tell apart: alike genres are merged, and those with too few tracks are dropped (None).
CLASS_MAPPING: dict[str, str | None] = {  # given
    "Rock": "Rock",
    "Psych-Rock": "Rock",
    "Post-Rock": "Rock",
    "Psych-Folk": "Folk",
    "Folk": "Folk",
    "Metal": "Metal",
    "Punk": "Metal",
    "Electronic": "Electronic",
    "Chiptune": "Electronic",
    "Trip-Hop": "Trip-Hop",
    "Pop": "Pop",
    "Hip-Hop": "Hip-Hop",
    "Classical": "Classical",
    "Blues": "Blues",
    "Jazz": "Jazz",
    "Indie-Rock": None,
    "Post-Punk": None,
    "Soundtrack": None,
    "International": None,
    "Old-Time": None,
}


def merge_classes(labels: Iterable[tuple[str, str]], mapping: Mapping[str, str | None]) -> list[tuple[str, str]]:
    """Replace each entry's genre by its merged genre, and drop the entries whose genre is mapped to None.

    Args:
        labels: (file name, genre) entries, as `read_labels` returns them. They are left as they are, and their
            order is kept.
        mapping: merged genre of every genre, or None to drop it; for example `CLASS_MAPPING`. It is left as it is.

    Raises:
        KeyError: a genre is missing from the mapping; the message names it.

    Example:
        >>> merge_classes([("1.npy", "Punk"), ("2.npy", "Old-Time"), ("3.npy", "Jazz")], CLASS_MAPPING)
        [('1.npy', 'Metal'), ('3.npy', 'Jazz')]

    Source: step 4.
    """
    raise NotImplementedError("merge_classes is yours to write: step 4")


def class_histogram(labels: Iterable[tuple[str, str]]) -> dict[str, int]:
    """Count the entries of each genre; the genres are sorted by name.

    Args:
        labels: (file name, genre) entries. They are left as they are.

    Example:
        >>> class_histogram([("1.npy", "Metal"), ("2.npy", "Jazz"), ("3.npy", "Metal")])
        {'Jazz': 1, 'Metal': 2}

    Source: step 4.
    """
    raise NotImplementedError("class_histogram is yours to write: step 4")


def plot_class_histograms(before: Mapping[str, int], after: Mapping[str, int], axes: Sequence[Axes]) -> None:
    """Draw the tracks of each genre before and after merging as bars, on the two axes of `axes`.

    Every genre is labelled on the x axis, rotated to stay legible; the y axis is labelled "Tracks"; each plot
    has its title. The histograms are left as they are.

    Args:
        before: histogram of the genres of the index, as `class_histogram` returns it.
        after: histogram of the merged genres.
        axes: where to draw them, in that order.

    Example:
        >>> figure, axes = plt.subplots(1, 2)
        >>> plot_class_histograms({"Punk": 3, "Metal": 4}, {"Metal": 7}, axes)

    Source: step 4 (figures 5 and 6).
    """
    raise NotImplementedError("plot_class_histograms is yours to write: step 4")


def read_spectrogram(path: str | os.PathLike[str], feat_type: str = "mel") -> Float32[np.ndarray, "T F"]:
    """Read one feature of a fused file, time first, as recurrent networks take it.

    Args:
        path: a fused file [140, T].
        feat_type: "mel" (F = 128), "chroma" (F = 12) or "fused", both (F = 140).

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: `feat_type` is none of the three, or the file is not a fused file.

    Example:
        >>> read_spectrogram("fma_genre_spectrograms/train/1042.fused.full.npy", "chroma").shape
        (1293, 12)

    Source: step 4.
    """
    raise NotImplementedError("read_spectrogram is yours to write: step 4")


class PaddingTransform:
    """Bring a feature [T, F] to [max_length, F]: padded at the end, or cut there when it is longer.

    Attributes:
        max_length: number of timesteps of every output.
        padding_value: value of the timesteps that are added.

    Raises:
        ValueError: `max_length` is below 1.

    Example:
        >>> PaddingTransform(3)(np.array([[1.0, 2.0]]))
        array([[1., 2.],
               [0., 0.],
               [0., 0.]])

    Source: step 4.
    """

    def __init__(self, max_length: int, padding_value: float = 0) -> None:
        raise NotImplementedError("PaddingTransform.__init__ is yours to write: step 4")

    def __call__(self, x: Num[np.ndarray, "T F"]) -> Num[np.ndarray, "max_length F"]:
        """Return a new array [max_length, F] of the same dtype as x; x itself is left as it is."""
        raise NotImplementedError("PaddingTransform.__call__ is yours to write: step 4")


class LabelTransformer:
    """Encode the names of classes as integers: the position of each among the sorted names.

    Labels and indices that are passed in are left as they are.

    Attributes:
        classes_: names of the classes, sorted; set by `fit`.

    Example:
        >>> transformer = LabelTransformer().fit(["Rock", "Blues", "Rock"])
        >>> transformer.transform(["Rock", "Blues"])
        array([1, 0])
        >>> transformer.inverse([1, 0])
        ['Rock', 'Blues']

    Source: step 4. Compare `sklearn.preprocessing.LabelEncoder`.
    """

    def __init__(self) -> None:
        raise NotImplementedError("LabelTransformer.__init__ is yours to write: step 4")

    def fit(self, labels: Iterable[str]) -> Self:
        """Learn the classes from labels, which may repeat, in place of earlier ones; return the transformer itself."""
        raise NotImplementedError("LabelTransformer.fit is yours to write: step 4")

    def transform(self, labels: Iterable[str]) -> Int64[np.ndarray, " N"]:
        """Return the index of each label's class.

        Raises:
            ValueError: a label is none of the classes; the message names it.
        """
        raise NotImplementedError("LabelTransformer.transform is yours to write: step 4")

    def inverse(self, indices: Iterable[int] | Int[np.ndarray, " N"]) -> list[str]:
        """Return the name of each index's class.

        Raises:
            ValueError: an index is outside 0..C-1, where C is the number of classes.
        """
        raise NotImplementedError("LabelTransformer.inverse is yours to write: step 4")


class SpectrogramDataset(Dataset[tuple[np.ndarray, Any, int]]):
    """The tracks of one split of a data folder, read once and padded to one length.

    An item is (features, label, length):

    - features: float32 [max_length, F], time first, padded with zeros at the end;
    - label: the class as an int; with `regression`, a float32; with `multitask`, float32 [3];
    - length: timesteps before padding, as an int, at most `max_length`: what lies beyond is padding.

    Genres are encoded alike in both splits. With a `class_mapping` the classes are its merged genres, sorted,
    and tracks of a genre mapped to None are left out; without one they are the genres of `train_labels.txt`,
    sorted.

    Args:
        path: data folder, for example `fma_genre_spectrograms`, with `train/` and `train_labels.txt`, `test/`
            and `test_labels.txt`.
        class_mapping: merged genre of every genre, for example `CLASS_MAPPING`. It is left as it is.
        train: read the training split; otherwise the test split.
        feat_type: "mel" (F = 128), "chroma" (F = 12) or "fused" (F = 140).
        max_length: timesteps of every item; -1 takes the longest of the split's tracks, without those left out.
        regression: 1, 2 or 3 for valence, energy or danceability, in a data folder that has them.
        multitask: all three at once.

    Attributes:
        feats: one array [max_length, F] for each track.
        labels: int64 [N], or float32 [N], or float32 [N, 3].
        lengths: timesteps of each track before padding, at most `max_length`.
        max_length: timesteps of every item.
        label_transformer: the `LabelTransformer` of the genres; None when labels are numbers.

    Raises:
        FileNotFoundError: the index or a track is missing. The multitask data has no labels for its test
            split.
        ValueError: `regression` is not 1, 2 or 3, or comes with `multitask`; a line of the index cannot be read;
            the split has no tracks; or an argument is one that `read_spectrogram` or `PaddingTransform` refuses.

    Example:
        >>> dataset = SpectrogramDataset("fma_genre_spectrograms", CLASS_MAPPING)
        >>> features, label, length = dataset[0]
        >>> features.shape, dataset.label_transformer.classes_[label], length
        ((1293, 128), 'Blues', 1293)

    Source: step 4; steps 8 and 10 for `regression` and `multitask`.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        class_mapping: Mapping[str, str | None] | None = None,
        train: bool = True,
        feat_type: str = "mel",
        max_length: int = -1,
        regression: int | None = None,
        multitask: bool = False,
    ) -> None:
        raise NotImplementedError("SpectrogramDataset.__init__ is yours to write: step 4")

    def get_files_labels(
        self, index_path: str | os.PathLike[str], class_mapping: Mapping[str, str | None] | None = None
    ) -> tuple[list[str], list[Any]]:
        """Return the paths of the split's tracks and their labels, both in the order of the index.

        Labels are the names of genres, merged when there is a `class_mapping`; with `regression`, floats;
        with `multitask`, lists [valence, energy, danceability]. A multitask index is a header and then one
        `Id,valence,energy,danceability` a line, where Id is the name of a file or just the track's number:
        12345 for `12345.fused.full.npy`.

        Raises:
            FileNotFoundError: the index is missing, or a track that it names.
            ValueError: the index names no tracks, or a line of it cannot be read.
        """
        raise NotImplementedError("SpectrogramDataset.get_files_labels is yours to write: step 4")

    def __len__(self) -> int:
        """Return the number of tracks."""
        raise NotImplementedError("SpectrogramDataset.__len__ is yours to write: step 4")

    def __getitem__(self, item: int) -> tuple[Float32[np.ndarray, "max_length F"], Any, int]:
        """Return (features, label, length) of one track."""
        raise NotImplementedError("SpectrogramDataset.__getitem__ is yours to write: step 4")


def torch_train_val_split(
    dataset: Dataset[Any],
    batch_train: int,
    batch_eval: int,
    val_size: float = 0.2,
    test_size: float = 0.0,
    shuffle: bool = True,
    seed: int = 420,
) -> tuple[DataLoader[Any], ...]:
    """Split a dataset of N items into loaders: training, validation and, if test_size > 0, test.

    Validation takes floor(val_size * N) items, test the next floor(test_size * N), training all others: each
    item is in one part only. Batches are (data [B, T, F], labels [B], lengths [B]), made by PyTorch's default
    collate: labels of classes are int64, as cross-entropy takes them. The last batch may be smaller.

    Args:
        dataset: the items to split, for example a `SpectrogramDataset`.
        batch_train: batch size for training.
        batch_eval: batch size for validation and test.
        val_size: fraction of the items for validation.
        test_size: fraction of the items for test.
        shuffle: shuffle the items before splitting them, and the training items anew in each epoch. Otherwise
            the items keep their order throughout, and validation takes the first.
        seed: seed of all shuffling, in each epoch too: the same seed gives the same training batches. PyTorch's
            global generator is left alone: splitting neither seeds nor uses it.

    Raises:
        ValueError: a fraction is negative, or no item is left to train on.

    Example:
        >>> train_loader, val_loader = torch_train_val_split(dataset, batch_train=32, batch_eval=64)
        >>> train_loader, val_loader, test_loader = torch_train_val_split(dataset, 32, 64, test_size=0.2)

    Source: step 4; step 8 for `test_size`, since the multitask data has no test labels.
    """
    raise NotImplementedError("torch_train_val_split is yours to write: step 4")
