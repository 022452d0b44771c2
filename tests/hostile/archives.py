"""Hostile archives, folders and notebooks: attacks on whoever reads a submission, before any of its code runs.

Each is made in a folder of its own. Where it is graded, its step 2 is the reference's, or a wrong one that the attack
would have replaced by the reference's.
"""

from __future__ import annotations

import bz2
import gzip
import io
import json
import os
import py_compile
import shutil
import stat
import struct
import tarfile
import warnings
import zipfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.support import COURSE

MODULE = "step02_beat_sync.py"
RIGHT = (COURSE.reference_folder / MODULE).read_bytes()
WRONG = b"def duration_seconds(n, sr=22050, hop_length=512):\n    return -1.0\n"
ALL = 6.0  # points of step 2
HOSTILE = b"import pathlib\npathlib.Path('hostile').write_text('x')\nraise SystemExit(0)\n"
MEGABYTE = 1 << 20
SYMBOLIC_LINK = (stat.S_IFLNK | 0o777) << 16


class Case(NamedTuple):
    """A hostile submission.

    Attributes:
        name: what it does.
        make: makes it in a folder, and returns its path.
        score: the points that it gets for step 2; None if it is refused.
        says: a pattern of what the refusal, or one of the notes, says.
    """

    name: str
    make: Callable[[Path], Path]
    score: float | None
    says: str = ""


def _zip(*entries: tuple[str | zipfile.ZipInfo, bytes], name: str = "alice.zip") -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED) as archive:
            for info, data in entries:
                archive.writestr(info, data)
        return folder / name

    return make


def _tar(*members: tuple[tarfile.TarInfo, bytes]) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        with tarfile.open(folder / "alice.tar", "w") as archive:
            for info, data in members:
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
        return folder / "alice.tar"

    return make


def _notebook(*sources: object) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        cells = [
            {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": source}
            for source in sources
        ]
        content = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}
        (folder / "alice.ipynb").write_text(json.dumps(content).replace("@HERE@", str(folder)), encoding="utf-8")
        return folder / "alice.ipynb"

    return make


def _bytes(name: str, data: bytes) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / name).write_bytes(data)
        return folder / name

    return make


def _member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def _linked_in_a_zip() -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(f"lab/{MODULE}")
    info.external_attr = SYMBOLIC_LINK
    return info


def _folder(folder: Path, data: bytes = RIGHT) -> Path:
    package = folder / "alice" / "lab"
    package.mkdir(parents=True)
    (package / MODULE).write_bytes(data)
    return package


def _folder_that_is_a_link(folder: Path) -> Path:
    (folder / "alice").mkdir()
    (folder / "alice" / "lab").symlink_to(COURSE.reference_folder)
    return folder / "alice"


def _folder_with_a_linked_module(folder: Path) -> Path:
    package = _folder(folder, WRONG)
    (package / MODULE).rename(package / "step01_spectrograms.py")
    (package / MODULE).symlink_to(COURSE.reference_folder / MODULE)
    return folder / "alice"


def _folder_with_a_pipe(folder: Path) -> Path:
    package = _folder(folder)
    os.mkfifo(package / "step03_chromagrams.py")
    os.mkfifo(package / "__init__.py")
    return folder / "alice"


def _folder_in_a_circle(folder: Path) -> Path:
    package = _folder(folder)
    (package / "again").symlink_to(package, target_is_directory=True)
    return folder / "alice"


def _compiled(folder: Path) -> Path:
    """Make a zip of a wrong module, beside what the reference's was compiled to, which says not to compare the two."""
    (folder / MODULE).write_bytes(RIGHT)
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    compiled = Path(py_compile.compile(str(folder / MODULE), doraise=True, invalidation_mode=mode) or "")
    cache = f"lab/__pycache__/{compiled.name}"
    path = _zip((f"lab/{MODULE}", WRONG), (cache, compiled.read_bytes()), ("lab/step02_beat_sync.so", b"\x7fELF"))(
        folder
    )
    shutil.rmtree(folder / "__pycache__")
    (folder / MODULE).unlink()
    return path


def _zip_of_one_entry(name: bytes, data: bytes, times: int) -> bytes:
    """Return a zip whose directory names the same compressed data many times."""
    compress = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = compress.compress(data) + compress.flush()
    sizes = struct.pack("<III", zlib.crc32(data), len(packed), len(data))
    local = (
        b"PK\3\4" + struct.pack("<HHHHH", 20, 0, 8, 0, 33) + sizes + struct.pack("<HH", len(name), 0) + name + packed
    )
    entry = b"PK\1\2" + struct.pack("<HHHHHH", 20, 20, 0, 8, 0, 33) + sizes
    entry += struct.pack("<HHHHHII", len(name), 0, 0, 0, 0, 0, 0) + name
    end = b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, times, times, len(entry) * times, len(local), 0)
    return local + entry * times + end


def _zip_whose_sums_are_wrong(folder: Path) -> Path:
    path = _zip((f"lab/{MODULE}", RIGHT))(folder)
    data = bytearray(path.read_bytes())
    data[40 + len(MODULE)] ^= 0xFF
    path.write_bytes(data)
    return path


def _encrypted_zip(folder: Path) -> Path:
    path = _zip((f"lab/{MODULE}", RIGHT))(folder)
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(data)
    return path


def _tarball_that_unpacks_to_much(folder: Path) -> Path:
    """Make a tarball of one member of a gigabyte, in pieces that are compressed one by one."""
    head = _member("lab/step01_spectrograms.py")
    head.size = 1 << 30
    piece = gzip.compress(bytes(32 * MEGABYTE), 9)
    return _bytes("alice.tar.gz", gzip.compress(head.tobuf()) + piece * 32)(folder)


def _tarball_of_an_endless_header(folder: Path) -> Path:
    head = tarfile.TarInfo("././@LongLink")
    head.type, head.size = tarfile.GNUTYPE_LONGNAME, 1 << 33
    return _bytes("alice.tar.bz2", bz2.compress(head.tobuf() + bytes(4096)))(folder)


def _tarball_with_another_path_in_its_header(folder: Path) -> Path:
    info = _member("lab/step01_spectrograms.py")
    info.pax_headers = {"path": "../../hostile.py", "linkpath": "/etc/passwd"}
    path = folder / "alice.tar"
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
        for member, data in ((info, HOSTILE), (_member(f"lab/{MODULE}"), RIGHT)):
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


def _two_of_one_name(folder: Path) -> Path:
    path = folder / "alice.zip"
    with zipfile.ZipFile(path, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zipfile warns of what is meant here
        for data in (WRONG, RIGHT):
            archive.writestr(f"lab/{MODULE}", data)
    return path


def _zip_with_two_names_for_a_file(folder: Path) -> Path:
    path = _zip((f"lab/{MODULE}", RIGHT))(folder)
    data = bytearray(path.read_bytes())
    at = data.index(b"lab/")
    data[at : at + 3] = b"LAB"
    path.write_bytes(data)
    return path


def _zip_behind_a_document(folder: Path) -> Path:
    path = _zip((f"lab/{MODULE}", RIGHT))(folder)
    path.write_bytes(b"%PDF-1.4\n" + HOSTILE * 100 + path.read_bytes())
    return path


def _zip_for_a_large_memory(folder: Path) -> Path:
    path = folder / "alice.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr(f"lab/{MODULE}", RIGHT)
    return path


def _tarball_with_a_hole(folder: Path) -> Path:
    """Make a tarball of a sparse member, which says that it is 8 GB when it is read."""
    head = _member("lab/step01_spectrograms.py")
    head.type = tarfile.GNUTYPE_SPARSE
    block = bytearray(head.tobuf(tarfile.GNU_FORMAT))
    block[483:495] = b"77777777777\0"
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block[:512])
    return _bytes("alice.tar", bytes(block) + bytes(1024))(folder)


def _cell(source: str, **more: object) -> dict[str, object]:
    return {"cell_type": "code", "source": source, "metadata": {}, "outputs": [], "execution_count": 1, **more}


ABOVE: Sequence[tuple[str, bytes]] = [
    (name, HOSTILE)
    for name in ("../hostile.py", "lab/../../hostile.py", "/tmp/hostile.py", "..\\..\\hostile.py", "C:\\hostile.py",
                 "\\\\server\\hostile.py", "lab/../../../answers/step01.md")
]  # fmt: skip
BESIDE: Sequence[tuple[str, bytes]] = [
    (name, HOSTILE)
    for name in ("conftest.py", "lab/../conftest.py", "pytest.ini", "sitecustomize.py", "hostile.pth", "graders/judging/judge.py",
                 "solutions/step02_beat_sync.py", "torch.py", ".git/hooks/post-checkout", "lab/.hidden.py", "setup.py")
]  # fmt: skip
DEEP = 200_000
HOSTILE_ANSWER = "## 2.1\n{}\x1b[2J\u202e<script>alert(1)</script>\n::error::x\n"
ANSWER = "".join(map(HOSTILE_ANSWER.format, range(1000))).encode()
PICTURE = {"output_type": "display_data", "data": {"image/png": "A" * (20 * MEGABYTE)}, "metadata": {}}
HEAD = '{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": '
TIRING = "\n".join(f"%magic{number}" for number in range(5000))

CASES = [
    # names that lead elsewhere, and what lies beside the package
    Case("has entries whose names lead out of the folder", _zip(*ABOVE, (f"lab/{MODULE}", RIGHT)), ALL),
    Case("brings what is read before, and instead of, the package", _zip(*BESIDE, (f"lab/{MODULE}", RIGHT)), ALL),
    Case("names its module to the end of a text, and goes on", _zip((f"lab/{MODULE}\0.txt", RIGHT)), ALL),
    Case("names a folder like its module", _zip((f"lab/{MODULE}", RIGHT), (f"lab/{MODULE}/x.py", HOSTILE)), ALL),
    Case("lies three thousand folders deep", _zip(("a/" * 3000 + f"lab/{MODULE}", RIGHT)), None, "no step module"),
    Case("hands in what its module was compiled to", _compiled, 0.0),
    Case("is called like a formula", _zip((f"lab/{MODULE}", RIGHT), name='=HYPERLINK("x";"y").zip'), ALL),
    Case("is called like commands for a terminal", _zip((f"lab/{MODULE}", RIGHT), name="\x1b[2J\n-rf *;$(x).zip"), ALL),
    # links and devices
    Case(
        "is a link to the reference, in a zip",
        _zip((_linked_in_a_zip(), str(COURSE.reference_folder / MODULE).encode())),
        0.0,
    ),
    Case(
        "is a link to the reference, in a tarball",
        _tar(
            (_member(f"lab/{MODULE}", tarfile.SYMTYPE, str(COURSE.reference_folder / MODULE)), b""),
            (_member("lab/step01_spectrograms.py"), WRONG),
        ),
        0.0,
    ),
    Case(
        "is a second name of the reference, in a tarball",
        _tar(
            (_member("lab/step01_spectrograms.py"), WRONG),
            (_member(f"lab/{MODULE}", tarfile.LNKTYPE, str(COURSE.reference_folder / MODULE)), b""),
        ),
        0.0,
    ),
    Case(
        "links its folder to the reference's, and writes into that",
        _tar(
            (_member("lab", tarfile.SYMTYPE, str(COURSE.reference_folder)), b""),
            (_member("lab/step99_hostile.py"), HOSTILE),
            (_member(f"lab/{MODULE}"), RIGHT),
        ),
        ALL,
    ),
    Case(
        "is a device, and a pipe",
        _tar(
            (_member(f"lab/{MODULE}", tarfile.CHRTYPE), b""),
            (_member("lab/step01_spectrograms.py", tarfile.FIFOTYPE), b""),
        ),
        None,
        "no step module",
    ),
    Case("is a folder that is a link to the reference's", _folder_that_is_a_link, None, "no step module"),
    Case("is a folder with a link to the reference's module", _folder_with_a_linked_module, 0.0),
    Case("is a folder with a pipe in it, which nobody fills", _folder_with_a_pipe, ALL),
    Case("is a folder that contains itself", _folder_in_a_circle, ALL),
    # archives that are more than they seem
    Case("unpacks to two gigabytes", _tarball_that_unpacks_to_much, None, "unpacks to more|too large|cannot be read"),
    Case("has one module of 64 MB of nothing", _zip((f"lab/{MODULE}", bytes(64 * MEGABYTE))), None, "too large"),
    Case(
        "names one megabyte sixty times",
        _bytes("alice.zip", _zip_of_one_entry(b"lab/step02_beat_sync.py", bytes(MEGABYTE), 60)),
        None,
        "too large|cannot be read",
    ),
    Case(
        "has sixty thousand entries",
        _bytes("alice.zip", _zip_of_one_entry(b"lab/a.py", b"", 60_000)),
        None,
        "more than|cannot be read",
    ),
    Case("has a header without end", _tarball_of_an_endless_header, None, "cannot be read|no step module"),
    Case("has another path in a further header", _tarball_with_another_path_in_its_header, ALL),
    Case("is a zip whose sums are wrong", _zip_whose_sums_are_wrong, None, "cannot be read"),
    Case("is a zip that wants a password", _encrypted_zip, None, "cannot be read"),
    Case("is a tarball by the name of a zip", _bytes("alice.zip", _member(MODULE).tobuf() * 4), 0.0, ""),
    Case("has two files of one name, a wrong and a right one", _two_of_one_name, ALL, "different files of this name"),
    Case(
        "has a file that is called otherwise in the directory", _zip_with_two_names_for_a_file, None, "cannot be read"
    ),
    Case("is a zip and a document", _zip_behind_a_document, ALL),
    Case("is packed so that much memory is needed to read it", _zip_for_a_large_memory, None, "only deflate"),
    Case("has a file that is mostly a hole of 8 GB", _tarball_with_a_hole, None, "no step module"),
    Case(
        "has a right module in capital letters beside its own",
        _zip((f"lab/{MODULE}", WRONG), (f"lab/{MODULE.upper()}", RIGHT)),
        0.0,
        "is it step02_beat_sync.py",
    ),
    Case(
        "has a right module whose name is spelt in wide letters beside its own",
        _zip((f"lab/{MODULE}", WRONG), (f"lab/\uff53{MODULE[1:]}", RIGHT)),
        0.0,
        "different Unicode forms",
    ),
    # modules that are hard to read
    Case(
        "has brackets two hundred thousand deep in its module",
        _zip((f"lab/{MODULE}", RIGHT + b"\nx = " + b"[" * DEEP + b"]" * DEEP)),
        0.0,
    ),
    Case(
        "negates a number two hundred thousand times in its module",
        _zip((f"lab/{MODULE}", RIGHT + b"\nx = " + b"-" * DEEP + b"1")),
        0.0,
    ),
    Case("has a NUL in its module", _zip((f"lab/{MODULE}", RIGHT + b"\0\n")), 0.0, "not UTF-8 text"),
    Case(
        "has an answer with a script, and commands for terminals and runners",
        _zip((f"lab/{MODULE}", RIGHT), ("lab/answers/step02.md", ANSWER)),
        ALL,
        "was cut",
    ),
    # notebooks
    Case(
        "is a notebook with a picture of 20 MB",
        _bytes("a.ipynb", (HEAD + json.dumps([_cell(RIGHT.decode(), outputs=[PICTURE])]) + "}").encode()),
        ALL,
    ),
    Case(
        "is a notebook in UTF-16",
        _bytes("a.ipynb", (HEAD + json.dumps([_cell(RIGHT.decode())]) + "}").encode("utf-16")),
        None,
        "not a",
    ),
    Case(
        "is a notebook with two lists of cells",
        _bytes("a.ipynb", (HEAD + '[], "cells": ' + json.dumps([_cell(RIGHT.decode())]) + "}").encode()),
        ALL,
    ),
    Case(
        "runs commands while its notebook is read",
        _notebook(
            "!touch hostile",
            "%run hostile.py",
            "%%writefile ../hostile.py\nx = 1",
            "get_ipython().system('touch hostile')",
            "import os; os.system('touch hostile')",
            RIGHT.decode(),
        ),
        ALL,
        "skipped",
    ),
    Case(
        "runs code where a notebook's functions are defined",
        _notebook(
            "import pathlib",
            "def _write(*rest):\n    pathlib.Path('@HERE@/hostile').write_text('x')",
            "@_write\nclass Hostile(metaclass=_write):\n    _write()",
            RIGHT.decode(),
        ),
        ALL,
    ),
    Case(
        "runs code where its notebook's functions need a name",
        _notebook(
            "import os, pathlib, subprocess",
            "A = pathlib.Path('@HERE@/hostile').write_text('x')\nB = os.system('touch @HERE@/hostile')",
            "C = subprocess.run(['touch', '@HERE@/hostile'])\nwhile True:\n    D = 1",
            "def f():\n    return A, B, C, D",
            RIGHT.decode(),
        ),
        ALL,
    ),
    Case(
        "writes files outside of the package from a notebook",
        _notebook(
            "%%writefile @HERE@/hostile\nx",
            "%%writefile lab/../../hostile.py\nx = 1",
            "%%writefile /etc/lab/cells_of_notebook.py\nx = 1",
            RIGHT.decode(),
        ),
        ALL,
        "skipped",
    ),
    Case(
        "is a notebook a hundred thousand levels deep", _bytes("a.ipynb", b'{"cells":' + b"[" * 100_000), None, "not a"
    ),
    Case(
        "is a notebook with numbers of a million digits",
        _bytes("a.ipynb", b'{"nbformat": 4' + b"0" * 1_000_000 + b"}"),
        None,
        "not a",
    ),
    Case("is a notebook of magics without end", _notebook(TIRING, RIGHT.decode()), ALL, "skipped"),
    Case("is a notebook whose cells are no text", _notebook({"a": 1}, [1, 2], RIGHT.decode()), None, "not a"),
]
