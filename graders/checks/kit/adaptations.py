"""Library behaviours that need what a worker may not have, replaced by ones with the same results.

Only libraries that are loaded are adapted: a step that does without one does not pay for it.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any

from graders.checks.kit.figures import make_ready


def adapt_libraries() -> None:
    """Make the loaded libraries of this process content with one process and a read-only disk."""
    for library, adapt in ADAPTED.items():
        if library in sys.modules:
            adapt()


def _torch() -> None:
    """Let PyTorch run in one thread, and its loaders read in the process itself, whatever `num_workers` says."""
    import torch  # noqa: PLC0415
    from torch.utils.data import DataLoader  # noqa: PLC0415

    torch.set_num_threads(1)
    for kind, number in (("num_threads", 1), ("num_interop_threads", torch.get_num_interop_threads())):
        wish, wished = _a_wish(number)
        setattr(torch, f"set_{kind}", wish)
        setattr(torch, f"get_{kind}", wished)
    torch.ones(1).half()  # reads what the processor can do, once and for all: a worker may not
    original = DataLoader.__init__

    def load_in_process(self: DataLoader[Any], *args: Any, **options: Any) -> None:
        original(self, *args, **options)
        self.num_workers = 0
        self.timeout = 0

    DataLoader.__init__ = load_in_process  # type: ignore[method-assign]


def reset_libraries() -> None:
    """Set global switches of the loaded libraries back, as a new worker finds them; at home, between steps."""
    for library, reset in RESET.items():
        if library in sys.modules:
            reset()


def make_ready_at_home() -> None:
    """Make ahead what plots need, before a process is forked in which a student's code is checked."""
    if "matplotlib.pyplot" in sys.modules:
        make_ready()


def _reset_torch() -> None:
    import torch  # noqa: PLC0415

    torch.set_grad_enabled(True)
    torch.set_default_dtype(torch.float32)
    torch.set_default_device(None)
    if torch.are_deterministic_algorithms_enabled():  # to say so imports the compiler, which takes seconds
        torch.use_deterministic_algorithms(False)
    torch.set_float32_matmul_precision("highest")
    torch.set_flush_denormal(False)
    torch.set_num_threads(1)
    torch.set_printoptions(profile="default")  # type: ignore[no-untyped-call]
    torch.autograd.set_detect_anomaly(False)
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = False


def _reset_matplotlib() -> None:
    import matplotlib as mpl  # noqa: PLC0415
    import matplotlib.pyplot as plt  # noqa: PLC0415

    plt.close("all")
    mpl.rc_file_defaults()


def _reset_sklearn() -> None:
    import sklearn  # noqa: PLC0415

    sklearn.set_config(assume_finite=False, transform_output="default", enable_metadata_routing=False)


RESET = {"torch": _reset_torch, "matplotlib": _reset_matplotlib, "sklearn": _reset_sklearn}


def _a_wish(number: int) -> tuple[Callable[[int], None], Callable[[], int]]:
    """Return a setter that is without effect, and a getter that does not show this.

    Threads that wait for each other, spinning, are slower than one where submissions share the processors.
    """
    wishes = [number]

    def wish(number: int) -> None:
        if number < 1:
            raise RuntimeError("the number of threads has to be positive")
        wishes.append(int(number))

    return wish, lambda: wishes[-1]


def _multiprocessing() -> None:
    """Let locks of processes be those of threads: without processes they do the same, and need no shared memory."""
    import multiprocessing.context  # noqa: PLC0415

    for name in ("Lock", "RLock", "Condition", "Semaphore", "BoundedSemaphore", "Event", "Barrier"):
        of_threads = getattr(threading, name)

        def make(*args: Any, of_threads: Any = of_threads, **options: Any) -> Any:
            return of_threads(*args, **options)

        setattr(multiprocessing, name, make)
        setattr(multiprocessing.context.BaseContext, name, _as_method(make))


def _as_method(make: Callable[..., Any]) -> Callable[..., Any]:
    return lambda _, *args, **options: make(*args, **options)


def _joblib() -> None:
    """Let joblib work in threads, whatever backend is asked for, and count no processors in files of the system."""
    import joblib.externals.loky.backend.context as loky  # noqa: PLC0415
    from joblib.parallel import BACKENDS  # noqa: PLC0415

    loky._cpu_count_cgroup = lambda os_cpu_count: os_cpu_count  # noqa: SLF001 - it has no public switch
    BACKENDS.update(loky=BACKENDS["threading"], multiprocessing=BACKENDS["threading"])


def _tqdm() -> None:
    """Let the bars of notebooks be those of terminals, which need no browser."""
    import tqdm  # noqa: PLC0415
    import tqdm.notebook  # noqa: PLC0415

    bars = {"tqdm": tqdm.tqdm, "tqdm_notebook": tqdm.tqdm, "trange": tqdm.trange, "tnrange": tqdm.trange}
    vars(tqdm.notebook).update(bars)


def _matplotlib() -> None:
    """Let plots go to no screen, whatever backend is asked for, and have empty figures ready."""
    import matplotlib as mpl  # noqa: PLC0415
    import matplotlib.pyplot as plt  # noqa: PLC0415

    plt.switch_backend("agg")
    make_ready()
    mpl.use = lambda *_, **__: None
    plt.switch_backend = lambda newbackend: None  # noqa: ARG005 - a parameter's name is part of a function's type


def _numba() -> None:
    """Let numba, and with it librosa, keep what it compiles in memory, and read what is kept beside its sources.

    It looks there only if it may write there too, which a worker may not: it would compile for half a minute.
    """
    import numba.core.caching  # noqa: PLC0415

    numba.core.caching.InTreeCacheLocator.ensure_cache_path = lambda _: None  # type: ignore[method-assign]
    numba.core.caching.Cache.save_overload = lambda *_: None  # type: ignore[method-assign]


ADAPTED = {
    "torch": _torch,
    "multiprocessing": _multiprocessing,
    "joblib": _joblib,
    "tqdm": _tqdm,
    "matplotlib": _matplotlib,
    "numba": _numba,
}
