from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from torch.utils.data import DataLoader

from fixtures import DATA
from solutions.step04_dataset import (
    CLASS_MAPPING,
    LabelTransformer,
    PaddingTransform,
    SpectrogramDataset,
    class_histogram,
    merge_classes,
    plot_class_histograms,
    read_spectrogram,
    torch_train_val_split,
)

mpl.use("Agg")

LENGTHS = {"1": 5, "2": 9, "3": 7, "4": 4}


def save_track(folder: Path, track: str, length: int, dtype: type = np.float32) -> np.ndarray:
    folder.mkdir(parents=True, exist_ok=True)
    fused: np.ndarray = np.random.default_rng(int(track)).normal(size=(140, length)).astype(dtype)
    np.save(folder / f"{track}.fused.full.npy", fused)
    return fused


@pytest.fixture
def genres(tmp_path: Path) -> Path:
    """Four training tracks and two test tracks, with the quirks of the real index files."""
    for track, length in LENGTHS.items():
        save_track(tmp_path / "train", track, length)
    for track, length in {"8": 6, "9": 12}.items():
        save_track(tmp_path / "test", track, length)
    train = "2.fused.full.npy.gz\tRock\n1.fused.full.npy.gz\tBlues\n4.fused.full.npy.gz\tIndie-Rock\n"
    (tmp_path / "train_labels.txt").write_text(f"Id\tGenre\n{train}3.fused.full.npy.gz\tPsych-Rock\n")
    (tmp_path / "test_labels.txt").write_text("Id\tGenre\n9.full.fused.npy\tRock\n8.full.fused.npy\tBlues\n")
    return tmp_path


@pytest.fixture
def multitask(tmp_path: Path) -> Path:
    for track, length in LENGTHS.items():
        save_track(tmp_path / "train", track, length)
    rows = "3,0.1,0.2,0.3\n1,0.4,0.5,0.6\n2.fused.full.npy,0.7,0.8,0.9\n4,1,0,0.5\n"
    (tmp_path / "train_labels.txt").write_text(f"Id,valence,energy,danceability\n{rows}")
    return tmp_path


class Numbers(torch.utils.data.Dataset[tuple[np.ndarray, int, int]]):
    """Item i is [2, 3] filled with i, label i, length 2."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, item: int) -> tuple[np.ndarray, int, int]:
        return np.full((2, 3), item, dtype=np.float32), item, 2


def items(dataset: SpectrogramDataset) -> list[tuple[np.ndarray, Any, int]]:
    return [dataset[i] for i in range(len(dataset))]


def labels_of(loader: DataLoader[Any]) -> list[int]:
    return [int(label) for _, labels, _ in loader for label in labels]


# Merging and counting


def test_mapping_turns_twenty_genres_into_ten() -> None:
    assert len(CLASS_MAPPING) == 20
    assert sorted({merged for merged in CLASS_MAPPING.values() if merged is not None}) == [
        "Blues", "Classical", "Electronic", "Folk", "Hip-Hop", "Jazz", "Metal", "Pop", "Rock", "Trip-Hop",
    ]  # fmt: skip
    assert sum(merged is None for merged in CLASS_MAPPING.values()) == 5


def test_merging_renames_drops_and_keeps_order() -> None:
    labels = [("b", "Punk"), ("a", "Old-Time"), ("d", "Chiptune"), ("c", "Metal")]

    assert merge_classes(labels, CLASS_MAPPING) == [("b", "Metal"), ("d", "Electronic"), ("c", "Metal")]


def test_unmapped_genre_is_named() -> None:
    with pytest.raises(KeyError, match="Rebetiko"):
        merge_classes([("a", "Rebetiko")], CLASS_MAPPING)


def test_histogram_counts_entries() -> None:
    assert class_histogram([("a", "Rock"), ("b", "Blues"), ("c", "Rock")]) == {"Rock": 2, "Blues": 1}
    assert class_histogram([]) == {}


def test_both_histograms_are_drawn_with_every_genre_named() -> None:
    before, after = {"Punk": 3, "Metal": 4, "Jazz": 2}, {"Metal": 7, "Jazz": 2}
    axes = Figure().subplots(1, 2)

    plot_class_histograms(before, after, axes)

    for ax, counts in zip(axes, (before, after), strict=True):
        names = [tick.get_text() for tick in ax.get_xticklabels()]
        heights = [bar.get_height() for bar in ax.patches]
        assert dict(zip(names, heights, strict=True)) == counts
        assert ax.get_ylabel() == "Tracks"
        assert all(tick.get_rotation() > 0 for tick in ax.get_xticklabels())
    assert axes[0].get_title()
    assert axes[0].get_title() != axes[1].get_title()


# Reading


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("feat_type", "rows"), [("mel", slice(128)), ("chroma", slice(128, None)), ("fused", slice(None))]
)
def test_spectrogram_is_time_first(tmp_path: Path, feat_type: str, rows: slice, dtype: type) -> None:
    fused = save_track(tmp_path, "1", 9, dtype)

    feature = read_spectrogram(tmp_path / "1.fused.full.npy", feat_type)

    assert feature.dtype == np.float32
    assert np.array_equal(feature, fused[rows].T.astype(np.float32))


def test_mel_is_read_unless_asked_otherwise(tmp_path: Path) -> None:
    save_track(tmp_path, "1", 9)

    assert read_spectrogram(tmp_path / "1.fused.full.npy").shape == (9, 128)


def test_unknown_feature_is_refused(tmp_path: Path) -> None:
    save_track(tmp_path, "1", 9)

    with pytest.raises(ValueError, match=r"mfcc.*mel"):
        read_spectrogram(tmp_path / "1.fused.full.npy", "mfcc")


# Padding


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_padding_goes_at_the_end(dtype: type) -> None:
    x: np.ndarray = np.arange(6, dtype=dtype).reshape(3, 2)

    padded = PaddingTransform(5, padding_value=-1)(x)

    assert padded.dtype == dtype
    assert padded.tolist() == [[0, 1], [2, 3], [4, 5], [-1, -1], [-1, -1]]


def test_padding_is_zero_unless_asked_otherwise() -> None:
    assert PaddingTransform(2)(np.ones((1, 2))).tolist() == [[1, 1], [0, 0]]


@pytest.mark.parametrize("max_length", [1, 2, 3])
def test_longer_input_is_cut(max_length: int) -> None:
    x = np.arange(6.0).reshape(3, 2)

    assert np.array_equal(PaddingTransform(max_length)(x), x[:max_length])


def test_padding_does_not_touch_its_input() -> None:
    x = np.ones((3, 2))

    PaddingTransform(3)(x)[:] = 7

    assert np.array_equal(x, np.ones((3, 2)))


@pytest.mark.parametrize("max_length", [0, -1])
def test_padding_needs_a_positive_length(max_length: int) -> None:
    with pytest.raises(ValueError, match="max_length"):
        PaddingTransform(max_length)


# Labels


def test_labels_become_positions_among_sorted_classes() -> None:
    transformer = LabelTransformer().fit(["Rock", "Blues", "Rock", "Jazz"])

    assert list(transformer.classes_) == ["Blues", "Jazz", "Rock"]
    assert transformer.transform(["Rock", "Blues"]).tolist() == [2, 0]
    assert transformer.transform(["Rock"]).dtype == np.int64
    assert transformer.transform([]).shape == (0,)
    assert transformer.inverse(np.array([0, 2, 1])) == ["Blues", "Rock", "Jazz"]


def test_unknown_label_is_named() -> None:
    with pytest.raises(ValueError, match="Folk"):
        LabelTransformer().fit(["Rock"]).transform(["Folk"])


@pytest.mark.parametrize("index", [-1, 2])
def test_index_of_no_class_is_refused(index: int) -> None:
    with pytest.raises(ValueError, match=str(index)):
        LabelTransformer().fit(["Rock", "Jazz"]).inverse([index])


# Genres


def test_items_follow_the_index(genres: Path) -> None:
    dataset = SpectrogramDataset(genres)

    feature, label, length = dataset[1]

    assert len(dataset) == 4
    assert list(dataset.lengths) == [9, 5, 4, 7]
    assert feature.shape == (9, 128)
    assert feature.dtype == np.float32
    assert (label, length) == (0, 5)
    assert (type(label), type(length)) == (int, int)
    assert np.array_equal(feature[:5], np.load(genres / "train" / "1.fused.full.npy")[:128].T)
    assert not feature[5:].any()


def test_longest_track_of_the_split_sets_max_length(genres: Path) -> None:
    assert SpectrogramDataset(genres).max_length == 9
    assert SpectrogramDataset(genres, train=False).max_length == 12


def test_tracks_longer_than_max_length_end_there(genres: Path) -> None:
    dataset = SpectrogramDataset(genres, max_length=6, feat_type="fused")

    assert [length for _, _, length in items(dataset)] == [6, 5, 4, 6]
    assert all(feature.shape == (6, 140) for feature, _, _ in items(dataset))


def test_iterating_ends(genres: Path) -> None:
    with pytest.raises(IndexError):
        SpectrogramDataset(genres)[4]


@pytest.mark.parametrize("max_length", [0, -2])
def test_max_length_is_positive_or_minus_one(genres: Path, max_length: int) -> None:
    with pytest.raises(ValueError, match="max_length"):
        SpectrogramDataset(genres, max_length=max_length)


def test_test_split_is_read_from_its_own_folder(genres: Path) -> None:
    dataset = SpectrogramDataset(str(genres), train=False)

    assert list(dataset.lengths) == [12, 6]
    assert np.array_equal(dataset[1][0][:6], np.load(genres / "test" / "8.fused.full.npy")[:128].T)


def test_without_mapping_train_and_test_share_the_training_classes(genres: Path) -> None:
    train, test = SpectrogramDataset(genres), SpectrogramDataset(genres, train=False)

    assert [label for _, label, _ in items(train)] == [3, 0, 1, 2]
    assert [label for _, label, _ in items(test)] == [3, 0]


def test_with_mapping_labels_are_the_sorted_merged_genres(genres: Path) -> None:
    train = SpectrogramDataset(genres, CLASS_MAPPING)
    test = SpectrogramDataset(genres, CLASS_MAPPING, train=False)

    assert [label for _, label, _ in items(train)] == [8, 0, 8]
    assert [label for _, label, _ in items(test)] == [8, 0]
    assert train.label_transformer is not None
    assert len(train.label_transformer.classes_) == 10


def test_files_and_labels_come_in_index_order(genres: Path) -> None:
    dataset = SpectrogramDataset(genres)
    index = genres / "train_labels.txt"

    files, labels = dataset.get_files_labels(index)
    merged_files, merged = dataset.get_files_labels(index, CLASS_MAPPING)

    assert [Path(file).name[0] for file in files] == ["2", "1", "4", "3"]
    assert all(Path(file).is_file() for file in files)
    assert labels == ["Rock", "Blues", "Indie-Rock", "Psych-Rock"]
    assert [Path(file).name[0] for file in merged_files] == ["2", "1", "3"]
    assert merged == ["Rock", "Blues", "Rock"]


def test_missing_track_is_named(genres: Path) -> None:
    (genres / "train" / "1.fused.full.npy").unlink()

    with pytest.raises(FileNotFoundError, match=r"1\.fused\.full\.npy"):
        SpectrogramDataset(genres)


def test_dropped_tracks_need_no_file(genres: Path) -> None:
    (genres / "train" / "4.fused.full.npy").unlink()

    assert len(SpectrogramDataset(genres, CLASS_MAPPING)) == 3


def test_index_without_tracks_is_refused(genres: Path) -> None:
    (genres / "train_labels.txt").write_text("Id\tGenre\n")

    with pytest.raises(ValueError, match=r"train_labels\.txt"):
        SpectrogramDataset(genres)


def test_padded_features_do_not_hold_the_whole_files(genres: Path) -> None:
    feature = SpectrogramDataset(genres)[0][0]

    owner = feature if feature.base is None else feature.base
    assert owner.nbytes == feature.nbytes


# Regression and multitask


@pytest.mark.parametrize(
    ("axis", "values"), [(1, [0.1, 0.4, 0.7, 1]), (2, [0.2, 0.5, 0.8, 0]), (3, [0.3, 0.6, 0.9, 0.5])]
)
def test_regression_axes_count_from_valence(multitask: Path, axis: int, values: list[float]) -> None:
    dataset = SpectrogramDataset(multitask, regression=axis)
    labels = [label for _, label, _ in items(dataset)]

    assert labels == pytest.approx(values)
    assert all(np.asarray(label).dtype == np.float32 and np.ndim(label) == 0 for label in labels)
    assert dataset.label_transformer is None
    assert list(dataset.lengths) == [7, 5, 9, 4]


def test_multitask_labels_are_all_three_axes(multitask: Path) -> None:
    label = SpectrogramDataset(multitask, multitask=True)[2][1]

    assert np.asarray(label).dtype == np.float32
    assert np.allclose(label, [0.7, 0.8, 0.9])


@pytest.mark.parametrize("regression", [0, 4, -1])
def test_regression_outside_1_to_3_is_refused(multitask: Path, regression: int) -> None:
    with pytest.raises(ValueError, match="valence"):
        SpectrogramDataset(multitask, regression=regression)


def test_regression_and_multitask_exclude_each_other(multitask: Path) -> None:
    with pytest.raises(ValueError, match="multitask"):
        SpectrogramDataset(multitask, regression=1, multitask=True)


def test_multitask_has_no_test_labels(multitask: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"test_labels\.txt"):
        SpectrogramDataset(multitask, train=False, multitask=True)


@pytest.mark.parametrize("row", ["1,0.4,0.5", "1,0.4,0.5,high", "1\t0.4\t0.5\t0.6"])
def test_bad_multitask_line_is_named_by_file_and_number(multitask: Path, row: str) -> None:
    (multitask / "train_labels.txt").write_text(f"Id,valence,energy,danceability\n3,0.1,0.2,0.3\n{row}\n")

    with pytest.raises(ValueError, match=r"train_labels\.txt.*line 3"):
        SpectrogramDataset(multitask, multitask=True)


@pytest.mark.parametrize(
    ("options", "dtype", "shape"),
    [({"regression": 2}, torch.float32, (4,)), ({"multitask": True}, torch.float32, (4, 3))],
)
def test_collated_targets_are_float32(
    multitask: Path, options: dict[str, Any], dtype: torch.dtype, shape: tuple[int, ...]
) -> None:
    data, labels, lengths = next(iter(DataLoader(SpectrogramDataset(multitask, **options), batch_size=4)))

    assert (data.dtype, data.shape) == (torch.float32, (4, 9, 128))
    assert (labels.dtype, labels.shape) == (dtype, shape)
    assert lengths.tolist() == [7, 5, 9, 4]


# Splitting


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize(("val_size", "test_size", "sizes"), [(0.2, 0.0, [19, 4]), (0.3, 0.25, [12, 6, 5])])
def test_parts_are_disjoint_and_complete(*, val_size: float, test_size: float, sizes: list[int], shuffle: bool) -> None:
    loaders = torch_train_val_split(Numbers(23), 5, 4, val_size, test_size, shuffle)
    parts = [labels_of(loader) for loader in loaders]

    assert [sum(len(part) for part in parts), len(set().union(*parts))] == [23, 23]
    train, val, *test = parts
    assert [len(train), len(val), *map(len, test)] == [23 - sum(sizes[1:]), *sizes[1:]]


def test_same_seed_same_split_and_seeds_differ() -> None:
    def val(seed: int) -> list[int]:
        return labels_of(torch_train_val_split(Numbers(40), 8, 8, seed=seed)[1])

    assert val(1) == val(1)
    assert val(1) != val(2)


def test_training_order_changes_each_epoch_and_follows_the_seed() -> None:
    first, second = (torch_train_val_split(Numbers(40), 8, 8)[0] for _ in range(2))
    epochs = [labels_of(first) for _ in range(2)]

    assert epochs[0] != epochs[1]
    assert sorted(epochs[0]) == sorted(epochs[1])
    assert [labels_of(second) for _ in range(2)] == epochs


def test_splitting_leaves_the_global_generators_alone() -> None:
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)

    torch_train_val_split(Numbers(40), 8, 8)

    assert torch.equal(torch.rand(1), expected)


def test_without_shuffling_validation_then_test_come_first() -> None:
    train, val, test = torch_train_val_split(Numbers(10), 3, 3, val_size=0.2, test_size=0.3, shuffle=False)

    assert labels_of(val) == [0, 1]
    assert labels_of(test) == [2, 3, 4]
    assert [labels_of(train) for _ in range(2)] == [[5, 6, 7, 8, 9]] * 2


def test_evaluation_order_stays() -> None:
    val = torch_train_val_split(Numbers(40), 8, 8)[1]

    assert labels_of(val) == labels_of(val)


def test_last_ragged_batch_is_kept() -> None:
    train, val = torch_train_val_split(Numbers(13), 4, 2, val_size=0.25)

    assert sorted(len(labels) for _, labels, _ in train) == [2, 4, 4]
    assert sorted(len(labels) for _, labels, _ in val) == [1, 2]


def test_no_validation_is_an_empty_loader() -> None:
    train, val = torch_train_val_split(Numbers(3), 2, 2, val_size=0)

    assert (len(labels_of(train)), labels_of(val)) == (3, [])


@pytest.mark.parametrize(
    ("val_size", "test_size"), [(-0.1, 0), (0.2, -0.1), (1.0, 0), (0.5, 0.5), (1.5, 0), (0.9, 0.2)]
)
def test_sizes_leave_something_to_train_on(val_size: float, test_size: float) -> None:
    with pytest.raises(ValueError, match="val_size"):
        torch_train_val_split(Numbers(10), 2, 2, val_size, test_size)


def test_batches_are_time_first(genres: Path) -> None:
    train, _ = torch_train_val_split(SpectrogramDataset(genres), 3, 3, val_size=0.25)
    data, labels, lengths = next(iter(train))

    assert (data.shape, data.dtype) == ((3, 9, 128), torch.float32)
    assert (labels.shape, labels.dtype) == ((3,), torch.int64)
    assert (lengths.shape, lengths.dtype) == ((3,), torch.int64)


# The data set of the fixtures


@pytest.mark.parametrize("folder", ["fma_genre_spectrograms", "fma_genre_spectrograms_beat"])
@pytest.mark.parametrize("train", [True, False])
def test_genre_fixtures_load(folder: str, train: bool) -> None:
    dataset = SpectrogramDataset(DATA / folder, CLASS_MAPPING, train=train)

    assert {label for _, label, _ in items(dataset)} == set(range(10))
    assert max(dataset.lengths) == dataset.max_length


@pytest.mark.parametrize("folder", ["multitask_dataset", "multitask_dataset_beat"])
def test_multitask_fixtures_load(folder: str) -> None:
    def labels(**options: Any) -> np.ndarray:
        dataset = SpectrogramDataset(DATA / folder, feat_type="chroma", **options)
        return np.array([label for _, label, _ in items(dataset)])

    every = labels(multitask=True)

    assert every.shape[1:] == (3,)
    assert np.isfinite(every).all()
    for axis in (1, 2, 3):
        assert np.array_equal(labels(regression=axis), every[:, axis - 1])


@pytest.mark.parametrize("folder", ["multitask_dataset", "multitask_dataset_beat"])
def test_multitask_fixtures_have_no_test_labels(folder: str) -> None:
    with pytest.raises(FileNotFoundError):
        SpectrogramDataset(DATA / folder, train=False, regression=1)
