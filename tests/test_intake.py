"""Intake: what is read of a submission, in whatever form it comes, and what is refused."""

import bz2
import gzip
import io
import json
import lzma
import os
import stat
import sys
import tarfile
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graders.intake import Submission, UnreadableSubmission, read_answers, read_submission, submission_name
from graders.run import names_of

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


MAKERS: list[Make] = [make_folder, make_zip, make_tar]
every_form = pytest.mark.parametrize("make", MAKERS)
archives = pytest.mark.parametrize("make", [make_zip, make_tar])


def refusal(path: Path) -> str:
    with pytest.raises(UnreadableSubmission) as caught:
        read_submission(path)
    message = str(caught.value)
    assert message.startswith(path.name)
    assert len(message) < 500
    return message


def staged(submission: Submission, place: Path) -> dict[str, bytes]:
    parent = place / "staged"
    parent.mkdir()
    submission.stage(parent)
    return {path.relative_to(parent).as_posix(): path.read_bytes() for path in parent.rglob("*") if not path.is_dir()}


# Forms


@every_form
def test_a_folder_that_holds_lab(make: Make, tmp_path: Path) -> None:
    submission = read_submission(make(tmp_path, FILES))

    assert (submission.name, submission.files, submission.notes) == ("alice", PACKAGE, [])


@every_form
def test_the_step_modules_alone_become_a_package(make: Make, tmp_path: Path) -> None:
    submission = read_submission(make(tmp_path, {STEP: b"x = 1\n"}))

    assert submission.files == {"__init__.py": b"", STEP: b"x = 1\n"}


@every_form
def test_lab_is_found_below_other_folders(make: Make, tmp_path: Path) -> None:
    files = {f"My work (final)/λύσεις/{name}": data for name, data in FILES.items()}

    assert read_submission(make(tmp_path, files)).files == PACKAGE


@every_form
def test_lab_comes_before_other_folders_with_step_modules_and_the_shallowest_first(make: Make, tmp_path: Path) -> None:
    others = {
        f"old/lab/{STEP}": b"old",
        f"attempt/{STEP}": b"other",
        STEP: b"top",
        f"lab/old/{STEP}": b"inner",
    }
    submission = read_submission(make(tmp_path, {**others, **FILES}))

    assert submission.files == {**PACKAGE, f"old/{STEP}": b"inner"}


@pytest.mark.parametrize("suffix", [".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz"])
def test_tarballs_of_every_compression(suffix: str, tmp_path: Path) -> None:
    submission = read_submission(make_tar(tmp_path, FILES, suffix))

    assert (submission.name, submission.files) == ("alice", PACKAGE)


def test_a_tarball_is_known_by_its_content(tmp_path: Path) -> None:
    path = make_tar(tmp_path, FILES).rename(tmp_path / "alice.tar")

    assert read_submission(path).files == PACKAGE


def test_zips_made_on_windows(tmp_path: Path) -> None:
    path = make_zip(tmp_path, FILES)
    names = {name.encode(): name.replace("/", "\\").encode() for name in FILES}
    data = path.read_bytes()
    for name, windows in names.items():
        data = data.replace(name, windows)
    path.write_bytes(data)

    assert read_submission(path).files == PACKAGE


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
    submission = read_submission(path)

    assert submission.name == "alice"
    assert b"x = 1" in submission.files["notebook.py"]
    assert {"__init__.py", STEP} <= set(submission.files)


# Written answers

ANSWERED = {"lab/answers/step01.md": "# 1.1\nΧαμηλά.".encode(), "lab/answers/step09.md": b"# 2.1\nIt fades."}
ANSWERS = {"1.1": "Χαμηλά.", "2.1": "It fades."}


@every_form
def test_answers_are_read_beside_the_step_modules_and_staged_nowhere(make: Make, tmp_path: Path) -> None:
    submission = read_submission(make(tmp_path, {**FILES, **ANSWERED}))

    assert (submission.files, submission.answers, submission.notes) == (PACKAGE, ANSWERS, [])
    assert staged(submission, tmp_path) == FILES


@every_form
@pytest.mark.parametrize("above", ["", "My work (final)/λύσεις/", "lab/"])
def test_answers_are_found_wherever_the_package_is(make: Make, above: str, tmp_path: Path) -> None:
    files = {above + name.removeprefix("lab/"): data for name, data in {**FILES, **ANSWERED}.items()}

    assert read_submission(make(tmp_path, files)).answers == ANSWERS


@every_form
def test_only_files_of_answers_beside_the_package_are_read(make: Make, tmp_path: Path) -> None:
    names = [
        *("answers/step01.md", "old/lab/answers/step01.md", "lab/old/answers/step01.md", "lab/step01.md"),
        *("lab/answers/step11.md", "lab/answers/step1.md", "lab/answers/step01.txt", "lab/answers/step01_a.md"),
        *("lab/answers/.step01.md", "lab/.git/answers/step01.md", "lab/answers/x/step01.md"),
        "__MACOSX/lab/answers/step01.md",
    ]
    submission = read_submission(make(tmp_path, FILES | dict.fromkeys(names, b"# 1.1\nno")))

    assert (submission.files, submission.answers, submission.notes) == (PACKAGE, {}, [])


@every_form
def test_answers_alone_are_no_submission(make: Make, tmp_path: Path) -> None:
    assert "no step module" in refusal(make(tmp_path, ANSWERED))


@archives
def test_answers_under_names_that_lead_elsewhere_are_left_out(make: Make, tmp_path: Path) -> None:
    names = ["/lab/answers/step01.md", "lab/../lab/answers/step01.md", "../lab/answers/step01.md"]

    assert read_submission(make(tmp_path, FILES | dict.fromkeys(names, b"# 1.1\nno"))).answers == {}


@every_form
def test_whatever_is_wrong_with_answers_costs_a_note(make: Make, tmp_path: Path) -> None:
    odd = {
        "lab/answers/step01.md": b"# 1.1\n" + bytes(100 << 20),
        "lab/answers/step02.md": "# 2.1\nΣβήνουν.".encode("cp1253"),
        "lab/answers/step03.md": b"# 3.1\nfine\n# 3.2\nodd",
    }
    path = make(tmp_path, {**FILES, **odd})
    submission = read_submission(path)

    assert path.is_dir() or path.stat().st_size < 200_000
    assert (submission.files, submission.answers) == (PACKAGE, {"3.1": "fine\n# 3.2\nodd"})
    assert submission.notes == [
        "answers/step01.md: left out, it is larger than 2 MB",
        "answers/step02.md: left out, it is not UTF-8 text; save it with that encoding",
        "headings that name no written question: 3.2",
    ]


def test_answers_that_an_archive_lost_cost_a_note(tmp_path: Path) -> None:
    path = tmp_path / "alice.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in {**FILES, **ANSWERED}.items():
            archive.writestr(name, data)
    path.write_bytes(path.read_bytes().replace(b"It fades.", b"It fadeS."))
    submission = read_submission(path)

    assert (submission.files, submission.answers) == (PACKAGE, {"1.1": "Χαμηλά."})
    assert submission.notes == [
        "answers/step09.md: left out, it cannot be read (Bad CRC-32 for file 'lab/answers/step09.md')"
    ]


@every_form
def test_many_answers_elsewhere_cost_nothing(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graders.intake.ENTRIES", 10)
    monkeypatch.setattr("graders.intake.TOTAL_BYTES", 1000)
    others = {f"{number}/answers/step01.md": bytes(1000) for number in range(30)}

    assert read_submission(make(tmp_path, {**others, **FILES, **ANSWERED})).answers == ANSWERS


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_answers_that_are_links_are_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret.md"
    secret.write_bytes(b"# 1.1\nsecret")
    folder = make_folder(tmp_path, FILES)
    (folder / "lab" / "answers").mkdir()
    (folder / "lab" / "answers" / "step01.md").symlink_to(secret)
    os.mkfifo(folder / "lab" / "answers" / "step02.md")

    assert read_submission(folder).answers == {}
    assert read_answers(folder / "lab") == ({}, [])


def test_answers_are_read_from_a_checkout_too(tmp_path: Path) -> None:
    assert read_answers(make_folder(tmp_path, ANSWERED) / "lab") == (ANSWERS, [])
    assert read_answers(tmp_path / "gone") == ({}, [])


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
    submission = read_submission(make(tmp_path, FILES | dict.fromkeys(others, b"evil")))

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
    written = staged(read_submission(make(tmp_path, FILES | inside)), tmp_path)

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
    submission = read_submission(make(tmp_path, FILES | dict.fromkeys(names, b"evil")))

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

    assert read_submission(folder).files == PACKAGE


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

    assert read_submission(make_odd_tar(tmp_path, *members)).files == PACKAGE


def test_a_link_in_a_zip_is_no_more_than_its_text(tmp_path: Path) -> None:
    path = make_zip(tmp_path, FILES)
    with zipfile.ZipFile(path, "a") as archive:
        info = zipfile.ZipInfo("lab/step09_a.py")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    submission = read_submission(path)

    assert submission.files == {**PACKAGE, "step09_a.py": b"/etc/passwd"}
    staged(submission, tmp_path)
    assert not (tmp_path / "staged" / "lab" / "step09_a.py").is_symlink()


@archives
def test_names_that_differ_in_case_are_different_files(make: Make, tmp_path: Path) -> None:
    submission = read_submission(make(tmp_path, FILES | {"lab/Extra.py": b"1", "lab/extra.py": b"2"}))

    assert submission.files == {**PACKAGE, "Extra.py": b"1", "extra.py": b"2"}


def test_of_entries_with_one_name_the_last_counts(tmp_path: Path) -> None:
    path = make_zip(tmp_path, FILES)
    with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(path, "a") as archive:
        archive.writestr(f"lab/{STEP}", b"last")
        archive.writestr(f"lab/./{STEP}", b"very last")

    assert read_submission(path).files[STEP] == b"very last"


@pytest.mark.skipif(sys.platform != "linux", reason="file names are bytes there only")
def test_names_that_are_no_text(tmp_path: Path) -> None:
    folder = make_folder(tmp_path, FILES)
    Path(os.fsdecode(os.fsencode(folder / "lab") + b"/\xff.py")).write_bytes(b"")
    odd = folder.rename(os.fsdecode(os.fsencode(tmp_path) + b"/al\xffce"))
    submission = read_submission(odd)

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
            submission = read_submission(path)
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
    assert read_submission(make(tmp_path, {**FILES, "lab/data.bin": bytes(30 << 20)})).files == PACKAGE


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


@every_form
def test_too_many_modules_are_refused(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graders.intake.ENTRIES", 50)

    assert "more than 50 Python files" in refusal(make(tmp_path, {f"lab/step01_{n}.py": b"" for n in range(51)}))


def test_environments_beside_lab_do_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graders.intake.ENTRIES", 50)
    files = {f".venv/lib/m{n}.py": b"" for n in range(40)} | {f"env/lib/site-packages/m{n}.py": b"" for n in range(40)}

    assert read_submission(make_folder(tmp_path, {**files, **FILES})).files == PACKAGE


@archives
def test_too_many_entries_are_refused(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graders.intake.ARCHIVE_ENTRIES", 50)

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

    assert len({read_submission(path).digest for path in paths}) == 1


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
    digest = Submission("a", {"a.py": b"b"}, []).digest

    assert Submission("a", other, []).digest != digest
    assert Submission("b", {"a.py": b"b"}, ["note"]).digest == digest


def test_the_digest_depends_on_the_answers() -> None:
    answers: list[dict[str, str]] = [{}, {"1.1": "α"}, {"1.1": "β"}, {"2.1": "α"}, {"1.1": "α", "2.1": "α"}]

    assert len({Submission("a", {"a.py": b"b"}, [], one).digest for one in answers}) == len(answers)
