"""Frames over a stream socket, with a deadline on the judge's side."""

from __future__ import annotations

import socket
import time

from graders.sandbox.wire import HEAD, PAYLOAD_BYTES, TREE_BYTES, WireError

FIRST_BYTES = 4096  # most frames are shorter, and so arrive in one piece


class Closed(Exception):
    """The other side closed the socket, or died."""


def send(sock: socket.socket, tree: bytes, buffers: list[memoryview], deadline: float | None = None) -> None:
    """Write one frame.

    Args:
        sock: a stream socket.
        tree: the MessagePack tree.
        buffers: the arrays' bytes, each `[n]` of uint8; padded here to the wire's alignment.
        deadline: `time.monotonic()` value after which to give up; None waits for ever.

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
    try:
        _set_timeout(sock, deadline)
        sock.sendall(HEAD.pack(len(tree), size) + tree)
        for part in parts:
            _set_timeout(sock, deadline)
            sock.sendall(part)
    except (BrokenPipeError, ConnectionResetError) as error:
        raise Closed from error


def receive(sock: socket.socket, deadline: float | None = None) -> tuple[bytes, bytearray]:
    """Read one frame: its tree and its payload.

    Raises:
        Closed: the other side closed the socket before the frame was whole.
        TimeoutError: the deadline passed.
        WireError: the head announces more than the wire carries; nothing of that size was allocated.
    """
    first = bytearray(FIRST_BYTES)
    filled = _fill(sock, memoryview(first), HEAD.size, deadline)
    tree_size, payload_size = HEAD.unpack_from(first)
    if tree_size > TREE_BYTES or payload_size > PAYLOAD_BYTES:
        raise WireError(f"a frame of {tree_size} + {payload_size} bytes; the limit is {TREE_BYTES} + {PAYLOAD_BYTES}")
    body = memoryview(first)[HEAD.size : filled]
    if len(body) > tree_size + payload_size:
        raise WireError("bytes after the end of a frame that nobody has asked to follow")
    tree = _rest(sock, body[:tree_size], tree_size, deadline)
    return bytes(tree), _rest(sock, body[tree_size:], payload_size, deadline)


def _rest(sock: socket.socket, start: memoryview, size: int, deadline: float | None) -> bytearray:
    """Return the `size` bytes that begin with `start`, reading what is missing."""
    data = bytearray(size)
    data[: len(start)] = start
    if size > len(start):
        missing = memoryview(data)[len(start) :]
        _fill(sock, missing, len(missing), deadline)
    return data


def _fill(sock: socket.socket, view: memoryview, least: int, deadline: float | None) -> int:
    """Read into the view until at least `least` bytes are there; return how many are."""
    filled = 0
    while filled < least:
        _set_timeout(sock, deadline)
        try:
            count = sock.recv_into(view[filled:])
        except ConnectionResetError as error:
            raise Closed from error
        if not count:
            raise Closed
        filled += count
    return filled


def _set_timeout(sock: socket.socket, deadline: float | None) -> None:
    if deadline is None:
        sock.settimeout(None)
        return
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    sock.settimeout(left)
