"""The kit: small instructor-written pieces that run beside the student's code, for what needs no trust."""

from __future__ import annotations

import copy
import hashlib
import importlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from graders.checks.kit.figures import empty_axes as empty_axes
from graders.checks.kit.figures import figure_axes as figure_axes
from graders.checks.kit.figures import new_figure
from graders.checks.kit.visibility import cell_colours as cell_colours
from graders.checks.kit.visibility import colours as colours
from graders.checks.kit.visibility import label_of as label_of
from graders.checks.kit.visibility import titles_of as titles_of
from graders.checks.kit.visibility import visible as visible

if TYPE_CHECKING:
    from graders.checks.kit import calls as calls  # what `__getattr__` returns
    from graders.checks.kit import training as training

TRAINING = "graders.checks.kit.training"
CALLS = "graders.checks.kit.calls"


class _Judge:
    """The way to the judge, in the middle of a call; whoever runs the kit sets it."""

    ask: Callable[..., Any] | None = None


def connect(ask: Callable[..., Any]) -> None:
    """Set how scripted models ask the judge: `ask(number of the model, *arguments of the call)`."""
    _Judge.ask = ask


class _Asks:
    """Asks the judge about one of its doubles; it is only a number, so that models can be copied and pickled."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __call__(self, *called: Any) -> Any:
        if _Judge.ask is None:
            raise RuntimeError("nobody has connected the kit with a judge")
        return _Judge.ask(self.number, *called)


def double(number: int) -> Any:
    """Return a new scripted model: it asks the judge, which knows it by a number."""
    return importlib.import_module(TRAINING).ScriptedModel(_Asks(number))


def __getattr__(name: str) -> Any:
    """Return the parts `training` and `calls`; they load PyTorch, which most checks do without."""
    if name in {"training", "calls"}:
        return importlib.import_module(TRAINING if name == "training" else CALLS)
    raise AttributeError(name)


def tick_labels(axis: Any) -> list[str]:
    """Return the texts at the ticks of a matplotlib axis (`ax.xaxis`, `ax.yaxis`)."""
    return list(axis.get_major_formatter().format_ticks(axis.get_majorticklocs()))


def tick_rotations(axis: Any) -> list[float]:
    """Return the degrees by which the texts at the ticks of a matplotlib axis are rotated."""
    return [float(text.get_rotation()) for text in axis.get_ticklabels()]


def is_a(value: object, module: str, name: str) -> bool:
    """Return whether a value is an instance of a library's class, such as `torch.utils.data`, `DataLoader`."""
    kind = getattr(sys.modules.get(module), name, None)
    return isinstance(kind, type) and isinstance(value, kind)


def indexed_dataset(size: int, features: int = 3) -> Any:
    """Return a data set whose item `i` is (array of `i`, `[2, features]`), label `i`, length 2."""
    return importlib.import_module(TRAINING).Indexed(size, features)


def arguments_after(function: Callable[..., Any], *args: Any) -> tuple[Any, ...]:
    """Call a function on copies of lists, dicts and arrays of numbers; return its arguments as they are afterwards.

    Where work is graded they are copies already; at home the check's own would change.
    """
    given = tuple(copy.deepcopy(value) if _is_plain(value) else value for value in args)
    function(*given)
    return given


def _is_plain(value: object) -> bool:
    import numpy as np  # noqa: PLC0415 - the kit is imported by the judge's side as well

    return isinstance(value, list | dict) or (isinstance(value, np.ndarray) and value.dtype != object)


def shares_memory(function: Callable[[Any], Any], x: Any) -> bool:
    """Call a function on an array twice; return whether its result shares memory with that array or with the next."""
    import numpy as np  # noqa: PLC0415 - the kit is imported by the judge's side as well

    first, second = np.asarray(function(x)), np.asarray(function(x))
    return bool(np.shares_memory(first, x) or np.shares_memory(first, second))


def global_generators() -> dict[str, str]:
    """Return a digest of the state of each library's global random generator, of those that are loaded."""
    states = {}
    if "numpy" in sys.modules:
        kind, keys, *others = sys.modules["numpy"].random.get_state()
        states["NumPy"] = _digest(repr((kind, keys.tolist(), others)))
    if sys.modules.get("torch"):
        states["PyTorch"] = _digest(repr(sys.modules["torch"].get_rng_state().tolist()))
    return states


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def open_figures() -> int:
    """Return how many figures pyplot holds."""
    import matplotlib.pyplot as plt  # noqa: PLC0415 - only plots need it

    return len(plt.get_fignums())


def scratch_file(name: str) -> str:
    """Return the path of a new file of this name, in a folder of its own, which student code may write."""
    return os.path.join(tempfile.mkdtemp(), name)  # noqa: PTH118 - a text crosses the wire


def moved(path: str) -> str:
    """Move a file to another folder, if it is there, and return its new path: what is read there was in the file."""
    other = scratch_file(os.path.basename(path))  # noqa: PTH119
    if os.path.isfile(path):  # noqa: PTH113
        shutil.copyfile(path, other)  # the sandbox lets nothing be moved from folder to folder
        os.remove(path)  # noqa: PTH107
    return other


def holds(path: str, text: str) -> bool:
    """Return whether a file holds a text as it is, such as the name of a class whose objects were pickled."""
    with open(path, "rb") as file:  # noqa: PTH123
        return text.encode() in file.read()


def empty_figure() -> Any:
    """Return a new matplotlib figure without axes, for a plotting function to draw on."""
    return new_figure((6, 6))


def drawn(figure: Any) -> list[Any]:
    """Return what a matplotlib figure shows, as arrays: images, colour meshes, heights of bars, y values of lines."""
    import numpy as np  # noqa: PLC0415

    shown = []
    for ax in _axes(figure):
        shown += [image.get_array() for image in visible(ax.images)]
        shown += [mesh.get_array() for mesh in visible(ax.collections) if mesh.get_array() is not None]
        shown += [line.get_ydata() for line in visible(ax.lines)]
        shown.append([bar.get_height() for bar in visible(ax.patches) if hasattr(bar, "get_height")])
    return [np.ma.getdata(np.ma.asarray(values)) for values in shown if len(values)]


def _axes(figure: Any) -> list[Any]:
    return [part for ax in figure.axes for part in (ax, *ax.child_axes)]  # child axes: what is inset


def as_code(value: object) -> str:
    """Return an expression that makes something like a value, for lines that repeat a call; nothing for most."""
    pyplot = "__import__('matplotlib.pyplot').pyplot"
    if is_a(value, "matplotlib.axes", "Axes"):
        return f"{pyplot}.subplots()[1]"
    if is_a(value, "matplotlib.figure", "Figure"):
        return f"{pyplot}.figure()"
    return ""


def is_drawn_on(artist: object, ax: Any) -> bool:
    """Return whether something is one of the images, meshes or texts of matplotlib axes."""
    return any(artist is child for child in ax.get_children())


def places(figure: Any) -> list[list[float]]:
    """Return left, bottom, right and top of each image of a matplotlib figure, in pixels of the figure."""
    extents = (image.get_window_extent().extents for ax in _axes(figure) for image in visible(ax.images))
    return [[float(min(x, X)), float(min(y, Y)), float(max(x, X)), float(max(y, Y))] for x, y, X, Y in extents]


def titles(figure: Any) -> list[str]:
    """Return the titles of a matplotlib figure: its own, those of its subfigures, those of its axes."""
    parts = [figure, *figure.subfigs]
    of_axes = [title for ax in _axes(figure) for title in titles_of(ax)]
    return [title for title in (*(part.get_suptitle() for part in parts), *of_axes) if title]
