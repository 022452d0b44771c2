"""The kit: figures that were made ahead are as new ones, and what is overwritten is seen at home too."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import matplotlib.pyplot as plt
import pytest
import torch

from graders.checks import kit
from graders.checks.kit import figures
from graders.checks.kit.shown import FIGURES
from graders.checks.pytorch import PyTorch
from tests.support import COURSE


@pytest.fixture(autouse=True)
def with_agg(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(figures, "_ready", [])
    plt.switch_backend("agg")
    yield
    plt.close("all")


def looks(ax: Any) -> dict[str, object]:
    return {
        "known": plt.get_fignums(),
        "number": ax.figure.number,
        "current": plt.gcf() is ax.figure,
        "size": ax.figure.get_size_inches().tolist(),
        "axes": ax.figure.axes == [ax],
        "children": [type(child).__name__ for child in ax.get_children()],
        "manager": ax.figure.canvas.manager.num,
        "grid": ax.xaxis.get_gridlines()[0].get_visible(),
    }


def test_figures_made_ahead_are_as_new_ones() -> None:
    new = looks(figures.empty_axes())
    figures.make_ready()
    ahead = [looks(figures.empty_axes()) for _ in range(figures.READY + 1)]
    assert ahead == [new] * (figures.READY + 1)


def test_figures_have_the_settings_that_student_code_has_chosen() -> None:
    figures.make_ready()
    with plt.rc_context({"axes.grid": True}):
        assert looks(figures.empty_axes())["grid"]
    assert not looks(figures.empty_axes())["grid"]


def test_what_a_function_overwrites_is_seen_where_it_gets_the_checks_own_arguments() -> None:
    beats = [15, 4, 9]
    after = kit.arguments_after(lambda beats: beats.sort(), beats)
    assert (beats, after) == ([15, 4, 9], ([4, 9, 15],))


@pytest.mark.parametrize("step", [1, 2, 3, 4, 6, 7])
def test_the_reference_draws_each_figure_of_a_step(step: int) -> None:
    lab = SimpleNamespace(
        **{name: importlib.import_module(f"{COURSE.reference}.{name}") for name in COURSE.modules[:step]}
    )
    drawn = {one.name: one.draw(lab, COURSE.path(COURSE.data)) for one in FIGURES if one.step == step}
    assert drawn
    assert all(content.startswith(b"\x89PNG") for content in drawn.values())
    assert plt.get_fignums() == []


@pytest.mark.parametrize("seed", [0, 2**40 + 5, 2**127 + 2**62 + 7])
def test_the_generator_is_seeded_as_pytorch_itself_does(seed: int) -> None:
    torch.manual_seed(seed % 2**63)
    expected = torch.rand(4)
    PyTorch().seed(seed)
    assert torch.equal(torch.rand(4), expected)
