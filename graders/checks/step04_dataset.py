"""Checks of step 4: merging genres, padding, encoding labels, the data set and its splits.

All checks of a step stand in one module, in the order in which students meet them: `needs` names checks of the same
module.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graders.authoring.check import check
from graders.authoring.examples import examples, st
from graders.authoring.expect import (
    as_array,
    expect_array,
    expect_dtype,
    expect_equal,
    expect_error,
    expect_length,
    expect_shape,
    plain,
)
from graders.checks.data.features import decibels, features
from graders.checks.data.folders import (
    DROPPED_GENRES,
    GENRES,
    MAPPING,
    RATINGS,
    ROWS,
    SPELLINGS,
    TEN_GENRES,
    entries_of,
    make_tracks,
    write_genres,
    write_lines,
    write_multitask,
)
from graders.checks.kit.protocol import Kit
from graders.checks.oracles.datasets import (
    FEATURE_ROWS,
    MAPPED,
    dataset_call,
    expect_int64,
    expect_stacked,
    expect_track,
    holds_track,
    item,
    labels_of,
    merged,
    padded,
    path_of,
)
from graders.checks.oracles.splits import drawn, expect_batches, expect_partition, split, split_call
from graders.checks.plots.axes import expect_no_other_figure, expect_title
from graders.checks.plots.bars import bars_by_name

AXES = ("valence", "energy", "danceability")
BUILDS = ("test_dataset_holds_the_tracks_of_the_index",)
READS = ("test_dataset_gives_mel_features_time_first",)
SPLITS = ("test_split_is_disjoint_and_complete",)
RATED = ("test_multitask_labels_are_all_three_axes",)
FRACTION = ("test_validation_takes_its_fraction",)


# --- genres


@check(points=0.5, hint="Look each genre up in the mapping, and keep the entry unless what you find is None.")
@examples(genres=st.lists(st.sampled_from(sorted(MAPPING)), max_size=30))
def test_merge_classes_merges_and_drops(lab: Any, genres: list[str]) -> None:
    """merge_classes replaces each genre by its merged genre, drops those mapped to None, and keeps the order."""
    entries = entries_of(genres)
    entries += entries[:1]
    call = f"merge_classes({len(entries)} labels, mapping)"
    expect_equal(lab.step04_dataset.merge_classes(entries, MAPPING), merged(entries, MAPPING), call)


@check(
    points=0.25,
    hint="Use the mapping that is passed in, not CLASS_MAPPING.",
    needs=("test_merge_classes_merges_and_drops",),
)
def test_merge_classes_uses_the_mapping_given(lab: Any, rng: np.random.Generator) -> None:
    """merge_classes follows any mapping, also one that is not the course's."""
    mapping = {"Jazz": None, "Λαϊκό": "Rock", "Rock": "Jazz"}
    entries = entries_of(["Jazz", "Λαϊκό", "Rock", *rng.choice(list(mapping), 6).tolist()])
    call = "merge_classes(labels, another mapping)"
    expect_equal(lab.step04_dataset.merge_classes(entries, mapping), merged(entries, mapping), call)


@check(
    points=0.25,
    hint="mapping[genre] raises KeyError by itself; mapping.get(genre) hides the genre that is missing.",
    needs=("test_merge_classes_merges_and_drops",),
)
def test_merge_classes_refuses_an_unknown_genre(lab: Any) -> None:
    """merge_classes raises KeyError for a genre that the mapping lacks, and names it."""
    call = "merge_classes(labels with Polka, mapping)"
    with expect_error((KeyError, ValueError), call, naming={"Polka": "the genre"}):
        lab.step04_dataset.merge_classes(entries_of(["Jazz", "Polka"]), MAPPING)


@check(
    points=0.25,
    hint="Collect what you keep in a new list, and take nothing out of the list and the mapping that came in.",
    needs=("test_merge_classes_merges_and_drops",),
)
def test_merge_classes_leaves_its_arguments_alone(lab: Any, kit: Kit) -> None:
    """merge_classes leaves labels and mapping as they are."""
    entries = entries_of([*TEN_GENRES[::-1], *DROPPED_GENRES, "Punk"])
    labels, mapping = kit.arguments_after(lab.step04_dataset.merge_classes, entries, MAPPING)
    expect_equal(labels, entries, "the labels after merge_classes(labels, mapping)")
    expect_equal(mapping, MAPPING, "the mapping after merge_classes(labels, mapping)")


@check(points=0.25, hint="collections.Counter over the genres of the entries.")
@examples(genres=st.lists(st.sampled_from(sorted(MAPPING)), max_size=30), times=st.sampled_from([1, 1, 300]))
def test_class_histogram_counts_tracks(lab: Any, genres: list[str], times: int) -> None:
    """class_histogram returns how many entries each genre has."""
    entries = entries_of(genres) * times
    counts = dict(Counter(genre for _, genre in entries))
    expect_equal(lab.step04_dataset.class_histogram(entries), counts, f"class_histogram({len(entries)} labels)")


@check(
    points=0.25,
    hint="sorted(counts.items()) sorts by name; labels.sort() would change the caller's list.",
    needs=("test_class_histogram_counts_tracks",),
)
def test_class_histogram_is_sorted_by_name(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """class_histogram names the genres in alphabetical order, and leaves the labels in theirs."""
    genres = rng.permutation([*TEN_GENRES, *TEN_GENRES[:4], "Ροκ"]).tolist()
    entries = entries_of(genres)
    histogram = lab.step04_dataset.class_histogram(entries)
    expect_equal(list(histogram), sorted(set(genres)), "the genres of class_histogram(labels), in order")
    (labels,) = kit.arguments_after(lab.step04_dataset.class_histogram, entries)
    expect_equal(labels, entries, "the labels after class_histogram(labels)")


@check(
    points=0.5,
    hint="axes[0].bar(list(before), list(before.values())), the same for after, then labels and titles.",
)
def test_plot_class_histograms_draws_both(lab: Any, kit: Kit) -> None:
    """plot_class_histograms draws a labelled bar for each genre, before merging and after, from what stays as it is."""
    histograms = ({"Punk": 3, "Metal": 140, "Ροκ": 2}, {"Metal": 143, "Ροκ": 2})
    axes = kit.figure_axes(2)
    lab.step04_dataset.plot_class_histograms(*histograms, axes)
    for ax, histogram, name in zip(axes, histograms, ("before merging", "after merging"), strict=True):
        call = f"the plot {name}"
        expect_equal(bars_by_name(kit, ax, call), histogram, f"the bars of {call}")
    *left, _ = kit.arguments_after(lab.step04_dataset.plot_class_histograms, *histograms, kit.figure_axes(2))
    expect_equal(left, histograms, "the histograms after plot_class_histograms(before, after, axes)")


@check(
    points=0.25,
    hint="ax.set_title, ax.set_ylabel, and ax.tick_params(axis='x', labelrotation=90).",
    needs=("test_plot_class_histograms_draws_both",),
)
def test_plot_class_histograms_is_legible(lab: Any, kit: Kit) -> None:
    """plot_class_histograms gives each plot a title and a y label, and rotates the names of the genres."""
    axes = kit.figure_axes(2)
    figures = kit.open_figures()
    lab.step04_dataset.plot_class_histograms({"Punk": 3, "Metal": 4}, {"Metal": 7}, axes)
    for ax, name in zip(axes, ("before merging", "after merging"), strict=True):
        call = f"the plot {name}"
        expect_title(ax, None, kit, call)
        if not kit.label_of(ax.yaxis):
            raise AssertionError(f"{call} has no y label; expected 'Tracks'.")
        if not all(plain(kit.tick_rotations(ax.xaxis), call)):
            raise AssertionError(f"the names below {call} are not rotated; expected them to stay legible.")
    expect_no_other_figure(kit, figures, "plot_class_histograms(before, after, axes)")


# --- features


@check(points=0.75, hint="Take the rows, then transpose: networks want time first.")
@pytest.mark.parametrize("feat_type", ["mel", "chroma", "fused"])
def test_read_spectrogram_is_time_first(lab: Any, inputs: Path, rng: np.random.Generator, feat_type: str) -> None:
    """read_spectrogram returns the rows of the feature asked for, as [T, F]."""
    fused = decibels(rng, ROWS, 17)
    np.save(inputs / "1.fused.full.npy", fused)
    read = lab.step04_dataset.read_spectrogram(inputs / "1.fused.full.npy", feat_type)
    expect_array(read, fused[FEATURE_ROWS[feat_type]].T, f"read_spectrogram(path, {feat_type!r})")
    if feat_type == "mel":
        read = lab.step04_dataset.read_spectrogram(inputs / "1.fused.full.npy")
        expect_array(read, fused[:128].T, "read_spectrogram(path), which is mel,")


@check(
    points=0.25,
    hint="An if/elif chain without an else accepts any word: raise ValueError at its end.",
    needs=("test_read_spectrogram_is_time_first",),
)
def test_read_spectrogram_refuses_another_feature(lab: Any, inputs: Path) -> None:
    """read_spectrogram raises ValueError for a feat_type that is not mel, chroma or fused."""
    np.save(inputs / "1.fused.full.npy", np.zeros((ROWS, 3), np.float32))
    for word in ("tempogram", "mels", "chrom", ""):
        with expect_error(ValueError, f"read_spectrogram(path, {word!r})"):
            lab.step04_dataset.read_spectrogram(inputs / "1.fused.full.npy", word)


@check(
    points=0.25,
    hint="read_fused refuses both: read the file with it, and catch none of its errors.",
    needs=("test_read_spectrogram_is_time_first",),
)
def test_read_spectrogram_refuses_what_is_no_fused_file(lab: Any, inputs: Path) -> None:
    """read_spectrogram raises FileNotFoundError where there is no file, and ValueError where it is no fused file."""
    with expect_error(FileNotFoundError, "read_spectrogram(missing file)"):
        lab.step04_dataset.read_spectrogram(inputs / "missing.fused.full.npy")
    np.save(inputs / "1.fused.full.npy", np.zeros((128, 9), np.float32))
    with expect_error(ValueError, "read_spectrogram(file with an array [128, 9])"):
        lab.step04_dataset.read_spectrogram(inputs / "1.fused.full.npy", "fused")


@check(points=0.5, hint="Copy the feature into the first T rows of np.zeros((max_length, F)).")
@examples(feature=features(7, max_columns=12), extra=st.integers(0, 9))
def test_padding_adds_zeros_at_the_end(lab: Any, feature: np.ndarray, extra: int) -> None:
    """PaddingTransform pads [T, F] with zeros at the end, to [max_length, F]."""
    length = feature.shape[1] + extra
    expected = np.vstack([feature.T, np.zeros((extra, 7), np.float32)])
    call = f"PaddingTransform({length})(x {list(feature.T.shape)})"
    expect_array(lab.step04_dataset.PaddingTransform(length)(feature.T), expected, call)


@check(
    points=0.25,
    hint="Fill the added rows with padding_value.",
    needs=("test_padding_adds_zeros_at_the_end",),
)
def test_padding_uses_the_value_given(lab: Any, rng: np.random.Generator) -> None:
    """PaddingTransform pads with padding_value."""
    x = rng.uniform(-80, 0, (3, 4)).astype(np.float32)
    for value in (-80, 0.5):
        expected = np.vstack([x, np.full((2, 4), value, np.float32)])
        call = f"PaddingTransform(5, padding_value={value})(x [3, 4])"
        expect_array(lab.step04_dataset.PaddingTransform(5, padding_value=value)(x), expected, call)


@check(points=0.5, hint="x[:max_length] for input that is longer.")
@examples(feature=features(5, min_columns=2, max_columns=20), data=st.data())
def test_padding_cuts_longer_input(lab: Any, feature: np.ndarray, data: st.DataObject) -> None:
    """PaddingTransform cuts input of more than max_length timesteps at the end."""
    length = data.draw(st.integers(1, feature.shape[1] - 1))
    call = f"PaddingTransform({length})(x {list(feature.T.shape)})"
    expect_array(lab.step04_dataset.PaddingTransform(length)(feature.T), feature.T[:length], call)


@check(
    points=0.25,
    hint="x[:max_length] is a view, and joining with np.zeros gives float64: np.full(..., dtype=x.dtype), then copy x.",
    needs=("test_padding_adds_zeros_at_the_end", "test_padding_cuts_longer_input"),
)
def test_padding_returns_a_new_array_of_the_same_dtype(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """PaddingTransform returns a new array of the dtype of its input, which stays as it is, padded, cut or neither."""
    for length in (2, 3, 5):
        pad = lab.step04_dataset.PaddingTransform(length)
        for dtype in (np.float32, np.float64, np.int16):
            x = rng.uniform(-80, 0, (3, 4)).astype(dtype)
            call = f"PaddingTransform({length})(x {x.dtype} [3, 4])"
            got = as_array(pad(x), call).dtype
            if got != x.dtype:
                raise AssertionError(f"{call} has dtype {got}; expected {x.dtype}, as x has.")
        (after,) = kit.arguments_after(pad, x)
        expect_array(after, x, f"x after {call}", tolerance=0)
        if plain(kit.shares_memory(pad, x), call):
            raise AssertionError(
                f"{call} shares its memory with x, or with what the next call returns; expected a new array each time."
            )


@check(
    points=0.25,
    hint="A length of 0 or -1 is a mistake of the caller: raise ValueError.",
    needs=("test_padding_adds_zeros_at_the_end",),
)
def test_padding_refuses_lengths_below_one(lab: Any) -> None:
    """PaddingTransform raises ValueError for a max_length below 1."""
    for length in (0, -1):
        with expect_error(ValueError, f"PaddingTransform({length})(x [3, 4])"):
            lab.step04_dataset.PaddingTransform(length)(np.zeros((3, 4), np.float32))


# --- label encoding


@check(points=0.5, hint="Sort the distinct names; a label's code is its index there.")
@examples(labels=st.lists(st.sampled_from(TEN_GENRES), min_size=1, max_size=30))
def test_label_transformer_encodes_sorted_classes(lab: Any, labels: list[str]) -> None:
    """LabelTransformer encodes each label as its class's index among the sorted classes."""
    transformer = lab.step04_dataset.LabelTransformer()
    transformer.fit(labels)
    classes = sorted(set(labels))
    call = f"transform(labels), after fit({len(labels)} labels),"
    expect_array(expect_int64(transformer.transform(labels), call), [classes.index(label) for label in labels], call)


@check(
    points=0.25,
    hint="inverse looks the index up among the sorted classes.",
    needs=("test_label_transformer_encodes_sorted_classes",),
)
def test_label_transformer_inverts(lab: Any, rng: np.random.Generator) -> None:
    """LabelTransformer.inverse gives back the names that transform encoded."""
    names = rng.permutation(["Rock", "Blues", "Λαϊκό", "Jazz", "Folk", "Έντεχνο"])[:4].tolist()
    codes = rng.integers(0, 4, 6).tolist()
    transformer = lab.step04_dataset.LabelTransformer()
    transformer.fit(names)
    for given, call in ((codes, f"inverse({codes})"), (np.array(codes), f"inverse(np.array({codes}))")):
        expect_equal(transformer.inverse(given), [sorted(names)[code] for code in codes], call)


@check(
    points=0.25,
    hint="names[-1] is the last class: look the index up in 0..C-1, and raise ValueError for any other.",
    needs=("test_label_transformer_inverts",),
)
def test_label_transformer_refuses_an_unknown_index(lab: Any) -> None:
    """LabelTransformer.inverse raises ValueError for an index that is none of 0..C-1."""
    transformer = lab.step04_dataset.LabelTransformer()
    transformer.fit(["Rock", "Blues"])
    for index in (2, -1):
        with expect_error(ValueError, f"LabelTransformer of 2 classes: inverse([{index}])"):
            transformer.inverse([index])


@check(
    points=0.25,
    hint="Set the classes anew in fit, instead of adding to them, and return self.",
    needs=("test_label_transformer_encodes_sorted_classes",),
)
def test_label_transformer_fits_anew(lab: Any) -> None:
    """LabelTransformer.fit returns the transformer, and a second fit forgets the classes of the first."""
    transformer = lab.step04_dataset.LabelTransformer()
    transformer.fit(["Rock", "Blues"])
    again = transformer.fit(["Jazz", "Rock", "Folk"])
    call = "LabelTransformer().fit(['Rock', 'Blues']) and then .fit(['Jazz', 'Rock', 'Folk'])"
    for fitted, words in ((again, "what fit returned"), (transformer, "the transformer")):
        if fitted is None:
            raise AssertionError("LabelTransformer().fit(labels) returned None; expected the transformer itself.")
        encoded = as_array(fitted.transform(["Folk", "Jazz", "Rock"]), f"{words} after {call}")
        expect_array(encoded, [0, 1, 2], f"the codes of Folk, Jazz and Rock of {words} after {call}")
    expect_equal(transformer.classes_, ["Folk", "Jazz", "Rock"], f"the classes_ after {call}")


@check(
    points=0.25,
    hint="labels.sort() changes the caller's list: sorted(set(labels)) makes a new one.",
    needs=("test_label_transformer_encodes_sorted_classes", "test_label_transformer_inverts"),
)
def test_label_transformer_leaves_its_arguments_alone(lab: Any, kit: Kit) -> None:
    """LabelTransformer leaves the labels and indices that it is given as they are."""
    transformer = lab.step04_dataset.LabelTransformer()
    names = ["Rock", "Blues", "Rock", "Folk"]
    for method, given in (("fit", names), ("transform", names), ("inverse", [2, 0, 1])):
        (after,) = kit.arguments_after(getattr(transformer, method), given)
        expect_equal(after, given, f"the list after LabelTransformer.{method}({given})")


@check(
    points=0.25,
    hint="Raise ValueError; a code such as -1 would train the network on a class that is not there.",
    needs=("test_label_transformer_encodes_sorted_classes",),
)
def test_label_transformer_refuses_an_unknown_label(lab: Any) -> None:
    """LabelTransformer.transform raises ValueError for a label that it was not fitted on, and names it."""
    transformer = lab.step04_dataset.LabelTransformer()
    transformer.fit(["Rock", "Blues"])
    with expect_error((ValueError, KeyError), "transform(['Polka'])", naming={"Polka": "the label"}):
        transformer.transform(["Polka"])


# --- the data set


@check(points=0.75, hint="Read train_labels.txt, drop the genres mapped to None, and load each file of train/.")
def test_dataset_holds_the_tracks_of_the_index(lab: Any, inputs: Path, rng: np.random.Generator) -> None:
    """SpectrogramDataset has an item (features, label, length) for each track of a genre that is kept."""
    write_genres(inputs / GENRES, "train", make_tracks([*TEN_GENRES, *DROPPED_GENRES, "Punk"], rng))
    dataset = lab.step04_dataset.SpectrogramDataset(inputs / GENRES, class_mapping=MAPPING, train=True)
    call = dataset_call("folder with 16 tracks, 5 of them of dropped genres", class_mapping=MAPPED, train=True)
    expect_equal(len(dataset), 11, f"len({call})")
    as_array(item(dataset, 10, "dataset[10]")[0], "the features of dataset[10]")


@check(points=0.5, hint="Networks want time first: [T, 128], not [128, T].", needs=BUILDS)
def test_dataset_gives_mel_features_time_first(lab: Any, inputs: Path, rng: np.random.Generator) -> None:
    """SpectrogramDataset gives the mel features of each track, as [T, 128]."""
    tracks = make_tracks(["Rock", "Blues"], rng, [7, 7])
    write_genres(inputs / GENRES, "train", tracks)
    dataset = lab.step04_dataset.SpectrogramDataset(inputs / GENRES, class_mapping=MAPPING)
    order = tracks if holds_track(dataset, 0, tracks[0].fused, FEATURE_ROWS["mel"]) else tracks[::-1]
    for index, track in enumerate(order):
        expect_track(dataset, index, track.fused, FEATURE_ROWS["mel"], f"the features of dataset[{index}]")


@check(
    points=0.75,
    hint="max_length=-1 means the longest track of this split; pad every other track to it.",
    needs=READS,
)
def test_dataset_pads_to_the_longest_track(lab: Any, inputs: Path, rng: np.random.Generator) -> None:
    """SpectrogramDataset pads each track's mel features with zeros to the longest one: [max_length, 128]."""
    *tracks, left_out = make_tracks(["Blues", "Jazz", "Rock", "Old-Time"], rng, lengths=[4, 9, 6, 12])
    write_genres(inputs / GENRES, "train", [*tracks, left_out])
    dataset = lab.step04_dataset.SpectrogramDataset(inputs / GENRES, class_mapping=MAPPING)
    for index, track in enumerate(tracks):
        call = f"the features of dataset[{index}], a track of {track.fused.shape[1]} timesteps,"
        expect_array(item(dataset, index)[0], padded(track.fused, FEATURE_ROWS["mel"], 9), call)


@check(points=0.25, hint="Networks compute in floating point: astype(np.float32).", needs=BUILDS)
def test_dataset_features_are_floating_point(lab: Any, inputs: Path, rng: np.random.Generator) -> None:
    """SpectrogramDataset gives floating point features, whatever numbers the files hold."""
    tracks = make_tracks(["Rock", "Blues"], rng)
    write_genres(inputs / GENRES, "train", [track._replace(fused=track.fused.astype(np.int16)) for track in tracks])
    dataset = lab.step04_dataset.SpectrogramDataset(inputs / GENRES, class_mapping=MAPPING)
    expect_dtype(item(dataset, 0)[0], "f", "the features of dataset[0], from a file of int16,")


@check(points=0.75, hint="Hand max_length on to PaddingTransform when it is positive.", needs=READS)
def test_dataset_pads_or_cuts_to_max_length(lab: Any, inputs: Path, rng: np.random.Generator) -> None:
    """SpectrogramDataset brings every track to max_length, when it is given, padding some and cutting others."""
    tracks = make_tracks(["Blues", "Rock"], rng, lengths=[8, 3])
    write_genres(inputs / GENRES, "train", tracks)
    for length in (5, 11):
        dataset = lab.step04_dataset.SpectrogramDataset(inputs / GENRES, class_mapping=MAPPING, max_length=length)
        for index, track in enumerate(tracks):
            timesteps = track.fused.shape[1]
            call = f"the features of dataset[{index}] with max_length={length}, a track of {timesteps} timesteps,"
            expect_array(item(dataset, index)[0], padded(track.fused, FEATURE_ROWS["mel"], length), call)


@check(points=0.75, hint="Note each track's timesteps before you pad it.", needs=BUILDS)
def test_dataset_lengths_are_those_before_padding(lab: Any, inputs: Path, rng: np.random.Generator) -> None:
    """SpectrogramDataset gives each track's length in timesteps before padding."""
    lengths = [4, 9, 6, 1]
    write_genres(inputs / GENRES, "train", make_tracks(["Blues", "Folk", "Jazz", "Rock"], rng, lengths))
    dataset = lab.step04_dataset.SpectrogramDataset(inputs / GENRES, class_mapping=MAPPING)
    expect_equal(
        [item(dataset, index)[2] for index in range(4)],
        lengths,
        f"the lengths of tracks of {lengths} timesteps",
    )


@check(
    points=0.25,
    hint="The last valid timestep of a track that was cut is the last one kept: min(T, max_length).",
    needs=("test_dataset_lengths_are_those_before_padding",),
)
def test_dataset_lengths_end_at_max_length(lab: Any, inputs: Path, rng: np.random.Generator) -> None:
    """SpectrogramDataset gives max_length as the length of a track that was cut."""
    write_genres(inputs / GENRES, "train", make_tracks(["Blues", "Rock"], rng, [8, 3]))
    dataset = lab.step04_dataset.SpectrogramDataset(inputs / GENRES, class_mapping=MAPPING, max_length=5)
    expect_equal(
        [item(dataset, index)[2] for index in range(2)],
        [5, 3],
        "the lengths of tracks of 8 and 3 timesteps with max_length=5",
    )


@check(points=0.25, hint="Hand feat_type on to read_spectrogram.", needs=READS)
@pytest.mark.parametrize("feat_type", ["chroma", "fused"])
def test_dataset_reads_the_feature_asked_for(lab: Any, inputs: Path, rng: np.random.Generator, feat_type: str) -> None:
    """SpectrogramDataset gives chroma [T, 12] or fused [T, 140] features when asked."""
    tracks = make_tracks(["Rock"], rng, [6])
    write_genres(inputs / GENRES, "train", tracks)
    dataset = lab.step04_dataset.SpectrogramDataset(inputs / GENRES, class_mapping=MAPPING, feat_type=feat_type)
    call = f"the features of dataset[0] with feat_type={feat_type!r}"
    expect_track(dataset, 0, tracks[0].fused, FEATURE_ROWS[feat_type], call)


@check(points=0.75, hint="The ten merged genres, sorted by name, are classes 0-9.", needs=BUILDS)
def test_dataset_labels_are_the_merged_classes(lab: Any, inputs: Path, rng: np.random.Generator) -> None:
    """SpectrogramDataset labels each track with its merged genre's index among the ten sorted genres."""
    genres = sorted([*TEN_GENRES, "Punk", "Psych-Folk", "Chiptune", "Post-Rock"], key=lambda genre: str(MAPPING[genre]))
    write_genres(inputs / GENRES, "train", make_tracks(genres, rng))
    dataset = lab.step04_dataset.SpectrogramDataset(inputs / GENRES, class_mapping=MAPPING)
    expected = [TEN_GENRES.index(MAPPING[genre]) for genre in genres]
    expect_equal(labels_of(dataset), expected, f"the labels of tracks of {', '.join(genres)}")


@check(
    points=0.25,
    hint="Use the class_mapping that is passed in, not CLASS_MAPPING.",
    needs=(
        "test_merge_classes_uses_the_mapping_given",
        "test_merge_classes_leaves_its_arguments_alone",
        "test_dataset_labels_are_the_merged_classes",
    ),
)
def test_dataset_follows_any_mapping(lab: Any, kit: Kit, inputs: Path, rng: np.random.Generator) -> None:
    """SpectrogramDataset merges and drops genres as any class_mapping says, and leaves it as it is."""
    mapping = {"Λαϊκό": "Ρεμπέτικο", "Ρεμπέτικο": "Ρεμπέτικο", "Rock": "Blues", "Jazz": None}
    write_genres(inputs / GENRES, "train", make_tracks(["Rock", "Rock", "Jazz", "Λαϊκό", "Ρεμπέτικο"], rng))
    dataset = lab.step04_dataset.SpectrogramDataset(inputs / GENRES, class_mapping=mapping)
    rules = ", ".join(f"{genre} -> {merged}" for genre, merged in mapping.items())
    call = f"the labels of tracks of Rock, Rock, Jazz, Λαϊκό and Ρεμπέτικο with a class_mapping {rules},"
    expect_equal(labels_of(dataset), [0, 0, 1, 1], call)
    classes = dataset.label_transformer.classes_
    expect_equal(classes, ["Blues", "Ρεμπέτικο"], f"label_transformer.classes_ with a class_mapping {rules},")
    _, after = kit.arguments_after(lab.step04_dataset.SpectrogramDataset, inputs / GENRES, mapping)
    expect_equal(after, mapping, "the class_mapping after SpectrogramDataset(folder, class_mapping)")


@check(points=0.5, hint="train=False reads test_labels.txt and the folder test/.", needs=READS)
def test_dataset_reads_the_test_split(lab: Any, inputs: Path, rng: np.random.Generator) -> None:
    """SpectrogramDataset with train=False holds the tracks of the test split, and none of the training split."""
    test = make_tracks(["Folk", "Jazz", "Punk"], rng, [5, 5, 5])
    write_genres(inputs / GENRES, "train", make_tracks(TEN_GENRES, rng, [7] * 10))
    write_genres(inputs / GENRES, "test", [*test, *make_tracks(["Old-Time"], rng, [5])])
    dataset = lab.step04_dataset.SpectrogramDataset(inputs / GENRES, class_mapping=MAPPING, train=False)
    call = dataset_call("folder with 10 training and 3 test tracks", class_mapping=MAPPED, train=False)
    expect_equal(len(dataset), 3, f"len({call})")
    for index, track in enumerate(test):
        expect_track(dataset, index, track.fused, FEATURE_ROWS["mel"], f"the features of test track {index}")


@check(
    points=0.25,
    hint="Hand feat_type and max_length on for both splits, and look for the longest track among the split's own.",
    needs=(
        "test_dataset_reads_the_test_split",
        "test_dataset_pads_to_the_longest_track",
        "test_dataset_pads_or_cuts_to_max_length",
        "test_dataset_reads_the_feature_asked_for",
    ),
)
def test_dataset_treats_both_splits_alike(lab: Any, inputs: Path, rng: np.random.Generator) -> None:
    """SpectrogramDataset pads test tracks to the longest of them or to max_length, and gives the feature asked for."""
    tracks = make_tracks(["Folk", "Jazz"], rng, [5, 3])
    write_genres(inputs / GENRES, "train", make_tracks(TEN_GENRES, rng, [7] * 10))
    write_genres(inputs / GENRES, "test", tracks)
    for options, feat_type, length in (({}, "mel", 5), ({"feat_type": "chroma", "max_length": 4}, "chroma", 4)):
        dataset = lab.step04_dataset.SpectrogramDataset(inputs / GENRES, class_mapping=MAPPING, train=False, **options)
        for index, track in enumerate(tracks):
            call = dataset_call("folder", class_mapping=MAPPED, train=False, **options)
            right = padded(track.fused, FEATURE_ROWS[feat_type], length)
            expect_array(item(dataset, index)[0], right, f"the features of item {index} of {call}")


@check(
    points=1,
    hint="Fit the encoding on the training split or on the mapping, never on the test split.",
    needs=BUILDS,
)
def test_train_and_test_labels_are_encoded_alike(lab: Any, inputs: Path, rng: np.random.Generator) -> None:
    """SpectrogramDataset gives a genre the same label in both splits, also when the test split lacks some genres."""
    write_genres(inputs / GENRES, "train", make_tracks(TEN_GENRES, rng))
    write_genres(inputs / GENRES, "test", make_tracks(["Jazz", "Rock", "Trip-Hop"], rng))
    for mapping, words in ((MAPPING, "with a mapping"), (None, "without a mapping")):
        train, test = (
            labels_of(lab.step04_dataset.SpectrogramDataset(inputs / GENRES, class_mapping=mapping, train=split))
            for split in (True, False)
        )
        if len(set(train)) != len(TEN_GENRES):
            raise AssertionError(f"the labels of training tracks of ten genres, {words}, are {train}; expected ten.")
        alike = [train[TEN_GENRES.index(genre)] for genre in ("Jazz", "Rock", "Trip-Hop")]
        call = f"the labels of test tracks of Jazz, Rock and Trip-Hop, {words}, as of training tracks,"
        expect_equal(test, alike, call)


@check(
    points=0.25,
    hint="Without a mapping every genre of the training index is a class of its own.",
    needs=BUILDS,
)
def test_dataset_without_mapping_keeps_every_genre(lab: Any, inputs: Path, rng: np.random.Generator) -> None:
    """SpectrogramDataset without a class_mapping keeps all genres, sorted by name."""
    genres = ["Rock", "Old-Time", "Psych-Rock", "Blues", "Rock"]
    write_genres(inputs / GENRES, "train", make_tracks(genres, rng))
    dataset = lab.step04_dataset.SpectrogramDataset(inputs / GENRES)
    expect_equal(labels_of(dataset), [3, 1, 2, 0, 3], f"the labels of tracks of {', '.join(genres)} without a mapping")


@check(
    points=0.75,
    hint="Three quirks: a trailing .gz, full.fused for fused.full, beatsync.fused for fused.full. Undo each.",
    needs=READS,
)
@pytest.mark.parametrize(("folder", "split", "written"), SPELLINGS)
def test_dataset_finds_files_under_all_names(
    lab: Any, inputs: Path, rng: np.random.Generator, folder: str, split: str, written: str
) -> None:
    """SpectrogramDataset finds the files, whichever of the three ways the index writes their names."""
    tracks = make_tracks(TEN_GENRES, rng, [4] * 10)
    write_genres(inputs / folder, "train", tracks)
    write_genres(inputs / folder, split, tracks, written.format)
    train = split == "train"
    words = f"folder whose {split} index says {written.format(tracks[0].stem)}"
    call = dataset_call(words, class_mapping=MAPPED, train=train)
    dataset = lab.step04_dataset.SpectrogramDataset(inputs / folder, class_mapping=MAPPING, train=train)
    expect_equal(len(dataset), 10, f"len({call})")
    expect_track(dataset, 9, tracks[9].fused, FEATURE_ROWS["mel"], f"item 9 of {call}")


@check(
    points=0.25,
    hint="Return the paths of the files, in the order of the index, and the merged genres beside them.",
    needs=BUILDS,
)
def test_get_files_labels_lists_files_and_genres(lab: Any, inputs: Path, rng: np.random.Generator) -> None:
    """get_files_labels returns the files of an index, each of which exists, and their genres, in its order."""
    tracks = make_tracks(["Jazz", "Old-Time", "Punk"], rng)[::-1]  # in no order but the index's
    index = write_genres(inputs / GENRES, "train", tracks, "{}.fused.full.npy.gz".format)
    dataset = lab.step04_dataset.SpectrogramDataset(inputs / GENRES, class_mapping=MAPPING)
    files, labels = expect_length(dataset.get_files_labels(index, MAPPING), 2, "get_files_labels(index, mapping)")
    paths = [path_of(file, "a file of get_files_labels(index, mapping)") for file in files]
    names = [path.name for path in paths]
    expect_equal(names, [tracks[0].file_name, tracks[2].file_name], "the files of get_files_labels(index, mapping)")
    if not all(path.parent.parts[-2:] == (GENRES, "train") for path in paths):
        raise AssertionError(f"get_files_labels(index, mapping) returned {paths}; expected paths in {GENRES}/train.")
    expect_equal(labels, ["Metal", "Jazz"], "the labels of get_files_labels(index, mapping)")
    _, unmerged = expect_length(dataset.get_files_labels(index), 2, "get_files_labels(index)")
    expect_equal(unmerged, ["Punk", "Old-Time", "Jazz"], "the labels of get_files_labels(index), without a mapping,")


@check(
    points=0.25,
    hint="Raise FileNotFoundError for a track of the index that is not there; do not leave it out.",
    needs=BUILDS,
)
def test_dataset_refuses_a_missing_track(lab: Any, inputs: Path, rng: np.random.Generator) -> None:
    """SpectrogramDataset raises FileNotFoundError when a track of the index has no file."""
    tracks = make_tracks(["Rock", "Blues"], rng)
    write_genres(inputs / GENRES, "train", tracks)
    (inputs / GENRES / "train" / tracks[1].file_name).unlink()
    with expect_error(FileNotFoundError, dataset_call("folder with a track missing", class_mapping=MAPPED)):
        dataset = lab.step04_dataset.SpectrogramDataset(inputs / GENRES, class_mapping=MAPPING)
        dataset[1]


@check(
    points=0.25,
    hint="Check the arguments before the files are read: raise ValueError for a word or a length that means nothing.",
    needs=(*BUILDS, "test_read_spectrogram_refuses_another_feature", "test_padding_refuses_lengths_below_one"),
)
def test_dataset_refuses_other_arguments(lab: Any, inputs: Path, rng: np.random.Generator) -> None:
    """SpectrogramDataset raises ValueError for a feat_type that there is not, and for a max_length of 0 or below -1."""
    write_genres(inputs / GENRES, "train", make_tracks(["Rock", "Blues"], rng))
    for options in ({"feat_type": "tempogram"}, {"max_length": 0}, {"max_length": -2}):
        with expect_error(ValueError, dataset_call("folder", class_mapping=MAPPED, **options)):
            dataset = lab.step04_dataset.SpectrogramDataset(inputs / GENRES, class_mapping=MAPPING, **options)
            dataset[0]


@check(
    points=0.75,
    hint="regression=1 is valence, the first column after Id; 2 is energy, 3 danceability.",
    needs=BUILDS,
)
@pytest.mark.parametrize("axis", [1, 2, 3])
def test_regression_labels_are_the_axis_asked_for(lab: Any, inputs: Path, rng: np.random.Generator, axis: int) -> None:
    """SpectrogramDataset with regression=1, 2 or 3 labels each track with its valence, energy or danceability."""
    values = rng.uniform(0, 1, (4, 3)).round(6)
    folder = write_multitask(inputs / RATINGS, make_tracks(["Rock"] * 4, rng), values)
    dataset = lab.step04_dataset.SpectrogramDataset(folder, regression=axis)
    labels = np.array([np.asarray(item(dataset, index)[1]).reshape(-1) for index in range(4)], np.float64)
    expect_array(labels, values[:, [axis - 1]], f"the column of labels with regression={axis} ({AXES[axis - 1]})")


@check(points=0.5, hint="All three columns at once, in the order valence, energy, danceability.", needs=BUILDS)
def test_multitask_labels_are_all_three_axes(lab: Any, inputs: Path, rng: np.random.Generator) -> None:
    """SpectrogramDataset with multitask=True labels each track with valence, energy and danceability, [3]."""
    values = rng.uniform(0, 1, (4, 3)).round(6)
    folder = write_multitask(inputs / RATINGS, make_tracks(["Rock"] * 4, rng), values)
    dataset = lab.step04_dataset.SpectrogramDataset(folder, multitask=True)
    labels = np.array([item(dataset, index)[1] for index in range(4)], np.float64)
    expect_array(labels, values, "the array of labels with multitask=True")


@check(
    points=0.25,
    hint="There are no ratings of a test split: let the error of the missing index through.",
    needs=(*BUILDS, *RATED),
)
def test_dataset_refuses_a_missing_index(lab: Any, inputs: Path, rng: np.random.Generator) -> None:
    """SpectrogramDataset raises FileNotFoundError when the split has no index."""
    genres = write_genres(inputs / GENRES, "train", make_tracks(["Rock"], rng)).parent
    ratings = write_multitask(inputs / RATINGS, make_tracks(["Rock"], rng), rng.uniform(0, 1, (1, 3)))
    call = dataset_call("folder without test_labels.txt", class_mapping=MAPPED, train=False)
    with expect_error(FileNotFoundError, call):
        lab.step04_dataset.SpectrogramDataset(genres, class_mapping=MAPPING, train=False)
    with expect_error(FileNotFoundError, "SpectrogramDataset(multitask folder, train=False, multitask=True)"):
        lab.step04_dataset.SpectrogramDataset(ratings, train=False, multitask=True)


@check(
    points=0.25,
    hint="Raise ValueError for a line that cannot be read, and for an index that leaves no track; pass nothing over.",
    needs=(*BUILDS, *RATED),
)
def test_dataset_refuses_a_damaged_index(lab: Any, inputs: Path, rng: np.random.Generator) -> None:
    """SpectrogramDataset raises ValueError for an index that cannot be read, or that names no tracks to keep."""
    tracks = make_tracks(["Old-Time", "Soundtrack"], rng)
    genres = write_genres(inputs / GENRES, "train", tracks).parent
    with expect_error(ValueError, dataset_call("folder with tracks of dropped genres alone", class_mapping=MAPPED)):
        lab.step04_dataset.SpectrogramDataset(genres, class_mapping=MAPPING)
    ratings = write_multitask(inputs / RATINGS, tracks, rng.uniform(0, 1, (2, 3)))
    good = f"{tracks[1].stem},0.5,0.5,0.5"
    for values in ("0.25,0.5", "0.25,0.5,high", "0.25,0.5,0.5,0.5"):
        line = f"{tracks[0].stem},{values}"
        write_lines(ratings / "train_labels.txt", ["Id,valence,energy,danceability", good, line])
        with expect_error(ValueError, f"SpectrogramDataset(folder whose index says {line}, multitask=True)"):
            lab.step04_dataset.SpectrogramDataset(ratings, multitask=True)


@check(
    points=0.25,
    hint="Ratings change the labels alone: read, pad and measure the tracks as those with genres.",
    needs=(
        *RATED,
        "test_dataset_pads_or_cuts_to_max_length",
        "test_dataset_lengths_end_at_max_length",
        "test_dataset_reads_the_feature_asked_for",
    ),
)
def test_rated_tracks_are_read_as_the_others_are(lab: Any, inputs: Path, rng: np.random.Generator) -> None:
    """SpectrogramDataset of ratings gives features and lengths as asked for, and has no label_transformer."""
    tracks = make_tracks(["Rock"] * 2, rng, [3, 8])[::-1]  # in no order but the index's
    folder = write_multitask(inputs / RATINGS, tracks, rng.uniform(0, 1, (2, 3)))
    for options in ({"regression": 2}, {"multitask": True}):
        made = dataset_call("folder", feat_type="chroma", max_length=5, **options)
        dataset = lab.step04_dataset.SpectrogramDataset(folder, feat_type="chroma", max_length=5, **options)
        if getattr(dataset, "label_transformer", None) is not None:
            raise AssertionError(f"{made} has a label_transformer; expected None, since its labels are numbers.")
        for index, track in enumerate(tracks):
            call = f"item {index} of {made}"
            values, _, length = item(dataset, index, call)
            expect_array(values, padded(track.fused, FEATURE_ROWS["chroma"], 5), f"the features of {call}")
            expect_equal(length, (5, 3)[index], f"the length of {call}")


@check(
    points=0.25,
    hint="An Id that ends in .npy is the file's name already; otherwise add .fused.full.npy.",
    needs=(*READS, *RATED),
)
def test_multitask_ids_may_be_file_names(lab: Any, inputs: Path, rng: np.random.Generator) -> None:
    """SpectrogramDataset finds the tracks of a multitask index whose Ids are names of files."""
    tracks = make_tracks(["Rock"] * 3, rng, [6, 6, 6])
    values = rng.uniform(0, 1, (3, 3)).round(6)
    folder = write_multitask(inputs / RATINGS, tracks, values, "{}.fused.full.npy".format)
    call = f"SpectrogramDataset(folder whose index says {tracks[0].file_name}, multitask=True)"
    dataset = lab.step04_dataset.SpectrogramDataset(folder, multitask=True)
    expect_equal(len(dataset), 3, f"len({call})")
    expect_track(dataset, 2, tracks[2].fused, FEATURE_ROWS["mel"], f"item 2 of {call}")


@check(
    points=0.25,
    hint="`if regression:` takes 0 for no task at all: compare with None, and refuse what is not 1, 2 or 3.",
    needs=BUILDS,
)
def test_dataset_refuses_an_axis_that_is_not_there(lab: Any, inputs: Path, rng: np.random.Generator) -> None:
    """SpectrogramDataset raises ValueError for a regression axis other than 1, 2 and 3."""
    ratings = write_multitask(inputs / RATINGS, make_tracks(["Rock"] * 2, rng), rng.uniform(0, 1, (2, 3)))
    genres = write_genres(inputs / GENRES, "train", make_tracks(["Rock"] * 2, rng)).parent
    for folder, axis in ((genres, 0), (ratings, 0), (ratings, -1), (ratings, 4)):
        with expect_error(ValueError, f"SpectrogramDataset(folder, regression={axis})"):
            lab.step04_dataset.SpectrogramDataset(folder, regression=axis)


@check(
    points=0.25,
    hint="One axis or all three: raise ValueError if both are asked for.",
    needs=RATED,
)
def test_dataset_refuses_one_axis_and_all(lab: Any, inputs: Path, rng: np.random.Generator) -> None:
    """SpectrogramDataset raises ValueError for regression together with multitask."""
    ratings = write_multitask(inputs / RATINGS, make_tracks(["Rock"] * 2, rng), rng.uniform(0, 1, (2, 3)))
    with expect_error(ValueError, "SpectrogramDataset(folder, regression=1, multitask=True)"):
        lab.step04_dataset.SpectrogramDataset(ratings, regression=1, multitask=True)


# --- splits


@check(points=0.75, hint="Shuffle the indices once, then cut the list: each index falls into exactly one part.")
@examples(size=st.integers(5, 40), batch=st.integers(1, 7), seed=st.integers(0, 1000))
def test_split_is_disjoint_and_complete(lab: Any, kit: Kit, size: int, batch: int, seed: int) -> None:
    """torch_train_val_split puts every item into exactly one of training and validation."""
    (train, val), call = split(lab, kit, size, batch, 3, seed=seed)
    expect_partition([drawn(train, call), drawn(val, call)], size, call)


@check(points=0.5, hint="val_size is a fraction of all items: int(val_size * len(dataset)).", needs=SPLITS)
def test_validation_takes_its_fraction(lab: Any, kit: Kit) -> None:
    """torch_train_val_split gives the fraction val_size of the items to validation."""
    for size, fraction in ((50, 0.2), (40, 0.25), (10, 0.5), (19, 0.2)):
        (_, val), call = split(lab, kit, size, 4, 4, val_size=fraction)
        expect_equal(len(drawn(val, call)), int(size * fraction), f"the number of validation items of {call}")


@check(
    points=0.25,
    hint="Cut three parts from the same shuffled indices; test must not overlap validation.",
    needs=SPLITS,
)
def test_three_way_split_is_disjoint_and_complete(lab: Any, kit: Kit) -> None:
    """torch_train_val_split with test_size > 0 returns three loaders that share no item and miss none."""
    (train, val, test), call = split(lab, kit, 40, 4, 5, val_size=0.2, test_size=0.3)
    parts = [drawn(loader, call) for loader in (train, val, test)]
    expect_partition(parts, 40, call)


@check(
    points=0.5,
    hint="Seed one generator of your own with `seed`, and shuffle the indices with it.",
    needs=SPLITS,
)
def test_split_depends_on_the_seed(lab: Any, kit: Kit) -> None:
    """torch_train_val_split draws the same split for the same seed, and another for another seed."""
    parts: dict[int, list[int]] = {}
    for seed in (0, 1, 0, 1, 2):
        (_, val), call = split(lab, kit, 40, 4, 4, seed=seed)
        items = sorted(drawn(val, call))
        expect_equal(items, parts.setdefault(seed, items), f"the validation items of {call}, called again,")
    for options in ({}, {"seed": 420}):
        (_, val), call = split(lab, kit, 40, 4, 4, **options)
        items = sorted(drawn(val, call))
        expect_equal(items, parts.setdefault(420, items), f"the validation items of {call}, as without a seed,")
    if parts[1] == parts[2]:
        raise AssertionError(
            "torch_train_val_split draws the same validation items for seeds 1 and 2; expected it to use the seed."
        )


@check(points=0.25, hint="Shuffle only if shuffle is true, and let validation take the first items.", needs=SPLITS)
def test_split_without_shuffling_keeps_the_order(lab: Any, kit: Kit) -> None:
    """torch_train_val_split with shuffle=False gives the first items to validation."""
    (_, val), call = split(lab, kit, 20, 4, 4, shuffle=False)
    items = sorted(drawn(val, call))
    expect_equal(items, list(range(max(1, len(items)))), f"the validation items of {call}")


@check(
    points=0.25,
    hint="A SubsetRandomSampler shuffles always: use a Subset, and shuffle=shuffle in the training loader alone.",
    needs=("test_split_without_shuffling_keeps_the_order", "test_three_way_split_is_disjoint_and_complete"),
)
def test_loaders_without_shuffling_keep_the_order(lab: Any, kit: Kit) -> None:
    """torch_train_val_split with shuffle=False makes loaders of items in order: validation, test, training."""
    loaders, call = split(lab, kit, 20, 3, 2, val_size=0.2, test_size=0.15, shuffle=False)
    expected = {
        "the training items": list(range(7, 20)),
        "the validation items": [0, 1, 2, 3],
        "the test items": [4, 5, 6],
    }
    for loader, (name, items) in zip(loaders, expected.items(), strict=True):
        for epoch in (1, 2):
            expect_equal(drawn(loader, call), items, f"{name} of {call}, in epoch {epoch},")


@check(
    points=0.25,
    hint="`val_size or 0.2` takes 0 for nothing said; whether there is a test loader depends on test_size alone.",
    needs=("test_loaders_without_shuffling_keep_the_order",),
)
def test_split_takes_parts_without_items(lab: Any, kit: Kit) -> None:
    """torch_train_val_split makes a loader without items for a val_size of 0, or a test_size of less than an item."""
    (_, val), call = split(lab, kit, 20, 4, 3, val_size=0.0, shuffle=False)
    expect_equal(drawn(val, call), [], f"the validation items of {call}")
    (_, _, test), call = split(lab, kit, 20, 4, 3, test_size=0.04, shuffle=False)
    expect_equal(drawn(test, call), [], f"the test items of {call}")


@check(
    points=0.25,
    hint="Give the training loader a generator of its own: generator=torch.Generator().manual_seed(seed).",
    needs=("test_split_depends_on_the_seed",),
)
def test_training_order_depends_on_the_seed_alone(lab: Any, kit: Kit) -> None:
    """torch_train_val_split's training loader gives the same batches for the same seed, whatever was drawn before."""
    orders = []
    for other in (1, 2):
        kit.training.seed(other)
        (train, _), call = split(lab, kit, 40, 4, 4, seed=7)
        kit.training.seed(10 + other)
        orders.append([drawn(train, call), drawn(train, call)])
    expect_equal(orders[1], orders[0], f"the training items of two epochs of {call}, called again,")


@check(
    points=0.25,
    hint="torch.manual_seed(seed) changes every later draw of the program: make a torch.Generator of your own.",
    needs=("test_split_depends_on_the_seed",),
)
def test_split_leaves_the_global_generator_alone(lab: Any, kit: Kit) -> None:
    """torch_train_val_split neither seeds nor uses PyTorch's global generator."""
    kit.training.seed(3)
    for options in ({}, {"shuffle": False}):
        before = kit.global_generators()
        _, call = split(lab, kit, 20, 4, 4, **options)
        if kit.global_generators()["PyTorch"] != before["PyTorch"]:
            raise AssertionError(f"{call} changed the state of PyTorch's global generator; expected its own one.")


@check(
    points=0.25,
    hint="Give the training loader a SubsetRandomSampler, or a Subset and shuffle=True.",
    needs=SPLITS,
)
def test_training_items_are_shuffled_anew_each_epoch(lab: Any, kit: Kit) -> None:
    """torch_train_val_split's training loader gives the items in another order in the next epoch."""
    (train, _), call = split(lab, kit, 40, 4, 4)
    first, second = drawn(train, call), drawn(train, call)
    if first == second:
        raise AssertionError(f"the training loader of {call} gives the same order in two epochs; expected another.")


@check(
    points=0.25,
    hint="Leave drop_last at False: the last batch may be smaller, its items count too.",
    needs=SPLITS,
)
def test_batches_have_their_sizes(lab: Any, kit: Kit) -> None:
    """torch_train_val_split makes batches of batch_train and batch_eval items, the last one smaller."""
    loaders, call = split(lab, kit, 40, 7, 3)
    names = (f"the training loader of {call}", f"the validation loader of {call}")
    for loader, size, name in zip(loaders, (7, 3), names, strict=True):
        expect_batches(loader, size, name)


@check(
    points=0.25,
    hint="int(fraction * len(dataset)) for both parts, out of one shuffled list; test batches hold batch_eval items.",
    needs=(
        "test_validation_takes_its_fraction",
        "test_three_way_split_is_disjoint_and_complete",
        "test_split_depends_on_the_seed",
        "test_batches_have_their_sizes",
    ),
)
def test_three_way_split_takes_its_fractions(lab: Any, kit: Kit) -> None:
    """torch_train_val_split with test_size > 0 rounds both parts down; seed and batch_eval are for test items too."""
    loaders, call = split(lab, kit, 19, 4, 3, val_size=0.2, test_size=0.33)
    sizes = [len(drawn(loader, call)) for loader in loaders]
    expect_equal(sizes, [10, 3, 6], f"the numbers of training, validation and test items of {call}, rounded down,")
    expect_batches(loaders[2], 3, f"the test loader of {call}")
    tests = [sorted(drawn(split(lab, kit, 40, 4, 4, test_size=0.3, seed=seed)[0][2], call)) for seed in (1, 2)]
    if tests[0] == tests[1]:
        raise AssertionError(
            "torch_train_val_split draws the same test items for seeds 1 and 2; expected it to shuffle all of them."
        )


@check(points=0.5, hint="The default collate of DataLoader stacks the items; let it.", needs=(*BUILDS, *SPLITS))
def test_batches_are_stacked(lab: Any, inputs: Path, rng: np.random.Generator) -> None:
    """torch_train_val_split's batches are (data [B, T, F], labels [B], lengths [B]), stacked from the items."""
    write_genres(inputs / GENRES, "train", make_tracks(TEN_GENRES, rng, [4, 6] * 5))
    dataset = lab.step04_dataset.SpectrogramDataset(inputs / GENRES, class_mapping=MAPPING)
    stacked = []
    for index in range(len(dataset)):
        values, label, length = item(dataset, index)
        stacked.append((np.array(as_array(values, "the features of dataset[i]")), label, length))
    call = "torch_train_val_split(dataset, 8, 8)"
    loaders = expect_length(lab.step04_dataset.torch_train_val_split(dataset, 8, 8), 2, call)
    for batch in loaders[0]:
        data, labels, lengths = expect_length(batch, 3, f"a batch of {call}")
        size = len(as_array(data, f"the data of a batch of {call}"))
        data = expect_shape(data, (size, *stacked[0][0].shape), f"the data of a batch of {call}, of {size} items,")
        named, timesteps = (
            plain(expect_shape(values, (size,), f"{name} of a batch of {call}, of {size} items,"), call)
            for values, name in ((labels, "the labels"), (lengths, "the lengths"))
        )
        for row, label, length in zip(data, named, timesteps, strict=True):
            expect_stacked((row, label, length), stacked, call)


@check(
    points=0.25,
    hint="Losses want float features and int64 labels: make the labels of classes int, those of ratings float32.",
    needs=("test_batches_are_stacked", *RATED),
)
def test_batches_fit_the_losses(lab: Any, inputs: Path, rng: np.random.Generator) -> None:
    """Batches have floating point data, labels [B]: int64 for classes, float for ratings ([B, 3] for all three)."""
    tracks = make_tracks(TEN_GENRES, rng, [4, 6] * 5)
    write_genres(inputs / GENRES, "train", tracks)
    write_multitask(inputs / RATINGS, tracks, rng.uniform(0, 1, (10, 3)))
    for folder, options, words, of_each in (
        (GENRES, {"class_mapping": MAPPING}, "of genres", ()),
        (RATINGS, {"regression": 2}, "with regression=2", ()),
        (RATINGS, {"multitask": True}, "with multitask=True", (3,)),
    ):
        dataset = lab.step04_dataset.SpectrogramDataset(inputs / folder, **options)
        data, labels, lengths = next(iter(lab.step04_dataset.torch_train_val_split(dataset, 8, 8)[0]))
        expect_dtype(data, "f", f"the data of a batch {words}")
        expect_shape(labels, (8, *of_each), f"the labels of a batch of 8 items {words}")
        if folder == GENRES:
            expect_int64(labels, f"the array of labels of a batch {words}")
        else:
            expect_dtype(labels, "f", f"the labels of a batch {words}")
        expect_dtype(lengths, "i", f"the lengths of a batch {words}")


@check(
    points=0.25,
    hint="A negative fraction is a mistake of the caller: raise ValueError.",
    needs=SPLITS,
)
def test_split_refuses_negative_fractions(lab: Any, kit: Kit) -> None:
    """torch_train_val_split raises ValueError for a negative val_size or test_size."""
    for options in ({"val_size": -0.2}, {"test_size": -0.2}, {"val_size": 0.5, "test_size": -0.2}):
        with expect_error(ValueError, split_call(10, 4, 4, **options)):
            lab.step04_dataset.torch_train_val_split(kit.indexed_dataset(10), 4, 4, **options)


@check(points=0.25, hint="If validation and test take everything, raise ValueError.", needs=FRACTION)
def test_split_refuses_to_leave_nothing_to_train_on(lab: Any, kit: Kit) -> None:
    """torch_train_val_split raises ValueError when no item is left for training."""
    for sizes in ((0.6, 0.4), (1.0, 0.0), (0.9, 0.3)):
        call = split_call(10, 4, 4, val_size=sizes[0], test_size=sizes[1], shuffle=False)
        with expect_error(ValueError, call):
            lab.step04_dataset.torch_train_val_split(
                kit.indexed_dataset(10), 4, 4, val_size=sizes[0], test_size=sizes[1], shuffle=False
            )
