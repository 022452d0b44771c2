"""What a hostile worker may write to the judge: frames whose lengths, types, depths and numbers lie."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable

from graders.sandbox import wire

from .choices import Choices

MOST_BYTES = 32 << 10  # what a socket holds without anybody reading
DEEP = 60
NODES = 3000
TAGS = ("list", "tuple", "dict", "int", "text", "bytes", "path", "array", "scalar", "tensor", "handle", "library", "?")
DTYPES = (
    "<f8", "<f4", "<f2", "|b1", "|u1", "|i1", "<i8", "<u8", "<U1", "<U7", "|S1", "|S3", "<c8", "<c16", "<f16", "<c32",
    "<U0", "|S0", "|V8", "|O", "<M8[s]", "<i3", "f8", ">f8", "i4,i4", "(01,)i4", "<U999999999", "|S2000000000", "",
)  # fmt: skip
NUMBERS = (
    0, 1, 2, 3, 16, 127, 128, 255, 256, 65535, 2**20, 2**31, 2**32 - 1, 2**39, 2**53, 2**61 - 1, 2**63, 2**64 - 1,
)  # fmt: skip
FLOATS = (0.0, -0.0, 1.5, math.inf, -math.inf, math.nan, 5e-324, 1e308)
LAYOUTS = ("C", "F", "strided", "", "K")


class _Frame:
    """Writes MessagePack that is mostly what the wire has, with the payload that it announces."""

    def __init__(self, choices: Choices) -> None:
        self.choices = choices
        self.payload = 0
        self.nodes = 0
        self.kinds: tuple[Callable[[int], bytes], ...] = (
            self.number, self.floating, self.text, self.items, self.items, self.pairs, self.array, self.array,
            self.array, self.integer, self.binary, self.tagged, self.tagged, self.handle, self.path, self.library,
            self.loose, self.stamp, self.deep, self.wide, self.alike, self.raw,
        )  # fmt: skip

    def node(self, depth: int) -> bytes:
        self.nodes += 1
        if self.choices.spent or depth > DEEP or self.nodes > NODES:
            return b"\xc0"
        return self.choices.pick(self.kinds)(depth + 1)

    def head(self, small: int, most: int, wider: tuple[int, ...], count: int) -> bytes:
        """Write a type and a length, which is the shortest or a longer form, and rarely a lie."""
        if self.choices.rarely(40):
            count = self.choices.pick(NUMBERS) % 2**32
        form = self.choices.below(4) if self.choices.rarely(8) else 0
        if small and count <= most and not form:
            return bytes([small | count])
        widths = {1: 2**8, 2: 2**16, 4: 2**32}
        sized = list(zip(wider, (1, 2, 4)[-len(wider) :], strict=True))
        code, width = next((one for one in sized[max(0, form - 1) :] if count < widths[one[1]]), sized[-1])
        return bytes([code]) + count.to_bytes(width, "big")

    def string(self, text: bytes) -> bytes:
        return self.head(0xA0, 31, (0xD9, 0xDA, 0xDB), len(text)) + text

    def blob(self, data: bytes) -> bytes:
        return self.head(0, 0, (0xC4, 0xC5, 0xC6), len(data)) + data

    def sequence(self, *parts: bytes) -> bytes:
        return self.head(0x90, 15, (0xDC, 0xDD), len(parts)) + b"".join(parts)

    def answer(self, word: bytes) -> bytes:
        """Write an answer to the first request, or rarely to another."""
        number = self.number(0) if self.choices.rarely(8) else b"\x01"
        body = [self.node(0)] if word != b"stop" else []
        return self.sequence(self.string(b"list"), self.sequence(number, self.string(word), *body))

    def count(self) -> int:
        return self.choices.below(6)

    def some(self, depth: int) -> list[bytes]:
        return [self.node(depth) for _ in range(self.count())]

    def number(self, _depth: int) -> bytes:
        value = self.choices.pick(NUMBERS) - self.choices.below(3)
        form = self.choices.below(3)
        if form == 0 and value < 128:
            return struct.pack("b", max(-32, value))
        return struct.pack(">BQ", 0xCF, value % 2**64) if form < 2 else struct.pack(">BQ", 0xD3, value % 2**64)

    def floating(self, _depth: int) -> bytes:
        return struct.pack(">Bd", 0xCB, self.choices.pick(FLOATS))

    def text(self, _depth: int) -> bytes:
        text = self.choices.take(self.choices.below(40))
        return self.string(text if self.choices.rarely(8) else bytes(one % 128 for one in text))

    def items(self, depth: int) -> bytes:
        return self.sequence(self.string(self.choices.pick((b"list", b"tuple"))), self.sequence(*self.some(depth)))

    def pairs(self, depth: int) -> bytes:
        pairs = [self.sequence(self.node(depth), self.node(depth)) for _ in range(self.count())]
        return self.sequence(self.string(b"dict"), self.sequence(*pairs))

    def array(self, _depth: int) -> bytes:
        tag, dtype = self.choices.pick(("array", "tensor", "scalar")), self.choices.pick(DTYPES)
        shape = [] if tag == "scalar" else [self.choices.below(5) for _ in range(self.count())]
        if self.choices.rarely(8):
            shape.append(self.choices.pick(NUMBERS))
        size = math.prod(shape) * int(dtype[2:]) * (4 if dtype[1] == "U" else 1) if dtype[2:].isdigit() else 0
        if size < MOST_BYTES:
            self.payload += -(-size // 16) * 16
        sizes = [struct.pack(">BQ", 0xCF, one) if one > 127 else bytes([one]) for one in shape]
        layout = self.choices.pick(LAYOUTS)
        return self.sequence(
            self.string(tag.encode()),
            *([self.string(b"torch")] if tag == "tensor" else []),
            self.string(dtype.encode()),
            self.sequence(*sizes),
            self.string(layout.encode()),
        )

    def integer(self, _depth: int) -> bytes:
        digits = self.choices.pick((b"0x", b"-0x", b"")) + self.choices.take(4).hex().encode() * self.choices.below(70)
        return self.sequence(self.string(b"int"), self.string(digits))

    def binary(self, _depth: int) -> bytes:
        tag = self.choices.pick((b"bytes", b"text"))
        return self.sequence(self.string(tag), self.blob(self.choices.take(self.choices.below(20))))

    def tagged(self, depth: int) -> bytes:
        return self.sequence(self.string(self.choices.pick(TAGS).encode()), *self.some(depth))

    def handle(self, depth: int) -> bytes:
        return self.sequence(self.string(b"handle"), self.number(depth), self.text(depth))

    def path(self, depth: int) -> bytes:
        text = b"a/" * self.choices.below(3000) if self.choices.rarely(4) else self.choices.take(9)
        return self.sequence(self.string(b"path"), self.string(text) if text.isascii() else self.binary(depth))

    def library(self, _depth: int) -> bytes:
        name = self.choices.pick((b"numpy.median", b"builtins.eval", b"os.system", b"", b"numpy.load"))
        return self.sequence(self.string(b"library"), self.string(name))

    def loose(self, depth: int) -> bytes:
        """Write what has no tag: a bare array, or a map."""
        if self.choices.rarely(2):
            return self.sequence(*self.some(depth))
        parts = self.some(depth)
        return self.head(0x80, 15, (0xDE, 0xDF), len(parts) // 2) + b"".join(parts)

    def stamp(self, _depth: int) -> bytes:
        """Write an extension, timestamps among them."""
        size, code = self.choices.pick(((1, 0xD4), (2, 0xD5), (4, 0xD6), (8, 0xD7), (16, 0xD8)))
        kind = self.choices.pick((255, 0, 5, 128))
        return bytes([code, kind]) + self.choices.take(size).ljust(size, b"\xff")

    def deep(self, _depth: int) -> bytes:
        opening = self.choices.pick((b"\x92\xa4list\x91", b"\x91", b"\x81\xa0", b"\x92\xa4dict\x91\x92\x00"))
        return opening * self.choices.below(3000) + b"\xc0"

    def wide(self, depth: int) -> bytes:
        """Write one part many times."""
        before = self.payload
        part = self.node(depth)
        times = min(self.choices.below(2**16), MOST_BYTES // (2 * len(part) + 1))
        self.payload += (self.payload - before) * (times - 1)
        return b"\x92\xa4list\xdd" + times.to_bytes(4, "big") + part * times

    def alike(self, _depth: int) -> bytes:
        """Write a dict whose keys have one hash, or are all NaN."""
        nan = struct.pack(">Bd", 0xCB, math.nan)
        step = 2**61 - 1
        count = self.choices.below(100)
        keys = [nan if self.choices.rarely(8) else b"\x92\xa3int" + _short(hex(step * n)) for n in range(count)]
        return b"\x92\xa4dict\xdc" + len(keys).to_bytes(2, "big") + b"".join(b"\x92" + key + b"\x01" for key in keys)

    def raw(self, _depth: int) -> bytes:
        return self.choices.take(1 + self.choices.below(16))


def _short(text: str) -> bytes:
    return b"\xd9" + bytes([len(text)]) + text.encode()


def message(choices: Choices) -> bytes:
    """Make what a worker writes: a frame, rarely several or none, whole or cut short."""
    if choices.rarely(8):
        return choices.rest()[:MOST_BYTES]
    frames = range(1 + choices.below(4) if choices.rarely(8) else 1)
    written = b"".join(_framed(choices) for _ in frames)[:MOST_BYTES]
    return written[: choices.below(len(written) + 1)] if choices.rarely() else written


def _framed(choices: Choices) -> bytes:
    frame = _Frame(choices)
    word = choices.pick((b"", b"value", b"value", b"error", b"stop", b"ready"))
    tree = frame.node(0) if not word else frame.answer(word)
    pattern = choices.take(1 + choices.below(32)) or b"\0"
    payload = (pattern * (frame.payload // len(pattern) + 1))[: frame.payload]
    sizes = [len(tree), len(payload)]
    if choices.rarely():
        sizes[choices.below(2)] = choices.pick(NUMBERS) % 2**32
    return wire.HEAD.pack(*sizes) + tree + payload
