"""Zips and tarballs whose names, sizes, headers and contents lie."""

from __future__ import annotations

import bz2
import gzip
import lzma
import struct
import tarfile
import zlib
from collections.abc import Callable

from .choices import Choices
from .names import content, damaged, name

MEMBERS = 6
METHODS = (0, 8, 8, 8, 12, 14, 9, 99, 65535)  # as stored, deflate, bzip2, LZMA, and some that no one here knows
SIZES = (0, 1, 10, 4096, 2 << 20, (2 << 20) + 1, 2**31, 2**32 - 1)
TAR_SIZES = (0, 1, 511, 512, 513, 2**20, 2**33 - 1, -1, -512)
TYPES = b"00000\0" + b"125347gxXLKSVMNDAZ"
COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    ".tar": bytes,
    ".tar.gz": lambda data: gzip.compress(data, 1),
    ".tgz": lambda data: gzip.compress(data, 1),
    ".tar.bz2": lambda data: bz2.compress(data, 1),
    ".tar.xz": lambda data: lzma.compress(data, preset=0),
}
KEYS = (
    b"path",
    b"size",
    b"linkpath",
    b"mtime",
    b"hdrcharset",
    b"GNU.sparse.major",
    b"GNU.sparse.map",
    b"GNU.sparse.name",
)


def zipped(choices: Choices) -> bytes:
    """Make a zip, whose list of entries may differ from what stands at the entries."""
    body = damaged(b"", choices)
    listed: list[bytes] = []
    places = [0]
    for _ in range(choices.below(MEMBERS)):
        text = name(choices).encode("utf-8", "surrogatepass")
        data = content(choices)
        method = choices.pick(METHODS)
        packed = _packed(data, method)
        flags = choices.pick((0x800, 0x800, 0, 1, 0x41, 8, 0xFFFF)) if choices.rarely(4) else 0x800
        fields = [zlib.crc32(data), len(packed), len(data)]
        if choices.rarely(4):
            fields[choices.below(3)] = choices.pick(SIZES)
        places.append(len(body))
        common = struct.pack("<HHHHHLLL", 20, flags, method, 0, 0x21, *fields)
        extra = _extra(choices)
        body += b"PK\x03\x04" + common + struct.pack("<HH", len(text), 0) + text + packed
        place = choices.pick(places) if choices.rarely(8) else places[-1]
        listed.append(
            struct.pack("<4sH", b"PK\x01\x02", choices.pick((20, 0x314)))
            + common
            + struct.pack("<HHHHHLL", len(text), len(extra), 0, 0, 0, choices.below(256) << 24, place)
            + text
            + extra
        )
    directory = b"".join(listed)
    numbers = [0, 0, len(listed), len(listed), len(directory), len(body), 0]
    if choices.rarely(4):
        at = choices.below(len(numbers))
        numbers[at] = choices.pick(SIZES) % (2**32 if at in {4, 5} else 2**16)
    return damaged(body + directory + struct.pack("<4sHHHHLLH", b"PK\x05\x06", *numbers), choices)


def _packed(data: bytes, method: int) -> bytes:
    if method == 0:
        return data
    if method == 12:
        return bz2.compress(data, 1)
    if method == 14:
        properties = {"id": lzma.FILTER_LZMA1, "preset": 0}
        return b"\x09\x04\x05\x00\x5d\x00\x00\x04\x00" + lzma.compress(data, lzma.FORMAT_RAW, filters=[properties])
    deflate = zlib.compressobj(1, zlib.DEFLATED, -15)
    return deflate.compress(data) + deflate.flush()


def _extra(choices: Choices) -> bytes:
    """Make an entry's extra fields: the one with sizes of 64 bits, the one with another name, or anything."""
    if not choices.rarely(4):
        return b""
    data = choices.take(choices.below(30))
    size = len(data) if choices.rarely(2) else choices.below(65536)
    return struct.pack("<HH", choices.pick((1, 0x7075, 0x5455, 0)), size) + data


def tarred(choices: Choices) -> tuple[str, bytes]:
    """Make a tarball; return the end of its name too."""
    members = b"".join(_member(choices) for _ in range(choices.below(MEMBERS)))
    suffix = choices.pick(tuple(COMPRESSIONS))
    whole = damaged(members + (b"" if choices.rarely(8) else bytes(1024)), choices)
    parts = (whole, b"") if not choices.rarely(8) else (whole[: len(whole) // 2], whole[len(whole) // 2 :])
    return suffix, damaged(b"".join(map(COMPRESSIONS[suffix], filter(None, parts))), choices)


def _member(choices: Choices) -> bytes:
    kind = bytes([choices.pick(TYPES)])
    text = name(choices)
    data = content(choices)
    if kind in b"gxX":
        data = b"".join(_record(choices) for _ in range(choices.below(4) * (20 if choices.rarely(8) else 1)))
    if kind in b"LK":
        data = text.encode("utf-8", "surrogatepass" if choices.rarely(2) else "replace") + b"\0"
    if len(data) > 1 << 20 and not choices.rarely(8):
        data = data[:1000]
    header = tarfile.TarInfo(text)
    header.size = len(data)
    header.type = kind
    block = bytearray(header.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogatepass")[-512:])
    if choices.rarely(4):
        at = choices.below(512)
        block[at : at + 4] = choices.take(4).ljust(4, b"\0")
    if choices.rarely(8):
        size = choices.pick(TAR_SIZES)
        block[124:136] = b"%011o\0" % size if size >= 0 else b"\xff" * 4 + struct.pack(">q", size)
    if not choices.rarely():
        block[148:156] = b" " * 8
        block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block) + data + bytes(-len(data) % 512)


def _record(choices: Choices) -> bytes:
    """Make a record of an extended header, whose length is right, or not."""
    key = choices.pick(KEYS)
    value = choices.pick((name(choices).encode("utf-8", "replace"), b"%d" % choices.pick(TAR_SIZES), b"1,2,3", b""))
    rest = b" " + key + b"=" + value + b"\n"
    length = next(n for n in range(len(rest) + 1, len(rest) + 6) if n == len(rest) + len(str(n)))
    return b"%d" % (choices.below(2000) if choices.rarely(8) else length) + rest
