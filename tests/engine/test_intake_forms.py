"""Intake: the forms in which people, browsers and learning platforms hand work in, and what is told of them."""

import io
import json
import tarfile
import unicodedata
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from graders.intake.archives import NoSubmission, UnreadableSubmission
from graders.intake.submission import Submission, read_submission
from tests.support import COURSE, ROOT

ONE, TWO, FOUR = (f"{COURSE.modules[number]}.py" for number in (0, 1, 3))
CODE = {ONE: b"x = 1\n", TWO: "y = 'ρυθμός'\n".encode()}
PACKAGE = {"__init__.py": b"", **CODE}
LAB = {f"lab/{name}": data for name, data in PACKAGE.items()}
SKELETON = {path.name: path.read_bytes() for path in (ROOT / "lab").glob("*.py")}

NO_ANSWERS = "left out; answers are read from answers/step01.md and so on, in the folder of the step modules"


def folder(place: Path, files: dict[str, bytes], name: str = "anna") -> Path:
    for file, data in files.items():
        path = place / name / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return place / name


def zipped(files: dict[str, bytes]) -> bytes:
    data = io.BytesIO()
    with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return data.getvalue()


def tarred(files: dict[str, bytes]) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return data.getvalue()


def notebook(source: str = "x = 1") -> bytes:
    cell: dict[str, object] = {
        "cell_type": "code",
        "metadata": {},
        "source": source,
        "outputs": [],
        "execution_count": None,
    }
    return json.dumps({"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": [cell]}).encode()


def make_folder(place: Path, files: dict[str, bytes]) -> Path:
    return folder(place, files)


def make_zip(place: Path, files: dict[str, bytes]) -> Path:
    (place / "anna.zip").write_bytes(zipped(files))
    return place / "anna.zip"


def make_tar(place: Path, files: dict[str, bytes]) -> Path:
    (place / "anna.tar.gz").write_bytes(tarred(files))
    return place / "anna.tar.gz"


Make = Callable[[Path, dict[str, bytes]], Path]
every_form = pytest.mark.parametrize("make", [make_folder, make_zip, make_tar])


def read(path: Path) -> Submission:
    return read_submission(path, COURSE)


def refusal(path: Path, kind: type[UnreadableSubmission] = UnreadableSubmission) -> str:
    with pytest.raises(UnreadableSubmission) as caught:
        read(path)
    assert type(caught.value) is kind
    return str(caught.value)


# Several students


@every_form
@pytest.mark.parametrize(
    "students",
    [
        (
            "Άννα Α_1_assignsubmission_file_/lab/",
            "Νίκος Ν_2_assignsubmission_file_/",
            "Εύα_3_assignsubmission_file_/lab/",
        ),
        ("submission_11/lab/", "submission_12/lab/"),
        ("class/anna/lab/", "class/nikos/work/lab/"),
        ("anna/", "nikos/lab/"),
    ],
)
def test_folders_of_several_students_are_refused_with_their_names(
    make: Make, students: tuple[str, ...], tmp_path: Path
) -> None:
    files = {f"{student}{name}": data + student.encode() for student in students for name, data in CODE.items()}
    message = refusal(make(tmp_path, {**files, "submission_metadata.yml": b""}), NoSubmission)

    assert all(student.split("/")[0] in message for student in students)
    assert f"{len(students)} folders in it look like separate submissions" in message
    assert "give each as a SUBMISSION" in message


@every_form
def test_a_platforms_folders_of_several_students_are_refused_whatever_is_in_them(make: Make, tmp_path: Path) -> None:
    files = {
        "Anna_1_assignsubmission_file_/lab.zip": zipped(LAB),
        "Eva_2_assignsubmission_file_/work.ipynb": notebook(),
        f"Nikos_3_assignsubmission_file_/lab/{ONE}": b"x = 3",
    }
    assert "3 folders in it look like separate submissions" in refusal(make(tmp_path, files), NoSubmission)


@every_form
def test_several_archives_are_refused_with_their_names(make: Make, tmp_path: Path) -> None:
    files = {"anna_1_2_lab.zip": zipped(LAB), "nikos_3_4_lab-1.tar.gz": tarred(LAB)}
    message = refusal(make(tmp_path, files), NoSubmission)

    assert "it holds 2 archives (anna_1_2_lab.zip, nikos_3_4_lab-1.tar.gz)" in message
    assert "give each as a SUBMISSION" in message


@every_form
def test_several_notebooks_are_refused_with_their_names(make: Make, tmp_path: Path) -> None:
    message = refusal(make(tmp_path, {"part1.ipynb": notebook(), "part2.ipynb": notebook("y = 2")}))

    assert "it holds 2 notebooks (part1.ipynb, part2.ipynb)" in message
    assert "hand in one" in message


@every_form
def test_files_of_several_students_in_one_folder_are_refused_with_their_names(make: Make, tmp_path: Path) -> None:
    files = {f"anna_11_2222_{ONE}": b"", f"nikos_12_2223_{ONE}": b"", f"nikos_12_2224_{TWO}": b""}
    message = refusal(make(tmp_path, files), NoSubmission)

    assert "anna, nikos" in message


@every_form
@pytest.mark.parametrize(
    "draft", ["lab 2", "lab - Copy", "lab - Αντίγραφο", "lab_final", "old/lab", "lab/old", "draft/x"]
)
def test_drafts_beside_the_package_are_its_authors(make: Make, draft: str, tmp_path: Path) -> None:
    for above in ("", "work/"):
        files = {f"{above}{name}": data for name, data in {**LAB, f"{draft}/{ONE}": b"draft"}.items()}
        submission = read(make(tmp_path / (above or "top"), files) if make is make_folder else make(tmp_path, files))

        assert submission.files[ONE] == CODE[ONE]
        assert [note for note in submission.notes if f"{above}{draft}: step modules are there too" in note]


@every_form
def test_a_whole_checkout_is_read_as_its_package(make: Make, tmp_path: Path) -> None:
    files = {**LAB, f"graders/checks/{ONE}": b"check", "graders/cli.py": b"", "README.md": b"", "setup.py": b""}
    for above in ("", "repo/"):
        place = tmp_path / (above or "top")
        place.mkdir()
        submission = read(make(place, {above + name: data for name, data in files.items()}))
        assert (submission.files, submission.notes) == (PACKAGE, [])


# One archive or notebook in another thing


@every_form
@pytest.mark.parametrize("inner", ["lab.zip", "Anna_1_assignsubmission_file_/lab.ZIP", "a/b/lab.tar.gz", "lab (1).zip"])
def test_the_only_archive_in_a_folder_or_an_archive_is_read(make: Make, inner: str, tmp_path: Path) -> None:
    packed = tarred(LAB) if "tar" in inner else zipped(LAB)
    files = {inner: packed, "feedback.html": b"", "__MACOSX/._lab.zip": b"\0", "Thumbs.db": b""}
    submission = read(make(tmp_path, files))

    assert (submission.name, submission.files) == ("anna", PACKAGE)
    assert submission.notes == [f"{inner}: it was read, there are no step modules beside it"]


def test_archives_in_archives_are_read_to_a_limit(tmp_path: Path) -> None:
    data = zipped(LAB)
    for depth in range(5):
        (tmp_path / "anna.zip").write_bytes(data)
        if depth <= 3:
            assert read(tmp_path / "anna.zip").files == PACKAGE
        else:
            assert "no step module" in refusal(tmp_path / "anna.zip")
        data = zipped({"lab.zip": data})


def test_a_damaged_archive_in_a_folder_is_named(tmp_path: Path) -> None:
    message = refusal(folder(tmp_path, {"x/lab.zip": zipped(LAB)[:-30]}))

    assert message.startswith("anna, x/lab.zip: cannot be read")


@every_form
@pytest.mark.parametrize("name", ["lab.ipynb", "my work/Εργασία.ipynb", "lab.ipynb.txt"])
def test_the_only_notebook_in_a_folder_or_an_archive_is_read(make: Make, name: str, tmp_path: Path) -> None:
    files = {name: notebook(), ".ipynb_checkpoints/lab-checkpoint.ipynb": notebook("old = 1"), ".DS_Store": b"\0"}
    submission = read(make(tmp_path, files))

    assert b"x = 1" in submission.files["notebook.py"]
    assert submission.notes[0] == f"{name}: it was read, there are no step modules beside it"


@pytest.mark.parametrize("name", ["lab.ipynb.txt", "lab.ipynb.json", "lab.json", "lab.txt"])
def test_a_notebook_is_known_whatever_ending_it_was_given(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(notebook())

    assert b"x = 1" in read(tmp_path / name).files["notebook.py"]


@pytest.mark.parametrize(
    ("name", "data"),
    [("anna.zip", tarred(LAB)), ("anna.tar.gz", zipped(LAB)), ("anna.ZIP", zipped(LAB)), ("anna.txz", zipped(LAB))],
)
def test_an_archive_is_known_by_its_content(name: str, data: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(data)

    assert read(tmp_path / name).files == PACKAGE


@pytest.mark.parametrize(("start", "kind"), [(b"Rar!\x1a\x07\x01\0", "RAR"), (b"7z\xbc\xaf\x27\x1c", "7z")])
def test_archives_of_other_kinds_are_named(start: bytes, kind: str, tmp_path: Path) -> None:
    (tmp_path / "anna.zip").write_bytes(start + bytes(300))
    (tmp_path / f"anna.{kind.lower()}").write_bytes(start + bytes(300))

    assert f"it is a {kind} archive; make a .zip" in refusal(tmp_path / "anna.zip")
    assert "Make a .zip" in refusal(tmp_path / f"anna.{kind.lower()}")


@pytest.mark.parametrize("name", ["grades.csv", "submission_metadata.yml", "report.pdf", ONE, "notes"])
def test_a_file_of_another_kind_is_no_submission(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"a,b\n")

    assert refusal(tmp_path / name, NoSubmission).startswith(f"{name}: no submission; expected a folder, a .zip")


# Names that computers change

CHANGED = [
    *("step02_beat_sync (1).py", "step02_beat_sync(2).py", "step02_beat_sync-1.py", "step02_beat_sync 2.py"),
    *("step02_beat_sync - Copy.py", "step02_beat_sync - Copy (2).py", "step02_beat_sync - Αντίγραφο.py"),
    *("step02_beat_sync.PY", "STEP02_BEAT_SYNC.PY", "Step02_Beat_Sync.py", "step02_beat_sync.py.txt"),
    *(
        "step02_beat_sync.py.PY",
        "step02_beat_sync.py ",
        "step02-beat-sync.py",
        "step02 beat sync.py",
        "step2_beat_sync.py",
    ),
    *("Copy of step02_beat_sync.py", "Αντίγραφο του step02_beat_sync.py", "surname_12345_67890_step02_beat_sync.py"),
    unicodedata.normalize("NFD", "step02_beat_sync - αντίγραφο.py"),
]


@every_form
@pytest.mark.parametrize("name", CHANGED)
def test_a_changed_name_is_read_as_what_is_meant_if_nothing_has_the_right_one(
    make: Make, name: str, tmp_path: Path
) -> None:
    submission = read(make(tmp_path, {f"lab/{ONE}": b"x = 1\n", f"lab/{name}": b"y = 2\n"}))

    assert submission.files[TWO] == b"y = 2\n"
    assert [note for note in submission.notes if "under the name that is meant" in note or "before their names" in note]


@every_form
@pytest.mark.parametrize("name", [name for name in CHANGED if not name.startswith("surname") and "copy.py" not in name])
def test_a_changed_name_beside_the_right_one_is_told(make: Make, name: str, tmp_path: Path) -> None:
    submission = read(make(tmp_path, {**LAB, f"lab/{name}": b"y = 2\n"}))

    assert submission.files[TWO] == CODE[TWO]
    shown = unicodedata.normalize("NFC", name).strip()
    assert [note for note in submission.notes if note.startswith(f"lab/{shown}") and f"is it {TWO}?" in note]


@every_form
def test_two_changed_names_are_not_chosen_from(make: Make, tmp_path: Path) -> None:
    odd = {"lab/step02_beat_sync (1).py": b"1", "lab/step02_beat_sync (2).py": b"2"}
    submission = read(make(tmp_path, {f"lab/{ONE}": b"", **odd}))

    assert TWO not in submission.files
    assert len([note for note in submission.notes if f"is it {TWO}?" in note]) == 2


@every_form
@pytest.mark.parametrize("name", ["test_step02_beat_sync.py", "old_step02_beat_sync.py"])
def test_a_module_with_another_word_before_its_name_is_another_module(make: Make, name: str, tmp_path: Path) -> None:
    submission = read(make(tmp_path, {f"lab/{ONE}": b"", f"lab/{name}": b"y = 2"}))

    assert set(submission.files) == {"__init__.py", ONE, name}
    assert [note for note in submission.notes if f"lab/{name}: is it {TWO}?" in note]


@every_form
def test_what_a_platform_puts_before_every_name_is_taken_off(make: Make, tmp_path: Path) -> None:
    names = [*PACKAGE, "helpers.py"]
    files = {f"surname_LATE_12345_6789{n}_{name}": PACKAGE.get(name, b"z = 1") for n, name in enumerate(names)}
    submission = read(make(tmp_path, files))

    assert submission.files == {**PACKAGE, "helpers.py": b"z = 1"}
    assert submission.notes == ["surname_LATE_12345_67891_: 4 files were read without this before their names"]


@every_form
def test_modules_that_a_student_added_are_read_under_the_name_that_is_meant(make: Make, tmp_path: Path) -> None:
    odd = {"lab/helpers.PY": b"1", "lab/more (1).py": b"2", "lab/βοήθεια.py.txt": b"3"}
    submission = read(make(tmp_path, {**LAB, **odd}))

    assert submission.files == {**PACKAGE, "helpers.py": b"1", "more.py": b"2", "βοήθεια.py": b"3"}


@every_form
def test_names_that_no_import_finds_are_told_in_one_line(make: Make, tmp_path: Path) -> None:
    odd = {f"lab/my-try {n} x.py": b"" for n in "abcdefgh"}
    notes = read(make(tmp_path, {**LAB, **odd})).notes

    assert len(notes) == 1
    assert notes[0].endswith(" and 3 more: left out, no import finds a file of such a name")


@every_form
@pytest.mark.parametrize("name", ["Lab", "LAB", "lab ", "lab (1)", "εργαστήριο", "x/lab/lab"])
def test_the_package_may_have_another_name(make: Make, name: str, tmp_path: Path) -> None:
    assert read(make(tmp_path, {f"{name}/{file}": data for file, data in CODE.items()})).files == PACKAGE


# Names in zips of Greek Windows


def named_in(page: str, files: dict[str, bytes]) -> bytes:
    """Make a zip as Greek Windows does: names in a code page, and nothing that says which."""
    data, places = b"", {}
    for number, name in enumerate(files):
        raw = name.encode(page)
        places[f"{number:03}".ljust(len(raw), "q")] = raw
    data = zipped(dict(zip(places, files.values(), strict=True)))
    for place, raw in places.items():
        data = data.replace(place.encode(), raw)
    return data


@pytest.mark.parametrize("page", ["cp737", "cp1253", "utf-8"])
@pytest.mark.parametrize("word", ["βοηθητικά", "αβγ", "ώρα", "Ρυθμός_2"])
def test_names_in_zips_of_greek_windows_are_read(page: str, word: str, tmp_path: Path) -> None:
    files = {f"Εργασία/lab/{name}": data for name, data in {**PACKAGE, f"{word}.py": b"z = 1"}.items()}
    (tmp_path / "anna.zip").write_bytes(named_in(page, files))

    assert read(tmp_path / "anna.zip").files == {**PACKAGE, f"{word}.py": b"z = 1"}


def test_names_in_unknown_code_pages_cost_only_themselves(tmp_path: Path) -> None:
    (tmp_path / "anna.zip").write_bytes(named_in("cp866", {**LAB, "lab/данные.py": b""}))
    submission = read(tmp_path / "anna.zip")

    assert {name: submission.files[name] for name in PACKAGE} == PACKAGE


def test_a_byte_order_mark_before_a_name_is_passed_over(tmp_path: Path) -> None:
    assert read(make_zip(tmp_path, {f"\ufefflab/{name}": data for name, data in PACKAGE.items()})).files == PACKAGE


# What was left out, and looks like work


@every_form
def test_what_looks_like_work_is_told_a_line_for_each_kind(make: Make, tmp_path: Path) -> None:
    files = {
        **LAB,
        f"lab/{ONE}": b"NAMES = 'class_mapping.json'\nfrom helpers import x\n",
        "lab/class_mapping.json": b"{}",
        "lab/unused.json": b"{}",
        "helpers.py": b"",
        "work.ipynb": notebook(),
        "lab/lab.zip": zipped(LAB),
        "report.docx": b"",
        "lab/answers.pdf": b"",
        "README.md": b"",
        "requirements.txt": b"",
        "plots/figure.png": b"",
        "lab/.DS_Store": b"",
    }
    assert read(make(tmp_path, files)).notes == [
        "helpers.py: left out; only what stands in lab is read",
        "lab/lab.zip, work.ipynb: not read, lab was",
        f"lab/answers.pdf, report.docx: {NO_ANSWERS}",
        "lab/class_mapping.json: left out, though the code names it: of a package, only Python files are read",
    ]


@every_form
def test_an_untouched_skeleton_is_told(make: Make, tmp_path: Path) -> None:
    files = {f"lab/{name}": data for name, data in SKELETON.items()}
    told = "lab: all step modules are as they were handed out"
    assert read(make(tmp_path, files)).notes == [told]
    windows = {name: data.replace(b"\n", b"\r\n") for name, data in files.items()}
    assert read(make(tmp_path, {**windows, f"lab_final/{ONE}": b"x = 1"})).notes[0] == told
    assert told not in read(make(tmp_path, {**files, f"lab/{ONE}": b"x = 1"})).notes


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_different_files_of_one_name_are_told(make: Make, tmp_path: Path) -> None:
    files = {f"lab/{ONE}": b"first", f"lab/./{ONE}": b"last", f"lab/{TWO}": b"same", f"lab//{TWO}": b"same"}
    submission = read(make(tmp_path, files))

    assert submission.files[ONE] == b"last"
    assert submission.notes == [f"lab/{ONE}: the archive holds different files of this name; the last one was read"]


# Answers

TEXT = "# 1.1\nΧαμηλά.".encode()


@every_form
@pytest.mark.parametrize(
    "name",
    [
        *("step1.md", "Step01.md", "step01.txt", "step01.md.txt", "step01 (1).md", "step01.MD", "STEP_01.md"),
        *("Βήμα 1.md", "βημα1.md", "answers.md", "απαντήσεις.txt", "step01.markdown", "step01 - Copy.md"),
    ],
)
def test_answers_are_read_from_the_file_that_is_meant(make: Make, name: str, tmp_path: Path) -> None:
    for place in ("lab/answers", "answers", "lab/Answers"):
        submission = read(make(tmp_path / place, {**LAB, f"{place}/{name}": TEXT}) if make is make_folder else
                          make(tmp_path, {**LAB, f"{place}/{name}": TEXT}))  # fmt: skip
        assert submission.answers == {"1.1": "Χαμηλά."}
        assert submission.files == PACKAGE


@every_form
def test_a_file_of_the_right_name_comes_first_and_the_others_are_told(make: Make, tmp_path: Path) -> None:
    files = {"lab/answers/step01.md": TEXT, "lab/answers/step01 (1).md": b"# 1.1\nno", "lab/answers/all.docx": b""}
    submission = read(make(tmp_path, {**LAB, **files}))

    assert submission.answers == {"1.1": "Χαμηλά."}
    assert submission.notes == [
        f"lab/answers/all.docx, lab/answers/step01 (1).md: {NO_ANSWERS}",
    ]


def test_what_was_handed_out_is_no_text_below_no_heading_whatever_its_file_is_called(tmp_path: Path) -> None:
    given = {path.name: path.read_bytes() for path in sorted((ROOT / "lab" / "answers").glob("*.md"))}
    renamed = {f"lab/answers/{name.replace('step0', 'Step')}": data for name, data in given.items()}
    assert all("meant" in note for note in read(folder(tmp_path, {**LAB, **renamed})).notes)
    joined = {"lab/answers/answers.md": b"\n".join(given.values())}
    assert read(folder(tmp_path, {**LAB, **joined}, "νίκος")).notes == []


# Limits


@every_form
def test_only_what_is_below_the_package_counts(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graders.intake.contents.ENTRIES", 5)
    monkeypatch.setattr("graders.intake.contents.TOTAL_BYTES", 2000)
    others = {f"env/lib/python3.11/m{n}.py": bytes(1000) for n in range(30)}

    assert read(make(tmp_path, {**others, **LAB})).files == PACKAGE


@every_form
@pytest.mark.parametrize("mark", ["pyvenv.cfg", "conda-meta/history"])
def test_an_environment_in_the_package_is_passed_over(make: Make, mark: str, tmp_path: Path) -> None:
    files = {f"lab/myenv/{mark}": b"", "lab/myenv/lib/python3.11/os.py": b"", "lab/myenv/Lib/os.py": b""}

    assert read(make(tmp_path, {**LAB, **files})).files == PACKAGE


@every_form
def test_an_environment_around_the_package_costs_nothing(make: Make, tmp_path: Path) -> None:
    files = {"pyvenv.cfg": b"", "lib/python3.11/os.py": b"", f"lib/python3.11/{ONE}": b""}

    assert read(make(tmp_path, {**LAB, **files})).files == PACKAGE


@every_form
def test_deep_folders_are_left_out_and_many_are_refused(make: Make, tmp_path: Path) -> None:
    submission = read(make(tmp_path, {**LAB, f"lab/{'d/' * 50}a.py": b"", "lab/d/e/f.py": b""}))
    assert set(submission.files) == {*PACKAGE, "d/e/f.py"}
    assert submission.notes == [f"lab/{'d/' * 27}d…: left out, they are more than 10 folders deep"]
    many = {f"lab/d{n}/a.py": b"" for n in range(201)}
    assert "more than 200 folders of Python files" in refusal(make(tmp_path, {**LAB, **many}))
