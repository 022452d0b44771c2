"""Pictures of what came beside what was expected, as a page holds them: images in the page itself, tables, drawings."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image

from graders.outcomes import Panel, Picture

WIDTH, HEIGHT = 320, 120  # of a drawing, in its own units
COLOURS = ((68, 1, 84), (59, 82, 139), (33, 145, 140), (94, 201, 98), (253, 231, 37))  # from low to high
NO_NUMBER = (214, 39, 140)


@dataclass(frozen=True)
class Image2D:
    """A matrix as an image.

    Attributes:
        data: the image, as an address that holds it.
        rows: of the image, in pixels.
        columns: likewise.
    """

    data: str
    rows: int
    columns: int


@dataclass(frozen=True)
class Table:
    """A small matrix: its rows, each number with whether it is as expected; None for no number."""

    rows: list[list[tuple[float | None, bool]]]


def panels_of(picture: Picture) -> list[Image2D | Table]:
    """Return the matrices of a picture: what came, and what was expected; none where they are not whole."""
    both = [panel for panel in (picture.came, picture.wanted) if panel]
    if not both or any(len(panel.cells) != panel.rows * panel.columns for panel in both):
        return []
    if all(len(panel.numbers) == len(panel.cells) for panel in both):
        wanted = both[-1]
        return [_table(panel, wanted) for panel in both]
    return [_image(panel) for panel in both]


def lines_of(picture: Picture) -> list[str]:
    """Return the curves of a picture, as points of polylines in a drawing of `WIDTH` x `HEIGHT`; gaps are left out."""
    spread = (picture.high - picture.low) or 1.0

    def line(values: Sequence[float | None]) -> str:
        across = WIDTH / max(1, len(values) - 1)
        known = ((at, value) for at, value in enumerate(values) if value is not None)
        return " ".join(f"{at * across:.1f},{HEIGHT * (1 - (value - picture.low) / spread):.1f}" for at, value in known)

    return [line(values) for values in picture.curves]


def _table(panel: Panel, wanted: Panel) -> Table:
    same_shape = (panel.rows, panel.columns) == (wanted.rows, wanted.columns)
    right = wanted.numbers if same_shape else panel.numbers
    cells = [(number, number == expected) for number, expected in zip(panel.numbers, right, strict=True)]
    return Table([cells[at : at + panel.columns] for at in range(0, len(cells), panel.columns)])


def _image(panel: Panel) -> Image2D:
    image = Image.frombytes("P", (panel.columns, panel.rows), panel.cells)
    image.putpalette([part for colour in (NO_NUMBER, *_palette()) for part in colour])
    written = io.BytesIO()
    image.save(written, "PNG", optimize=True)
    data = base64.b64encode(written.getvalue()).decode()
    return Image2D(f"data:image/png;base64,{data}", panel.rows, panel.columns)


def _palette() -> list[tuple[int, ...]]:
    """Return 255 colours, from that of the least value to that of the largest."""
    parts = len(COLOURS) - 1
    found = []
    for level in range(255):
        at, within = divmod(level * parts / 254, 1)
        first = min(int(at), parts - 1)
        share = within if int(at) < parts else 1.0
        found.append(tuple(round(a + (b - a) * share) for a, b in zip(COLOURS[first], COLOURS[first + 1], strict=True)))
    return found
