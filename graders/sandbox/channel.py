"""Frames over a stream socket, with a deadline on the judge's side."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from functools import partial

from graders.sandbox.wire import HEAD, PAYLOAD_BYTES, TREE_BYTES, WireError

FIRST_BYTES = 4096  # most frames are shorter, and so arrive in one piece
PIECE = 256 << 10
SLICE = 0.05  # seconds of waiting between two looks

Look = Callable[[], None]


class Closed(Exception):
    """The other side closed the socket, or died."""


def send(
    sock: socket.socket,
    tree: bytes,
    buffers: list[memoryview],
    deadline: float | None = None,
    look: Look | None = None,
) -> None:
    """Write one frame.

    Args:
        sock: a stream socket.
        tree: the MessagePack tree.
        buffers: the arrays' bytes, each `[n]` of uint8; padded here to the wire's alignment.
        deadline: `time.monotonic()` value after which to give up; None waits for ever.
        look: called every `SLICE` while the other side keeps this one waiting; what it raises ends the waiting.

    Raises:
        Closed: the other side is gone.
        TimeoutError: it does not read.
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
            view = view[_patiently(partial(sock.send, view), sock, deadline, look) :]


def receive(sock: socket.socket, deadline: float | None = None, look: Look | None = None) -> tuple[bytes, bytearray]:
    """Read one frame: its tree and its payload; deadline and look are as for `send`.

    Raises:
        Closed: the other side closed the socket before the frame was whole.
        TimeoutError: the deadline passed.
        WireError: the head announces more than the wire carries.
    """
    first = bytearray(FIRST_BYTES)
    filled = _fill(sock, memoryview(first), HEAD.size, deadline, look)
    tree_size, payload_size = HEAD.unpack_from(first)
    if tree_size > TREE_BYTES or payload_size > PAYLOAD_BYTES:
        raise WireError(f"a frame of {tree_size} + {payload_size} bytes; the limit is {TREE_BYTES} + {PAYLOAD_BYTES}")
    body = memoryview(first)[HEAD.size : filled]
    if len(body) > tree_size + payload_size:
        raise WireError("bytes after the end of a frame that nobody has asked to follow")
    tree = _rest(sock, body[:tree_size], tree_size, deadline, look)
    return bytes(tree), _rest(sock, body[tree_size:], payload_size, deadline, look)


def _rest(sock: socket.socket, start: memoryview, size: int, deadline: float | None, look: Look | None) -> bytearray:
    """Return the `size` bytes that begin with `start`, reading what is missing: a size alone takes no memory."""
    data = bytearray(start)
    if len(data) == size:
        return data
    piece = memoryview(bytearray(min(PIECE, size - len(data))))
    try:
        while len(data) < size:
            data += piece[: _fill(sock, piece[: size - len(data)], 1, deadline, look)]
    except BaseException:
        data.clear()  # whoever keeps the exception keeps this frame
        raise
    return data


def _fill(sock: socket.socket, view: memoryview, least: int, deadline: float | None, look: Look | None) -> int:
    """Read into the view until at least `least` bytes are there; return how many are."""
    filled = 0
    while filled < least:
        count = _patiently(partial(sock.recv_into, view[filled:]), sock, deadline, look)
        if not count:
            raise Closed
        filled += count
    return filled


def _patiently(action: Callable[[], int], sock: socket.socket, deadline: float | None, look: Look | None) -> int:
    """Return what an action on the socket returns, which waits for the other side; look after each slice of waiting."""
    while True:
        sock.settimeout(_slice(deadline, look))
        try:
            return action()
        except TimeoutError:
            if look is None:
                raise
            look()
        except (BrokenPipeError, ConnectionResetError) as error:
            raise Closed from error


def _slice(deadline: float | None, look: Look | None) -> float | None:
    """Return for how long to wait now: until the deadline, or until it is time to look again."""
    if deadline is None:
        return None
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return min(left, SLICE) if look else left
