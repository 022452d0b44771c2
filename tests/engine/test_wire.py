"""The wire: what crosses it unchanged, what stays behind, and what hostile frames come to."""

import enum
import gc
import math
import pathlib
import subprocess
import sys
import tracemalloc
from collections import OrderedDict, namedtuple
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from hypothesis.strategies import SearchStrategy

from graders.checks.pytorch import PyTorch
from graders.libraries import find_function, function_name
from graders.sandbox import wire
from graders.sandbox.nodes import DEPTH
from graders.sandbox.wire import (
    ALIGNMENT,
    NODES,
    NODES_OF_AN_OBJECT,
    PATH_CHARACTERS,
    PAYLOAD_BYTES,
    TREE_BYTES,
    Codec,
    StandIn,
    WireError,
    decode,
    encode,
)

STEADY = settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
Pair = namedtuple("Pair", "left right")  # noqa: PYI024 - the untyped one is what students write


class Genre(str, enum.Enum):  # noqa: UP042 - its text differs from its value
    ROCK = "rock"


class Level(enum.IntEnum):
    LOW = 1


def refuse(*_: object) -> Any:
    raise WireError("refused")


REFUSING = Codec(refuse, refuse)
KEEPING = Codec(lambda number, kind: ("handle", number, kind), lambda name: ("library", name))


def payload_of(buffers: list[memoryview]) -> bytearray:
    return bytearray(b"".join(bytes(one) + bytes(-one.nbytes % ALIGNMENT) for one in buffers))


def frame(value: object, stand_in: StandIn = refuse) -> tuple[bytes, bytearray]:
    tree, buffers = encode(value, stand_in)
    return tree, payload_of(buffers)


def crossed(value: object) -> Any:
    return decode(*frame(value), REFUSING)


def decoded(node: object, payload: bytes = b"") -> Any:
    return decode(msgspec.msgpack.encode(node), bytearray(payload), REFUSING)


def same(mine: Any, other: Any) -> bool:  # noqa: PLR0911 - one for each kind of data
    """Tell whether two values have the same types and content; NaN is NaN, and -0.0 is not 0.0."""
    if type(mine) is not type(other):
        return False
    if isinstance(mine, list | tuple):
        return len(mine) == len(other) and all(map(same, mine, other))
    if isinstance(mine, dict):
        return same(list(mine.items()), list(other.items()))
    if isinstance(mine, float):
        return bool(mine.hex() == other.hex())
    if isinstance(mine, np.ndarray | np.generic):
        return bool((mine.dtype, mine.shape, mine.tobytes()) == (other.dtype, other.shape, other.tobytes()))
    if isinstance(mine, torch.Tensor):
        return mine.dtype == other.dtype and same(mine.numpy(), other.numpy())
    return bool(mine == other)


# Plain data

text = st.text(st.characters(exclude_categories=()), max_size=8)
keys = st.one_of(st.none(), st.booleans(), st.integers(), text, st.binary(max_size=4), st.tuples(st.integers(), text))
scalars = st.one_of(keys, st.integers(-(2**1000), 2**1000), st.floats(), st.sampled_from(["Ρεμπέτικο", "\ud800", ""]))
plain_data: SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(keys, inner, max_size=4),
    ),
    max_leaves=20,
)
dtypes: SearchStrategy[np.dtype[Any]] = st.one_of(
    npst.boolean_dtypes(),
    npst.integer_dtypes(),
    npst.unsigned_integer_dtypes(),
    npst.floating_dtypes(),
    npst.complex_number_dtypes(),
    npst.unicode_string_dtypes(max_len=5),
    npst.byte_string_dtypes(max_len=5),
)
shapes = npst.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)


@STEADY
@given(plain_data)
def test_plain_data_come_back_as_they_were(value: object) -> None:
    assert same(crossed(value), value)


@STEADY
@given(st.data())
def test_arrays_come_back_with_dtype_shape_and_values(data: st.DataObject) -> None:
    dtype = data.draw(dtypes)
    array = data.draw(npst.arrays(dtype, data.draw(shapes)))
    little = array.astype(dtype.newbyteorder("<"))

    assert same(crossed(array), little)
    assert same(crossed(array.copy(order="F")), little)
    assert same(crossed(array.T), little.T)
    assert same(crossed(array[..., ::-2] if array.ndim else array), little[..., ::-2] if array.ndim else little)


@pytest.mark.parametrize("dtype", sorted(PyTorch.dtypes))
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3), (2, 0, 4)])
def test_tensors_come_back_with_dtype_shape_and_values(dtype: str, shape: tuple[int, ...]) -> None:
    tensor = torch.arange(math.prod(shape)).reshape(shape).to(getattr(torch, dtype))

    assert same(crossed(tensor), tensor)
    assert same(crossed(tensor.mT if tensor.ndim > 1 else tensor), tensor.mT if tensor.ndim > 1 else tensor)


@pytest.mark.parametrize(
    "make",
    [
        lambda x: x,
        lambda x: x.clone().requires_grad_(),
        torch.nn.Parameter,
        lambda x: x.requires_grad_() * 2,
        lambda x: x[:, ::2],
        lambda x: x[:1].expand(5, -1),
        lambda x: x.to(torch.complex64).conj(),
        lambda x: x.to(torch.complex64).conj().imag,
    ],
)
def test_tensors_of_every_make_come_back_as_plain_ones(make: Callable[[torch.Tensor], torch.Tensor]) -> None:
    tensor = make(torch.randn(3, 4, generator=torch.Generator().manual_seed(1)))
    got = crossed(tensor)

    assert type(got) is torch.Tensor
    assert not got.requires_grad
    assert torch.equal(got, tensor.detach())


def test_what_came_can_be_written_to() -> None:
    array, tensor, flags = crossed([np.ones(3), torch.ones(3), np.array([True])])
    array[0], tensor[0], flags[0] = 5, 6, False

    assert (array[0], tensor[0], flags[0]) == (5, 6, False)


@pytest.mark.parametrize("layout", ["C", "F", "strided"])
def test_memory_order_crosses_too(layout: str) -> None:
    array = np.arange(24.0).reshape(4, 6)
    sent = {"C": array, "F": np.asfortranarray(array), "strided": array[::2, ::2]}[layout]
    got = crossed(sent)

    assert (got.flags.c_contiguous, got.flags.f_contiguous) == (
        sent.flags.c_contiguous,
        sent.flags.f_contiguous,
    )


@pytest.mark.parametrize(
    "scalar",
    [np.float64(0.1), np.float32("nan"), np.int8(-3), np.uint64(2**64 - 1), np.True_, np.complex64(1j)],
)
def test_numpy_scalars_stay_numpy_scalars(scalar: np.generic) -> None:
    assert same(crossed(scalar), scalar)


@pytest.mark.parametrize(
    ("value", "base"),
    [
        (OrderedDict(a=1), {"a": 1}),
        (Pair(1, [2]), (1, [2])),
        (np.str_("α"), "α"),
        (np.bytes_(b"a"), b"a"),
        (bytearray(b"a"), b"a"),
        (Genre.ROCK, "rock"),
        (Level.LOW, 1),
        (np.array([[1, 2]]).view(np.matrix), np.array([[1, 2]])),
        (np.ma.masked_equal([1, 2], 2), np.array([1, 2])),
        (np.arange(3, dtype=">i4"), np.arange(3, dtype="<i4")),
        (np.arange(3).view(np.recarray), np.arange(3)),
        (pathlib.PurePosixPath("/tmp/α"), pathlib.Path("/tmp/α")),
        (pathlib.Path("a\udcff"), pathlib.Path("a\udcff")),
    ],
)
def test_subclasses_come_back_as_their_base(value: object, base: object) -> None:
    assert same(crossed(value), base)


@pytest.mark.parametrize("number", [2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 2**1024 - 1, 1 - 2**1024])
def test_integers_of_up_to_1024_bits_cross(number: int) -> None:
    assert crossed(number) == number


@pytest.mark.parametrize(
    "value",
    [
        object(),
        lambda: 0,
        {1, 2},
        frozenset(),
        1 + 2j,
        range(3),
        slice(1, 2),
        2**1024,
        memoryview(b"a"),
        np.array([None]),
        np.array(["a"], dtype=np.dtypes.StringDType()),
        np.zeros(2, dtype="i4,i4"),
        np.array(["2020-01-01"], dtype="M8[D]"),
        np.datetime64("2020-01-01"),
        np.void(b"a"),
        np.zeros(2, dtype=[("a", "S0")])["a"],
        torch.zeros(2, dtype=torch.bfloat16),
        torch.zeros(2, dtype=torch.uint16),
        torch.eye(2).to_sparse(),
        torch.empty(2, device="meta"),
    ],
    ids=lambda value: f"{type(value).__name__} {getattr(value, 'dtype', '')}",
)
def test_what_is_not_plain_goes_through_its_stand_in(value: object) -> None:
    stood_in: list[object] = []

    def stand_in(thing: object) -> list[object]:
        stood_in.append(thing)
        return ["handle", 7, "thing"]

    assert decode(*frame({"a": [value]}, stand_in), KEEPING) == {"a": [("handle", 7, "thing")]}
    assert stood_in[0] is value


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
def test_ragged_tensors_are_not_plain() -> None:
    with pytest.raises(WireError, match="refused"):
        crossed(torch.nested.nested_tensor([torch.ones(2), torch.ones(3)]))


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize("depth", [DEPTH - 1, DEPTH, DEPTH + 1, 10_000])
def test_what_is_nested_too_deep_stays_behind_a_handle(depth: int) -> None:
    got = decode(*frame(nested(depth), lambda _: ["handle", 1, "list"]), KEEPING)
    levels = 0
    while isinstance(got, list) and got:
        got = got[0]
        levels += 1

    assert levels == min(depth, DEPTH)
    assert got == ([] if depth < DEPTH else ("handle", 1, "list"))


def test_structures_that_hold_themselves_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "NODES", 5000)
    ring: list[Any] = []
    ring.append(ring)
    mapping: dict[str, Any] = {}
    mapping["me"] = mapping
    tree: list[Any] = []
    tree += [tree, tree]

    for value in (ring, mapping):
        assert decode(*frame(value, lambda _: ["handle", 1, "list"]), KEEPING)
    with pytest.raises(WireError, match="parts"):
        frame(tree, lambda _: ["handle", 1, "list"])


def test_too_many_parts_are_refused_by_both_sides() -> None:
    with pytest.raises(WireError, match="parts"):
        frame([None] * NODES)
    with pytest.raises(WireError, match="parts"):
        decoded(["list", [None] * NODES])


@pytest.mark.parametrize(
    ("value", "node"),
    [
        (np.float64(1), ["scalar", "<f8", [], "C"]),
        (np.empty(0), ["array", "<f8", [0], "C"]),
        (pathlib.Path("a"), ["path", "a"]),
        (object(), ["handle", 1, "object"]),
    ],
    ids=["scalar", "array", "path", "handle"],
)
def test_objects_count_as_many_parts_for_both_sides(
    value: object, node: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "NODES", 100 * NODES_OF_AN_OBJECT)
    with pytest.raises(WireError, match="parts"):
        frame([value] * 100, lambda _: node)
    with pytest.raises(WireError, match="parts"):
        decode(msgspec.msgpack.encode(["list", [node] * 100]), bytearray(16 * 100), KEEPING)

    assert len(frame([value] * 99, lambda _: node)[0]) < TREE_BYTES
    assert decode(*frame([value] * 99, lambda _: node), KEEPING)


def test_long_paths_stay_behind_a_handle() -> None:
    longest = pathlib.Path("a" * PATH_CHARACTERS)

    assert crossed(longest) == longest
    assert decode(*frame(longest / "b", lambda _: ["handle", 1, "path"]), KEEPING) == ("handle", 1, "path")
    with pytest.raises(WireError, match="a path of"):
        decoded(["path", "a/" * PATH_CHARACTERS])


def test_empty_arrays_that_promise_much_stay_behind_a_handle() -> None:
    empty = np.empty((0, PAYLOAD_BYTES // 8))

    assert same(crossed(empty), empty)
    for shape in ((0, PAYLOAD_BYTES // 8 + 1), (2**20, 0, 2**20)):
        assert decode(*frame(np.empty(shape), lambda _: ["handle", 1, "array"]), KEEPING) == ("handle", 1, "array")
        with pytest.raises(WireError, match="does not fit any payload"):
            decoded(["array", "<f8", list(shape), "C"])


def test_too_much_text_is_refused() -> None:
    with pytest.raises(WireError, match="besides its arrays"):
        frame("a" * TREE_BYTES)


@pytest.mark.parametrize(
    "value",
    [
        np.broadcast_to(np.float64(1), (10**6, 10**6)),
        torch.ones(1).expand(10**6, 10**6),
        [np.broadcast_to(np.float64(1), 2**10)] * 10 + [np.broadcast_to(np.float64(1), PAYLOAD_BYTES // 8)],
    ],
)
def test_too_large_arrays_are_refused_before_they_are_copied(value: object) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(WireError, match="limit"):
            frame(value)
        assert tracemalloc.get_traced_memory()[1] < 1e6
    finally:
        tracemalloc.stop()


# Hostile frames


def decodes_or_refuses(tree: bytes, payload: bytes | bytearray) -> None:
    with suppress(WireError):
        decode(tree, bytearray(payload), KEEPING)


SAMPLES = [
    frame([1, "α", None, 2**70, "\ud800", b"a", 1.5, {"k": (1, 2)}, pathlib.Path("a")]),
    frame([np.arange(6.0).reshape(2, 3), np.arange(12)[::2], np.asfortranarray(np.ones((2, 2)))]),
    frame({"a": np.array(["α", "βγ"]), "b": np.float32(1), "c": torch.ones(2, 2), "d": np.array([True])}),
    frame([object()], lambda _: ["handle", 1, "object"]),
    frame([np.median], lambda _: ["library", "numpy.median"]),
]


@settings(STEADY, max_examples=300)
@given(st.binary(max_size=200), st.binary(max_size=64))
def test_random_bytes_are_refused_or_mean_something(tree: bytes, payload: bytes) -> None:
    decodes_or_refuses(tree, payload)


@settings(STEADY, max_examples=500)
@given(st.sampled_from(SAMPLES), st.data())
def test_damaged_frames_are_refused_or_mean_something(sample: tuple[bytes, bytearray], data: st.DataObject) -> None:
    tree, payload = bytearray(sample[0]), bytearray(sample[1])
    for part in (tree, payload):
        for _ in range(data.draw(st.integers(0, 3))):
            start = data.draw(st.integers(0, len(part)))
            part[start : start + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=3))
    decodes_or_refuses(bytes(tree), payload)


tags = st.sampled_from(
    ["list", "tuple", "dict", "int", "text", "path", "array", "scalar", "tensor", "handle", "library", "?"]
)
sizes = st.one_of(st.integers(-3, 5), st.integers(), st.floats(), st.booleans(), st.none())
sound_dtypes = ["<f8", "<f4", "|b1", "|u1", "<U1", "|S3", "<c16", "<f16"]
odd_dtypes = [
    "<U0",
    "|S0",
    "|V8",
    "|O",
    "<M8[s]",
    "<m8",
    "<i3",
    "f8",
    ">f8",
    "=f8",
    "a5",
    "i4,i4",
    "(2,)f4",
    "(01,)i4",
]
broken_dtypes = [",", "01i4", "<U999999999", "<S99999999999999999999", "", "\0"]
dtype_names = st.sampled_from([*sound_dtypes, *odd_dtypes, *broken_dtypes])
layouts = st.sampled_from(["C", "F", "strided", "", "c", "K"])
hostile: SearchStrategy[Any] = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.floats(),
        st.integers(-(2**63), 2**64 - 1),
        st.text(max_size=4),
        st.binary(max_size=4),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.tuples(tags, inner).map(list),
        st.tuples(tags, st.lists(inner, max_size=3)).map(list),
        st.tuples(tags, dtype_names | inner, st.lists(sizes, max_size=4) | inner, layouts | inner).map(list),
        st.tuples(
            st.just("tensor"),
            st.sampled_from(["torch", "numpy", ""]),
            dtype_names,
            st.lists(sizes, max_size=4),
            layouts,
        ).map(list),
        st.just("dict").flatmap(
            lambda tag: st.lists(st.lists(inner, max_size=3), max_size=4).map(lambda body: [tag, body])
        ),
        st.dictionaries(st.text(max_size=2) | st.integers(0, 9), inner, max_size=2),
    ),
    max_leaves=20,
)


@settings(STEADY, max_examples=500)
@given(hostile, st.binary(max_size=64))
def test_lying_trees_are_refused_or_mean_something(node: object, payload: bytes) -> None:
    try:
        tree = msgspec.msgpack.encode(node)
    except (ValueError, OverflowError):
        return
    decodes_or_refuses(tree, payload)


@settings(STEADY, max_examples=300)
@given(dtype_names, st.lists(sizes, max_size=4), layouts, st.integers(0, 12).map(lambda n: bytes(range(16)) * n))
def test_an_array_is_what_it_says_or_refused(dtype: str, shape: list[Any], layout: str, payload: bytes) -> None:
    try:
        got = decode(msgspec.msgpack.encode(["array", dtype, shape, layout]), bytearray(payload), REFUSING)
    except (OverflowError, WireError):
        return
    assert isinstance(got, np.ndarray)
    assert (got.dtype.str, list(got.shape)) == (dtype, shape)
    assert got.nbytes <= len(payload)


@pytest.mark.parametrize(
    "node",
    [
        ["array", "<f8", [2**40], "C"],
        ["array", "<f8", [2**62, 2**62, 2**62], "C"],
        ["array", "<f8", [2**20, 2**20], "strided"],
        ["array", "<f8", [0, 2**63], "strided"],
        ["array", "<f8", [0, *[2**39] * 5], "strided"],
        ["array", "|S2000000000", [1], "C"],
        ["array", "|u1", [1] * 65, "C"],
        ["tensor", "torch", "<f4", [2**34], "F"],
        ["scalar", "<U500000000", [], "C"],
        ["int", "f" * 10_000_000],
    ],
)
def test_lying_sizes_take_no_memory(node: list[Any]) -> None:
    tree = msgspec.msgpack.encode(node)
    tracemalloc.start()
    try:
        with pytest.raises(WireError):
            decode(tree, bytearray(64), REFUSING)
        assert tracemalloc.get_traced_memory()[1] < len(tree) + 1e6
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "head",
    [b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff", b"\xdb\xff\xff\xff\xff"],
)
@pytest.mark.parametrize("times", [1, 100])
def test_lying_lengths_in_the_tree_take_no_memory(head: bytes, times: int) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(WireError):
            decode(head * times, bytearray(), REFUSING)
        assert tracemalloc.get_traced_memory()[1] < 1e6
    finally:
        tracemalloc.stop()


def filled(head: bytes, unit: bytes) -> bytes:
    """Return the longest tree that is an array of one part, many times."""
    count = (TREE_BYTES - len(head) - 5) // len(unit)
    return head + b"\xdd" + count.to_bytes(4, "big") + unit * count


def packed(node: list[Any]) -> bytes:
    return bytes(msgspec.msgpack.encode(node))


LIST = b"\x92\xa4list"


@pytest.mark.parametrize(
    ("head", "unit"),
    [
        (b"", b"\x90"),
        (b"", b"\x91" * 100 + b"\x90"),
        (b"", b"\x80"),
        (LIST, b"\x90"),
        (LIST, b"\x80"),
        (LIST, b"\x81\xa0" * 100 + b"\x80"),
        (LIST, b"\xd4\x05\x00"),
        (LIST, b"\xd6\xff\0\0\0\0"),
        (LIST, b"\xc4\0"),
        (LIST, b"\x92\xa4list\x91\x90"),
        (b"\x94\xa5array\xa3<f8", b"\xe0"),
    ],
)
def test_trees_of_what_no_encoder_writes_cost_next_to_nothing(head: bytes, unit: bytes) -> None:
    tree = filled(head, unit)
    tracemalloc.start()
    try:
        with pytest.raises(WireError):
            decode(tree, bytearray(), REFUSING)
        assert tracemalloc.get_traced_memory()[1] < 1e6
    finally:
        tracemalloc.stop()


COSTLY = {
    "integers": filled(LIST, b"\xe0"),
    "texts": filled(LIST, b"\xa2\xce\xb1"),
    "dimensions": filled(LIST, packed(["tensor", "torch", "<f8", [0] + [1] * 31, "strided"])),
    "paths": filled(LIST, packed(["path", "a/b/c/d/e"])),
    "long paths": packed(["list", [["path", "/".join("abc" * 600)]] * (TREE_BYTES // 3700)]),
    "lists": packed(["list", [["list", []]] * (NODES - 1)]),
    "keys": packed(["dict", [[n, 0] for n in range(NODES // 2 - 1)]]),
    "tensors": packed(["list", [["tensor", "torch", "<f8", [0], "strided"]] * (NODES // NODES_OF_AN_OBJECT - 1)]),
}
IN_300_MB = """
import pathlib, resource, sys
import torch
from graders.sandbox import wire
torch.from_numpy(wire.np.zeros(1))
pages = int(pathlib.Path("/proc/self/statm").read_text().split()[0])
resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + (300 << 20),) * 2)
for tree in map(pathlib.Path, sys.argv[1:]):
    try:
        wire.decode(tree.read_bytes(), bytearray(), wire.Codec(lambda *_: None, lambda *_: None))
    except wire.WireError:
        pass
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits memory in Linux's way")
def test_the_most_costly_trees_can_be_decoded_in_300_mb(tmp_path: Path) -> None:
    for name, tree in COSTLY.items():
        assert len(tree) <= TREE_BYTES
        (tmp_path / name).write_bytes(tree)
    subprocess.run([sys.executable, "-c", IN_300_MB, *map(str, tmp_path.iterdir())], check=True)


@pytest.fixture
def no_garbage_collected() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_garbage_collected")
def test_nothing_but_the_value_keeps_a_payload() -> None:
    node = ["list", [["array", "<f8", [2], "C"], ["tensor", "torch", "|b1", [16], "F"], ["scalar", "<f8", [], "C"]]]
    payload = bytearray(48)
    value = decode(msgspec.msgpack.encode(node), payload, REFUSING)
    with pytest.raises(BufferError):
        payload.clear()
    del value
    payload.clear()


@pytest.mark.usefixtures("no_garbage_collected")
@pytest.mark.parametrize(
    "last", [["array", "<f8", [9], "C"], ["array", "<f8", [2], "K"], ["dict", [[["list", []], 1]]], 5]
)
def test_an_exception_that_is_kept_keeps_no_payload(last: object) -> None:
    node = ["list", [["array", "<f8", [2], "C"], ["dict", [[1, ["tensor", "torch", "<f8", [2], "C"]]]], last]]
    payload = bytearray(48)
    with pytest.raises(WireError) as caught:
        decode(msgspec.msgpack.encode(node), payload, REFUSING)

    assert payload == b""
    assert caught.value.__context__ is None


@pytest.mark.parametrize("dtype", ["|b1", "|u1", "<f8", "<U1"])
def test_arrays_cost_at_most_twice_their_payload(dtype: str) -> None:
    size = 16 << 20
    payload = bytearray(b"\1\0\0\0" * (size // 4))
    tree = msgspec.msgpack.encode(["array", dtype, [size // np.dtype(dtype).itemsize], "strided"])
    tracemalloc.start()
    try:
        decode(tree, payload, REFUSING)
        assert tracemalloc.get_traced_memory()[1] < 2 * size + 1e6
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "node",
    [["a" * 1_000_000, []], ["list", [["a" * 1_000_000]]], ["array", "a" * 1_000_000, [], "C"], ["int", "x" * 250]],
)
def test_what_is_refused_is_quoted_in_a_few_words(node: list[Any]) -> None:
    with pytest.raises(WireError) as caught:
        decoded(node)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    "dtype",
    [
        "|V8",
        "|O",
        "|O8",
        "<M8[s]",
        "<m8[ns]",
        "|S0",
        "<U0",
        "i4,i4",
        "(01,)i4",
        ",",
        "a5",
        "f8",
        ">f8",
        "=f8",
        "float64",
        8,
        None,
    ],
)
def test_odd_dtypes_are_refused(dtype: object) -> None:
    with pytest.raises(WireError):
        decoded(["array", dtype, [1], "C"], bytes(16))


@pytest.mark.parametrize(
    "shape", [[-1], [1.0], [True], ["1"], [None], [[1]], "1", b"\x01", None, 1, {"1": 1}, [2**64 - 1]]
)
def test_odd_shapes_are_refused(shape: object) -> None:
    with pytest.raises(WireError):
        decoded(["array", "<f8", shape, "C"], bytes(16))


@pytest.mark.parametrize(
    "node",
    [
        [],
        {},
        {"list": []},
        [1, []],
        [None],
        [["list"], []],
        ["list"],
        ["list", 1],
        ["list", [], []],
        ["list", {}],
        ["dict", [1]],
        ["dict", [[1]]],
        ["dict", [[1, 2, 3]]],
        ["dict", [[["list", []], 1]]],
        ["dict", [[["dict", []], 1]]],
        ["dict", [[["tuple", [["list", []]]], 1]]],
        ["set", []],
        ["pickle", b"cos\nsystem\n."],
        ["object", "os.system"],
        ["int", 5],
        ["int", ""],
        ["int", "0x"],
        ["int", "xyz"],
        ["int", "1" * 260],
        ["int", ["1"]],
        ["int"],
        ["text", "a"],
        ["text", b"\xff"],
        ["text", b"a", b"b"],
        ["path", 5],
        ["path", ["text", "a"]],
        ["path", ["list", []]],
        ["scalar", "<f8", [1], "C"],
        ["scalar", "<U1", [], "C"],
        ["array", "<f8", [], "strided"],
        ["array", "<f8", [1], "K"],
        ["array", "<f8", [1]],
        ["array", "<f8", [1], "C", 0],
        ["tensor", "torch", "<U1", [1], "C"],
        ["tensor", "torch", "<u2", [1], "C"],
        ["tensor", "torch", "<f16", [1], "C"],
        ["handle", 1, "object"],
        ["handle", True, "object"],
        ["handle", 1.0, "object"],
        ["handle", 1],
        ["library", "numpy.load"],
        ["library", "builtins.eval"],
        ["library", 5],
    ],
    ids=repr,
)
def test_broken_nodes_are_refused(node: object) -> None:
    with pytest.raises(WireError):
        decoded(node, b"\xff" * 16)


@pytest.mark.parametrize(("digits", "number"), [("-0xff", -255), (" 0xf_f\n", 255), ("ff", 255)])
def test_integers_in_odd_spelling_are_integers(digits: str, number: int) -> None:
    assert same(decoded(["int", digits]), number)


@pytest.mark.parametrize(
    "tree",
    [
        b"",
        b"\xc1",
        b"\x01\x01",
        b"\xa1\xff",
        b"\x91" * 5000 + b"\x01",
        b"\x81\x80\x01",
        b"\x81\x91\x80\x01",
        b"\xd4\x05\x00",
        b"\xd6\xff\x00\x00\x00\x00",
        b"\xd7\xff" + b"\xff" * 8,
        b"\xc7\x0c\xff" + b"\xff" * 12,
    ],
)
def test_trees_that_no_encoder_makes_are_refused(tree: bytes) -> None:
    with pytest.raises(WireError):
        decode(tree, bytearray(), REFUSING)


def test_nesting_deeper_than_the_limit_is_refused() -> None:
    node: list[Any] = ["list", []]
    for _ in range(DEPTH + 1):
        node = ["list", [node]]
    with pytest.raises(WireError, match="deeper"):
        decoded(node)


def test_payload_that_belongs_to_no_array_is_refused() -> None:
    with pytest.raises(WireError, match="belong to no array"):
        decoded(["array", "<f8", [1], "C"], bytes(32))


def test_keys_that_are_not_numbers_are_kept_apart() -> None:
    got = decoded(["dict", [[math.nan, 1], [math.nan, 2]]])

    assert sorted(got.values()) == [1, 2]
    assert all(math.isnan(key) for key in got)


def test_keys_made_to_collide_are_refused() -> None:
    prime = 2**61 - 1  # Python hashes integers modulo this
    with pytest.raises(WireError, match="one hash"):
        decoded(["dict", [[["int", hex(prime * n)], n] for n in range(20_000)]])


def test_a_grid_of_keys_is_not_taken_for_an_attack() -> None:
    grid = {(i, j, k): i for i in range(-8, 8) for j in range(-8, 8) for k in range(-8, 8)}

    assert crossed(grid) == grid


def test_truth_values_are_true_or_false() -> None:
    flags = decoded(["array", "|b1", [3], "C"], b"\x00\x02\xff".ljust(16, b"\0"))

    assert flags.view(np.uint8).tolist() == [0, 1, 1]


def test_characters_that_do_not_exist_are_refused() -> None:
    with pytest.raises(WireError, match="characters"):
        decoded(["array", "<U1", [4], "C"], b"\xff" * 16)


# Libraries


@pytest.mark.parametrize("function", [np.median, np.ndarray, torch.relu, torch.Tensor, len, ValueError])
def test_a_librarys_function_is_found_again_by_its_name(function: object) -> None:
    name = function_name(function)
    assert name

    modules = {"numpy": np, "torch": torch, "builtins": __import__("builtins")}
    assert find_function(name, modules) is function


def test_what_is_of_no_library_has_no_name() -> None:
    assert function_name(refuse) is None
    assert function_name(math.sqrt) is None
    assert function_name(torch.nn.Linear) is None
    assert function_name(5) is None


@pytest.mark.parametrize("name", ["os.system", "numpy", "numpy.", "numpy.no_such_thing", "torch.os", "", "."])
def test_no_other_name_is_found(name: str) -> None:
    with pytest.raises(LookupError, match="no library function"):
        find_function(name, {"numpy": np})


@pytest.mark.parametrize("sign", ["", "-"])
def test_no_integer_is_read_that_could_not_be_sent(sign: str) -> None:
    largest = f"{sign}0x{'f' * wire.INT_HEX_DIGITS}"
    value = decode(msgspec.msgpack.encode(["int", largest]), bytearray(), KEEPING)
    assert decode(*frame(value, lambda _: ["handle", 1, "int"]), KEEPING) == value
    for digits in (f"{sign}{'f' * (wire.INT_HEX_DIGITS + 1)}", f"{sign}0x1{'0' * wire.INT_HEX_DIGITS}"):
        with pytest.raises(WireError, match="an integer is too l"):
            decode(msgspec.msgpack.encode(["int", digits]), bytearray(), KEEPING)
