from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure

from solutions.step01_spectrograms import (
    mel_spectrogram,
    pick_two_genres,
    plot_spectrogram,
    read_fused,
    read_labels,
)

mpl.use("Agg")

LABELS = [("1.fused.full.npy", "Blues"), ("2.fused.full.npy", "Blues"), ("3.fused.full.npy", "Rock")]


def write_index(folder: Path, *lines: str) -> Path:
    index = folder / "train_labels.txt"
    index.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return index


@pytest.mark.parametrize(
    ("written", "on_disk"),
    [
        ("1042.fused.full.npy", "1042.fused.full.npy"),
        ("1042.fused.full.npy.gz", "1042.fused.full.npy"),
        ("1042.full.fused.npy", "1042.fused.full.npy"),
        ("1042.full.fused.npy.gz", "1042.fused.full.npy"),
        ("1042.beatsync.fused.npy", "1042.fused.full.npy"),
        ("1042.beatsync.fused.npy.gz", "1042.fused.full.npy"),
    ],
)
def test_names_are_those_on_disk(tmp_path: Path, written: str, on_disk: str) -> None:
    index = write_index(tmp_path, "Id\tGenre", f"{written}\tBlues")

    assert read_labels(index) == [(on_disk, "Blues")]


def test_index_order_is_kept_and_header_and_blank_lines_are_not(tmp_path: Path) -> None:
    index = write_index(tmp_path, "Id\tGenre", "b.npy\tRock", "", "a.npy\tΡεμπέτικο", "   ", "c.npy\tRock")

    assert read_labels(str(index)) == [("b.npy", "Rock"), ("a.npy", "Ρεμπέτικο"), ("c.npy", "Rock")]


def test_genre_may_contain_spaces_and_lines_may_end_as_on_windows(tmp_path: Path) -> None:
    index = tmp_path / "train_labels.txt"
    index.write_bytes(b"Id\tGenre\r\na.npy\tOld Time\r\n")

    assert read_labels(index) == [("a.npy", "Old Time")]


def test_line_without_a_tab_is_named_by_file_and_number(tmp_path: Path) -> None:
    index = write_index(tmp_path, "Id\tGenre", "a.npy\tRock", "", "b.npy Rock")

    with pytest.raises(ValueError, match=r"train_labels\.txt.*line 4"):
        read_labels(index)


def test_missing_index_is_file_not_found(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_labels(tmp_path / "nowhere.txt")


def test_header_alone_is_no_labels(tmp_path: Path) -> None:
    assert read_labels(write_index(tmp_path, "Id\tGenre")) == []


@pytest.mark.parametrize("seed", range(20))
def test_two_entries_of_different_genres(seed: int) -> None:
    first, second = pick_two_genres(LABELS, seed)

    assert first in LABELS
    assert second in LABELS
    assert first[1] != second[1]


def test_same_seed_same_pair_and_seeds_differ() -> None:
    assert pick_two_genres(LABELS, 7) == pick_two_genres(LABELS, 7)
    assert len({tuple(pick_two_genres(LABELS, seed)) for seed in range(20)}) > 1


def test_picking_leaves_the_global_generator_alone() -> None:
    np.random.seed(3)  # noqa: NPY002 - the generator that must not be drawn from
    expected = np.random.rand()  # noqa: NPY002
    np.random.seed(3)  # noqa: NPY002

    pick_two_genres(LABELS, 0)

    assert np.random.rand() == expected  # noqa: NPY002


@pytest.mark.parametrize("labels", [[], LABELS[:1], LABELS[:2]])
def test_fewer_than_two_genres_cannot_be_picked(labels: list[tuple[str, str]]) -> None:
    with pytest.raises(ValueError, match="two genres"):
        pick_two_genres(labels, 0)


def test_fused_file_is_read_as_saved(tmp_path: Path) -> None:
    fused = np.random.default_rng(0).normal(size=(140, 9)).astype(np.float32)
    np.save(tmp_path / "a.npy", fused)

    assert np.array_equal(read_fused(tmp_path / "a.npy"), fused)
    assert read_fused(str(tmp_path / "a.npy")).dtype == np.float32


@pytest.mark.parametrize("shape", [(128, 9), (9, 140), (140,), (140, 9, 1)])
def test_other_shapes_are_not_fused_files(tmp_path: Path, shape: tuple[int, ...]) -> None:
    np.save(tmp_path / "a.npy", np.zeros(shape))

    with pytest.raises(ValueError, match=r"a\.npy.*140"):
        read_fused(tmp_path / "a.npy")


def test_pickled_objects_are_never_loaded(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([[{}]] * 140, dtype=object), allow_pickle=True)

    with pytest.raises(ValueError, match="pickle"):
        read_fused(tmp_path / "a.npy")


def test_mel_spectrogram_is_the_first_128_rows() -> None:
    fused = np.arange(140 * 3).reshape(140, 3)

    assert np.array_equal(mel_spectrogram(fused), fused[:128])


@pytest.mark.parametrize("shape", [(128, 3), (141, 3), (140,)])
def test_mel_spectrogram_needs_140_rows(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="140"):
        mel_spectrogram(np.zeros(shape))


def test_plot_draws_the_mel_in_seconds_and_hertz() -> None:
    mel = np.random.default_rng(0).normal(size=(128, 44))
    ax = Figure().add_subplot()

    image = plot_spectrogram(mel, ax, title="Blues")

    assert isinstance(image, QuadMesh)
    assert image in ax.collections
    assert np.allclose(np.asarray(image.get_array()).ravel(), mel.ravel())
    assert (ax.get_title(), ax.get_xlabel(), ax.get_ylabel()) == ("Blues", "Time (s)", "Frequency (Hz)")
    assert ax.get_xlim()[1] == pytest.approx(44 * 512 / 22050, rel=0.05)
    assert ax.get_ylim()[1] == pytest.approx(11025, rel=0.05)


def test_plot_scales_time_by_the_given_rate_and_hop() -> None:
    ax = Figure().add_subplot()

    plot_spectrogram(np.zeros((128, 100)), ax, sr=16000, hop_length=160)

    assert ax.get_xlim()[1] == pytest.approx(1.0, rel=0.05)
    assert ax.get_ylim()[1] == pytest.approx(8000, rel=0.05)


def test_plot_counts_columns_when_they_are_beats() -> None:
    ax = Figure().add_subplot()

    plot_spectrogram(np.zeros((128, 62)), ax, x_axis="beats")

    assert ax.get_xlabel() == "Beat"
    assert ax.get_xlim() == pytest.approx((0, 61), abs=1)
    assert len(ax.get_xticks()) > 0


def test_plot_knows_two_time_axes() -> None:
    with pytest.raises(ValueError, match="beats"):
        plot_spectrogram(np.zeros((128, 62)), Figure().add_subplot(), x_axis="bars")
