"""Frames over a socket, with peers that are slow, gone or lying; and what reports and deaths come to."""

import os
import signal
import socket
import threading
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graders.outcomes import (
    Died,
    Forbidden,
    NotImplementedYet,
    Outcome,
    OutOfMemory,
    StudentError,
    SubmissionError,
    TimedOut,
)
from graders.sandbox.channel import Closed, Patience, receive, send, until
from graders.sandbox.failures import IMITATED, death, from_report
from graders.sandbox.wire import HEAD, PAYLOAD_BYTES, TREE_BYTES, WireError

STEADY = settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])

Sockets = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Sockets]:
    mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    with mine, theirs:
        yield mine, theirs


def soon() -> Patience:
    return until(time.monotonic() + 0.05)


def much_later() -> Patience:
    return until(time.monotonic() + 60)


# The channel


@pytest.mark.parametrize("sizes", [[], [0], [1], [16], [15, 17, 0, 32]])
def test_a_frame_arrives_with_its_buffers_padded(pair: Sockets, sizes: list[int]) -> None:
    buffers = [memoryview(bytes([n + 1]) * size) for n, size in enumerate(sizes)]
    send(pair[0], b"tree", buffers)

    padded = b"".join(bytes(one) + bytes(-len(one) % 16) for one in buffers)
    tree, payload = receive(pair[1])
    assert (tree, bytes(payload)) == (b"tree", padded)


def test_frames_follow_each_other_when_asked_for(pair: Sockets) -> None:
    for tree in (b"one", b"", b"three"):
        send(pair[0], tree, [memoryview(tree)])
        assert receive(pair[1])[0] == tree


def test_a_frame_that_nobody_asked_for_is_refused(pair: Sockets) -> None:
    for tree in (b"one", b"two"):
        send(pair[0], tree, [])

    with pytest.raises(WireError, match="after the end"):
        receive(pair[1])


def test_several_megabytes_cross(pair: Sockets) -> None:
    buffers = [memoryview(bytes([n]) * (3 << 20)) for n in (1, 2)]
    sender = threading.Thread(target=send, args=(pair[0], b"t" * (2 << 20), buffers, much_later()))
    sender.start()
    tree, payload = receive(pair[1], much_later())
    sender.join()

    assert len(tree) == 2 << 20
    assert payload == b"".join(buffers)


def test_a_silent_peer_meets_the_deadline(pair: Sockets) -> None:
    with pytest.raises(TimeoutError):
        receive(pair[0], soon())


def test_a_deadline_that_has_passed_ends_a_call_at_once(pair: Sockets) -> None:
    send(pair[1], b"tree", [])
    with pytest.raises(TimeoutError):
        receive(pair[0], until(time.monotonic() - 1))
    with pytest.raises(TimeoutError):
        send(pair[0], b"tree", [], until(time.monotonic() - 1))


def test_a_dripping_peer_meets_the_deadline(pair: Sockets) -> None:
    stop = threading.Event()

    def drip() -> None:
        pair[1].sendall(HEAD.pack(1000, 0))
        while not stop.wait(0.005):
            pair[1].sendall(b".")

    dripping = threading.Thread(target=drip)
    dripping.start()
    try:
        with pytest.raises(TimeoutError):
            receive(pair[0], soon())
    finally:
        stop.set()
        dripping.join()


def test_a_peer_that_never_pauses_meets_the_deadline(pair: Sockets) -> None:
    stop = threading.Event()

    def pour() -> None:
        pair[1].sendall(HEAD.pack(0, PAYLOAD_BYTES))
        pair[1].settimeout(0.01)
        while not stop.is_set():
            with suppress(TimeoutError, BrokenPipeError):
                pair[1].send(b".")

    pouring = threading.Thread(target=pour)
    pouring.start()
    try:
        with pytest.raises(TimeoutError):
            receive(pair[0], soon())
    finally:
        stop.set()
        pouring.join()


def test_a_flood_is_left_in_the_socket(pair: Sockets) -> None:
    pair[1].setblocking(False)
    frame = HEAD.pack(5000, 0) + bytes(5000)
    sent = 0
    with suppress(BlockingIOError):
        while True:
            sent += pair[1].send(frame)
    tracemalloc.start()
    try:
        tree, payload = receive(pair[0], much_later())
        assert (tree, bytes(payload)) == (bytes(5000), b"")
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()
    assert sent > 10 * len(frame)


def test_descriptors_that_are_sent_along_are_not_kept(pair: Sockets) -> None:
    before = set(os.listdir("/dev/fd"))
    socket.send_fds(pair[1], [HEAD.pack(4, 0) + b"tree"], [pair[1].fileno()] * 50)

    assert receive(pair[0], much_later())[0] == b"tree"
    assert set(os.listdir("/dev/fd")) == before


def test_a_peer_that_does_not_read_meets_the_deadline(pair: Sockets) -> None:
    with pytest.raises(TimeoutError):
        send(pair[0], b"tree", [memoryview(bytes(8 << 20))], soon())


def test_without_a_deadline_an_earlier_one_is_forgotten(pair: Sockets) -> None:
    with pytest.raises(TimeoutError):
        receive(pair[0], soon())
    later = threading.Timer(0.15, send, (pair[1], b"tree", []))
    later.start()

    assert receive(pair[0])[0] == b"tree"
    later.join()


@pytest.mark.parametrize(
    "sent",
    [b"", b"\0" * 5, HEAD.pack(4, 0), HEAD.pack(4, 0) + b"tre", HEAD.pack(4, 16) + b"tree" + bytes(15)],
)
def test_a_frame_cut_short_means_a_closed_peer(pair: Sockets, sent: bytes) -> None:
    pair[1].sendall(sent)
    pair[1].close()
    with pytest.raises(Closed):
        receive(pair[0], much_later())


def test_sending_to_a_closed_peer_says_so(pair: Sockets) -> None:
    pair[1].close()
    with pytest.raises(Closed):
        send(pair[0], b"tree", [memoryview(bytes(16))], much_later())


@pytest.mark.parametrize(("tree", "payload"), [(TREE_BYTES + 1, 0), (0, PAYLOAD_BYTES + 1), (2**32 - 1, 2**64 - 1)])
def test_a_head_that_announces_too_much_is_refused_and_takes_no_memory(pair: Sockets, tree: int, payload: int) -> None:
    pair[1].sendall(HEAD.pack(tree, payload))
    tracemalloc.start()
    try:
        with pytest.raises(WireError, match="the limit is"):
            receive(pair[0], much_later())
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("sent", [0, 4 << 20])
def test_a_frame_that_does_not_end_costs_what_came_and_nothing_once_it_has_failed(pair: Sockets, sent: int) -> None:
    def begin() -> None:
        pair[1].sendall(HEAD.pack(TREE_BYTES, PAYLOAD_BYTES) + bytes(TREE_BYTES if sent else 0) + bytes(sent))
        pair[1].close()

    tracemalloc.start()
    beginning = threading.Thread(target=begin)
    beginning.start()
    try:
        with pytest.raises(Closed) as caught:
            receive(pair[0], much_later())
        beginning.join()
        held, most = tracemalloc.get_traced_memory()
        assert caught.value.__traceback__
        assert most < 5 * sent + 1e6
        assert held < 1e6 + (TREE_BYTES if sent else 0)  # the tree was whole
    finally:
        tracemalloc.stop()


# Reports of exceptions


def report(error: BaseException, *frames: object) -> dict[object, object]:
    bases = [base.__name__ for base in type(error).__mro__ if base.__module__ == "builtins"]
    return {"bases": bases, "type": type(error).__name__, "text": str(error), "frames": list(frames)}


def test_a_report_says_what_was_called_what_was_raised_and_where() -> None:
    frames = [["lab/step01_a.py", 12, "load"], ["lab/step01_a.py", 30, "read"]]
    error = from_report("step01_a.load(5)", report(ValueError("κακό"), *frames))

    assert str(error) == (
        "step01_a.load(5) raised ValueError: κακό [lab/step01_a.py line 12, in load; lab/step01_a.py line 30, in read]"
    )
    assert error.outcome is Outcome.STUDENT_ERROR


@pytest.mark.parametrize("kind", IMITATED.values())
def test_a_reported_exception_is_of_its_builtin_class_too(kind: type[Exception]) -> None:
    with pytest.raises(kind, match=r"f\(\) raised .*: '?it broke'?") as caught:
        raise from_report("f()", report(kind("it broke")))
    assert isinstance(caught.value, StudentError)


def test_an_exception_of_the_students_own_is_of_its_builtin_base() -> None:
    class TooShortError(KeyError):
        pass

    error = from_report("f()", report(TooShortError("short")))

    assert isinstance(error, KeyError)
    assert str(error) == "f() raised TooShortError: 'short'"


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (NotImplementedError("todo"), NotImplementedYet),
        (PermissionError(13, "denied"), Forbidden),
        (MemoryError(), OutOfMemory),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"), OutOfMemory),
        (ValueError("cannot allocate memory"), StudentError),
        (RuntimeError("open file failed with strerror: Permission denied"), Forbidden),
        (ValueError("Permission denied"), StudentError),
        (RuntimeError("shapes differ"), StudentError),
        (KeyboardInterrupt(), StudentError),
        (SystemExit(1), StudentError),
    ],
)
def test_some_exceptions_have_outcomes_of_their_own(raised: BaseException, expected: type[SubmissionError]) -> None:
    error = from_report("f()", report(raised))

    assert isinstance(error, expected)
    assert error.outcome is expected.outcome


junk: Any = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**1000), 2**1000)
    | st.floats()
    | st.text(st.characters(exclude_categories=()))
    | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3) | st.tuples(inner, inner)
    ),
    max_leaves=10,
)
names = st.sampled_from(
    [*IMITATED, "NotImplementedError", "MemoryError", "PermissionError", "BaseException", "Exception", "x"]
)
lying_reports = st.dictionaries(
    st.sampled_from(["bases", "type", "text", "frames", 1, None]), junk
) | st.fixed_dictionaries(
    {},
    optional={
        "bases": st.lists(names | junk, max_size=6),
        "type": junk,
        "text": junk,
        "frames": st.lists(st.lists(junk, max_size=4), max_size=6),
    },
)


@STEADY
@given(lying_reports)
def test_any_report_becomes_an_error_of_the_submission(lie: dict[object, object]) -> None:
    error = from_report("f()", lie)

    assert isinstance(error, SubmissionError)
    assert str(error).startswith("f() raised ")


def test_megabytes_of_report_become_a_short_text() -> None:
    long = "a" * 5_000_000
    lie: dict[object, object] = {
        "bases": [long, "ValueError"] * 1000,
        "type": long,
        "text": long,
        "frames": [[long, 2**1000, long]] * 1000,
    }
    error = from_report("f()", lie)

    assert isinstance(error, ValueError)
    assert len(str(error)) < 3000


# Deaths


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        (-signal.SIGXCPU, TimedOut, "processor time"),
        (-signal.SIGKILL, Died, "closed the connection"),
        (-signal.SIGSEGV, Died, "SIGSEGV"),
        (-40, Died, "signal 40"),
        (0, Died, "exit code 0"),
        (3, Died, "exit code 3"),
    ],
)
def test_a_death_is_told_from_the_exit_code(code: int, kind: type[SubmissionError], words: str) -> None:
    error = death("f()", code)

    assert type(error) is kind
    assert words in str(error)
