"""Library behaviours that need what a worker may not have, replaced by ones with the same results."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numba.core.caching
import torch
import tqdm
import tqdm.notebook
from torch.utils.data import DataLoader


def adapt_libraries() -> None:
    """Make the libraries of this process content with one process and a read-only disk.

    PyTorch's loaders read in the process itself, whatever `num_workers` says; the bars of notebooks are those of
    terminals, which need no browser; plots go to no screen, whatever backend is asked for; numba, and with it
    librosa, keeps what it compiles in memory instead of beside its sources.
    """
    torch.set_num_threads(1)
    torch.ones(1).half()  # reads what the processor can do, once and for all: a worker may not
    original = DataLoader.__init__

    def load_in_process(self: DataLoader[Any], *args: Any, **options: Any) -> None:
        original(self, *args, **options)
        self.num_workers = 0
        self.timeout = 0

    DataLoader.__init__ = load_in_process  # type: ignore[method-assign]
    bars = {"tqdm": tqdm.tqdm, "tqdm_notebook": tqdm.tqdm, "trange": tqdm.trange, "tnrange": tqdm.trange}
    vars(tqdm.notebook).update(bars)
    plt.switch_backend("agg")
    mpl.use = lambda *_, **__: None
    plt.switch_backend = lambda newbackend: None  # noqa: ARG005 - a parameter's name is part of a function's type
    numba.core.caching.Cache.save_overload = lambda *_: None  # type: ignore[method-assign]
