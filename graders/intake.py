"""Intake: a folder, a zip, a tarball or a notebook becomes a staged `lab` package of plain Python files.

Nothing is extracted: the Python files inside are read, within limits, and written afresh, so that links, devices,
absolute paths and other people's configuration files never reach the disk. The written answers beside them are read
too, and staged nowhere; whatever is wrong with them costs a note, never the submission.
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import os
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, Any, Self

import msgspec

from graders.notebook import Notebook, read_notebook
from graders.questions import ANSWERS_FILE, answers_in_cells, answers_in_files
from graders.rubric import STEP_MODULE

FILE_BYTES = 2 << 20
TOTAL_BYTES = 20 << 20
NOTEBOOK_BYTES = 64 << 20
UNPACKED_BYTES = 128 << 20
HEADER_BYTES = 16 << 10
ENTRIES = 5000
ARCHIVE_ENTRIES = 50_000
NAME_BYTES = 240
DESCRIBING = frozenset(
    {
        tarfile.XHDTYPE,
        tarfile.XGLTYPE,
        tarfile.SOLARIS_XHDTYPE,
        tarfile.GNUTYPE_LONGNAME,
        tarfile.GNUTYPE_LONGLINK,
    }
)
OPENERS: dict[bytes, Callable[..., Any]] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ": lzma.open}
TAR_SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
PASSED_OVER = frozenset({"__pycache__", "__MACOSX", "site-packages", "node_modules"})
ANSWERS = "answers"

Open = Callable[[], IO[bytes]]
Member = tuple[PurePosixPath, Open]


DAMAGE = (
    zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, struct.error, EOFError, RuntimeError, OSError,
    ValueError,
)  # fmt: skip


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
    name = os.fsencode(path.resolve().name).decode("utf-8", "replace")
    suffix = next((end for end in (*TAR_SUFFIXES, ".zip", ".ipynb") if name.lower().endswith(end)), "")
    return name[: len(name) - len(suffix)] or name


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
            files, texts = _contents(members, path.name)
            root = _package_root(files, path.name)
            answers, notes = _answers(texts, root)
    except DAMAGE as error:
        raise UnreadableSubmission(
            f"{path.name}: cannot be read ({error}); make the archive again and hand that in."
        ) from error
    return Submission(name, _package(files, root), notes, answers)


def read_answers(package: Path) -> tuple[dict[str, str], list[str]]:
    """Read the written answers in a `lab` folder.

    Returns:
        The answers by their questions' ids, and what was left out, in words.
    """
    texts = {name: opened for name, opened in _folder_members(package) if name.suffix == ".md"}
    return _answers(texts, PurePosixPath())


def _notebook(path: Path) -> Notebook:
    try:
        with path.open("rb") as file:
            data = file.read(NOTEBOOK_BYTES + 1)
        if len(data) > NOTEBOOK_BYTES:
            raise UnreadableSubmission(
                f"{path.name}: larger than {NOTEBOOK_BYTES >> 20} MB; clear its outputs and hand it in again."
            )
        return read_notebook(data)
    except ValueError as error:
        raise UnreadableSubmission(
            f"{path.name}: not a Jupyter notebook ({error}); save it again and hand that in."
        ) from error
    except OSError as error:
        raise UnreadableSubmission(f"{path.name}: cannot be read ({error}).") from error


@contextmanager
def _members(path: Path) -> Iterator[Iterator[Member]]:
    """Open a submission, to go through the files in it that are wanted."""
    lower = path.name.lower()
    if path.is_dir():
        yield _folder_members(path)
    elif lower.endswith(".zip"):
        with zipfile.ZipFile(path) as archive:
            yield _zip_members(archive, path)
    elif lower.endswith(TAR_SUFFIXES):
        with tarfile.open(fileobj=_unpacked(path), mode="r:", tarinfo=_Header) as tarball:
            yield _tar_members(tarball, path)
    else:
        raise UnreadableSubmission(
            f"{path.name}: expected a folder, a .zip, a {', '.join(TAR_SUFFIXES)} or a .ipynb file."
        )


def _contents(members: Iterator[Member], source: str) -> tuple[dict[PurePosixPath, bytes], dict[PurePosixPath, Open]]:
    """Read the Python files; files of answers are opened later, once it is known which folder they must be in."""
    files: dict[PurePosixPath, bytes] = {}
    texts: dict[PurePosixPath, Open] = {}
    total = count = 0
    for name, opened in members:
        if name.suffix == ".md":
            texts[name] = opened
            continue
        data = _start_of(opened)
        total += len(data)
        count += 1
        if len(data) > FILE_BYTES or total > TOTAL_BYTES:
            raise UnreadableSubmission(
                f"{source}: its Python files are too large ({name}); "
                f"the limit is {FILE_BYTES >> 20} MB each, {TOTAL_BYTES >> 20} MB in all."
            )
        if count > ENTRIES:
            raise UnreadableSubmission(f"{source}: more than {ENTRIES} Python files; hand in the lab folder alone.")
        files[name] = data
    return files, texts


def _answers(texts: Mapping[PurePosixPath, Open], root: PurePosixPath) -> tuple[dict[str, str], list[str]]:
    found: dict[str, bytes] = {}
    notes: list[str] = []
    for name in sorted(texts):
        if name.parent == root / ANSWERS:
            try:
                data = _start_of(texts[name])
            except DAMAGE as error:
                notes.append(f"answers/{name.name}: left out, it cannot be read ({error})")
                continue
            if len(data) > FILE_BYTES:
                notes.append(f"answers/{name.name}: left out, it is larger than {FILE_BYTES >> 20} MB")
            else:
                found[name.name] = data
    answers, more = answers_in_files(found)
    return answers, [*notes, *more]


def _start_of(opened: Open) -> bytes:
    """Read a file, up to where it is known to be too large."""
    with opened() as file:
        return file.read(FILE_BYTES + 1)


def _wanted(name: PurePosixPath) -> bool:
    unsafe = name.is_absolute() or ".." in name.parts
    is_answers = name.parent.name == ANSWERS and ANSWERS_FILE.fullmatch(name.name)
    return bool(name.suffix == ".py" or is_answers) and not unsafe and not any(map(_passed_over, name.parts))


def _passed_over(part: str) -> bool:
    return part.startswith(".") or part in PASSED_OVER


def _folder_members(folder: Path) -> Iterator[Member]:
    for place, folders, files in os.walk(folder):  # which does not enter folders that are links
        folders[:] = [name for name in folders if not _passed_over(name)]
        for path in (Path(place, file) for file in files):
            name = PurePosixPath(path.relative_to(folder).as_posix())
            if _wanted(name) and path.is_file() and not path.is_symlink():
                yield name, partial(_binary, path)


def _binary(path: Path) -> IO[bytes]:
    return path.open("rb")


def _zip_members(archive: zipfile.ZipFile, path: Path) -> Iterator[Member]:
    for count, info in enumerate(archive.infolist()):
        _refuse_after(count, path)
        name = PurePosixPath(info.filename.replace("\\", "/"))
        if _wanted(name) and not info.is_dir():
            yield name, partial(archive.open, info)


def _tar_members(archive: tarfile.TarFile, path: Path) -> Iterator[Member]:
    for count, info in enumerate(archive):
        _refuse_after(count, path)
        name = PurePosixPath(info.name)
        if info.isreg() and _wanted(name):
            yield name, partial(_extracted, archive, info)


def _extracted(archive: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    file = archive.extractfile(info)
    assert file  # as the member is a regular file
    return file


def _refuse_after(count: int, path: Path) -> None:
    if count >= ARCHIVE_ENTRIES:
        raise UnreadableSubmission(f"{path.name}: more than {ARCHIVE_ENTRIES} entries; hand in the lab folder alone.")


def _unpacked(path: Path) -> io.BytesIO:
    """Unpack a tarball in memory, within limits: its members cannot be skipped without being unpacked."""
    with path.open("rb") as packed:
        start = packed.read(max(map(len, OPENERS)))
        packed.seek(0)
        opener = next((opener for magic, opener in OPENERS.items() if start.startswith(magic)), None)
        data: bytes = (opener(packed) if opener else packed).read(UNPACKED_BYTES + 1)
    if len(data) > UNPACKED_BYTES:
        raise UnreadableSubmission(
            f"{path.name}: unpacks to more than {UNPACKED_BYTES >> 20} MB; hand in the lab folder alone."
        )
    return io.BytesIO(data)


class _Header(tarfile.TarInfo):
    """A member's header; one that only describes the next member must be short, as `tarfile` searches it slowly."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        header = super().frombuf(buf, encoding, errors)
        if header.type in DESCRIBING and header.size > HEADER_BYTES:
            raise tarfile.ReadError(f"a header of {header.size} bytes")
        return header


def _package_root(files: Mapping[PurePosixPath, bytes], source: str) -> PurePosixPath:
    """Return the shallowest folder that holds step modules; one called `lab` comes first."""
    folders = {name.parent for name in files if STEP_MODULE.fullmatch(name.stem)}
    if not folders:
        raise UnreadableSubmission(
            f"{source}: no step module (lab/step01_spectrograms.py and so on) is in it; "
            "hand in the folder that holds lab/."
        )
    return min(folders, key=lambda folder: (folder.name != "lab", len(folder.parts), str(folder)))


def _package(files: Mapping[PurePosixPath, bytes], root: PurePosixPath) -> dict[str, bytes]:
    """Return the files below a folder that an import finds, by path inside the folder, in order of path."""
    inside = {name.relative_to(root): data for name, data in files.items() if name.is_relative_to(root)}
    # Without this file a `lab` that is installed elsewhere would be imported in its place.
    inside.setdefault(PurePosixPath("__init__.py"), b"")
    return {str(name): inside[name] for name in sorted(inside) if _importable(name)}


def _importable(name: PurePosixPath) -> bool:
    """Tell whether `import` could find a file, which also leaves out names that cannot be written to a disk."""
    words = all(part.isidentifier() for part in (*name.parent.parts, name.stem))
    return words and len(str(name).encode()) <= NAME_BYTES
