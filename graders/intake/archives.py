"""The files in a folder, a zip or a tarball that are wanted, read within limits; nothing is extracted."""

from __future__ import annotations

import io
import lzma
import os
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple

from graders.intake import tarball
from graders.intake.package import normal_path
from graders.text import quoted

DIRECTORY_BYTES = 8 << 20
ARCHIVE_ENTRIES = 50_000
SHOWN_CHARACTERS = 150
TAR_SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
PASSED_OVER = frozenset({"__pycache__", "__MACOSX", "site-packages", "node_modules"})
SUFFIXES = (".py", ".md")
ENCRYPTED = 1  # the flag of an entry
# A few bytes in one of the others unpack to gigabytes at once, whatever size the entry claims.
COMPRESSIONS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
# What the libraries that read archives raise over damaged ones.
DAMAGE = (
    zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, struct.error, EOFError, RuntimeError, OSError,
    ValueError, OverflowError,
)  # fmt: skip


class UnreadableSubmission(Exception):
    """The submission cannot be read; the message says why, and what to do."""


class Damaged(Exception):
    """An archive, or a file in it, is damaged; the message says how."""


class Member(NamedTuple):
    """A file of a submission that is wanted.

    Attributes:
        name: its path, as an import looks for it.
        spelled: its path, as the submission spells it.
        size: bytes that reading it takes at most.
        open: opens it.
    """

    name: PurePosixPath
    spelled: str
    size: int
    open: Callable[[], IO[bytes]]

    def read(self) -> bytes:
        """Read it, and no more of it than was announced; raises `Damaged`."""
        with _told_as_damage(), self.open() as file:
            return file.read(self.size)


@contextmanager
def open_members(path: Path, wanted: Callable[[PurePosixPath], bool]) -> Iterator[Iterator[Member]]:
    """Open a submission, to go through the files in it that are wanted.

    Args:
        path: a folder, a zip or a tarball.
        wanted: tells whether a Python or Markdown file is, by its path as an import looks for it.

    Raises:
        UnreadableSubmission: it is neither, or too large.
        Damaged: it is damaged; so may going through its files.
    """
    lower = path.name.lower()
    if path.is_dir():
        yield _wanted(_folder_files(path), wanted)
        return
    size = size_of(path)
    if lower.endswith(".zip"):
        with _open_zip(path) as archive:
            yield _wanted(_zip_files(archive, path), wanted)
    elif lower.endswith(TAR_SUFFIXES):
        yield _wanted(_tar_files(_unpacked(path, size), path), wanted)
    else:
        raise UnreadableSubmission(
            f"{path.name}: expected a folder, a .zip, a {', '.join(TAR_SUFFIXES)} or a .ipynb file."
        )


def size_of(path: Path) -> int:
    """Return a file's size; raises `UnreadableSubmission` for a pipe or a device, whose end may never come."""
    with _told_as_damage():
        status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableSubmission(f"{path.name}: it is neither a file nor a folder.")
    return status.st_size


def open_file(path: Path) -> IO[bytes]:
    """Open a file to read it; raises `Damaged`."""
    with _told_as_damage():
        return path.open("rb")


@contextmanager
def _told_as_damage() -> Iterator[None]:
    """Tell what a library raises over an archive as damage; nothing else of ours belongs into the block."""
    try:
        yield
    except DAMAGE as error:
        raise Damaged(quoted(error, SHOWN_CHARACTERS)) from error


class _File(NamedTuple):
    """A file of a submission: its path as spelled there, the bytes that reading takes at most, and how to open it."""

    spelled: str
    size: int
    open: Callable[[], IO[bytes]]


def _wanted(files: Iterator[_File], wanted: Callable[[PurePosixPath], bool]) -> Iterator[Member]:
    for file in files:
        name = normal_path(file.spelled) if file.spelled.endswith(SUFFIXES) else None
        if name is None or name.is_absolute() or ".." in name.parts or any(map(_passed_over, name.parts)):
            continue
        if wanted(name):
            yield Member(name, str(PurePosixPath(file.spelled)), file.size, file.open)


def _passed_over(part: str) -> bool:
    return part.startswith(".") or part in PASSED_OVER


def _folder_files(folder: Path) -> Iterator[_File]:
    for place, folders, files in os.walk(folder):  # which does not enter folders that are links
        folders[:] = [name for name in folders if not _passed_over(name)]
        for path in (Path(place, file) for file in files if file.endswith(SUFFIXES)):
            with _told_as_damage():
                status = path.lstat()
            if stat.S_ISREG(status.st_mode):
                yield _File(path.relative_to(folder).as_posix(), status.st_size, partial(_binary, path))


def _binary(path: Path) -> IO[bytes]:
    return path.open("rb")


class _DirectoryTooLong(Exception):
    """The list of a zip's entries is too long to be read."""


class _ZipFile(io.FileIO):
    """A zip whose list of entries is not read if it is long: they take much more memory than they took in the file."""

    def read(self, size: int | None = -1) -> bytes:
        if size is None or size < 0:
            size = os.fstat(self.fileno()).st_size - self.tell()
        if size > DIRECTORY_BYTES:
            raise _DirectoryTooLong
        return super().read(size) or b""


@contextmanager
def _open_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    with _told_as_damage():
        file = _ZipFile(path)
    with file:
        try:
            with _told_as_damage():
                archive = zipfile.ZipFile(file)
        except _DirectoryTooLong:
            raise UnreadableSubmission(
                f"{path.name}: it has too many entries, or too long names; hand in the step modules alone."
            ) from None
        with archive:
            yield archive


def _zip_files(archive: zipfile.ZipFile, path: Path) -> Iterator[_File]:
    for count, info in enumerate(archive.infolist()):
        _refuse_after(count, path)
        size = max(info.file_size, info.compress_size)
        yield _File(info.filename.replace("\\", "/"), size, partial(_unzipped, archive, info))


def _unzipped(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> IO[bytes]:
    if info.flag_bits & ENCRYPTED:
        raise zipfile.BadZipFile("it wants a password")
    if info.compress_type not in COMPRESSIONS:
        raise zipfile.BadZipFile(f"only deflate is known of the ways to compress, and not that of {info.filename}")
    return archive.open(info)


def _unpacked(path: Path, size: int) -> bytearray:
    """Unpack a tarball in memory, within limits: its members cannot be skipped without being unpacked."""
    most = tarball.MOST_BYTES
    if size <= most:
        with _told_as_damage(), path.open("rb") as packed:
            data = tarball.unpack(packed)
        if len(data) <= most:
            return data
    raise UnreadableSubmission(f"{path.name}: unpacks to more than {most >> 20} MB; hand in the step modules alone.")


def _tar_files(data: bytearray, path: Path) -> Iterator[_File]:
    members = tarball.members(data)
    for count in range(ARCHIVE_ENTRIES + 1):
        try:
            member = next(members, None)
        except tarfile.TarError as error:
            raise Damaged(quoted(error, SHOWN_CHARACTERS)) from error
        if member is None:
            return
        _refuse_after(count, path)
        if member.is_file:
            yield _File(member.name, len(member.content), partial(io.BytesIO, member.content))


def _refuse_after(count: int, path: Path) -> None:
    if count >= ARCHIVE_ENTRIES:
        raise UnreadableSubmission(f"{path.name}: more than {ARCHIVE_ENTRIES} entries; hand in the step modules alone.")
