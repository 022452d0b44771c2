"""Frames over a stream socket, and how long the judge waits for one."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from functools import partial

from graders.sandbox.wire import HEAD, PAYLOAD_BYTES, TREE_BYTES, WireError

FIRST_BYTES = 4096  # most frames are shorter, and so arrive in one piece
PIECE = 256 << 10
SLICE = 0.05  # seconds of waiting between two questions whether to go on

Patience = Callable[[], float]
"""Asked before each waiting: it returns for how many seconds at most, or raises what ends the waiting."""


class Closed(Exception):
    """The other side closed the socket, or died."""


def send(
    sock: socket.socket,
    tree: bytes,
    buffers: list[memoryview],
    patience: Patience | None = None,
) -> None:
    """Write one frame.

    Args:
        sock: a stream socket.
        tree: the MessagePack tree.
        buffers: the arrays' bytes, each `[n]` of uint8; padded here to the wire's alignment.
        patience: how long to wait for the other side to read; None waits for ever.

    Raises:
        Closed: the other side is gone.
        Exception: what the patience raises.
    """
    size = 0
    parts: list[bytes | memoryview] = []
    for buffer in buffers:
        parts.append(buffer)
        gap = -buffer.nbytes % 16
        if gap:
            parts.append(bytes(gap))
        size += buffer.nbytes + gap
    for part in (HEAD.pack(len(tree), size) + tree, *parts):
        view = memoryview(part)
        while view:
            view = view[_patiently(partial(sock.send, view), sock, patience) :]


def receive(sock: socket.socket, patience: Patience | None = None) -> tuple[bytes, bytearray]:
    """Read one frame: its tree and its payload; patience is as for `send`.

    Raises:
        Closed: the other side closed the socket before the frame was whole.
        WireError: the head announces more than the wire carries.
    """
    first = bytearray(FIRST_BYTES)
    filled = _fill(sock, memoryview(first), HEAD.size, patience)
    tree_size, payload_size = HEAD.unpack_from(first)
    if tree_size > TREE_BYTES or payload_size > PAYLOAD_BYTES:
        raise WireError(f"a frame of {tree_size} + {payload_size} bytes; the limit is {TREE_BYTES} + {PAYLOAD_BYTES}")
    body = memoryview(first)[HEAD.size : filled]
    if len(body) > tree_size + payload_size:
        raise WireError("bytes after the end of a frame that nobody has asked to follow")
    tree = _rest(sock, body[:tree_size], tree_size, patience)
    return bytes(tree), _rest(sock, body[tree_size:], payload_size, patience)


def _rest(sock: socket.socket, start: memoryview, size: int, patience: Patience | None) -> bytearray:
    """Return the `size` bytes that begin with `start`, reading what is missing: a size alone takes no memory."""
    data = bytearray(start)
    if len(data) == size:
        return data
    piece = memoryview(bytearray(min(PIECE, size - len(data))))
    try:
        while len(data) < size:
            data += piece[: _fill(sock, piece[: size - len(data)], 1, patience)]
    except BaseException:  # of whatever kind: whoever keeps the exception keeps this frame, and what it holds
        data.clear()
        raise
    return data


def _fill(sock: socket.socket, view: memoryview, least: int, patience: Patience | None) -> int:
    """Read into the view until at least `least` bytes are there; return how many are."""
    filled = 0
    while filled < least:
        count = _patiently(partial(sock.recv_into, view[filled:]), sock, patience)
        if not count:
            raise Closed
        filled += count
    return filled


def _patiently(action: Callable[[], int], sock: socket.socket, patience: Patience | None) -> int:
    """Return what an action on the socket returns, which waits for the other side.

    Patience is asked each time, also where there is something to read: whoever writes a byte at a time keeps the judge
    waiting too.
    """
    while True:
        sock.settimeout(patience() if patience else None)
        try:
            return action()
        except TimeoutError:
            continue
        except (BrokenPipeError, ConnectionResetError) as error:
            raise Closed from error


def until(deadline: float) -> Patience:
    """Return the patience that ends with a `TimeoutError` when `time.monotonic()` reaches a value."""

    def left() -> float:
        seconds = deadline - time.monotonic()
        if seconds <= 0:
            raise TimeoutError
        return seconds

    return left
