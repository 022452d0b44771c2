"""What can be seen of a plot: artists that are not hidden, transparent or without any size, and texts of axes."""

from __future__ import annotations

from typing import Any

NOTHING = ("None", "none", " ", "", None)  # how matplotlib says that a line or a marker is not drawn
LEAST_FONT = 1  # of matplotlib, which makes no smaller text


def visible(artists: Any) -> list[Any]:
    """Return those of some matplotlib artists that can be seen, where their axes are.

    Hidden ones cannot, transparent ones, lines without width and markers, patches and texts of no colour or size.
    """
    return [one for one in artists if one.axes is not None and _is_seen(one) and _is_there(one.axes)]


def _is_there(ax: Any) -> bool:
    """Return whether axes are shown, and have a part of the figure to themselves."""
    from matplotlib.transforms import Bbox  # noqa: PLC0415 - the kit is imported by the judge's side as well

    part = Bbox.intersection(ax.bbox, ax.figure.bbox)
    return bool(ax.get_visible() and part is not None and part.width > 0 and part.height > 0)


def _is_seen(artist: Any) -> bool:
    import numpy as np  # noqa: PLC0415
    from matplotlib.lines import Line2D  # noqa: PLC0415
    from matplotlib.patches import Patch  # noqa: PLC0415
    from matplotlib.text import Text  # noqa: PLC0415

    alpha = artist.get_alpha()
    if not artist.get_visible() or (alpha is not None and not np.any(alpha)):
        return False
    if isinstance(artist, Line2D):
        return _line_is_seen(artist)
    if isinstance(artist, Patch):
        edge = (
            artist.get_linewidth() > 0 and artist.get_linestyle() not in NOTHING and _has_colour(artist.get_edgecolor())
        )
        return bool((artist.get_fill() and _has_colour(artist.get_facecolor())) or edge)
    if isinstance(artist, Text):
        return bool(
            artist.get_text().strip() and float(artist.get_fontsize()) > LEAST_FONT and _has_colour(artist.get_color())
        )
    return getattr(artist, "get_array", lambda: None)() is None or len(_shown(artist)) > 0


def _line_is_seen(line: Any) -> bool:
    stroke = line.get_linestyle() not in NOTHING and line.get_linewidth() > 0 and _has_colour(line.get_color())
    colours = (line.get_markerfacecolor(), line.get_markeredgecolor())
    marker = line.get_marker() not in NOTHING and line.get_markersize() > 0 and any(map(_has_colour, colours))
    return bool(stroke or marker)


def _has_colour(colour: Any) -> bool:
    from matplotlib.colors import to_rgba_array  # noqa: PLC0415

    return bool(len(to_rgba_array(colour)) and to_rgba_array(colour)[:, 3].any())


def colours(artist: Any) -> int:
    """Return how many different colours an image or a mesh shows, without those that are transparent."""
    # A set of rows as bytes takes a fifth of the time of `np.unique`, which sorts them.
    return len({row.tobytes() for row in _shown(artist)}) if visible([artist]) else 0


def cell_colours(artist: Any) -> Any:
    """Return the colour of each cell of an image or a mesh: bytes [..., 4]."""
    return artist.to_rgba(artist.get_array(), bytes=True)


def _shown(artist: Any) -> Any:
    """Return the colours of the cells of an image or a mesh that are not transparent: [cells, 4]."""
    import numpy as np  # noqa: PLC0415

    cells = np.asarray(artist.to_rgba(artist.get_array())).reshape(-1, 4)
    return cells[cells[:, 3] > 0]


def label_of(axis: Any) -> str:
    """Return the label of a matplotlib axis (`ax.xaxis`, `ax.yaxis`); "" if it is not shown."""
    shown = axis.axes.axison and axis.get_visible() and _is_there(axis.axes) and _is_seen(axis.label)
    return str(axis.label.get_text()) if shown else ""


def titles_of(ax: Any) -> list[str]:
    """Return the titles of matplotlib axes that are shown, from the left, the centre and the right."""
    places = (ax._left_title, ax.title, ax._right_title)  # noqa: SLF001 - there is no public way to two of them
    return [title.get_text() for title in places if _is_seen(title) and _is_there(ax)]
