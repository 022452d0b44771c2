"""Intake: a folder, a zip, a tarball or a notebook becomes a staged `lab` package of plain Python files.

Nothing is extracted: the Python files inside are read, within limits, and written afresh, so that links, devices,
absolute paths and other people's configuration files never reach the disk.
"""

from __future__ import annotations

import hashlib
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import msgspec

from graders.notebook import modules_from_notebook
from graders.rubric import STEP_MODULE

FILE_BYTES = 2 << 20
TOTAL_BYTES = 20 << 20
NOTEBOOK_BYTES = 64 << 20
ENTRIES = 5000
TAR_SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
PASSED_OVER = frozenset({"__pycache__", "__MACOSX", "site-packages", "node_modules"})


class UnreadableSubmission(Exception):
    """The submission cannot be read; the message says why, and what to do."""


class Submission(msgspec.Struct, frozen=True):
    """A submission as it was read.

    Attributes:
        name: file or folder name without its suffix.
        files: the files of its `lab` package, by path inside the package, in order of path.
        notes: what was left out, in words.
    """

    name: str
    files: dict[str, bytes]
    notes: list[str]

    @property
    def digest(self) -> str:
        """SHA-256 over names and contents, in hexadecimal."""
        total = hashlib.sha256()
        for name, data in self.files.items():
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
    name = path.resolve().name
    suffixes = (*TAR_SUFFIXES, ".zip", ".ipynb")
    return next((name.removesuffix(end) for end in suffixes if name.lower().endswith(end)), name)


def read_submission(path: Path) -> Submission:
    """Read a submission.

    Args:
        path: a folder that holds `lab/` or the step modules themselves, a zip or tarball of one, or a notebook.

    Raises:
        UnreadableSubmission: it is none of these, is damaged, is too large, or holds no step module.
    """
    name = submission_name(path)
    if path.suffix.lower() == ".ipynb":
        if path.stat().st_size > NOTEBOOK_BYTES:
            raise UnreadableSubmission(f"{path.name}: larger than {NOTEBOOK_BYTES >> 20} MB; clear its outputs and hand it in again.")
        try:
            files, notes = modules_from_notebook(path.read_bytes())
        except ValueError as error:
            raise UnreadableSubmission(f"{path.name}: not a Jupyter notebook ({error}); save it again and hand that in.") from error
        return Submission(name, files, notes)
    try:
        files = _package(dict(_entries(path)), path.name)
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, RuntimeError, OSError) as error:
        raise UnreadableSubmission(f"{path.name}: cannot be read ({error}); make the archive again and hand that in.") from error
    return Submission(name, files, [])


def _entries(path: Path) -> Iterator[tuple[PurePosixPath, bytes]]:
    lower = path.name.lower()
    if path.is_dir():
        found = _folder_entries(path)
    elif lower.endswith(".zip"):
        found = _zip_entries(path)
    elif lower.endswith(TAR_SUFFIXES):
        found = _tar_entries(path)
    else:
        raise UnreadableSubmission(f"{path.name}: expected a folder, a .zip, a {', '.join(TAR_SUFFIXES)} or a .ipynb file.")
    total = 0
    for name, data in found:
        total += len(data)
        if len(data) > FILE_BYTES or total > TOTAL_BYTES:
            raise UnreadableSubmission(
                f"{path.name}: its Python files are too large ({name}); the limit is {FILE_BYTES >> 20} MB each, {TOTAL_BYTES >> 20} MB in all."
            )
        yield name, data


def _wanted(name: PurePosixPath) -> bool:
    unsafe = name.is_absolute() or ".." in name.parts
    hidden = any(part.startswith(".") or part in PASSED_OVER for part in name.parts)
    return name.suffix == ".py" and not unsafe and not hidden


def _folder_entries(folder: Path) -> Iterator[tuple[PurePosixPath, bytes]]:
    for count, path in enumerate(folder.rglob("*.py")):
        if count > ENTRIES:
            raise UnreadableSubmission(f"{folder.name}: more than {ENTRIES} Python files; hand in the lab folder alone.")
        name = PurePosixPath(path.relative_to(folder).as_posix())
        linked = any(part.is_symlink() for part in (path, *path.parents[: len(name.parts) - 1]))
        if _wanted(name) and path.is_file() and not linked:
            with path.open("rb") as file:
                yield name, file.read(FILE_BYTES + 1)


def _zip_entries(path: Path) -> Iterator[tuple[PurePosixPath, bytes]]:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            name = PurePosixPath(info.filename.replace("\\", "/"))
            if _wanted(name) and not info.is_dir():
                with archive.open(info) as file:
                    yield name, file.read(FILE_BYTES + 1)


def _tar_entries(path: Path) -> Iterator[tuple[PurePosixPath, bytes]]:
    with tarfile.open(path) as archive:
        for info in archive:
            name = PurePosixPath(info.name)
            file = archive.extractfile(info) if info.isreg() and _wanted(name) else None
            if file:
                yield name, file.read(FILE_BYTES + 1)


def _package(entries: dict[PurePosixPath, bytes], source: str) -> dict[str, bytes]:
    """Return the files below the shallowest folder that holds step modules; one called `lab` comes first."""
    folders = {name.parent for name in entries if STEP_MODULE.fullmatch(name.stem)}
    if not folders:
        raise UnreadableSubmission(
            f"{source}: no step module (lab/step01_spectrograms.py and so on) is in it; hand in the folder that holds lab/."
        )
    root = min(folders, key=lambda folder: (folder.name != "lab", len(folder.parts), str(folder)))
    inside = {name.relative_to(root): data for name, data in entries.items() if name.is_relative_to(root)}
    return {str(name): inside[name] for name in sorted(inside)}
