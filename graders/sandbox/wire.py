"""The wire between judge and worker: frames of plain data, decoded without trust.

A frame is a fixed head (lengths of the two parts that follow), a MessagePack tree, and a payload that holds the
bytes of every array, each aligned to 16 bytes. A tree node is a scalar (None, bool, int, float, str) or a list
`[tag, ...]`. Nothing on the wire can name code to run in the judge: there is no pickle, and a tag outside the
closed set below is refused.

The limits keep what a frame costs to decode, besides its payload, below 300 MB and about a second, whatever is in it.
The tree is read straight into the types of its nodes for that, since as plain MessagePack one byte of it may become an
object of a hundred.
"""

from __future__ import annotations

import functools
import math
import pathlib
import re
import struct
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

import msgspec
import numpy as np

from graders.libraries import NoPlainArray, libraries, owner_of
from graders.sandbox.nodes import (
    DEPTH,
    Array,
    Bytes,
    Dict,
    Handle,
    Int,
    Library,
    List,
    Path,
    Scalar,
    Tensor,
    Text,
    Tree,
    Tuple,
)

HEAD = struct.Struct("<IQ")  # bytes of the tree, bytes of the payload
TREE_BYTES = 4 << 20
PAYLOAD_BYTES = 128 << 20
NODES = 400_000
NODES_OF_AN_OBJECT = 8  # an array, a path or a handle takes the time and memory of this many numbers
INT_HEX_DIGITS = 256
INT_BITS = 4 * INT_HEX_DIGITS
PATH_CHARACTERS = 4096
SHOWN_CHARACTERS = 200
ALIGNMENT = 16
ARRAY_KINDS = "biufcUS"
DTYPE = re.compile(r"[<|][biufcUS][1-9][0-9]{0,9}")
HIGHEST_CODE_POINT = 0x10FFFF
KEYS_OF_ONE_HASH = 64
AS_THEY_ARE = frozenset({bool, float, type(None)})
SCALARS = (bool, int, float, str, type(None))  # they stand in the tree as they are, so that they add no depth


class WireError(Exception):
    """A frame that does not follow the protocol, or a value that cannot cross."""


class _NotPlain(Exception):
    """A value of this kind does not cross as plain data."""


StandIn = Callable[[object], list[object]]


def encode(value: object, stand_in: StandIn) -> tuple[bytes, list[memoryview]]:
    """Turn a value into a tree and the buffers of its arrays.

    Args:
        value: plain data, which may hold other things.
        stand_in: called with each thing that is not plain; returns the node (a handle, a library function's name)
            that stands for it, or raises `WireError` to refuse it.

    Raises:
        WireError: the whole is too large.
    """
    encoder = _Encoder(stand_in)
    tree = encoder.node(value, 0)
    data = msgspec.msgpack.encode(tree)
    if len(data) > TREE_BYTES:
        raise WireError(f"the value takes {len(data)} bytes besides its arrays; the limit is {TREE_BYTES}")
    return data, encoder.buffers


class _Encoder:
    def __init__(self, stand_in: StandIn) -> None:
        self.stand_in = stand_in
        self.buffers: list[memoryview] = []
        self.size = 0
        self.nodes = 0

    def node(self, value: object, depth: int) -> object:
        self.count(1)
        if type(value) in AS_THEY_ARE or (type(value) is str and value.isascii()):  # most of what crosses
            return value
        if depth < DEPTH or isinstance(value, SCALARS):
            try:
                return self.plain(value, depth)
            except _NotPlain:
                pass
        self.count(NODES_OF_AN_OBJECT - 1)
        return self.stand_in(value)

    def count(self, parts: int) -> None:
        self.nodes += parts
        if self.nodes > NODES:
            raise WireError(f"the value has more than {NODES} parts")

    def plain(self, value: Any, depth: int) -> object:  # noqa: C901, PLR0911 - one return for each kind of plain data
        if isinstance(value, list):
            return ["list", [self.node(item, depth + 1) for item in value]]
        if isinstance(value, tuple):
            return ["tuple", [self.node(item, depth + 1) for item in value]]
        if isinstance(value, dict):
            pairs = [[self.node(k, depth + 1), self.node(v, depth + 1)] for k, v in value.items()]
            return ["dict", pairs]
        if isinstance(value, np.ndarray):
            return ["array", *self.array(np.asarray(np.ma.getdata(value)))]
        if isinstance(value, np.generic) and not isinstance(value, str | bytes):
            return ["scalar", *self.array(np.asarray(value))]
        if isinstance(value, int):
            return _encode_int(int(value))
        if isinstance(value, float):
            return float(value)
        if isinstance(value, str):
            return _encode_text(value)
        if isinstance(value, bytes | bytearray):
            return ["bytes", bytes(value)]
        if isinstance(value, pathlib.PurePath):
            return self.path(str(value))
        return self.tensor(value)

    def path(self, text: str) -> object:
        if len(text) > PATH_CHARACTERS:
            raise _NotPlain
        self.count(NODES_OF_AN_OBJECT - 1)
        return ["path", _encode_text(text)]

    def tensor(self, value: Any) -> object:
        library = owner_of(value)
        if library is None:
            raise _NotPlain
        try:
            return ["tensor", library.name, *self.array(library.to_numpy(value))]
        except NoPlainArray as error:
            raise _NotPlain from error

    def array(self, value: np.ndarray) -> list[object]:
        if value.dtype.kind not in ARRAY_KINDS or not value.dtype.itemsize:
            raise _NotPlain
        if not value.size and _span(value.shape, value.dtype) > PAYLOAD_BYTES:
            raise _NotPlain
        self.count(NODES_OF_AN_OBJECT - 1)
        self.size += _padded(value.nbytes)
        if self.size > PAYLOAD_BYTES:
            raise WireError(f"its arrays take {self.size} bytes or more; the limit is {PAYLOAD_BYTES}")
        layout = "C" if value.flags.c_contiguous else "F" if value.flags.f_contiguous else "strided"
        packed = np.ascontiguousarray(value.T if layout == "F" else value).astype(
            value.dtype.newbyteorder("<"), copy=False
        )
        raw = packed.reshape(-1).view(np.uint8) if packed.size else np.empty(0, np.uint8)
        self.buffers.append(raw.data)
        return [packed.dtype.str, list(value.shape), layout]


def _encode_int(value: int) -> object:
    if -(2**63) <= value < 2**63:
        return value
    if value.bit_length() > INT_BITS:
        raise _NotPlain
    return ["int", hex(value)]


def _encode_text(value: str) -> object:
    data = value.encode("utf-8", "surrogatepass")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return ["text", data]


def _padded(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT


class Codec(NamedTuple):
    """What a side makes of the tags that mean different things on the two sides.

    Attributes:
        handle: turns a handle's number and kind into a value.
        library: turns a dotted name such as `numpy.median` into a value; the judge's refuses every name.
    """

    handle: Callable[[int, str], object]
    library: Callable[[str], object]


TREE = msgspec.msgpack.Decoder(Tree)


def decode(tree: bytes, payload: bytearray, codec: Codec) -> object:
    """Rebuild a value from a frame, each part as the exact base type.

    Raises:
        WireError: the frame breaks the protocol: an unknown tag, lengths or dtypes that lie, nesting deeper than
            `DEPTH`, more than `NODES` parts, keys that are unhashable or made to collide, bytes left over. Its payload
            is emptied.
    """
    try:
        return _decoded(tree, payload, codec)
    except WireError as error:
        problem = str(error)
    # Whoever keeps an exception keeps the frames that it came through, and all that they hold.
    with suppress(BufferError):
        payload.clear()
    raise WireError(problem)


def _decoded(tree: bytes, payload: bytearray, codec: Codec) -> object:
    try:
        root = TREE.decode(tree)
    except (msgspec.DecodeError, RecursionError, ValueError) as error:
        raise WireError(f"the tree is not as the wire has it: {_shown(error)}") from error
    decoder = _Decoder(payload, codec)
    value = decoder.node(root, 0)
    if decoder.offset != len(payload):
        raise WireError(f"{len(payload) - decoder.offset} bytes of payload belong to no array")
    return value


class _Decoder:
    def __init__(self, payload: bytearray, codec: Codec) -> None:
        self.payload = payload
        self.codec = codec
        self.offset = 0
        self.nodes = 0

    def node(self, node: Tree, depth: int) -> object:
        self.count(1)
        build = BUILDERS.get(type(node))
        if build is None:  # a scalar, as the tree holds nothing else
            return node
        if depth > DEPTH:  # at `DEPTH` itself stands what the encoder put in for what is deeper
            raise WireError(f"nested deeper than {DEPTH}")
        try:
            return build(self, node, depth + 1)
        except (TypeError, ValueError, OverflowError, LookupError, AttributeError, RuntimeError) as error:
            raise WireError(f"a node of {_tag(node)!r} does not hold what it says: {_shown(error)}") from error

    def count(self, parts: int) -> None:
        self.nodes += parts
        if self.nodes > NODES:
            raise WireError(f"more than {NODES} parts")

    def items(self, node: List | Tuple, depth: int) -> list[object]:
        return [self.node(item, depth) for item in node.items]

    def mapping(self, node: Dict, depth: int) -> dict[object, object]:
        pairs = [(self.node(key, depth), self.node(value, depth)) for key, value in node.pairs]
        hashes = [hash(key) for key, _ in pairs]
        if len(hashes) > KEYS_OF_ONE_HASH and max(Counter(hashes).values()) > KEYS_OF_ONE_HASH:
            raise WireError(f"more than {KEYS_OF_ONE_HASH} keys of a dict have one hash")
        return dict(pairs)

    def path(self, node: Path, _depth: int) -> pathlib.PurePath:
        self.count(NODES_OF_AN_OBJECT - 1)
        text = _decode_text(node.text) if isinstance(node.text, Text) else node.text
        if len(text) > PATH_CHARACTERS:
            raise WireError(f"a path of {len(text)} characters")
        return pathlib.Path(text)

    def array(self, node: Array | Scalar | Tensor, _depth: int) -> np.ndarray:
        self.count(NODES_OF_AN_OBJECT - 1)
        dtype, shape = _dtype(node.dtype), tuple(node.shape)
        if any(size < 0 for size in shape):
            raise WireError("an array of a negative size")
        if _span(shape, dtype) > PAYLOAD_BYTES:
            raise WireError("an array of such sizes does not fit any payload")
        count = math.prod(shape)
        size = count * dtype.itemsize
        end = self.offset + _padded(size)
        if end > len(self.payload):
            raise WireError(f"an array of {size} bytes does not fit the payload")
        flat = np.frombuffer(self.payload, dtype, count, self.offset) if size else np.zeros(count, dtype)
        self.offset = end
        return _laid_out(_sound(flat), shape, node.layout)

    def scalar(self, node: Scalar, depth: int) -> object:
        if node.shape:
            raise WireError("a scalar with a shape")
        return self.array(node, depth)[()]

    def tensor(self, node: Tensor, depth: int) -> object:
        library = next((known for known in libraries() if known.name == node.library), None)
        array = self.array(node, depth)
        if library is None or array.dtype.name not in library.dtypes:
            raise WireError(f"no such tensor: {node.library[:SHOWN_CHARACTERS]!r} of {array.dtype.name}")
        return library.from_numpy(array)

    def handle(self, node: Handle, _depth: int) -> object:
        self.count(NODES_OF_AN_OBJECT - 1)
        return self.codec.handle(node.number, node.kind[:SHOWN_CHARACTERS])


# Not methods bound to a decoder: in a circle with it, they would keep its payload until somebody collects garbage.
BUILDERS: dict[type, Callable[[_Decoder, Any, int], object]] = {
    List: _Decoder.items,
    Tuple: lambda decoder, node, depth: tuple(decoder.items(node, depth)),
    Dict: _Decoder.mapping,
    Int: lambda _, node, __: _decode_int(node.digits),
    Bytes: lambda _, node, __: node.data,
    Text: lambda _, node, __: _decode_text(node),
    Path: _Decoder.path,
    Array: _Decoder.array,
    Scalar: _Decoder.scalar,
    Tensor: _Decoder.tensor,
    Handle: _Decoder.handle,
    Library: lambda decoder, node, _: decoder.codec.library(node.name),
}


def _tag(node: Any) -> str:
    return str(type(node).__struct_config__.tag)


def _shown(error: Exception) -> str:
    """Return the beginning of an error's text, which may quote what came."""
    return str(error)[:SHOWN_CHARACTERS]


@functools.lru_cache(maxsize=256)
def _dtype(name: str) -> np.dtype[Any]:
    # NumPy's own reading of dtype names evaluates parts of them, so it sees none but the plainest.
    if not DTYPE.fullmatch(name) or (dtype := np.dtype(name)).str != name:
        raise WireError(f"no such dtype: {name[:20]!r}")
    return dtype


def _span(shape: tuple[int, ...], dtype: np.dtype[Any]) -> int:
    """Return the bytes of an array if no size were 0: an empty one must not promise more than another may hold.

    NumPy fails on some of those, and a sum over the empty axis of others would take all memory.
    """
    return math.prod(size or 1 for size in shape) * dtype.itemsize


def _sound(flat: np.ndarray) -> np.ndarray:
    """Return a flat array whose bytes all mean something: no truth values besides 0 and 1, no letters that are none."""
    if flat.dtype.kind == "b":
        truths = flat.view(np.uint8)
        np.minimum(truths, 1, out=truths)
    if flat.dtype.kind == "U" and flat.size and flat.view(np.uint32).max() > HIGHEST_CODE_POINT:
        raise WireError("an array holds characters that do not exist")
    return flat


def _laid_out(flat: np.ndarray, shape: tuple[int, ...], layout: str) -> np.ndarray:
    """Give a flat array its shape with the memory order that the sender's had, so that strides are tested too."""
    if layout == "C":
        return flat.reshape(shape)
    if layout == "F":
        return flat.reshape(shape[::-1]).T
    if layout != "strided" or not shape:
        raise WireError("no such layout")
    spread = np.zeros((*shape[:-1], 2 * shape[-1]), flat.dtype)[..., ::2]
    spread[...] = flat.reshape(shape)
    return spread


def _decode_int(digits: str) -> int:
    if len(digits) > INT_HEX_DIGITS + len("-0x"):
        raise WireError("an integer is too long")
    number = int(digits, 16)
    if number.bit_length() > INT_BITS:
        raise WireError("an integer is too large")
    return number


def _decode_text(node: Text) -> str:
    return node.data.decode("utf-8", "surrogatepass")
