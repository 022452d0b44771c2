"""The wire between judge and worker: frames of plain data, decoded without trust.

A frame is a fixed head (lengths of the two parts that follow), a MessagePack tree, and a payload that holds the
bytes of every array, each aligned to 16 bytes. A tree node is a scalar (None, bool, int, float, str, bytes) or a list
`[tag, ...]`. Nothing on the wire can name code to run in the judge: there is no pickle, and a tag outside the
closed set below is refused.
"""

from __future__ import annotations

import math
import pathlib
import re
import struct
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec
import numpy as np

HEAD = struct.Struct("<IQ")  # bytes of the tree, bytes of the payload
TREE_BYTES = 16 << 20
PAYLOAD_BYTES = 512 << 20
DEPTH = 32
NODES = 500_000
INT_HEX_DIGITS = 256
ALIGNMENT = 16
ARRAY_KINDS = "biufcUS"
DTYPE = re.compile(r"[<|][biufcUS][1-9][0-9]{0,9}")
HIGHEST_CODE_POINT = 0x10FFFF
KEYS_OF_ONE_HASH = 64
TENSOR_DTYPES = frozenset(
    {
        "bool",
        "uint8",
        "int8",
        "int16",
        "int32",
        "int64",
        "float16",
        "float32",
        "float64",
        "complex64",
        "complex128",
    }
)
LIBRARIES = frozenset({"numpy", "torch", "builtins"})


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
        self.nodes += 1
        if self.nodes > NODES:
            raise WireError(f"the value has more than {NODES} parts")
        if depth < DEPTH:
            try:
                return self.plain(value, depth)
            except _NotPlain:
                return self.stand_in(value)
        return self.stand_in(value)

    def plain(self, value: Any, depth: int) -> object:  # noqa: C901, PLR0911 - one return for each kind of plain data
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, np.generic) and not isinstance(value, str | bytes):
            return ["scalar", *self.array(np.asarray(value))]
        if isinstance(value, int):
            return _encode_int(int(value))
        if isinstance(value, float):
            return float(value)
        if isinstance(value, str):
            return _encode_text(value)
        if isinstance(value, bytes | bytearray):
            return bytes(value)
        if isinstance(value, list):
            return ["list", [self.node(item, depth + 1) for item in value]]
        if isinstance(value, tuple):
            return ["tuple", [self.node(item, depth + 1) for item in value]]
        if isinstance(value, dict):
            pairs = [[self.node(k, depth + 1), self.node(v, depth + 1)] for k, v in value.items()]
            return ["dict", pairs]
        if isinstance(value, np.ndarray):
            return ["array", *self.array(np.asarray(np.ma.getdata(value)))]
        if isinstance(value, pathlib.PurePath):
            return ["path", _encode_text(str(value))]
        return self.tensor(value)

    def tensor(self, value: Any) -> object:
        torch = sys.modules.get("torch")
        if torch is None or not isinstance(value, torch.Tensor):
            raise _NotPlain
        if value.layout != torch.strided or value.is_quantized or value.is_nested or value.is_meta:
            raise _NotPlain
        if str(value.dtype).removeprefix("torch.") not in TENSOR_DTYPES:
            raise _NotPlain
        with torch.no_grad():
            return ["tensor", *self.array(value.detach().resolve_conj().resolve_neg().cpu().numpy())]

    def array(self, value: np.ndarray) -> list[object]:
        if value.dtype.kind not in ARRAY_KINDS or not value.dtype.itemsize:
            raise _NotPlain
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
    if value.bit_length() > 4 * INT_HEX_DIGITS:
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


def decode(tree: bytes, payload: bytearray, codec: Codec) -> object:
    """Rebuild a value from a frame, each part as the exact base type.

    Raises:
        WireError: the frame breaks the protocol: an unknown tag, lengths or dtypes that lie, nesting deeper than
            `DEPTH`, more than `NODES` parts, keys that are unhashable or made to collide, bytes left over.
    """
    try:
        root = msgspec.msgpack.decode(tree)
    except (msgspec.DecodeError, RecursionError, ValueError) as error:
        raise WireError(f"the tree is not MessagePack: {error}") from error
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
        self.containers: dict[str, Callable[[Any, int], object]] = {
            "list": self.items,
            "tuple": lambda body, depth: tuple(self.items(body, depth)),
            "dict": self.mapping,
        }
        self.leaves: dict[str, Callable[..., object]] = {
            "int": _decode_int,
            "text": _decode_text,
            "path": _decode_path,
            "array": self.array,
            "scalar": self.scalar,
            "tensor": self.tensor,
            "handle": self.handle,
            "library": self.library,
        }

    def node(self, node: object, depth: int) -> object:
        self.nodes += 1
        if self.nodes > NODES:
            raise WireError(f"more than {NODES} parts")
        if node is None or isinstance(node, bool | int | float | str | bytes):
            return node
        if not isinstance(node, list) or not node or not isinstance(node[0], str):
            raise WireError(f"a node is of type {type(node).__name__}, without a tag")
        if depth > DEPTH:  # at `DEPTH` itself stands what the encoder put in for what is deeper
            raise WireError(f"nested deeper than {DEPTH}")
        tag, *body = node
        if tag in self.containers and len(body) == 1 and isinstance(body[0], list):
            return self.containers[tag](body[0], depth + 1)
        if tag not in self.leaves:
            raise WireError(f"no such node: {tag[:20]!r} with {len(body)} parts")
        try:
            return self.leaves[tag](*body)
        except (TypeError, ValueError, OverflowError, LookupError, AttributeError) as error:
            raise WireError(f"a node {tag!r} does not hold what it says: {error}") from error

    def items(self, body: list[object], depth: int) -> list[object]:
        return [self.node(item, depth) for item in body]

    def mapping(self, body: list[object], depth: int) -> dict[object, object]:
        pairs = [self.pair(entry, depth) for entry in body]
        try:
            hashes = [hash(key) for key, _ in pairs]
        except TypeError as error:
            raise WireError("a dict has an unhashable key") from error
        if len(hashes) > KEYS_OF_ONE_HASH and max(Counter(hashes).values()) > KEYS_OF_ONE_HASH:
            raise WireError(f"more than {KEYS_OF_ONE_HASH} keys of a dict have one hash")
        return dict(pairs)

    def pair(self, entry: object, depth: int) -> tuple[object, object]:
        match entry:
            case [key, value]:
                return self.node(key, depth), self.node(value, depth)
        raise WireError("a dict has an entry that is not a pair")

    def array(self, dtype_name: str, shape: list[int], layout: str) -> np.ndarray:
        # NumPy's own reading of dtype names evaluates parts of them, so it sees none but the plainest.
        if not DTYPE.fullmatch(dtype_name) or (dtype := np.dtype(dtype_name)).str != dtype_name:
            raise WireError(f"no such dtype: {str(dtype_name)[:20]!r}")
        if not isinstance(shape, list) or len(shape) > DEPTH or not all(type(n) is int and n >= 0 for n in shape):
            raise WireError("an array's shape is not a list of sizes")
        count = math.prod(shape)
        size = count * dtype.itemsize
        end = self.offset + _padded(size)
        if end > len(self.payload) or max(shape, default=0) >= 2**40:
            raise WireError(f"an array of {size} bytes does not fit the payload")
        flat = np.frombuffer(self.payload, dtype, count, self.offset) if size else np.zeros(count, dtype)
        self.offset = end
        return _laid_out(_sound(flat), tuple(shape), layout)

    def scalar(self, dtype_name: str, shape: list[int], layout: str) -> object:
        if shape:
            raise WireError("a scalar with a shape")
        return self.array(dtype_name, shape, layout)[()]

    def tensor(self, dtype_name: str, shape: list[int], layout: str) -> object:
        import torch  # noqa: PLC0415 - only a side that meets tensors pays for it

        array = self.array(dtype_name, shape, layout)
        if array.dtype.name not in TENSOR_DTYPES:
            raise WireError(f"no such tensor dtype: {array.dtype.name}")
        return torch.from_numpy(array)

    def handle(self, number: int, kind: str) -> object:
        if type(number) is not int or not isinstance(kind, str):
            raise WireError("a handle without a number and a kind")
        return self.codec.handle(number, kind[:200])

    def library(self, name: str) -> object:
        return self.codec.library(name)


def _sound(flat: np.ndarray) -> np.ndarray:
    """Return a flat array whose bytes all mean something: no truth values besides 0 and 1, no letters that are none."""
    if flat.dtype.kind == "b":
        return np.not_equal(flat.view(np.uint8), 0)
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
    if len(digits) > INT_HEX_DIGITS + 3:
        raise WireError("an integer is too long")
    return int(digits, 16)


def _decode_text(data: bytes) -> str:
    if not isinstance(data, bytes):
        raise WireError("a text node without bytes")
    return data.decode("utf-8", "surrogatepass")


def _decode_path(text: object) -> pathlib.PurePath:
    if isinstance(text, list) and len(text) == 2 and text[0] == "text":  # noqa: PLR2004 - tag and bytes
        text = _decode_text(text[1])
    if not isinstance(text, str):
        raise WireError("a path that is not text")
    return pathlib.Path(text)


def library_name(value: object) -> str | None:
    """Return the dotted name of a public function or class of a library, such as `numpy.median`, or None."""
    module = getattr(value, "__module__", None)
    name = getattr(value, "__name__", None)
    if not isinstance(module, str) or not isinstance(name, str):
        return None
    package = module.split(".", maxsplit=1)[0]
    if package not in LIBRARIES or getattr(sys.modules.get(package), name, None) is not value:
        return None
    return f"{package}.{name}"


def find_library(name: str, modules: Mapping[str, Any]) -> object:
    """Return the library function that `library_name` named; raises `WireError` for any other name."""
    package, _, attribute = name.partition(".")
    if package not in LIBRARIES or not hasattr(modules.get(package), attribute):
        raise WireError(f"no library function is called {name!r}")
    return getattr(modules[package], attribute)
