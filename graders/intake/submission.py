"""Intake: a folder, a zip, a tarball or a notebook becomes a staged `lab` package of plain Python files.

Nothing is extracted: the Python files inside are read, within limits, and written afresh, so that links, devices,
absolute paths and other people's configuration files never reach the disk. The written answers beside them are read
too, and staged nowhere; whatever is wrong with them costs a note, never the submission.
"""

from __future__ import annotations

import hashlib
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

import msgspec

from graders.intake import tarball
from graders.intake.answers import ANSWERS_FILE, answers_in_cells, answers_in_files
from graders.intake.notebook import Notebook, TooCostly, read_apart
from graders.intake.package import (
    Spellings,
    chosen,
    normal_path,
    notes_on_encodings,
    notes_on_folders,
    notes_on_names,
    package,
    package_root,
)

FILE_BYTES = 2 << 20
TOTAL_BYTES = 20 << 20
NOTEBOOK_BYTES = 64 << 20
DIRECTORY_BYTES = 8 << 20
ENTRIES = 5000
ARCHIVE_ENTRIES = 50_000
SHOWN_CHARACTERS = 150
TAR_SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
PASSED_OVER = frozenset({"__pycache__", "__MACOSX", "site-packages", "node_modules"})
ANSWERS = "answers"
SUFFIXES = (".py", ".md")
ENCRYPTED = 1  # the flag of an entry
# A few bytes in one of the others unpack to gigabytes at once, whatever size the entry claims.
COMPRESSIONS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
DAMAGE = (
    zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, struct.error, EOFError, RuntimeError, OSError,
    ValueError, OverflowError,
)  # fmt: skip


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


class UnreadableSubmission(Exception):
    """The submission cannot be read; the message says why, and what to do."""


class Submission(msgspec.Struct, frozen=True):
    """A submission as it was read.

    Attributes:
        name: file or folder name without its suffix.
        files: the files of its `lab` package, by path inside the package, in order of path.
        notes: what was left out, in words.
        answers: its written answers, by the ids of their questions.
    """

    name: str
    files: dict[str, bytes]
    notes: list[str]
    answers: dict[str, str] = {}

    @property
    def digest(self) -> str:
        """SHA-256 over names and contents, of files and of answers, in hexadecimal."""
        total = hashlib.sha256()
        for name, data in [*self.files.items(), *((name, text.encode()) for name, text in self.answers.items())]:
            total.update(f"{name}\0{len(data)}\0".encode() + data)
        return total.hexdigest()

    def stage(self, package_parent: Path) -> None:
        """Write the package as `package_parent/lab`."""
        for name, data in self.files.items():
            target = package_parent / "lab" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)


def submission_name(path: Path) -> str:
    """Return a submission's name: that of its file or folder, without the suffix of an archive or a notebook."""
    name = readable(path.resolve().name)
    suffix = next((end for end in (*TAR_SUFFIXES, ".zip", ".ipynb") if name.lower().endswith(end)), "")
    return name[: len(name) - len(suffix)] or name


def readable(name: str) -> str:
    """Return a file's name as text, whatever its bytes are."""
    return os.fsencode(name).decode("utf-8", "replace")


def read_submission(path: Path) -> Submission:
    """Read a submission.

    Args:
        path: a folder that holds `lab/` or the step modules themselves, a zip or tarball of one, or a notebook.

    Raises:
        UnreadableSubmission: it is none of these, is damaged, is too large, or holds no step module.
    """
    name = submission_name(path)
    if path.suffix.lower() == ".ipynb" and not path.is_dir():
        notebook = _notebook(path)
        answers, notes = answers_in_cells(notebook.markdown)
        return Submission(name, notebook.files, [*notebook.notes, *notes], answers)
    try:
        with _members(path) as members:
            spellings, texts = _contents(members, path.name)
            root = package_root(spellings)
            if root is None:
                raise UnreadableSubmission(
                    f"{path.name}: no step module (lab/step01_spectrograms.py and so on) is in it; "
                    "hand in the folder that holds lab/."
                )
            answers, notes = _answers(texts, root)
    except DAMAGE as error:
        raise UnreadableSubmission(
            f"{path.name}: cannot be read ({_shown(error)}); make the archive again and hand that in."
        ) from error
    # Without this file a `lab` that is installed elsewhere would be imported in its place.
    files = package({root / "__init__.py": b"", **chosen(spellings)}, root)
    odd_names = notes_on_names(package(spellings, root))
    notes = [*notes, *notes_on_folders(spellings, root), *odd_names, *notes_on_encodings(files)]
    return Submission(name, files, notes, answers)


def read_answers(package: Path) -> tuple[dict[str, str], list[str]]:
    """Read the written answers in a `lab` folder.

    Returns:
        The answers by their questions' ids, and what was left out, in words.
    """
    texts: dict[PurePosixPath, dict[str, Member]] = {}
    for member in _folder_members(package):
        if member.name.suffix == ".md":
            texts.setdefault(member.name, {})[member.spelled] = member
    return _answers(texts, PurePosixPath())


def _notebook(path: Path) -> Notebook:
    try:
        if _size(path) > NOTEBOOK_BYTES:
            raise UnreadableSubmission(
                f"{path.name}: larger than {NOTEBOOK_BYTES >> 20} MB; clear its outputs and hand it in again."
            )
        return read_apart(path)
    except TooCostly as error:
        raise UnreadableSubmission(f"{path.name}: cannot be read ({error}); hand in a lab folder instead.") from error
    except ValueError as error:
        raise UnreadableSubmission(
            f"{path.name}: not a Jupyter notebook ({_shown(error)}); save it again and hand that in."
        ) from error
    except OSError as error:
        raise UnreadableSubmission(f"{path.name}: cannot be read ({_shown(error)}).") from error


@contextmanager
def _members(path: Path) -> Iterator[Iterator[Member]]:
    """Open a submission, to go through the files in it that are wanted."""
    lower = path.name.lower()
    if path.is_dir():
        yield _folder_members(path)
        return
    size = _size(path)
    if lower.endswith(".zip"):
        with _ZipFile(path) as file, zipfile.ZipFile(file) as archive:
            yield _zip_members(archive, path)
    elif lower.endswith(TAR_SUFFIXES):
        yield _tar_members(_unpacked(path, size), path)
    else:
        raise UnreadableSubmission(
            f"{path.name}: expected a folder, a .zip, a {', '.join(TAR_SUFFIXES)} or a .ipynb file."
        )


def _contents(
    members: Iterator[Member], source: str
) -> tuple[dict[PurePosixPath, dict[str, bytes]], dict[PurePosixPath, dict[str, Member]]]:
    """Read the Python files; files of answers are opened later, once it is known which folder they must be in."""
    files: dict[PurePosixPath, dict[str, bytes]] = {}
    texts: dict[PurePosixPath, dict[str, Member]] = {}
    total = count = 0
    for member in members:
        if member.name.suffix == ".md":
            texts.setdefault(member.name, {})[member.spelled] = member
            continue
        total += member.size
        count += 1
        if member.size > FILE_BYTES or total > TOTAL_BYTES:
            raise UnreadableSubmission(
                f"{source}: its Python files are too large ({_shown(member.name)}); "
                f"the limit is {FILE_BYTES >> 20} MB each, {TOTAL_BYTES >> 20} MB in all."
            )
        if count > ENTRIES:
            raise UnreadableSubmission(f"{source}: more than {ENTRIES} Python files; hand in the lab folder alone.")
        files.setdefault(member.name, {})[member.spelled] = _content(member)
    return files, texts


def _answers(texts: Spellings[Member], root: PurePosixPath) -> tuple[dict[str, str], list[str]]:
    found: dict[str, bytes] = {}
    notes: list[str] = []
    for name, member in sorted(chosen(texts).items()):
        if name.parent == root / ANSWERS:
            place = f"{ANSWERS}/{name.name}"
            if member.size > FILE_BYTES:
                notes.append(f"{place}: left out, it is larger than {FILE_BYTES >> 20} MB")
                continue
            try:
                found[name.name] = _content(member)
            except DAMAGE as error:
                notes.append(f"{place}: left out, it cannot be read ({_shown(error)})")
    answers, more = answers_in_files(found)
    return answers, [*notes, *more]


def _content(member: Member) -> bytes:
    """Read a file, and no more of it than was announced."""
    with member.open() as file:
        return file.read(member.size)


def _member(spelled: str, size: int, opener: Callable[[], IO[bytes]]) -> Iterator[Member]:
    """Yield a file, if it is wanted."""
    name = normal_path(spelled) if spelled.endswith(SUFFIXES) else None
    if name is None or name.is_absolute() or ".." in name.parts or any(map(_passed_over, name.parts)):
        return
    is_answers = name.parent.name == ANSWERS and ANSWERS_FILE.fullmatch(name.name)
    if name.suffix == ".py" or is_answers:
        yield Member(name, str(PurePosixPath(spelled)), size, opener)


def _passed_over(part: str) -> bool:
    return part.startswith(".") or part in PASSED_OVER


def _folder_members(folder: Path) -> Iterator[Member]:
    for place, folders, files in os.walk(folder):  # which does not enter folders that are links
        folders[:] = [name for name in folders if not _passed_over(name)]
        for path in (Path(place, file) for file in files if file.endswith(SUFFIXES)):
            status = path.lstat()
            if stat.S_ISREG(status.st_mode):
                yield from _member(path.relative_to(folder).as_posix(), status.st_size, partial(_binary, path))


def _binary(path: Path) -> IO[bytes]:
    return path.open("rb")


class _ZipFile(io.FileIO):
    """A zip whose list of entries is not read if it is long: they take much more memory than they took in the file."""

    def read(self, size: int | None = -1) -> bytes:
        if size is None or size < 0:
            size = os.fstat(self.fileno()).st_size - self.tell()
        if size > DIRECTORY_BYTES:
            raise UnreadableSubmission(
                f"{Path(self.name).name}: it has too many entries, or too long names; hand in the lab folder alone."
            )
        return super().read(size) or b""


def _zip_members(archive: zipfile.ZipFile, path: Path) -> Iterator[Member]:
    for count, info in enumerate(archive.infolist()):
        _refuse_after(count, path)
        size = max(info.file_size, info.compress_size)
        yield from _member(info.filename.replace("\\", "/"), size, partial(_unzipped, archive, info))


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
        with path.open("rb") as packed:
            data = tarball.unpack(packed)
        if len(data) <= most:
            return data
    raise UnreadableSubmission(f"{path.name}: unpacks to more than {most >> 20} MB; hand in the lab folder alone.")


def _tar_members(data: bytearray, path: Path) -> Iterator[Member]:
    for count, member in enumerate(tarball.members(data)):
        _refuse_after(count, path)
        if member.is_file:
            yield from _member(member.name, len(member.content), partial(io.BytesIO, member.content))


def _refuse_after(count: int, path: Path) -> None:
    if count >= ARCHIVE_ENTRIES:
        raise UnreadableSubmission(f"{path.name}: more than {ARCHIVE_ENTRIES} entries; hand in the lab folder alone.")


def _size(path: Path) -> int:
    """Return a file's size; raises `UnreadableSubmission` for a pipe or a device, whose end may never come."""
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableSubmission(f"{path.name}: it is neither a file nor a folder.")
    return status.st_size


def _shown(what: object) -> str:
    """Return the beginning of a text that may quote the submission, without what a terminal would take for orders."""
    text = " ".join("".join(letter if letter.isprintable() else " " for letter in str(what)[:SHOWN_CHARACTERS]).split())
    return text if len(str(what)) <= SHOWN_CHARACTERS else f"{text}…"
