"""Empty figures for plotting functions to draw on; some are made before workers are forked, since axes take long."""

from __future__ import annotations

from typing import Any

READY = 10  # figures with one axes; no step asks for more
SIZE = (6, 4)  # inches
_ready: list[tuple[Any, Any]] = []
_made_with: list[Any] = []  # the settings of matplotlib that they have


def make_ready() -> None:
    """Make figures with one axes that `empty_axes` can give away."""
    import matplotlib as mpl  # noqa: PLC0415 - the kit is imported by the judge's side as well
    import matplotlib.pyplot as plt  # noqa: PLC0415
    from matplotlib._pylab_helpers import Gcf  # noqa: PLC0415 - where pyplot keeps its figures

    plt.close("all")
    _made_with[:] = [mpl.rcParams.copy()]
    while len(_ready) < READY:
        figure = plt.figure(figsize=SIZE)
        _ready.append((figure.canvas.manager, figure.subplots()))
        Gcf.figs.clear()


def empty_axes() -> Any:
    """Return the empty matplotlib axes of a new figure, for a plotting function to draw on."""
    import matplotlib as mpl  # noqa: PLC0415
    import matplotlib.pyplot as plt  # noqa: PLC0415
    from matplotlib._pylab_helpers import Gcf  # noqa: PLC0415

    if not (_ready and _made_with == [mpl.rcParams]):
        return figure_axes(1)[0]
    plt.close("all")
    manager, axes = _ready.pop()
    Gcf._set_new_active_manager(manager)  # noqa: SLF001 - as plt.figure does
    plt.figure()
    return axes


def figure_axes(count: int) -> Any:
    """Return an array of `count` empty matplotlib axes of one new figure."""
    return new_figure(SIZE).subplots(1, count, squeeze=False)[0]


def new_figure(size: tuple[int, int]) -> Any:
    """Return a figure that pyplot knows, but that is not its current one: plots have to go to the figure given."""
    import matplotlib.pyplot as plt  # noqa: PLC0415

    plt.close("all")
    figure = plt.figure(figsize=size)
    plt.figure()
    return figure
