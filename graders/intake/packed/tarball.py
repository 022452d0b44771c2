"""A tarball, unpacked in memory and walked without extracting anything.

`tarfile` only reads single headers here: its own walk keeps all that the headers say of every member, which is a
gigabyte for some tarballs of a few megabytes, and calls itself for every header that describes another. This one takes
time and memory in proportion to what the tarball unpacks to, which is limited.
"""

from __future__ import annotations

import bz2
import lzma
import re
import tarfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import IO, NamedTuple, Protocol

MOST_BYTES = 128 << 20
HEADER_BYTES = 16 << 10
HEADERS = 100_000
RECORDS_OF_A_HEADER = 50
STREAMS = 1000
PACKED_AT_ONCE = 64 << 10
UNPACKED_AT_ONCE = 1 << 20
MAGIC_BYTES = 6
USTAR = 257  # where a header says that it is one
BLOCK = tarfile.BLOCKSIZE
NOTHING = bytes(BLOCK)
FILES = frozenset({tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE})
EXTENDED = frozenset({tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.XGLTYPE})
DESCRIBING = EXTENDED | {tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK}
WITHOUT_CONTENT = frozenset(tarfile.SUPPORTED_TYPES) - FILES - DESCRIBING - {tarfile.GNUTYPE_SPARSE}
MAP_GOES_ON_IN_HEADER, MAP_GOES_ON = 482, 504  # where a sparse file's header, and a block of its map, say so
RECORD = re.compile(rb"([1-9][0-9]{0,4}) ([^=]+)=")


class Member(NamedTuple):
    """One member.

    Attributes:
        name: its path, as the archive has it.
        is_file: whether it is a regular file, stored as it stands: no link, device or folder, and not sparse.
        content: its bytes.
    """

    name: str
    is_file: bool
    content: memoryview


class _Stream(Protocol):
    """What decompressors of `bz2` and `lzma` have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class _Gunzip:
    """A gzip member's decompressor, which can be used as those of `bz2` and `lzma` are."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(wbits=31)

    @property
    def eof(self) -> bool:
        return self._inflate.eof

    @property
    def needs_input(self) -> bool:
        return not self._inflate.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._inflate.unused_data

    def decompress(self, data: bytes, max_length: int = 0) -> bytes:
        return self._inflate.decompress(self._inflate.unconsumed_tail + data, max_length)


STREAM_KINDS: dict[bytes, Callable[[], _Stream]] = {
    b"\x1f\x8b": _Gunzip,
    b"BZh": bz2.BZ2Decompressor,
    # The header names the memory that is needed, up to 4 GB, and `xz -9` needs 65 MB.
    b"\xfd7zXZ": partial(lzma.LZMADecompressor, lzma.FORMAT_XZ, memlimit=128 << 20),
}


def is_tarball(start: bytes) -> bool:
    """Tell by its first bytes whether a file is a tarball, or something compressed as tarballs are."""
    return start.startswith(tuple(STREAM_KINDS)) or start[USTAR : USTAR + 5] == b"ustar"


def unpack(packed: IO[bytes]) -> bytearray:
    """Return what a file unpacks to; once that is more than `MOST_BYTES`, only its beginning.

    Raises:
        EOFError, OSError, zlib.error, lzma.LZMAError: it is damaged, or made of more parts than any tool makes.
    """
    data = bytearray()
    start = packed.read(PACKED_AT_ONCE)
    magic = next((magic for magic in STREAM_KINDS if start.startswith(magic)), None)
    if magic is None:
        while start and len(data) <= MOST_BYTES:
            data += start
            start = packed.read(UNPACKED_AT_ONCE)
        return data
    for _ in range(STREAMS):
        start = _unpack_stream(STREAM_KINDS[magic](), start, packed, data)
        if len(data) > MOST_BYTES or not start.startswith(magic):
            return data
    raise EOFError(f"it is made of more than {STREAMS} compressed parts")


def _unpack_stream(stream: _Stream, start: bytes, packed: IO[bytes], data: bytearray) -> bytes:
    """Unpack one stream onto `data`; return the beginning of what follows it, without padding."""
    while not stream.eof and len(data) <= MOST_BYTES:
        unpacked = stream.decompress(start, UNPACKED_AT_ONCE)
        data += unpacked
        start = packed.read(PACKED_AT_ONCE) if stream.needs_input and not stream.eof else b""
        if not (start or unpacked or stream.eof):
            raise EOFError("it ends too early")
    rest = stream.unused_data.lstrip(b"\0")
    while len(rest) < MAGIC_BYTES and (more := packed.read(PACKED_AT_ONCE)):
        rest = (rest + more).lstrip(b"\0")
    return rest


def members(data: bytearray) -> Iterator[Member]:
    """Go through an unpacked tarball.

    Raises:
        tarfile.TarError: it is damaged, ends too early, or its headers are longer or more than any tool's.
    """
    view = memoryview(data)
    offset = 0
    described: dict[bytes, bytes] = {}
    for _ in range(HEADERS):
        block = bytes(view[offset : offset + BLOCK])
        if (offset and not block) or block == NOTHING:
            return
        header = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        offset += BLOCK
        if header.type in DESCRIBING:
            if header.size > HEADER_BYTES:
                raise tarfile.ReadError(f"a header of {header.size} bytes")
            text = _content(view, offset, header.size)
            described |= _description(header.type, bytes(text))
            offset += _padded(len(text))
            continue
        if header.type == tarfile.GNUTYPE_SPARSE:
            offset = _after_map(view, offset)
        size = _size(described, header)
        content = _content(view, offset, 0 if header.type in WITHOUT_CONTENT else size)
        offset += _padded(len(content))
        name = described[b"path"].decode("utf-8", "surrogateescape") if b"path" in described else header.name
        yield Member(name, header.type in FILES and b"sparse" not in described, content)
        described = {}
    raise tarfile.ReadError(f"more than {HEADERS} headers")


def _size(described: dict[bytes, bytes], header: tarfile.TarInfo) -> int:
    try:
        return int(described.get(b"size", header.size))
    except ValueError as error:
        raise tarfile.ReadError("a member's size is no number") from error


def _padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK


def _content(view: memoryview, offset: int, size: int) -> memoryview:
    if not 0 <= size <= len(view) - offset:
        raise tarfile.ReadError("it ends too early")
    return view[offset : offset + size]


def _after_map(view: memoryview, offset: int) -> int:
    """Return where a sparse file's data begin, from where its header ends."""
    goes_on = _content(view, offset - BLOCK, BLOCK)[MAP_GOES_ON_IN_HEADER]
    while goes_on:
        goes_on = _content(view, offset, BLOCK)[MAP_GOES_ON]
        offset += BLOCK
    return offset


def _description(kind: bytes, text: bytes) -> dict[bytes, bytes]:
    """Return what a header says of the next member: its `path`, its `size`, and whether it is `sparse`."""
    if kind == tarfile.GNUTYPE_LONGNAME:
        return {b"path": text.partition(b"\0")[0]}
    if kind not in EXTENDED or kind == tarfile.XGLTYPE:
        return {}
    records = dict(_records(text))
    sparse = {b"sparse": b""} if any(key.startswith(b"GNU.sparse.") for key in records) else {}
    return {key: value for key, value in records.items() if key in {b"path", b"size"}} | sparse


def _records(text: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the records of an extended header, each `LENGTH KEY=VALUE` and a line's end."""
    offset = 0
    for _ in range(RECORDS_OF_A_HEADER):
        record = RECORD.match(text, offset)
        if not record:
            return
        end = offset + int(record[1])
        yield record[2], text[record.end() : end - 1]
        offset = max(end, record.end())
    raise tarfile.ReadError(f"a header of more than {RECORDS_OF_A_HEADER} records")
