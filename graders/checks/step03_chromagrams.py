"""Checks of step 3: the chromagram and its plot."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from graders.authoring.check import check
from graders.authoring.examples import examples
from graders.authoring.expect import expect_array, expect_error, plain
from graders.checks.data.features import features
from graders.checks.data.folders import ROWS
from graders.checks.kit.protocol import Kit
from graders.checks.plots.axes import (
    PITCH_LABEL,
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
from graders.checks.plots.heat_maps import names_along


@check(points=1, hint="Rows 128 to 139 are fused[128:140]; Python counts from 0, and the end is left out.")
@examples(fused=features(ROWS))
def test_chromagram_is_the_last_12_rows(lab: Any, kit: Kit, fused: np.ndarray) -> None:
    """chromagram returns rows 128-139, [12, T], and leaves the fused array as it is."""
    call = f"chromagram(fused {list(fused.shape)})"
    expect_array(lab.step03_chromagrams.chromagram(fused), fused[128:], call)
    (after,) = kit.arguments_after(lab.step03_chromagrams.chromagram, fused)
    expect_array(after, fused, f"the fused array after {call}", tolerance=0)


@check(points=0.25, hint="Raise ValueError unless there are 140 rows.", needs=("test_chromagram_is_the_last_12_rows",))
@pytest.mark.parametrize("shape", [(128, 40), (152, 40), (40, 140), (140,), (140, 2, 3)])
def test_chromagram_refuses_other_rows(lab: Any, shape: tuple[int, ...]) -> None:
    """chromagram raises ValueError for an array without 140 rows."""
    with expect_error(ValueError, f"chromagram(array {list(shape)})"):
        lab.step03_chromagrams.chromagram(np.zeros(shape, np.float32))


@check(points=1, hint="Pass the array to librosa.display.specshow as it is, with ax=ax.")
def test_plot_chromagram_draws_the_data(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """plot_chromagram draws the chromagram as it is on the given axes, with the title that it is given."""
    chroma = rng.uniform(0, 1, (12, 43)).astype(np.float32)
    ax = kit.empty_axes()
    figures = kit.open_figures()
    call = "plot_chromagram(chroma, ax, title='Τριπ-χοπ')"
    lab.step03_chromagrams.plot_chromagram(chroma, ax, title="Τριπ-χοπ")
    expect_drawn(ax, chroma, kit, call)
    expect_no_other_figure(kit, figures, call)
    expect_title(ax, "Τριπ-χοπ", kit, call)
    untitled = kit.empty_axes()
    after, _ = kit.arguments_after(lab.step03_chromagrams.plot_chromagram, chroma, untitled)
    expect_title(untitled, "", kit, "plot_chromagram(chroma, ax)")
    expect_array(after, chroma, "the chromagram after plot_chromagram(chroma, ax)", tolerance=0)


@check(
    points=0.75,
    hint="Give specshow x_axis='time', y_axis='chroma', sr and hop_length, then set both labels.",
    needs=("test_plot_chromagram_draws_the_data",),
)
def test_plot_chromagram_has_seconds_and_pitch_classes(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """plot_chromagram has time in seconds across and pitch classes, by name, upwards."""
    ax = kit.empty_axes()
    lab.step03_chromagrams.plot_chromagram(rng.uniform(0, 1, (12, 431)).astype(np.float32), ax)
    expect_label(kit.label_of(ax.xaxis), SECONDS_LABEL, "the x label of plot_chromagram", "the unit s")
    expect_label(kit.label_of(ax.yaxis), PITCH_LABEL, "the y label of plot_chromagram", "the pitch class")
    expect_end(ax.get_xlim(), 431 * 512 / 22050, 2 * 512 / 22050, "the time axis of plot_chromagram, in seconds")
    expect_columns(ax, 512 / 22050, "s", kit, "plot_chromagram(chroma, ax)")
    expect_end(ax.get_ylim(), 11.5, 1, "the pitch axis of plot_chromagram, from C upwards to B")
    names = plain(kit.tick_labels(ax.yaxis), "the ticks of plot_chromagram")
    if not {"C", "E", "G"} <= set(names):
        raise AssertionError(f"the y ticks of plot_chromagram are {names}; expected names of notes, C to B.")
    rows = corners_of(seen_mesh(ax, kit, "plot_chromagram(chroma, ax)"), "plot_chromagram(chroma, ax)")[:, 0, 1]
    notes = names_along(kit, ax.yaxis, (rows[1:] + rows[:-1]) / 2, "plot_chromagram(chroma, ax)")
    for row, note in ((0, "C"), (4, "E"), (7, "G")):
        if notes[row] != note:
            raise AssertionError(
                f"plot_chromagram(chroma, ax) has {notes[row]!r} beside row {row} of the chromagram; expected {note}."
            )


@check(
    points=0.25,
    hint="Hand sr and hop_length on to specshow: the time of a column depends on both.",
    needs=("test_plot_chromagram_has_seconds_and_pitch_classes",),
)
@pytest.mark.parametrize(("sr", "hop"), [(16000, 512), (22050, 256)])
def test_plot_chromagram_follows_rate_and_hop(lab: Any, kit: Kit, rng: np.random.Generator, sr: int, hop: int) -> None:
    """plot_chromagram's time axis follows the sampling rate and the hop that it is given."""
    ax = kit.empty_axes()
    chroma = rng.uniform(0, 1, (12, 200)).astype(np.float32)
    lab.step03_chromagrams.plot_chromagram(chroma, ax, sr=sr, hop_length=hop)
    call = f"plot_chromagram(chroma, ax, sr={sr}, hop_length={hop})"
    expect_end(ax.get_xlim(), 200 * hop / sr, 2 * hop / sr, f"the time axis of {call}, in seconds")
    expect_columns(ax, hop / sr, "s", kit, call)


@check(
    points=0.25,
    hint="Return what specshow returns: figure.colorbar needs it.",
    needs=("test_plot_chromagram_draws_the_data",),
)
def test_plot_chromagram_returns_what_it_drew(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """plot_chromagram returns what it drew, from which a colour bar can be made."""
    chroma = rng.uniform(0, 1, (12, 43)).astype(np.float32)
    ax = kit.empty_axes()
    image = lab.step03_chromagrams.plot_chromagram(chroma, ax)
    expect_returned(image, ax, chroma, kit, "plot_chromagram(chroma, ax)")


@check(
    points=0.25,
    hint="A beat-synchronous feature has one column a beat: with x_axis='beats', x counts columns and says so.",
    needs=("test_plot_chromagram_draws_the_data",),
)
def test_plot_chromagram_counts_beats(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """plot_chromagram counts beats, not seconds, with x_axis='beats'; all else is as with seconds."""
    beats = rng.uniform(0, 1, (12, 62)).astype(np.float32)
    expect_beats(lab.step03_chromagrams.plot_chromagram, kit, beats, "plot_chromagram")


@check(
    points=0.25,
    hint="An if/else takes any other word for one of the two: raise ValueError for what is neither.",
    needs=("test_plot_chromagram_counts_beats",),
)
def test_plot_chromagram_refuses_another_x_axis(lab: Any, kit: Kit) -> None:
    """plot_chromagram raises ValueError for an x_axis that is neither 'time' nor 'beats'."""
    feature = np.zeros((12, 9), np.float32)
    expect_no_other_x_axis(lab.step03_chromagrams.plot_chromagram, kit, feature, "plot_chromagram")
