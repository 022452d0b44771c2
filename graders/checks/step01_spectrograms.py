"""Checks of step 1: the index, the fused files, the mel spectrogram and its plot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graders.authoring.check import check
from graders.authoring.examples import examples, st
from graders.authoring.expect import (
    expect_array,
    expect_equal,
    expect_error,
    expect_length,
    expect_number,
    expect_text,
    plain,
)
from graders.checks.data.features import decibels, features
from graders.checks.data.folders import (
    ROWS,
    SPELLINGS,
    TEN_GENRES,
    entries_of,
    make_tracks,
    write_genres,
    write_index,
    write_lines,
)
from graders.checks.kit.protocol import Kit
from graders.checks.plots.axes import (
    HERTZ_LABEL,
    SECONDS_LABEL,
    corners_of,
    expect_beats,
    expect_columns,
    expect_drawn,
    expect_end,
    expect_label,
    expect_no_other_figure,
    expect_no_other_x_axis,
    expect_returned,
    expect_title,
    seen_mesh,
)

ENTRIES = [
    ("1042.fused.full.npy", "Blues"),
    ("69588.fused.full.npy", "Trip-Hop"),
    ("7.fused.full.npy", "Blues"),
]
TOP_HERTZ = 11025.0
MIDDLE_HERTZ = 1983.0  # between the mel bands 63 and 64 of 128 up to TOP_HERTZ; the middle of equal bands is at 5512
LISTS = ("test_read_labels_lists_the_index_in_order",)


def stems(rng: np.random.Generator, count: int) -> list[int]:
    """Return the random numbers of some tracks."""
    numbers: list[int] = rng.choice(150_000, count, replace=False).tolist()
    return numbers


@check(points=0.5, hint="Skip the first line, then split each line at its tab.")
def test_read_labels_lists_the_index_in_order(lab: Any, inputs: Path, rng: np.random.Generator) -> None:
    """read_labels returns one (file name, genre) entry for each line after the header, in order."""
    entries = [(f"{track.stem}.fused.full.npy", track.genre) for track in make_tracks(TEN_GENRES, rng)]
    entries = [entries[place] for place in rng.permutation(len(entries))]
    entries.append(entries[0])
    index = write_index(inputs / "train_labels.txt", entries)
    expect_equal(lab.step01_spectrograms.read_labels(index), entries, "read_labels(index)")


@check(
    points=0.25,
    hint="Split a line at its tab alone: split('\\t'), not split(), which splits at every blank.",
    needs=LISTS,
)
def test_read_labels_keeps_blanks_in_names(lab: Any, inputs: Path, rng: np.random.Generator) -> None:
    """read_labels keeps blanks inside names and genres."""
    genres = rng.permutation(["Hip Hop", "Old Time", "Delta Blues"]).tolist()
    entries = [(f"track {stem}.fused.full.npy", genre) for stem, genre in zip(stems(rng, 3), genres, strict=True)]
    index = write_index(inputs / "train_labels.txt", entries)
    expect_equal(lab.step01_spectrograms.read_labels(index), entries, "read_labels(index of names with blanks)")


@check(
    points=0.25,
    hint="Open the index as text and strip each line's end, instead of cutting off one character.",
    needs=LISTS,
)
def test_read_labels_takes_any_line_ends(lab: Any, inputs: Path) -> None:
    """read_labels reads lines that end as on Windows, and a last line without an end."""
    lines = ["Id\tGenre", *["\t".join(entry) for entry in ENTRIES]]
    windows = write_lines(inputs / "windows_labels.txt", lines, "\r\n")
    endless = inputs / "train_labels.txt"
    endless.write_bytes("\n".join(lines).encode())
    for index, words in ((windows, "whose lines end in \\r\\n"), (endless, "whose last line has no end")):
        expect_equal(lab.step01_spectrograms.read_labels(index), ENTRIES, f"read_labels(index {words})")


@check(points=0.25, hint="A text editor may leave empty lines at the end; skip lines that are blank.", needs=LISTS)
def test_read_labels_ignores_blank_lines(lab: Any, inputs: Path) -> None:
    """read_labels ignores blank lines."""
    index = inputs / "train_labels.txt"
    index.write_text("Id\tGenre\n\n" + "\n  \n".join("\t".join(entry) for entry in ENTRIES) + "\n\n", encoding="utf-8")
    expect_equal(lab.step01_spectrograms.read_labels(index), ENTRIES, "read_labels(index with blank lines)")


@check(
    points=0.25,
    hint="Open the index with encoding='utf-8'; the default differs from machine to machine.",
    needs=LISTS,
)
def test_read_labels_reads_greek(lab: Any, inputs: Path, rng: np.random.Generator) -> None:
    """read_labels reads the index as UTF-8."""
    genres = rng.permutation(["Ρεμπέτικο", "Λαϊκό", "Έντεχνο"]).tolist()
    entries = [(f"{stem}.fused.full.npy", genre) for stem, genre in zip(stems(rng, 3), genres, strict=True)]
    index = write_lines(inputs / "ετικέτες.txt", ["Όνομα\tΕίδος", *("\t".join(entry) for entry in entries)])
    expect_equal(lab.step01_spectrograms.read_labels(index), entries, "read_labels(index in Greek)")


@check(
    points=0.25,
    hint="Undo all three: a trailing .gz, full.fused for fused.full, beatsync.fused for fused.full.",
    needs=LISTS,
)
@pytest.mark.parametrize(("folder", "split", "written"), SPELLINGS)
def test_read_labels_returns_the_names_on_disk(
    lab: Any, inputs: Path, rng: np.random.Generator, folder: str, split: str, written: str
) -> None:
    """read_labels returns names as the files have them on disk, whichever of the three ways the index writes them."""
    tracks = make_tracks(["Jazz", "Rock"], rng)
    index = write_genres(inputs / folder, split, tracks, written.format)
    expected = [(track.file_name, track.genre) for track in tracks]
    expect_equal(lab.step01_spectrograms.read_labels(index), expected, f"read_labels(index with {written.format(7)})")


@check(
    points=0.25,
    hint="Let open() raise; do not return an empty list for an index that is not there.",
    needs=LISTS,
)
def test_read_labels_refuses_a_missing_index(lab: Any, inputs: Path) -> None:
    """read_labels raises FileNotFoundError when there is no index."""
    with expect_error(FileNotFoundError, "read_labels(missing index)"):
        lab.step01_spectrograms.read_labels(inputs / "missing.txt")


@check(
    points=0.25,
    hint="A line without a tab, or with two, is damaged: raise ValueError with the file and the line's number.",
    needs=LISTS,
)
@pytest.mark.parametrize("tabs", [0, 2])
def test_read_labels_refuses_a_line_without_a_tab(lab: Any, inputs: Path, rng: np.random.Generator, tabs: int) -> None:
    """read_labels raises ValueError for a line without exactly one tab, and names the file and the line's number."""
    damaged = "\t".join(["69588.fused.full.npy", "Trip-Hop", "Jazz"][: tabs + 1])
    entries = ["1042.fused.full.npy\tBlues"] * int(rng.integers(200, 300))
    index = write_lines(inputs / "train_labels.txt", ["Id\tGenre", "", *entries, damaged, *entries[:1]])
    number = len(entries) + 3  # behind the header and a blank line
    call = f"read_labels(index whose line {number} has {tabs} tabs)"
    with expect_error(ValueError, call, naming={index.name: "the file", str(number): "the number of the line"}):
        lab.step01_spectrograms.read_labels(index)


@check(points=0.25, hint="Draw the second entry among those whose genre differs from the first one's.")
@examples(
    genres=st.lists(st.sampled_from(TEN_GENRES[:2]), min_size=2, max_size=12).filter(lambda names: len(set(names)) > 1),
    more=st.sampled_from([0, 300]),
    seed=st.integers(0, 2**31),
)
def test_pick_two_genres_picks_different_genres(lab: Any, genres: list[str], more: int, seed: int) -> None:
    """pick_two_genres returns two of the entries, of different genres, however rare one genre is."""
    labels = entries_of([*genres, *genres[:1] * more])
    call = f"pick_two_genres({len(labels)} labels, {seed})"
    pair = expect_length(lab.step01_spectrograms.pick_two_genres(labels, seed), 2, call)
    first, second = (tuple(expect_length(entry, 2, f"an entry of {call}")) for entry in pair)
    for entry in (first, second):
        if plain(entry, call) not in [list(label) for label in labels]:
            raise AssertionError(f"{call} returned {entry!r}, which is none of the labels.")
    if expect_text(first[1], call) == second[1]:
        raise AssertionError(f"{call} returned two tracks of {first[1]}; expected two genres.")


@check(
    points=0.25,
    hint="Make a generator from the seed (np.random.default_rng(seed)) and draw with that one only.",
    needs=("test_pick_two_genres_picks_different_genres",),
)
def test_pick_two_genres_depends_on_the_seed_alone(lab: Any, rng: np.random.Generator) -> None:
    """pick_two_genres draws the same pair for the same seed, and other pairs for other seeds."""
    seeds = rng.integers(0, 2**31, 8).tolist()
    for labels in (entries_of(TEN_GENRES * 3), entries_of(TEN_GENRES[:2] * 10)):
        drawn = [plain(lab.step01_spectrograms.pick_two_genres(labels, seed), "pick_two_genres") for seed in seeds]
        again = [plain(lab.step01_spectrograms.pick_two_genres(labels, seed), "pick_two_genres") for seed in seeds]
        expect_equal(again, drawn, "pick_two_genres called again with the same seeds")
        entries, genres = [list(label) for label in labels], {genre for _, genre in labels}
        for pair in drawn:
            if not all(entry in entries for entry in expect_length(pair, 2, "pick_two_genres(labels, seed)")):
                raise AssertionError(
                    f"pick_two_genres(labels, seed) returned {pair!r:.200}; expected two of the labels."
                )
        if len(genres) > 2 == len({genre for pair in drawn for _, genre in pair}):
            raise AssertionError(
                f"pick_two_genres draws {drawn[0][0][1]} and {drawn[0][1][1]} of {len(genres)} genres for eight "
                "different seeds; expected the seed to choose the genres."
            )
        for entry in drawn[0]:
            if all(entry in pair for pair in drawn):
                raise AssertionError(
                    f"pick_two_genres draws {entry} for eight different seeds; expected the seed to choose both."
                )


@check(
    points=0.25,
    hint="Count the genres first, and raise ValueError if there is only one.",
    needs=("test_pick_two_genres_picks_different_genres",),
)
def test_pick_two_genres_refuses_a_single_genre(lab: Any) -> None:
    """pick_two_genres raises ValueError when all labels have the same genre."""
    with expect_error(ValueError, "pick_two_genres(labels of one genre)"):
        lab.step01_spectrograms.pick_two_genres([("1.npy", "Folk"), ("2.npy", "Folk")], 0)


@check(
    points=0.25,
    hint="np.random.seed(seed) changes every later draw of the program; np.random.default_rng(seed) is your own.",
    needs=("test_pick_two_genres_picks_different_genres",),
)
def test_pick_two_genres_leaves_the_rest_alone(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """pick_two_genres neither seeds nor uses NumPy's global generator, and leaves the labels as they are."""
    labels = entries_of(TEN_GENRES * 2)
    before = kit.global_generators()
    after = kit.arguments_after(lab.step01_spectrograms.pick_two_genres, labels, int(rng.integers(1000)))
    expect_equal(after[0], labels, "the labels after pick_two_genres(labels, seed)")
    if kit.global_generators()["NumPy"] != before["NumPy"]:
        raise AssertionError("pick_two_genres changed the state of NumPy's global generator; expected its own one.")


@check(points=0.25, hint="np.load(path) returns the array as it was saved.")
def test_read_fused_returns_the_array(lab: Any, inputs: Path, rng: np.random.Generator) -> None:
    """read_fused returns the array of a fused file, [140, T]."""
    fused = decibels(rng, ROWS, 31)
    np.save(inputs / "φάσμα.fused.full.npy", fused)
    expect_array(lab.step01_spectrograms.read_fused(inputs / "φάσμα.fused.full.npy"), fused, "read_fused(path)")


@check(
    points=0.25,
    hint="Check ndim == 2 and shape[0] == 140, and raise ValueError otherwise.",
    needs=("test_read_fused_returns_the_array",),
)
@pytest.mark.parametrize("shape", [(128, 9), (152, 9), (9, 140), (140,), (140, 2, 3)])
def test_read_fused_refuses_other_shapes(lab: Any, inputs: Path, shape: tuple[int, ...]) -> None:
    """read_fused raises ValueError for an array that is not [140, T]."""
    np.save(inputs / "wrong.npy", np.zeros(shape, np.float32))
    with expect_error(ValueError, f"read_fused(file with an array {list(shape)})"):
        lab.step01_spectrograms.read_fused(inputs / "wrong.npy")


@check(
    points=0.25,
    hint="Leave allow_pickle at False, as a pickle runs whatever code is in it, and let the errors of np.load through.",
    needs=("test_read_fused_returns_the_array",),
)
def test_read_fused_refuses_pickles(lab: Any, inputs: Path) -> None:
    """read_fused raises ValueError for a file that holds pickled objects, and FileNotFoundError where there is none."""
    objects = np.zeros((ROWS, 3), dtype=object)
    np.save(inputs / "pickled.npy", objects, allow_pickle=True)
    with expect_error(ValueError, "read_fused(file with pickled objects)"):
        lab.step01_spectrograms.read_fused(inputs / "pickled.npy")
    with expect_error(FileNotFoundError, "read_fused(missing file)"):
        lab.step01_spectrograms.read_fused(inputs / "missing.npy")


@check(points=0.25, hint="Rows 0 to 127 are fused[:128].")
@examples(fused=features(ROWS))
def test_mel_spectrogram_is_the_first_128_rows(lab: Any, kit: Kit, fused: np.ndarray) -> None:
    """mel_spectrogram returns rows 0-127, [128, T], and leaves the fused array as it is."""
    call = f"mel_spectrogram(fused {list(fused.shape)})"
    expect_array(lab.step01_spectrograms.mel_spectrogram(fused), fused[:128], call)
    (after,) = kit.arguments_after(lab.step01_spectrograms.mel_spectrogram, fused)
    expect_array(after, fused, f"the fused array after {call}", tolerance=0)


@check(
    points=0.25,
    hint="A chromagram or a transposed array is no fused array: raise ValueError unless there are 140 rows.",
    needs=("test_mel_spectrogram_is_the_first_128_rows",),
)
@pytest.mark.parametrize("shape", [(12, 40), (152, 40), (40, 140), (140,), (140, 2, 3)])
def test_mel_spectrogram_refuses_other_rows(lab: Any, shape: tuple[int, ...]) -> None:
    """mel_spectrogram raises ValueError for an array without 140 rows."""
    with expect_error(ValueError, f"mel_spectrogram(array {list(shape)})"):
        lab.step01_spectrograms.mel_spectrogram(np.zeros(shape, np.float32))


@check(points=0.25, hint="Pass the array to librosa.display.specshow as it is, with ax=ax.")
def test_plot_spectrogram_draws_the_data(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """plot_spectrogram draws the mel spectrogram as it is, on the given axes alone, with the title that it is given."""
    mel = rng.uniform(-80, 0, (128, 43)).astype(np.float32)
    ax = kit.empty_axes()
    figures = kit.open_figures()
    call = "plot_spectrogram(mel, ax, title='Μπλουζ')"
    lab.step01_spectrograms.plot_spectrogram(mel, ax, title="Μπλουζ")
    expect_drawn(ax, mel, kit, call)
    expect_no_other_figure(kit, figures, call)
    expect_title(ax, "Μπλουζ", kit, call)
    untitled = kit.empty_axes()
    after, _ = kit.arguments_after(lab.step01_spectrograms.plot_spectrogram, mel, untitled)
    expect_title(untitled, "", kit, "plot_spectrogram(mel, ax)")
    expect_array(after, mel, "the mel spectrogram after plot_spectrogram(mel, ax)", tolerance=0)


@check(
    points=0.25,
    hint="Give specshow x_axis='time', y_axis='mel', sr and hop_length, then set the labels with their units.",
    needs=("test_plot_spectrogram_draws_the_data",),
)
def test_plot_spectrogram_has_seconds_and_hertz(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """plot_spectrogram has time in seconds across and mel frequency in Hz upwards, labelled with their units."""
    mel = rng.uniform(-80, 0, (128, 431)).astype(np.float32)
    ax = kit.empty_axes()
    lab.step01_spectrograms.plot_spectrogram(mel, ax)
    expect_label(kit.label_of(ax.xaxis), SECONDS_LABEL, "the x label of plot_spectrogram", "the unit s")
    expect_label(kit.label_of(ax.yaxis), HERTZ_LABEL, "the y label of plot_spectrogram", "the unit Hz")
    expect_end(ax.get_xlim(), 431 * 512 / 22050, 2 * 512 / 22050, "the time axis of plot_spectrogram, in seconds")
    expect_columns(ax, 512 / 22050, "s", kit, "plot_spectrogram(mel, ax)")
    expect_end(ax.get_ylim(), TOP_HERTZ, TOP_HERTZ / 20, "the frequency axis of plot_spectrogram, in Hz")
    middle = corners_of(seen_mesh(ax, kit, "plot_spectrogram(mel, ax)"), "plot_spectrogram(mel, ax)")[64, 0, 1]
    expect_number(float(middle), MIDDLE_HERTZ, "the middle of the rows of plot_spectrogram, in Hz (mel bands)", 0.2)
    expect_equal(ax.get_yscale(), "symlog", "the scale of the frequency axis of plot_spectrogram (mel is symlog)")


@check(
    points=0.25,
    hint="Hand sr and hop_length on to specshow: x depends on both, and the highest frequency is sr / 2.",
    needs=("test_plot_spectrogram_has_seconds_and_hertz",),
)
@pytest.mark.parametrize(("sr", "hop"), [(16000, 512), (22050, 256), (44100, 1024)])
def test_plot_spectrogram_follows_rate_and_hop(lab: Any, kit: Kit, rng: np.random.Generator, sr: int, hop: int) -> None:
    """plot_spectrogram's axes follow the sampling rate and the hop that it is given."""
    mel = rng.uniform(-80, 0, (128, 200)).astype(np.float32)
    call = f"plot_spectrogram(mel, ax, sr={sr}, hop_length={hop})"
    ax = kit.empty_axes()
    lab.step01_spectrograms.plot_spectrogram(mel, ax, sr=sr, hop_length=hop)
    expect_end(ax.get_xlim(), 200 * hop / sr, 2 * hop / sr, f"the time axis of {call}, in seconds")
    expect_columns(ax, hop / sr, "s", kit, call)
    expect_end(ax.get_ylim(), sr / 2, sr / 40, f"the frequency axis of {call}, in Hz")


@check(
    points=0.25,
    hint="Return what specshow returns: figure.colorbar needs it.",
    needs=("test_plot_spectrogram_draws_the_data",),
)
def test_plot_spectrogram_returns_what_it_drew(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """plot_spectrogram returns what it drew, from which a colour bar can be made."""
    mel = rng.uniform(-80, 0, (128, 43)).astype(np.float32)
    ax = kit.empty_axes()
    image = lab.step01_spectrograms.plot_spectrogram(mel, ax)
    expect_returned(image, ax, mel, kit, "plot_spectrogram(mel, ax)")


@check(
    points=0.25,
    hint="A beat-synchronous feature has one column a beat: with x_axis='beats', x counts columns and says so.",
    needs=("test_plot_spectrogram_draws_the_data",),
)
def test_plot_spectrogram_counts_beats(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """plot_spectrogram counts beats, not seconds, with x_axis='beats'; all else is as with seconds."""
    beats = rng.uniform(-80, 0, (128, 62)).astype(np.float32)
    expect_beats(lab.step01_spectrograms.plot_spectrogram, kit, beats, "plot_spectrogram")


@check(
    points=0.25,
    hint="An if/else takes any other word for one of the two: raise ValueError for what is neither.",
    needs=("test_plot_spectrogram_counts_beats",),
)
def test_plot_spectrogram_refuses_another_x_axis(lab: Any, kit: Kit) -> None:
    """plot_spectrogram raises ValueError for an x_axis that is neither 'time' nor 'beats'."""
    feature = np.zeros((128, 9), np.float32)
    expect_no_other_x_axis(lab.step01_spectrograms.plot_spectrogram, kit, feature, "plot_spectrogram")
