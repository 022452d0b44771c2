"""The files in a folder, a zip or a tarball, listed and read within limits; nothing is extracted."""

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

from graders.intake.package import normal_path
from graders.intake.packed import tarball
from graders.intake.packed.codepages import decoded, name_in_zip
from graders.text import quoted

DIRECTORY_BYTES = 8 << 20
ARCHIVE_ENTRIES = 50_000
FOLDER_ENTRIES = 200_000
FOLDER_DEPTH = 60
SHOWN_CHARACTERS = 150
TAR_SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
SUFFIXES = (".zip", *TAR_SUFFIXES)
TOLD_SUFFIXES = "a .zip, a .tar, .tar.gz, .tgz, .tar.bz2, .tar.xz or a .ipynb file"
ZIPS = (b"PK\3\4", b"PK\5\6", b"PK\7\x08")
OTHER_ARCHIVES = {b"Rar!": "RAR", b"7z\xbc\xaf\x27\x1c": "7z"}
PASSED_OVER = frozenset({"__pycache__", "__MACOSX", "site-packages", "node_modules", "conda-meta"})
# Files that say that their folder is an environment of Python's, and the folders of other people's code in one.
OF_VENV, OF_CONDA = ("pyvenv.cfg",), ("conda-meta", "history")
OF_ENVIRONMENT = frozenset("bin dlls etc include lib lib64 library pkgs scripts share ssl".split())
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


class NoSubmission(UnreadableSubmission):
    """What was given is not one student's submission: a file of another kind, or several submissions."""


class Damaged(Exception):
    """An archive, or a file in it, is damaged; the message says how."""


class Member(NamedTuple):
    """A file of a submission.

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
        try:
            with self.open() as file:
                return file.read(self.size)
        except DAMAGE as error:
            raise _damaged(error) from error

    @contextmanager
    def opened(self) -> Iterator[IO[bytes]]:
        """Open it; what goes wrong while it is read raises `Damaged`."""
        with _told_as_damage(), self.open() as file:
            yield file


def is_archive(name: str) -> bool:
    """Tell whether a file is an archive, by its name."""
    return name.lower().endswith(SUFFIXES)


@contextmanager
def open_members(path: Path) -> Iterator[Iterator[Member]]:
    """Open a folder or an archive, to go through the files in it.

    Hidden files, caches, links, and what is installed in an environment of Python's are passed over.

    Raises:
        UnreadableSubmission: it is too large, or an archive of another kind.
        Damaged: it is damaged; so may going through its files.
    """
    if path.is_dir():
        yield _members(_folder_files(path))
        return
    size = size_of(path)
    with open_file(path) as file, open_packed(path.name, file, size) as members:
        yield members


@contextmanager
def open_packed(name: str, file: IO[bytes], size: int) -> Iterator[Iterator[Member]]:
    """Open an archive of some name and size, as `open_members` does, whatever kind its name says it is."""
    with _told_as_damage():
        start = file.read(tarfile.BLOCKSIZE)
        file.seek(0)
    if kind := next((kind for magic, kind in OTHER_ARCHIVES.items() if start.startswith(magic)), ""):
        raise UnreadableSubmission(f"{name}: it is a {kind} archive; make a .zip instead and hand that in.")
    if start.startswith(ZIPS) or (name.lower().endswith(".zip") and not tarball.is_tarball(start)):
        with _open_zip(file, name) as archive:
            yield _members(_zip_files(archive, name))
    else:
        yield _members(_tar_files(_unpacked(file, size, name), name))


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
        raise _damaged(error) from error


def _damaged(error: BaseException) -> Damaged:
    return Damaged(quoted(error, SHOWN_CHARACTERS))


class _File(NamedTuple):
    """A file of a submission: its path as spelled there, the bytes that reading takes at most, and how to open it."""

    spelled: str
    size: int
    open: Callable[[], IO[bytes]]


def _members(files: Iterator[_File]) -> Iterator[Member]:
    found = []
    environments = set()
    for file in files:
        name = normal_path(file.spelled)
        if name is None or not name.name or name.is_absolute() or ".." in name.parts or "\0" in file.spelled:
            continue
        parts = name.parts
        for says_so in (OF_VENV, OF_CONDA):
            if parts[-len(says_so) :] == says_so:
                environments.add(name.parents[len(says_so) - 1])
        if not any(map(_passed_over, parts)):
            spelled = str(name) if file.spelled.isascii() else str(PurePosixPath(file.spelled))
            found.append(Member(name, spelled, file.size, file.open))
    for member in found:
        if not environments or not any(
            _is_installed(member.name, place) for place in environments.intersection(member.name.parents)
        ):
            yield member


def _is_installed(name: PurePosixPath, environment: PurePosixPath) -> bool:
    """Tell whether a file came into an environment with Python or a library: the folder may hold other things too."""
    inside = name.relative_to(environment).parts
    return len(inside) > 1 and inside[0].lower() in OF_ENVIRONMENT


def _passed_over(part: str) -> bool:
    return part.startswith(".") or part in PASSED_OVER


def _folder_files(folder: Path) -> Iterator[_File]:
    """Go through a folder; links are not followed, and what cannot be listed is passed over."""
    count = 0
    waiting = [(os.fspath(folder), "", 0)]
    while waiting:
        place, above, depth = waiting.pop()
        try:
            entries = sorted(os.scandir(place), key=lambda entry: entry.name)
        except OSError:
            continue
        count += len(entries)
        if count > FOLDER_ENTRIES:
            raise UnreadableSubmission(
                f"{folder.name}: more than {FOLDER_ENTRIES} files; hand in the step modules alone."
            )
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if depth < FOLDER_DEPTH and not (_passed_over(entry.name) and entry.name != "conda-meta"):
                    waiting.append((entry.path, f"{above}{entry.name}/", depth + 1))
            elif entry.is_file(follow_symlinks=False):
                with _told_as_damage():
                    size = entry.stat(follow_symlinks=False).st_size
                yield _File(decoded(os.fsencode(above + entry.name)), size, partial(_binary, entry.path))


def _binary(path: str) -> IO[bytes]:
    return open(path, "rb")  # noqa: PTH123 - for each file of each submission; whoever reads it closes it


class _DirectoryTooLong(Exception):
    """The list of a zip's entries is too long to be read."""


class _ZipFile(io.BufferedIOBase):
    """A zip whose list of entries is not read if it is long: they take much more memory than they took in the file."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._end = file.seek(0, os.SEEK_END)
        file.seek(0)

    def read(self, size: int | None = -1) -> bytes:
        if size is None or size < 0:
            size = self._end - self._file.tell()
        if size > DIRECTORY_BYTES:
            raise _DirectoryTooLong
        return self._file.read(size)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def seekable(self) -> bool:
        return True


@contextmanager
def _open_zip(file: IO[bytes], name: str) -> Iterator[zipfile.ZipFile]:
    try:
        with _told_as_damage():
            archive = zipfile.ZipFile(_ZipFile(file))
    except _DirectoryTooLong:
        raise UnreadableSubmission(
            f"{name}: it has too many entries, or too long names; hand in the step modules alone."
        ) from None
    with archive:
        yield archive


def _zip_files(archive: zipfile.ZipFile, source: str) -> Iterator[_File]:
    for count, info in enumerate(archive.infolist()):
        _refuse_after(count, source)
        name = name_in_zip(info).replace("\\", "/")
        if not name.endswith("/"):
            size = max(info.file_size, info.compress_size)
            yield _File(name, size, partial(_unzipped, archive, info))


def _unzipped(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> IO[bytes]:
    if info.flag_bits & ENCRYPTED:
        raise zipfile.BadZipFile("it wants a password")
    if info.compress_type not in COMPRESSIONS:
        raise zipfile.BadZipFile(f"only deflate is known of the ways to compress, and not that of {info.filename}")
    return archive.open(info)


def _unpacked(file: IO[bytes], size: int, source: str) -> bytearray:
    """Unpack a tarball in memory, within limits: its members cannot be skipped without being unpacked."""
    most = tarball.MOST_BYTES
    if size <= most:
        with _told_as_damage():
            data = tarball.unpack(file)
        if len(data) <= most:
            return data
    raise UnreadableSubmission(f"{source}: unpacks to more than {most >> 20} MB; hand in the step modules alone.")


def _tar_files(data: bytearray, source: str) -> Iterator[_File]:
    members = tarball.members(data)
    for count in range(ARCHIVE_ENTRIES + 1):
        try:
            member = next(members, None)
        except tarfile.TarError as error:
            raise Damaged(quoted(error, SHOWN_CHARACTERS)) from error
        if member is None:
            return
        _refuse_after(count, source)
        if member.is_file:
            name = decoded(member.name.encode("utf-8", "surrogateescape"))
            yield _File(name, len(member.content), partial(io.BytesIO, member.content))


def _refuse_after(count: int, source: str) -> None:
    if count >= ARCHIVE_ENTRIES:
        raise UnreadableSubmission(f"{source}: more than {ARCHIVE_ENTRIES} entries; hand in the step modules alone.")
