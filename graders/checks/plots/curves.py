"""Reading a plot of lines: their points, and their names in the legend."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from graders.authoring.expect import expect_text, plain
from graders.checks.kit.protocol import Kit
from graders.checks.plots.axes import coordinates, out_of_view


class Curve(NamedTuple):
    """A drawn line, and its name in the legend."""

    label: str
    points: np.ndarray


def look_of(line: Any, call: str) -> Any:
    """Return colour, style and marker of a line."""
    return plain((line.get_color(), line.get_linestyle(), line.get_marker()), call)


def legend_of(kit: Kit, ax: Any, call: str) -> list[tuple[str, Any]]:
    """Return the entries (text, look) of the legend of the axes or of the figure; none without a legend."""
    legends = [legend for legend in (ax.get_legend(), *ax.figure.legends) if legend is not None]
    if not legends:
        return []
    legend = legends[0]
    texts = [expect_text(text.get_text(), f"a text in the legend of {call}") for text in legend.get_texts()]
    return [
        (text, look_of(handle, call))
        for text, handle in zip(texts, legend.legend_handles, strict=True)
        if kit.is_a(handle, "matplotlib.lines", "Line2D")
    ]


def curves_of(kit: Kit, ax: Any, call: str) -> list[Curve]:
    """Return the lines of axes that are in view; one that looks like others has its own label, if the legend has it."""
    entries = legend_of(kit, ax, call)
    curves = []
    for line in kit.visible(ax.lines):
        look, own = look_of(line, call), line.get_label()
        alike = [text for text, handle_look in entries if handle_look == look]
        label = alike[0] if len(alike) == 1 else own if own in alike else ""
        points = coordinates(line.get_xydata(), call)
        if points.size and not out_of_view(ax, points[:, 0], points[:, 1], call):
            curves.append(Curve(label, points))
    return curves
