"""The switches of a process: where it is graded, each step has a process of its own, so at home they are set back."""

from __future__ import annotations

import builtins
import contextlib
import decimal
import gc
import locale
import logging
import os
import signal
import socket
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Restore = Callable[[], object]


def remember() -> Callable[[], None]:
    """Return what sets back, to their values now, the switches of Python, of the system, and of NumPy."""
    restores = [keep() for keep in KEPT]

    def restore() -> None:
        for one in restores:
            with contextlib.suppress(OSError, ValueError, locale.Error):  # such as a folder that is gone
                one()

    return restore


def _attributes(owner: Any, *names: str) -> Restore:
    values = {name: getattr(owner, name) for name in names if hasattr(owner, name)}

    def restore() -> None:
        for name, value in values.items():
            setattr(owner, name, value)

    return restore


def _contents(place: Any) -> Restore:
    """Keep what is in a list or a dictionary, which stays the same object."""
    kept = place.copy()

    def restore() -> None:
        if place != kept:
            place.clear()
            place.extend(kept) if isinstance(place, list) else place.update(kept)

    return restore


def _names_of(module: Any) -> Restore:
    """Keep what the names of a module stand for."""
    kept = dict(vars(module))

    def restore() -> None:
        for name, value in kept.items():
            if vars(module).get(name) is not value:
                setattr(module, name, value)

    return restore


def _folder() -> Restore:
    folder = Path.cwd()
    return lambda: os.chdir(folder)


def _mask() -> Restore:
    mask = os.umask(0)
    os.umask(mask)
    return lambda: os.umask(mask)


def _handlers() -> Restore:
    handlers = {number: signal.getsignal(number) for number in signal.valid_signals()}

    def restore() -> None:
        for number, handler in handlers.items():
            if handler is not None and signal.getsignal(number) is not handler:
                signal.signal(number, handler)

    return restore


def _called(get: Callable[[], Any], put: Callable[[Any], object]) -> Callable[[], Restore]:
    """Return what keeps a value that one function gives and another sets."""

    def keep() -> Restore:
        value = get()
        return lambda: put(value)

    return keep


def _numpy_errors() -> Restore:
    errors, options = np.geterr(), np.get_printoptions()

    def restore() -> None:
        np.seterr(**errors)
        np.set_printoptions(**options)

    return restore


def _collector() -> Restore:
    enabled = gc.isenabled()
    return lambda: gc.enable() if enabled else gc.disable()


def _logging() -> Restore:
    root, level, disabled = logging.getLogger(), logging.getLogger().level, logging.root.manager.disable
    handlers = [*root.handlers]

    def restore() -> None:
        root.setLevel(level)
        root.handlers[:] = handlers
        logging.disable(disabled)

    return restore


KEPT: tuple[Callable[[], Restore], ...] = (
    _folder,
    _mask,
    _handlers,
    _numpy_errors,
    _collector,
    _logging,
    lambda: _contents(sys.path),
    lambda: _contents(sys.argv),
    lambda: _contents(sys.meta_path),
    lambda: _contents(os.environ),
    lambda: _contents(warnings.filters),
    lambda: _names_of(builtins),
    lambda: _attributes(sys, "excepthook", "displayhook", "breakpointhook", "unraisablehook", "dont_write_bytecode"),
    lambda: _attributes(threading, "excepthook"),
    lambda: _attributes(warnings, "showwarning", "formatwarning", "warn"),
    lambda: _attributes(tempfile, "tempdir"),
    _called(sys.getrecursionlimit, sys.setrecursionlimit),
    _called(sys.getswitchinterval, sys.setswitchinterval),
    _called(lambda: locale.setlocale(locale.LC_ALL), lambda value: locale.setlocale(locale.LC_ALL, value)),
    _called(lambda: decimal.getcontext().copy(), decimal.setcontext),
    _called(socket.getdefaulttimeout, socket.setdefaulttimeout),
    _called(threading.stack_size, threading.stack_size),
)
