"""Reading a bar chart: the height of each bar, by the name at its tick."""

from __future__ import annotations

from typing import Any

import numpy as np

from graders.authoring.expect import plain
from graders.checks.kit.protocol import Kit
from graders.checks.plots.axes import coordinates, expect_in_view


def bars_by_name(kit: Kit, ax: Any, call: str) -> dict[str, float]:
    """Return the height of each bar, by the text at the tick below it.

    A bar below which there is no tick raises, one whose name another bar has too, and one that ends out of sight.
    """
    ticks = coordinates(ax.xaxis.get_majorticklocs(), call)
    texts = plain(kit.tick_labels(ax.xaxis), call)
    bars: dict[str, float] = {}
    for bar in kit.visible(ax.patches):
        left, width, height = coordinates([bar.get_x(), bar.get_width(), bar.get_height()], call)
        expect_in_view(ax, np.array([left, left + width]), np.array([height]), call)
        names = [text for tick, text in zip(ticks, texts, strict=True) if left <= tick <= left + width]
        if len(names) != 1 or names[0] in bars:
            raise AssertionError(f"{call} has a bar of height {height:g} with the names {names}; expected one name.")
        bars[names[0]] = float(height)
    return bars
