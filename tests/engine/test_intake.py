"""Intake: what is read of a submission, in whatever form it comes, and what is refused."""

import bz2
import gzip
import io
import itertools
import json
import lzma
import os
import stat
import struct
import subprocess
import sys
import tarfile
import tracemalloc
import unicodedata
import warnings
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graders.grading.names import names_of
from graders.intake.archives import UnreadableSubmission
from graders.intake.packed import tarball
from graders.intake.submission import Submission, read_answers, read_submission, submission_name
from graders.outcomes import StudentError
from graders.sandbox.client import WarmServer, Worker, order_for
from graders.sandbox.proxies import OneWorker, RemotePackage
from tests.support import COURSE

STEADY = settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])

STEP = "step01_spectrograms.py"
FILES = {
    "lab/__init__.py": b"",
    f"lab/{STEP}": b"x = 1\n",
    "lab/step02_beat_sync.py": "y = 'ρυθμός'\n".encode(),
}
PACKAGE = {name.removeprefix("lab/"): data for name, data in FILES.items()}
Make = Callable[[Path, dict[str, bytes]], Path]


def make_folder(place: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        path = place / "alice" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return place / "alice"


def make_zip(place: Path, files: dict[str, bytes]) -> Path:
    with (
        warnings.catch_warnings(action="ignore"),
        zipfile.ZipFile(place / "alice.zip", "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for name, data in files.items():
            archive.writestr(name, data)
    return place / "alice.zip"


def make_tar(place: Path, files: dict[str, bytes], suffix: str = ".tar.gz") -> Path:
    path = place / f"alice{suffix}"
    mode = {".tar.gz": "w:gz", ".tgz": "w:gz", ".tar.bz2": "w:bz2", ".tar.xz": "w:xz", ".tar": "w"}[suffix]
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def make_odd_tar(place: Path, *members: tarfile.TarInfo) -> Path:
    with tarfile.open(place / "alice.tar", "w") as archive:
        for name, data in FILES.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        for member in members:
            archive.addfile(member)
    return place / "alice.tar"


def zip_entry(name: bytes, packed: bytes, size: int, place: int, method: int = 8, crc: int = 0) -> tuple[bytes, bytes]:
    """Return an entry of a zip and its line in the zip's list of entries, with whatever size and place it claims."""
    common = struct.pack("<HHHHHLLLHH", 20, 0, method, 0, 0x21, crc, len(packed), size, len(name), 0)
    line = b"PK\1\2" + struct.pack("<H", 20) + common + struct.pack("<HHHLL", 0, 0, 0, 0, place) + name
    return b"PK\3\4" + common + name + packed, line


def make_odd_zip(place: Path, body: bytes, lines: list[bytes]) -> Path:
    listed = b"".join(lines)
    count = min(len(lines), 0xFFFF)
    end = b"PK\5\6" + struct.pack("<HHHHLLH", 0, 0, count, count, len(listed), len(body), 0)
    (place / "alice.zip").write_bytes(body + listed + end)
    return place / "alice.zip"


def deflated(data: bytes) -> bytes:
    compress = zlib.compressobj(9, zlib.DEFLATED, -15)
    return compress.compress(data) + compress.flush()


def tar_header(name: str, size: int, kind: bytes = tarfile.REGTYPE) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.type = size, kind
    return info.tobuf(tarfile.GNU_FORMAT)


def tar_member(name: str, data: bytes, kind: bytes = tarfile.REGTYPE) -> bytes:
    return tar_header(name, len(data), kind) + data + bytes(-len(data) % 512)


def extended(*records: tuple[str, str]) -> bytes:
    """Return an extended header, which describes the member after it."""
    lines = []
    for key, value in records:
        rest = f" {key}={value}\n".encode()
        length = next(n for n in range(len(rest), len(rest) + 6) if n == len(rest) + len(str(n)))
        lines.append(str(length).encode() + rest)
    return tar_member("header", b"".join(lines), tarfile.XHDTYPE)


def peak(path: Path) -> int:
    """Return the bytes that refusing a submission takes at most."""
    tracemalloc.start()
    try:
        assert refusal(path)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


WHOLE = b"".join(tar_member(name, data) for name, data in FILES.items())
END = bytes(1024)
MAKERS: list[Make] = [make_folder, make_zip, make_tar]
every_form = pytest.mark.parametrize("make", MAKERS)
archives = pytest.mark.parametrize("make", [make_zip, make_tar])


def refusal(path: Path) -> str:
    with pytest.raises(UnreadableSubmission) as caught:
        read_submission(path, COURSE)
    message = str(caught.value)
    assert message.startswith(path.name)
    assert len(message) < 500
    assert message.isprintable()
    return message


def staged(submission: Submission, place: Path) -> dict[str, bytes]:
    parent = place / "staged"
    parent.mkdir()
    submission.stage(parent)
    return {path.relative_to(parent).as_posix(): path.read_bytes() for path in parent.rglob("*") if not path.is_dir()}


# Forms


@every_form
def test_a_folder_that_holds_lab(make: Make, tmp_path: Path) -> None:
    submission = read_submission(make(tmp_path, FILES), COURSE)

    assert (submission.name, submission.files, submission.notes) == ("alice", PACKAGE, [])


@every_form
def test_the_step_modules_alone_become_a_package(make: Make, tmp_path: Path) -> None:
    submission = read_submission(make(tmp_path, {STEP: b"x = 1\n"}), COURSE)

    assert submission.files == {"__init__.py": b"", STEP: b"x = 1\n"}


@every_form
def test_lab_is_found_below_other_folders(make: Make, tmp_path: Path) -> None:
    files = {f"My work (final)/λύσεις/{name}": data for name, data in FILES.items()}

    assert read_submission(make(tmp_path, files), COURSE).files == PACKAGE


@every_form
def test_lab_comes_before_other_folders_with_step_modules_and_the_shallowest_first(make: Make, tmp_path: Path) -> None:
    others = {
        f"old/lab/{STEP}": b"old",
        f"attempt/{STEP}": b"other",
        STEP: b"top",
        f"lab/old/{STEP}": b"inner",
    }
    submission = read_submission(make(tmp_path, {**others, **FILES}), COURSE)

    assert submission.files == {**PACKAGE, f"old/{STEP}": b"inner"}


@pytest.mark.parametrize("suffix", [".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz"])
def test_tarballs_of_every_compression(suffix: str, tmp_path: Path) -> None:
    submission = read_submission(make_tar(tmp_path, FILES, suffix), COURSE)

    assert (submission.name, submission.files) == ("alice", PACKAGE)


def test_a_tarball_is_known_by_its_content(tmp_path: Path) -> None:
    path = make_tar(tmp_path, FILES).rename(tmp_path / "alice.tar")

    assert read_submission(path, COURSE).files == PACKAGE


def test_zips_made_on_windows(tmp_path: Path) -> None:
    path = make_zip(tmp_path, FILES)
    names = {name.encode(): name.replace("/", "\\").encode() for name in FILES}
    data = path.read_bytes()
    for name, windows in names.items():
        data = data.replace(name, windows)
    path.write_bytes(data)

    assert read_submission(path, COURSE).files == PACKAGE


def test_a_notebook(tmp_path: Path) -> None:
    cell: dict[str, object] = {
        "cell_type": "code",
        "metadata": {},
        "source": "x = 1",
        "outputs": [],
        "execution_count": None,
    }
    path = tmp_path / "alice.ipynb"
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": [cell]}), encoding="utf-8")
    submission = read_submission(path, COURSE)

    assert submission.name == "alice"
    assert b"x = 1" in submission.files["notebook.py"]
    assert {"__init__.py", STEP} <= set(submission.files)


# Written answers

ANSWERED = {"lab/answers/step01.md": "# 1.1\nΧαμηλά.".encode(), "lab/answers/step09.md": b"# 2.1\nIt fades."}
ANSWERS = {"1.1": "Χαμηλά.", "2.1": "It fades."}


@every_form
def test_answers_are_read_beside_the_step_modules_and_staged_nowhere(make: Make, tmp_path: Path) -> None:
    submission = read_submission(make(tmp_path, {**FILES, **ANSWERED}), COURSE)

    assert (submission.files, submission.answers, submission.notes) == (PACKAGE, ANSWERS, [])
    assert staged(submission, tmp_path) == FILES


@every_form
@pytest.mark.parametrize("above", ["", "My work (final)/λύσεις/", "lab/"])
def test_answers_are_found_wherever_the_package_is(make: Make, above: str, tmp_path: Path) -> None:
    files = {above + name.removeprefix("lab/"): data for name, data in {**FILES, **ANSWERED}.items()}

    assert read_submission(make(tmp_path, files), COURSE).answers == ANSWERS


@every_form
def test_only_files_of_answers_beside_the_step_modules_are_read_and_others_are_told(make: Make, tmp_path: Path) -> None:
    told = [
        *("answers/step01.md", "lab/answers/step11.md", "lab/answers/step1.md", "lab/answers/step01.txt"),
        *("lab/answers/step01_a.md", "lab/answers/x/step01.md", "lab/old/answers/step01.md", "lab/step01.md"),
        "old/lab/answers/step01.md",
    ]
    hidden = ["lab/answers/.step01.md", "lab/.git/answers/step01.md", "__MACOSX/lab/answers/step01.md"]
    submission = read_submission(make(tmp_path, FILES | dict.fromkeys([*told, *hidden], b"# 1.1\nno")), COURSE)

    assert (submission.files, submission.answers) == (PACKAGE, {})
    [first] = submission.notes
    assert first.startswith(", ".join(sorted(told)[:5]))
    assert first.endswith(
        " more: left out; answers are read from answers/step01.md and so on, in the folder of the step modules"
    )


@every_form
def test_answers_alone_are_no_submission(make: Make, tmp_path: Path) -> None:
    assert "no step module" in refusal(make(tmp_path, ANSWERED))


@archives
def test_answers_under_names_that_lead_elsewhere_are_left_out(make: Make, tmp_path: Path) -> None:
    names = ["/lab/answers/step01.md", "lab/../lab/answers/step01.md", "../lab/answers/step01.md"]

    assert read_submission(make(tmp_path, FILES | dict.fromkeys(names, b"# 1.1\nno")), COURSE).answers == {}


@every_form
def test_whatever_is_wrong_with_answers_costs_a_note(make: Make, tmp_path: Path) -> None:
    odd = {
        "lab/answers/step01.md": b"# 1.1\n" + bytes(100 << 20),
        "lab/answers/step02.md": "# 2.1\nΣβήνουν.".encode("cp1253"),
        "lab/answers/step03.md": b"# 3.1\nfine\n# 3.2\nodd",
    }
    path = make(tmp_path, {**FILES, **odd})
    submission = read_submission(path, COURSE)

    assert path.is_dir() or path.stat().st_size < 200_000
    assert (submission.files, submission.answers) == (PACKAGE, {"3.1": "fine\n# 3.2\nodd"})
    assert submission.notes == [
        "answers/step01.md: left out, it is larger than 2 MB",
        "answers/step02.md: left out, not UTF-8 text; save as UTF-8",
        "headings that name no written question: 3.2",
    ]


@every_form
def test_a_second_folder_of_step_modules_is_named(make: Make, tmp_path: Path) -> None:
    submission = read_submission(make(tmp_path, {**FILES, "mine/lab/step01_spectrograms.py": b"mine = True\n"}), COURSE)

    assert submission.files == PACKAGE
    assert submission.notes == ["mine/lab: step modules are there too; those in lab were read"]


@every_form
def test_of_answers_of_many_megabytes_the_first_are_read(make: Make, tmp_path: Path) -> None:
    files = {f"lab/answers/step0{n}.md": f"# {n}.1\nα\n".encode() + b"\n" * 900_000 for n in range(1, 6)}
    submission = read_submission(make(tmp_path, {**FILES, **files}), COURSE)

    assert submission.answers == {"1.1": "α", "2.1": "α"}
    assert submission.notes == [
        "answers/step03.md and the files after it: left out, the text is longer than 2 million characters"
    ]


def test_answers_that_an_archive_lost_cost_a_note(tmp_path: Path) -> None:
    path = tmp_path / "alice.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in {**FILES, **ANSWERED}.items():
            archive.writestr(name, data)
    path.write_bytes(path.read_bytes().replace(b"It fades.", b"It fadeS."))
    submission = read_submission(path, COURSE)

    assert (submission.files, submission.answers) == (PACKAGE, {"1.1": "Χαμηλά."})
    assert submission.notes == [
        "answers/step09.md: left out, it cannot be read (Bad CRC-32 for file 'lab/answers/step09.md')"
    ]


@every_form
def test_many_answers_elsewhere_cost_nothing(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graders.intake.contents.ENTRIES", 10)
    monkeypatch.setattr("graders.intake.contents.TOTAL_BYTES", 1000)
    others = {f"{number}/answers/step01.md": bytes(1000) for number in range(30)}

    assert read_submission(make(tmp_path, {**others, **FILES, **ANSWERED}), COURSE).answers == ANSWERS


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_answers_that_are_links_are_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret.md"
    secret.write_bytes(b"# 1.1\nsecret")
    folder = make_folder(tmp_path, FILES)
    (folder / "lab" / "answers").mkdir()
    (folder / "lab" / "answers" / "step01.md").symlink_to(secret)
    os.mkfifo(folder / "lab" / "answers" / "step02.md")

    assert read_submission(folder, COURSE).answers == {}
    assert read_answers(folder / "lab", COURSE) == ({}, [])


def test_answers_are_read_from_a_checkout_too(tmp_path: Path) -> None:
    assert read_answers(make_folder(tmp_path, ANSWERED) / "lab", COURSE) == (ANSWERS, [])
    assert read_answers(tmp_path / "gone", COURSE) == ({}, [])


# What is left out


@every_form
def test_only_python_files_that_an_import_finds_are_kept(make: Make, tmp_path: Path) -> None:
    others = [
        *(
            "lab/pytest.ini",
            "lab/data.npy",
            "lab/x.pth",
            "lab/readme.md",
            "lab/answers/step01.md",
            "conftest.py",
            "sitecustomize.py",
            "torch.py",
        ),
        *(
            "lab/.secret.py",
            "lab/.git/hook.py",
            ".venv/a.py",
            "lab/__pycache__/b.py",
            "__MACOSX/lab/._step01_a.py",
        ),
        *("lab/my-try.py", "lab/my try.py", "lab/a.py/b.py", "lab/1.py", "lab/\x1b[2J.py", "lab/.py"),
        f"lab/{'a' * 250}.py",
    ]
    submission = read_submission(make(tmp_path, FILES | dict.fromkeys(others, b"evil")), COURSE)

    assert submission.files == PACKAGE


@every_form
def test_what_stands_inside_lab_cannot_shadow_anything(make: Make, tmp_path: Path) -> None:
    inside = dict.fromkeys(
        (
            "lab/conftest.py",
            "lab/sitecustomize.py",
            "lab/torch.py",
            "lab/numpy/__init__.py",
            "lab/βοήθεια.py",
        ),
        b"z",
    )
    written = staged(read_submission(make(tmp_path, FILES | inside), COURSE), tmp_path)

    assert written == FILES | inside
    assert os.listdir(tmp_path / "staged") == ["lab"]


@archives
def test_names_that_lead_elsewhere_are_left_out(make: Make, tmp_path: Path) -> None:
    names = [
        "../lab/step09_a.py",
        "/lab/step09_a.py",
        "lab/../../step09_a.py",
        "lab/../lab/step09_a.py",
        "..\\step09_a.py",
    ]
    submission = read_submission(make(tmp_path, FILES | dict.fromkeys(names, b"evil")), COURSE)

    assert submission.files == PACKAGE


def test_an_archive_of_nothing_but_names_that_lead_elsewhere_is_refused(tmp_path: Path) -> None:
    assert "no step module" in refusal(make_zip(tmp_path, {f"../{STEP}": b"", f"/{STEP}": b"", f"C:\\..\\{STEP}": b""}))


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_links_in_a_folder_are_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "step08_secret.py").write_bytes(b"secret")
    folder = make_folder(tmp_path, FILES)
    (folder / "lab" / "step08_secret.py").symlink_to(secret / "step08_secret.py")
    (folder / "lab" / "secret").symlink_to(secret)
    (folder / "lab" / "loop").symlink_to(folder)
    os.mkfifo(folder / "lab" / "step07_fifo.py")

    assert read_submission(folder, COURSE).files == PACKAGE


def test_links_and_devices_in_a_tarball_are_left_out(tmp_path: Path) -> None:
    kinds = [
        tarfile.SYMTYPE,
        tarfile.LNKTYPE,
        tarfile.CHRTYPE,
        tarfile.BLKTYPE,
        tarfile.FIFOTYPE,
        tarfile.DIRTYPE,
    ]
    members = []
    for number, kind in enumerate(kinds):
        member = tarfile.TarInfo(f"lab/step09_{number}.py")
        member.type, member.linkname = kind, "/etc/passwd"
        members.append(member)

    assert read_submission(make_odd_tar(tmp_path, *members), COURSE).files == PACKAGE


def test_a_link_in_a_zip_is_no_more_than_its_text(tmp_path: Path) -> None:
    path = make_zip(tmp_path, FILES)
    with zipfile.ZipFile(path, "a") as archive:
        info = zipfile.ZipInfo("lab/step09_a.py")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    submission = read_submission(path, COURSE)

    assert submission.files == {**PACKAGE, "step09_a.py": b"/etc/passwd"}
    staged(submission, tmp_path)
    assert not (tmp_path / "staged" / "lab" / "step09_a.py").is_symlink()


@archives
def test_names_that_differ_in_case_are_different_files(make: Make, tmp_path: Path) -> None:
    submission = read_submission(make(tmp_path, FILES | {"lab/Extra.py": b"1", "lab/extra.py": b"2"}), COURSE)

    assert submission.files == {**PACKAGE, "Extra.py": b"1", "extra.py": b"2"}


CASED = "differ only in letter case: on Windows and macOS they are one file"


@every_form
def test_names_that_differ_in_case_are_noted(make: Make, tmp_path: Path) -> None:
    files = {"lab/Extra.py": b"1", "lab/extra.py": b"2", "lab/EXTRA.py": b"3", "lab/a/ώ.py": b"", "lab/A/Ώ.py": b""}
    submission = read_submission(make(tmp_path, FILES | files), COURSE)

    assert submission.notes == [f"A/Ώ.py and a/ώ.py {CASED}", f"EXTRA.py and Extra.py and extra.py {CASED}"]


def test_a_few_notes_say_that_there_are_more(tmp_path: Path) -> None:
    pairs = {f"lab/{name}{n}.py": b"" for n in range(15) for name in "aA"}
    notes = read_submission(make_zip(tmp_path, FILES | pairs), COURSE).notes

    assert len(notes) == 11
    assert notes[-1] == "... and 5 more like this"


# Unicode: an import looks for the form NFKC of the name that a program has

COMPOSED = "βοήθεια"
DECOMPOSED = unicodedata.normalize("NFD", COMPOSED)


@every_form
@pytest.mark.parametrize(
    ("spelled", "known"),
    [
        (f"lab/{DECOMPOSED}.py", f"{COMPOSED}.py"),
        (f"lab/{DECOMPOSED}/{DECOMPOSED}.py", f"{COMPOSED}/{COMPOSED}.py"),
        ("lab/ﬁlter.py", "filter.py"),
        ("lab/step０３_ａ.py", "step03_a.py"),
    ],
)
def test_modules_are_staged_by_the_names_that_imports_look_for(
    make: Make, spelled: str, known: str, tmp_path: Path
) -> None:
    submission = read_submission(make(tmp_path, {**FILES, spelled: b"x = 5"}), COURSE)

    assert submission.files == {**PACKAGE, known: b"x = 5"}
    assert submission.notes == []


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_what_was_staged_is_imported_in_whatever_form_a_program_is_written(form: Any, tmp_path: Path) -> None:
    program = unicodedata.normalize(form, f"from lab.{COMPOSED} import ώρα\nx = ώρα\n").encode()
    files = {f"lab/{STEP}": program, f"lab/{DECOMPOSED}.py": unicodedata.normalize(form, "ώρα = 5").encode()}
    staged(read_submission(make_zip(tmp_path, files), COURSE), tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", f"import lab.{STEP.removesuffix('.py')} as step; print(step.x, step.__file__)"],
        cwd=tmp_path / "staged",
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.startswith(f"5 {tmp_path}")


@every_form
def test_lab_and_answers_are_found_below_folders_of_any_form(make: Make, tmp_path: Path) -> None:
    folder = unicodedata.normalize("NFD", "Εργασία (τελική)/λύσεις")
    files = {f"{folder}/{name}": data for name, data in {**FILES, **ANSWERED}.items()}
    submission = read_submission(make(tmp_path, files), COURSE)

    assert (submission.files, submission.answers) == (PACKAGE, ANSWERS)


@every_form
@pytest.mark.parametrize("order", [1, -1])
def test_of_files_that_become_one_the_composed_one_counts(make: Make, order: int, tmp_path: Path) -> None:
    files = {
        f"lab/{COMPOSED}.py": b"composed",
        f"lab/{DECOMPOSED}.py": b"decomposed",
        "lab/ﬁ.py": b"2",
        "lab/fｉ.py": b"1",
    }
    submission = read_submission(make(tmp_path, dict([*FILES.items(), *files.items()][::order])), COURSE)

    assert submission.files == {**PACKAGE, f"{COMPOSED}.py": b"composed", "fi.py": b"1"}
    assert submission.notes == [
        "fi.py: 2 files have this name, in different Unicode forms; one of them was read",
        f"{COMPOSED}.py: 2 files have this name, in different Unicode forms; one of them was read",
    ]


@pytest.mark.parametrize(
    "name", ["lab/‥/step09_a.py", "lab/．．/step09_a.py", "／lab/step09_a.py", "lab/．a.py", "．．／step09_a.py"]
)
@archives
def test_names_that_lead_elsewhere_once_they_are_normal_are_left_out(make: Make, name: str, tmp_path: Path) -> None:
    submission = read_submission(make(tmp_path, {**FILES, name: b"evil"}), COURSE)

    assert submission.files == PACKAGE
    assert staged(submission, tmp_path) == FILES


@archives
def test_names_that_are_slow_to_normalise_are_left_out(make: Make, tmp_path: Path) -> None:
    slow = "a" + "\u0316\u0301" * 15_000

    assert (
        read_submission(make(tmp_path, {**FILES, f"lab/{slow[:8000]}.py": b"", f"{'a/' * 600}a.py": b""}), COURSE).files
        == PACKAGE
    )


# Encodings

GREEK = "def f():\n    return 'Ρεμπέτικο'\n"
UNREADABLE = {
    "step03_a.py": GREEK.encode("cp1253"),
    "step04_a.py": GREEK.encode("utf-16"),
    "step05_a.py": GREEK.encode("utf-32-le"),
    "step06_a.py": b"x = 1\0",
    "step07_a.py": b"\n\n# coding: cp1253\n" + GREEK.encode("cp1253"),
}
READABLE = {
    "step08_a.py": GREEK.encode("utf-8-sig"),
    "step09_a.py": b"#!/usr/bin/python\n# -*- coding: cp1253 -*-\n" + GREEK.encode("cp1253"),
    "step10_a.py": b"# vim: set fileencoding=iso-8859-7 :\n" + GREEK.encode("iso-8859-7"),
}


def test_modules_of_other_encodings_are_noted_and_cost_only_themselves(warm_server: WarmServer, tmp_path: Path) -> None:
    files = {f"lab/{name}": data for name, data in {**UNREADABLE, **READABLE}.items()}
    submission = read_submission(make_zip(tmp_path, FILES | files), COURSE)
    staged(submission, tmp_path)
    (tmp_path / "scratch").mkdir()
    order = order_for(tmp_path / "staged", "lab", [], tmp_path / "scratch", 7)

    assert submission.notes == [f"{', '.join(sorted(UNREADABLE))}: not UTF-8 text; save as UTF-8"]
    with Worker(warm_server.controls[0], order, 5.0) as worker:
        lab = RemotePackage(OneWorker(worker), "lab")
        for name in READABLE:
            assert getattr(lab, name.removesuffix(".py")).f() == "Ρεμπέτικο"
        for name in UNREADABLE:
            with pytest.raises(StudentError, match=r"SyntaxError|ValueError"):
                _ = getattr(lab, name.removesuffix(".py")).f


def test_of_entries_with_one_name_the_last_counts(tmp_path: Path) -> None:
    path = make_zip(tmp_path, FILES)
    with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(path, "a") as archive:
        archive.writestr(f"lab/{STEP}", b"last")
        archive.writestr(f"lab/./{STEP}", b"very last")

    assert read_submission(path, COURSE).files[STEP] == b"very last"


@pytest.mark.skipif(sys.platform != "linux", reason="file names are bytes there only")
def test_names_that_are_no_text(tmp_path: Path) -> None:
    folder = make_folder(tmp_path, FILES)
    Path(os.fsdecode(os.fsencode(folder / "lab") + b"/\xff.py")).write_bytes(b"")
    odd = folder.rename(os.fsdecode(os.fsencode(tmp_path) + b"/al\xffce"))
    submission = read_submission(odd, COURSE)

    assert (submission.name, submission.files) == ("al\ufffdce", PACKAGE)
    assert submission.digest


# What is refused


@every_form
def test_no_step_module(make: Make, tmp_path: Path) -> None:
    assert "hand in the folder that holds lab/" in refusal(
        make(tmp_path, {"lab/spectrograms.py": b"", "readme.md": b""})
    )


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_nothing_at_all(make: Make, tmp_path: Path) -> None:
    assert "no step module" in refusal(make(tmp_path, {}))


def test_other_kinds_of_file(tmp_path: Path) -> None:
    path = tmp_path / "alice.rar"
    path.write_bytes(b"Rar!")

    assert "expected a folder, a .zip" in refusal(path)


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz", "a.tgz", "a.tar.xz", "a.tar.bz2", "a.ipynb"])
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not an archive",
        b"\x1f\x8b",
        b"PK\x03\x04",
        b"PK\x05\x06" + bytes(18),
        b"BZh9",
        b"\xfd7zXZ\0",
        b"\xff" * 2000,
    ],
)
def test_files_that_are_not_what_their_names_say(name: str, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(content)

    assert refusal(path)


@pytest.mark.parametrize("name", ["gone", "gone.zip", "gone.tar.gz", "gone.ipynb"])
def test_what_is_not_there(name: str, tmp_path: Path) -> None:
    assert refusal(tmp_path / name)


def test_a_folder_named_like_a_notebook(tmp_path: Path) -> None:
    (tmp_path / "alice.ipynb").mkdir()

    assert "no step module" in refusal(tmp_path / "alice.ipynb")


@pytest.mark.parametrize("suffix", [".tar", ".tar.gz", ".tar.bz2", ".tar.xz"])
@pytest.mark.parametrize("part", [0.3, 0.6, 0.9])
def test_truncated_tarballs(suffix: str, part: float, tmp_path: Path) -> None:
    path = make_tar(tmp_path, {f"lab/{STEP}": os.urandom(100_000)}, suffix)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * part)])

    assert "make the archive again" in refusal(path)


def test_truncated_zips(tmp_path: Path) -> None:
    path = make_zip(tmp_path, FILES)
    path.write_bytes(path.read_bytes()[:-30])

    assert "make the archive again" in refusal(path)


def test_encrypted_zips(tmp_path: Path) -> None:
    path = make_zip(tmp_path, FILES)
    data = bytearray(path.read_bytes())
    for signature, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = -1
        while (start := data.find(signature, start + 1)) >= 0:
            data[start + at] |= 1
    path.write_bytes(data)

    assert "password" in refusal(path)


def test_zips_with_names_that_are_no_text(tmp_path: Path) -> None:
    path = make_zip(tmp_path, {**FILES, "lab/ααα.py": b""})
    path.write_bytes(path.read_bytes().replace("ααα".encode(), b"\xff" * 6))

    assert "make the archive again" in refusal(path)


@settings(STEADY, max_examples=150, suppress_health_check=list(HealthCheck))
@given(st.data())
@pytest.mark.parametrize("suffix", [".zip", ".tar", ".tar.gz", ".tar.bz2", ".tar.xz"])
def test_damaged_archives_are_read_or_refused(suffix: str, tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / f"alice{suffix}"
    if not (tmp_path / "whole").exists():
        made = make_zip(tmp_path, FILES) if suffix == ".zip" else make_tar(tmp_path, FILES, suffix)
        (tmp_path / "whole").write_bytes(made.read_bytes())
    content = bytearray((tmp_path / "whole").read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    with warnings.catch_warnings(action="ignore"):
        try:
            submission = read_submission(path, COURSE)
        except UnreadableSubmission:
            return
    assert submission.digest


# Limits


@every_form
@pytest.mark.parametrize("megabytes", [3, 100])
def test_a_module_of_many_megabytes_is_refused(make: Make, megabytes: int, tmp_path: Path) -> None:
    path = make(tmp_path, {f"lab/{STEP}": bytes(megabytes << 20)})

    assert path.is_dir() or path.stat().st_size < 200_000
    assert f"too large (lab/{STEP})" in refusal(path)


@every_form
def test_many_large_modules_are_refused(make: Make, tmp_path: Path) -> None:
    assert "20 MB in all" in refusal(make(tmp_path, {f"lab/step01_{n}.py": bytes(2 << 20) for n in range(11)}))


@every_form
def test_what_is_not_python_may_be_large(make: Make, tmp_path: Path) -> None:
    assert read_submission(make(tmp_path, {**FILES, "lab/data.bin": bytes(30 << 20)}), COURSE).files == PACKAGE


def test_tarballs_that_unpack_to_too_much_are_refused(tmp_path: Path) -> None:
    path = make_tar(tmp_path, {**FILES, "bomb.bin": bytes(129 << 20)})

    assert path.stat().st_size < 1e6
    assert "unpacks to more than" in refusal(path)


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
def test_tarballs_with_endless_headers_are_refused(kind: bytes, tmp_path: Path) -> None:
    header = tarfile.TarInfo("header")
    header.type, header.size = kind, 1 << 20
    path = tmp_path / "alice.tar.gz"
    path.write_bytes(gzip.compress(header.tobuf() + b"1" * (1 << 20) + bytes(1024)))

    assert "a header of 1048576 bytes" in refusal(path)


def test_a_zips_members_are_measured_before_they_are_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    read = zipfile.ZipExtFile.read

    def reading(file: zipfile.ZipExtFile, size: int | None = -1) -> bytes:
        asked.append(size or 0)
        return read(file, size)

    monkeypatch.setattr(zipfile.ZipExtFile, "read", reading)
    packed = deflated(bytes(2 << 20))
    body, lines = b"", []
    for number in range(20):
        entry, line = zip_entry(f"lab/step01_{number}.py".encode(), packed, 10, len(body), crc=zlib.crc32(bytes(10)))
        body += entry
        lines.append(line)
    submission = read_submission(make_odd_zip(tmp_path, body, lines), COURSE)

    assert set(submission.files.values()) == {b"", bytes(10)}
    assert sum(asked) <= 20 * len(packed)


def test_what_a_zips_members_take_in_the_file_counts_too(tmp_path: Path) -> None:
    slow = b"\0\0\0\xff\xff" * (1 << 20) + deflated(b"x = 1")  # blocks that hold nothing
    entry, line = zip_entry(b"lab/step01_a.py", slow, 5, 0, crc=zlib.crc32(b"x = 1"))

    assert "too large" in refusal(make_odd_zip(tmp_path, entry, [line]))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA, 9, 93, 99])
def test_zips_are_not_unpacked_in_ways_that_know_no_limit(method: int, tmp_path: Path) -> None:
    known = {zipfile.ZIP_BZIP2: bz2.compress(bytes(100 << 20))}
    entry, line = zip_entry(f"lab/{STEP}".encode(), known.get(method, b"\0" * 9), 10, 0, method)
    path = make_odd_zip(tmp_path, entry, [line])

    assert peak(path) < 1e6
    assert "only deflate" in refusal(path)


def test_answers_in_a_zip_that_know_no_limit_cost_a_note(tmp_path: Path) -> None:
    path = make_zip(tmp_path, FILES)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("lab/answers/step01.md", b"# 1.1\nx")
    submission = read_submission(path, COURSE)

    assert (submission.files, submission.answers) == (PACKAGE, {})
    assert [note[:49] for note in submission.notes] == ["answers/step01.md: left out, it cannot be read (o"]


@pytest.mark.parametrize(("name", "count"), [(b"%06x", 200_000), (b"%060000d", 150)])
def test_a_zips_list_of_entries_is_not_read_if_it_is_long(name: bytes, count: int, tmp_path: Path) -> None:
    line = zip_entry(b"", b"", 0, 0)[1]
    lines = [line[:28] + struct.pack("<H", len(name % n)) + line[30:] + name % n for n in range(count)]
    path = make_odd_zip(tmp_path, b"", lines)

    assert peak(path) < 1e6
    assert "too many entries" in refusal(path)


def test_entries_without_a_name_are_passed_over(tmp_path: Path) -> None:
    path = make_zip(tmp_path, {**FILES, "x.txt": b"", "y.txt": b""})
    path.write_bytes(path.read_bytes().replace(b"x.txt", b"\0.txt").replace(b"y.txt", b"////\0"))

    assert read_submission(path, COURSE).files == PACKAGE


@pytest.mark.parametrize(
    "name", [f"{'a' * 240}/{'b' * 240}/{'c' * 240}.py", "\x1b[2J\n\u202e.py", f"lab/{'a/' * 400}\x1b.py"]
)
def test_a_refusal_quotes_little_of_a_name_and_no_orders_to_a_terminal(name: str, tmp_path: Path) -> None:
    refusal(make_zip(tmp_path, {f"lab/{STEP}": bytes(3 << 20), name: bytes(3 << 20)}))
    for files in ({name: b""}, {name: b"", "b.zip": b"", "a.zip": b""}, {f"{name}/{step}": b"" for step in "ab"}):
        refusal(make_zip(tmp_path, files))
    submission = read_submission(make_zip(tmp_path, {f"lab/{STEP}": b"", name: b"", f"lab/{name}": b""}), COURSE)
    assert all(len(note) < 500 and note.isprintable() for note in submission.notes)


@pytest.mark.parametrize("name", ["alice.zip", "alice.tar.gz", "alice.ipynb"])
@pytest.mark.skipif(sys.platform == "win32", reason="pipes have names there only")
def test_pipes_and_devices_are_not_read(name: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / name)
    (tmp_path / "zero").mkdir()
    (tmp_path / "zero" / name).symlink_to("/dev/zero")

    assert "neither a file nor a folder" in refusal(tmp_path / name)
    assert "neither a file nor a folder" in refusal(tmp_path / "zero" / name)


@pytest.mark.parametrize("name", ["alice.zip", "alice.tar.gz", "alice.tar", "alice.ipynb"])
def test_files_of_gigabytes_are_refused_before_they_are_read(name: str, tmp_path: Path) -> None:
    with (tmp_path / name).open("wb") as file:
        file.truncate(10 << 30)

    assert peak(tmp_path / name) < 1e6


# Tarballs are unpacked and walked by hand


def packed_tar(place: Path, data: bytes, suffix: str = ".tar") -> Path:
    compress: dict[str, Callable[[bytes], bytes]] = {
        ".tar": bytes,
        ".tar.gz": gzip.compress,
        ".tar.bz2": bz2.compress,
        ".tar.xz": lzma.compress,
    }
    (place / f"alice{suffix}").write_bytes(compress[suffix](data))
    return place / f"alice{suffix}"


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("above", ["", "λύσεις/" * 12, "folder/" * 30])
def test_tarballs_of_every_format(form: int, above: str, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "alice.tar", "w", format=form, pax_headers={"comment": "0123abcd"}) as archive:
        for name, data in FILES.items():
            info = tarfile.TarInfo(above + name)
            info.size, info.mtime = len(data), 0.5
            archive.addfile(info, io.BytesIO(data))

    assert read_submission(tmp_path / "alice.tar", COURSE).files == PACKAGE


def test_a_header_may_describe_the_next_member(tmp_path: Path) -> None:
    step = f"lab/{STEP}"
    described = [
        extended(("path", step)) + tar_member("x", b"1"),
        extended(("mtime", "1"), ("path", step), ("size", "1")) + tar_header("x", 0) + b"1" + bytes(511),
        tar_member("name", step.encode() + b"\0", tarfile.GNUTYPE_LONGNAME) + tar_member("x", b"1"),
        extended(("path", "x")) + extended(("path", step)) + tar_member("x", b"1"),
        tar_member("global", b"14 path=../a\n", tarfile.XGLTYPE) + tar_member(step, b"1"),
    ]
    for member in described:
        assert read_submission(packed_tar(tmp_path, member + END), COURSE).files == {"__init__.py": b"", STEP: b"1"}


@pytest.mark.parametrize("suffix", [".tar.gz", ".tar.bz2", ".tar.xz"])
def test_tarballs_compressed_in_parts(suffix: str, tmp_path: Path) -> None:
    data = WHOLE + os.urandom(100_000 // 512 * 512).replace(b"\0", b"\1")
    member = tar_header("random", 100_000 // 512 * 512)
    data = WHOLE + member + data[len(WHOLE) :] + END
    cuts = [0, 100, 700, 60_000, len(data)]
    parts = [packed_tar(tmp_path, data[a:b], suffix).read_bytes() for a, b in itertools.pairwise(cuts)]
    path = packed_tar(tmp_path, b"", suffix)
    for between, after in ((b"", b""), (bytes(4), bytes(100_000)), (b"", b"what else was on the tape" * 5000)):
        path.write_bytes(between.join(parts) + after)
        assert read_submission(path, COURSE).files == PACKAGE


@pytest.mark.parametrize("suffix", [".tar.gz", ".tar.bz2", ".tar.xz"])
def test_tarballs_of_very_many_parts_are_refused(suffix: str, tmp_path: Path) -> None:
    path = packed_tar(tmp_path, b"", suffix)
    path.write_bytes(path.read_bytes() * 100_000)

    assert "more than 1000 compressed parts" in refusal(path)


@pytest.mark.parametrize("suffix", [".tar", ".tar.gz", ".tar.bz2", ".tar.xz"])
def test_what_unpacks_to_too_much_is_unpacked_only_so_far(suffix: str, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(tarball, "MOST_BYTES", 4 << 20)
    path = packed_tar(tmp_path, bytes(100 << 20), suffix)

    assert peak(path) < 16e6
    assert "unpacks to more than 4 MB" in refusal(path)


def test_xz_that_asks_for_gigabytes_is_refused(tmp_path: Path) -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 29}]
    path = tmp_path / "alice.tar.xz"
    path.write_bytes(lzma.compress(WHOLE, filters=filters))

    assert "cannot be read (Memory usage limit" in refusal(path)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (extended(*((f"k{n}", "v") for n in range(60))), "more than 50 records"),
        (tar_header("lab/a.py", 1 << 30), "ends too early"),
        (tar_header("lab/a.py", -512), "ends too early"),
        (extended(("size", "-512")) + tar_header("lab/a.py", 0), "ends too early"),
        (extended(("size", "9" * 5000)) + tar_header("lab/a.py", 0), "cannot be read"),
        (extended(("size", "x")) + tar_header("lab/a.py", 0), "cannot be read"),
        (tar_header("x", 0, tarfile.XHDTYPE) * 100_001, "more than 100000 headers"),
        (b"\xff" * 512, "cannot be read"),
        (b"\xff" * 100, "cannot be read"),
    ],
    ids=["records", "size", "negative", "negative described", "digits", "no number", "headers", "no header", "short"],
)
def test_tarballs_that_lie_are_refused(data: bytes, words: str, tmp_path: Path) -> None:
    assert words in refusal(packed_tar(tmp_path, WHOLE + data + END))


def test_headers_that_make_no_sense_describe_nothing(tmp_path: Path) -> None:
    odd = [b"", b"x", b"0 path=a\n", b"99999 path=b\n", b"5 a=b\n5 a=b\n", b"=" * 5000, b"1" * 5000, b"12 path"]
    members = [tar_member("odd", text, tarfile.XHDTYPE) + tar_member(f"{n}.txt", b"") for n, text in enumerate(odd)]

    assert read_submission(packed_tar(tmp_path, b"".join(members) + WHOLE + END), COURSE).files == PACKAGE


def test_sparse_files_are_left_out(tmp_path: Path) -> None:
    old = bytearray(tar_header("lab/step09_a.py", 512, tarfile.GNUTYPE_SPARSE))
    old[482] = 1  # a block of the map follows
    old[148:156] = b" " * 8
    old[148:156] = b"%06o\0 " % sum(old)
    more, last = bytearray(512), bytes(512)
    more[504] = 1
    sparse = [("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.name", "lab/step08_a.py")]
    new = extended(*sparse, ("GNU.sparse.realsize", "99999999")) + tar_member("lab/step08_a.py", b"1\n0\n5\n" * 99)
    data = bytes(old) + bytes(more) + last + b"x" * 512 + new + WHOLE + END

    assert read_submission(packed_tar(tmp_path, data), COURSE).files == PACKAGE


def test_a_tarball_may_end_without_its_last_blocks(tmp_path: Path) -> None:
    assert read_submission(packed_tar(tmp_path, WHOLE), COURSE).files == PACKAGE


@every_form
def test_too_many_modules_are_refused(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graders.intake.contents.ENTRIES", 50)

    assert "more than 50 Python files" in refusal(make(tmp_path, {f"lab/step01_{n}.py": b"" for n in range(51)}))


def test_environments_beside_lab_do_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graders.intake.contents.ENTRIES", 50)
    files = {f".venv/lib/m{n}.py": b"" for n in range(40)} | {f"env/lib/site-packages/m{n}.py": b"" for n in range(40)}

    assert read_submission(make_folder(tmp_path, {**files, **FILES}), COURSE).files == PACKAGE


@archives
def test_too_many_entries_are_refused(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graders.intake.archives.ARCHIVE_ENTRIES", 50)

    assert "more than 50 entries" in refusal(make(tmp_path, {f"{n}.txt": b"" for n in range(51)} | FILES))


@pytest.mark.parametrize("compress", [bz2.compress, gzip.compress, lzma.compress])
def test_compressed_nothing(compress: Callable[[bytes], bytes], tmp_path: Path) -> None:
    path = tmp_path / "alice.tar"
    path.write_bytes(compress(b""))

    assert refusal(path)


# Names and digests


@pytest.mark.parametrize(
    ("file", "name"),
    [
        *(("alice", "alice"), ("alice.zip", "alice"), ("alice.tar.gz", "alice"), ("Alice.ZIP", "Alice")),
        *(
            ("α.Tar.Gz", "α"),
            ("a.b.tgz", "a.b"),
            ("alice.ipynb", "alice"),
            ("a.zip.zip", "a.zip"),
            (".zip", ".zip"),
        ),
    ],
)
def test_a_submission_is_named_for_its_file(file: str, name: str, tmp_path: Path) -> None:
    assert submission_name(tmp_path / file) == name


@STEADY
@given(st.lists(st.sampled_from(["a", "A", "a.zip", "a-2", "a-2.tar.gz", "A-2", "b.ipynb", "a-2-2"])))
def test_names_are_unique_in_any_letter_case(files: list[str]) -> None:
    names = names_of([Path("/x", file) for file in files])

    assert len({name.casefold() for name in names}) == len(files)


def test_the_digest_does_not_depend_on_form_or_order(tmp_path: Path) -> None:
    files = {**FILES, **ANSWERED}
    backwards = dict(reversed(files.items()))
    paths = [make(tmp_path, backwards if make is make_zip else files) for make in MAKERS]

    assert len({read_submission(path, COURSE).digest for path in paths}) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"__init__.py": b"a"},
        {"a.py": b""},
        {"ab.py": b"c"},
        {"a.py": b"bc"},
        {"a.py": b"b", "b.py": b"c"},
        {"a.py": b"b", "c.py": b"c"},
    ],
)
def test_the_digest_depends_on_names_and_contents(other: dict[str, bytes]) -> None:
    digest = Submission("a", "lab", {"a.py": b"b"}, []).digest

    assert Submission("a", "lab", other, []).digest != digest
    assert Submission("b", "lab", {"a.py": b"b"}, ["note"]).digest == digest


def test_the_digest_depends_on_the_answers() -> None:
    answers: list[dict[str, str]] = [{}, {"1.1": "α"}, {"1.1": "β"}, {"2.1": "α"}, {"1.1": "α", "2.1": "α"}]

    assert len({Submission("a", "lab", {"a.py": b"b"}, [], one).digest for one in answers}) == len(answers)
