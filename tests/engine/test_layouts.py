"""Bulk downloads of learning platforms: what belongs to whom."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from graders.grading.names import names_of
from graders.intake.archives import UnreadableSubmission
from graders.intake.layouts import Layout
from graders.intake.layouts.handin import Handin
from graders.intake.layouts.taking import HandedIn, take_apart
from graders.results.roster import Student, assign, read_roster
from graders.spreadsheets import BadSheet

ROSTER = [
    Student("03118001", "Άννα Παπαδοπούλου", "anna@ntua.gr"),
    Student("03118002", "Γιώργος Βασιλείου", "george@ntua.gr", group="Ομάδα 7"),
    Student("03118003", "Jean-Luc Dupont", "jl@ntua.gr", group="Ομάδα 7"),
]
MODULE = b"# \xce\xb2\n"
METADATA = """\
submission_101:
  :submitters:
  - :name: \u0386\u03bd\u03bd\u03b1 \u03a0\u03b1\u03c0\u03b1\u03b4\u03bf\u03c0\u03bf\u03cd\u03bb\u03bf\u03c5
    :sid: '03118001'
    :email: anna@ntua.gr
  :created_at: 2026-11-01 12:00:00.000000000 +02:00
  :score: 0.0
  :history:
  - :id: 99
    :created_at: 2026-10-30 12:00:00.000000000 +02:00
submission_102:
  :submitters:
  - :name: G
    :sid: '03118002'
  - :name: J
    :sid: '03118003'
  :created_at: 2026-11-02 12:00:00.000000000 Z
  :extra: !ruby/object:Object {}
"""


def zipped(path: Path, files: Mapping[str, bytes | str]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def folder(path: Path, files: Mapping[str, bytes | str]) -> Path:
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.fixture(params=[zipped, folder])
def taken(request, tmp_path):
    """Take files apart, once from a zip and once from a folder; return the hand-ins by their students."""

    def take(files: Mapping[str, bytes | str], layout: Layout = "auto") -> HandedIn:
        source = request.param(tmp_path / "bulk.zip", files)
        return take_apart(source, layout, tmp_path / "handins", "lab")

    return take


def whose(handed_in: HandedIn) -> dict[str, Handin]:
    return {"+".join(one.students): one for one in assign(handed_in.handins, ROSTER).handins}


def test_canvas(taken):
    handed_in = taken(
        {
            "παπαδοπούλουάννα_LATE_7_11_lab-2.zip": MODULE,
            "vasileiougiorgos_8_12_step01.py": MODULE,
            "vasileiougiorgos_8_13_step02-1.py": MODULE,
            "dupontjeanluc_9_14_text.html": "<p>typed</p>",
            "grades.csv": "a,b",
        }
    )
    assert handed_in.layout == "canvas"
    giorgos, anna = handed_in.handins
    assert (anna.late, anna.attempt, anna.ids["canvas_user"]) == (True, 3, "7")
    assert Path(anna.path).name == "lab.zip"
    assert sorted(file.name for file in Path(giorgos.path).iterdir()) == ["step01.py", "step02.py"]
    assert [line.partition(":")[0] for line in handed_in.left] == ["dupontjeanluc_9_14_text.html", "grades.csv"]
    assert "03118001" in whose(handed_in)


def test_moodle(taken):
    handed_in = taken(
        {
            "Άννα Παπαδοπούλου_4711_assignsubmission_file_/lab/step01.py": MODULE,
            "Βασιλείου Γιώργος_4712_assignsubmission_file/lab.zip": MODULE,
            "Jean-Luc Dupont_4713_assignsubmission_onlinetext/onlinetext.html": "typed",
            "Jean-Luc Dupont_4713_assignsubmission_file_notebook.ipynb": MODULE,
        }
    )
    assert handed_in.layout == "moodle"
    found = whose(handed_in)
    assert sorted(found) == ["03118001", "03118002", "03118003"]
    assert found["03118002"].ids == {"moodle_participant": "4712"}
    assert Path(found["03118003"].path).name == "notebook.ipynb"
    assert "onlinetext" in handed_in.left[0]


def test_gradescope(taken):
    handed_in = taken(
        {
            "assignment_1_export/submission_metadata.yml": METADATA,
            "assignment_1_export/submission_101/lab/step01.py": MODULE,
            "assignment_1_export/submission_102/step01.py": MODULE,
            "assignment_1_export/submission_103/step01.py": MODULE,
        }
    )
    found = whose(handed_in)
    assert sorted(found) == ["03118001", "03118002+03118003"]
    assert (found["03118001"].attempt, found["03118001"].submitted) == (2, "2026-11-01T10:00:00+00:00")
    assert (Path(found["03118001"].path) / "lab" / "step01.py").is_file()
    assert "submission_103" in handed_in.left[0]


def test_repositories(taken):
    handed_in = taken({"lab3-anna/lab/step01.py": MODULE, "lab3-jl/lab/step01.py": MODULE}, "github")
    assert sorted(whose(handed_in)) == ["03118001", "03118003"]


def test_a_plain_class_folder(taken):
    handed_in = taken(
        {"03118001/lab/step01.py": MODULE, "Ομάδα 7.zip": MODULE, "Nobody.ipynb": MODULE, "notes.txt": "x"}
    )
    assert handed_in.layout == "plain"
    assigned = assign(handed_in.handins, ROSTER)
    assert {one.name: one.students for one in assigned.handins} == {
        "03118001": ["03118001"],
        "Nobody": [],
        "Ομάδα 7": ["03118002", "03118003"],
    }
    assert assigned.problems == ["Nobody: nobody in the roster is called so"]
    assert "notes.txt" in handed_in.left[0]


@pytest.mark.parametrize(
    ("files", "layout", "name"),
    [
        (["anna/lab/step01.py", "anna/lab/step02.py"], "auto", "anna"),
        (["anna/step01.py", "anna/answers/step01.md"], "plain", "anna"),
        (["bulk/anna/lab/step01.py", "bulk/anna/README.md"], "plain", "anna"),
        (["lab3-anna/lab/step01.py", "lab3-anna/README.md"], "github", "lab3-anna"),
        (["anna/project/lab/step01.py", "anna/notes.txt"], "plain", "anna"),
        (["bulk/anna/project/lab/step01.py", "bulk/anna/notes.txt"], "auto", "anna"),
        (["anna/lab/step01.py", "notes.txt"], "plain", "anna"),
    ],
)
def test_a_class_of_one_is_taken_apart_as_any(taken, files, layout, name):
    (handin,) = taken(dict.fromkeys(files, MODULE), layout).handins
    assert handin.name == name


@pytest.mark.parametrize(
    ("files", "sign"),
    [(["lab/step01.py", "README.md"], "lab/"), (["LAB/step01.py", "README.md"], "LAB/"), (["Step 1.py"], "Step 1.py")],
)
def test_a_handin_is_no_folder_of_handins(taken, files, sign):
    with pytest.raises(UnreadableSubmission, match=f"itself a hand-in, since it holds {sign}"):
        taken(dict.fromkeys(files, MODULE), "plain")


def test_a_package_is_known_in_any_letter_case(tmp_path):
    bulk = folder(tmp_path / "bulk", {"lab/step01.py": MODULE, "README.md": "x"})
    with pytest.raises(UnreadableSubmission, match="itself a hand-in"):
        take_apart(bulk, "plain", tmp_path / "handins", "Lab")


def test_a_stray_python_file_beside_hand_ins_is_told_and_refuses_nobody(taken):
    handed_in = taken({"anna/lab/step01.py": MODULE, "νίκος/lab/step01.py": MODULE, "collect.py": MODULE}, "plain")
    assert [one.name for one in handed_in.handins] == ["anna", "νίκος"]
    assert handed_in.left == ["collect.py: neither a folder, nor an archive, nor a notebook"]


def test_the_same_content_has_the_same_digest_and_is_written_once(tmp_path):
    bulk = zipped(tmp_path / "bulk.zip", {"03118001/lab/step01.py": MODULE})
    first, second = (take_apart(bulk, "auto", tmp_path / "out", "lab") for _ in range(2))
    assert first == second
    assert len(list((tmp_path / "out").iterdir())) == 1


def test_names_that_lead_out_of_the_folder_do_not(tmp_path):
    bulk = zipped(tmp_path / "bulk.zip", {"../../evil/step01.py": MODULE, "/etc/x/step01.py": MODULE, "anna/a.py": b""})
    take_apart(bulk, "plain", tmp_path / "out", "lab")
    assert not (tmp_path.parent / "evil").exists()


@pytest.mark.parametrize("name", ["../../escaped/evil", "/abs/evil", "..", "a\\\\b"])
def test_names_of_students_lead_nowhere(tmp_path, name):
    metadata = f'submission_1:\n  :submitters:\n  - :name: "{name}"\n'
    files: dict[str, bytes | str] = {
        "submission_metadata.yml": metadata,
        "submission_1/a.py": b"",
        "submission_1/lab/b.py": b"",
    }
    (handin,) = take_apart(zipped(tmp_path / "bulk.zip", files), "auto", tmp_path / "out", "lab").handins
    assert Path(handin.path).parent == tmp_path / "out"
    (label,) = names_of([Path(handin.path)], {Path(handin.path): handin})
    assert len(Path(label).parts) == 1
    assert not label.startswith(".")


def test_names_of_files_lead_nowhere(tmp_path):
    bulk = zipped(
        tmp_path / "bulk.zip", {"Άννα_7_assignsubmission_file_..": b"x", "Εύα_8_assignsubmission_file_.": b"y"}
    )
    handed_in = take_apart(bulk, "moodle", tmp_path / "out", "lab")
    assert {Path(one.path).parent.parent for one in handed_in.handins} == {tmp_path / "out"}


def test_the_same_files_of_two_students_are_two_hand_ins(tmp_path):
    files = {"smithjohn_11_111_lab.zip": MODULE, "smithjohn_22_222_lab.zip": MODULE}
    handins = take_apart(zipped(tmp_path / "bulk.zip", files), "canvas", tmp_path / "out", "lab").handins
    assert len({one.path for one in handins}) == 2


def test_a_damaged_hand_in_costs_only_itself(tmp_path):
    bulk = zipped(tmp_path / "bulk.zip", {"anna/a.py": b"ANNA", "eva/a.py": b"EVA!"})
    bulk.write_bytes(bulk.read_bytes().replace(b"EVA!", b"EVA?", 1))
    handed_in = take_apart(bulk, "plain", tmp_path / "out", "lab")
    assert [one.name for one in handed_in.handins] == ["anna"]
    assert [line.partition(":")[0] for line in handed_in.left] == ["eva"]


def test_two_students_of_one_name_are_told(tmp_path):
    twins, eva = [Student("1", "Άννα Π."), Student("2", "ΑΝΝΑ Π.")], Student("3", "Εύα Κ.")
    assigned = assign([Handin(name="Αννα Π")], [*twins, eva])
    assert assigned.problems == ["Αννα Π: 2 students are called so (1, 2)"]
    assert assigned.missing == [eva]


def test_only_a_groups_name_gives_a_hand_in_to_several():
    roster = [
        Student("1", "Μαρία Α", "maria@gmail.com"),
        Student("2", "Μαρία Β", "maria@hotmail.com"),
        Student("101", "Νίκος Γ", "both@a.gr", group="team"),
        Student("4", "Εύα Δ", "101@a.gr", group="team"),
        Student("5", "", "both@a.gr"),
    ]
    names = ("maria", "101", "Team", "both@a.gr", "maria@hotmail.com", "102")
    assigned = assign([Handin(name=name, ids={"canvas_user": "77"}) for name in names], roster)
    assert [one.students for one in assigned.handins] == [[], ["101"], ["101", "4"], [], ["2"], []]
    assert assigned.problems == [
        "maria: 2 students are called so (1, 2); write 77 into the column `known_as` of whose it is",
        "both@a.gr: 2 students are called so (101, 5); write 77 into the column `known_as` of whose it is",
        "102: nobody in the roster is called so",
    ]
    assert assign([Handin(name="maria", ids={"github": "101"})], roster).handins[0].students == ["101"]


def test_metadata_that_says_nothing_is_refused(tmp_path):
    for content in ("- a\n- b\n", "a: [", "submission_1:\n  :submitters: 3\n"):
        bulk = zipped(tmp_path / "bulk.zip", {"submission_metadata.yml": content, "submission_1/a.py": b""})
        with pytest.raises(UnreadableSubmission, match=r"submission_metadata\.yml does not say"):
            take_apart(bulk, "auto", tmp_path / "out", "lab")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1253"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_roster_is_read(tmp_path, encoding, delimiter):
    lines = ["ID,Name,email,extra_days", "03118001,Άννα Παπαδοπούλου,anna@ntua.gr,2", ",,,"]
    file = tmp_path / "roster.csv"
    file.write_text("\r\n".join(lines).replace(",", delimiter), encoding=encoding)
    assert read_roster(file).students == [Student("03118001", "Άννα Παπαδοπούλου", "anna@ntua.gr", extra_days=2)]


@pytest.mark.parametrize(
    ("encoding", "names"),
    [
        ("cp1252", ["Rémy Müller", "François Lefèvre"]),
        ("cp1252", ["Zoë"]),
        ("cp1253", ["Άννα Παπαδοπούλου", "Ουρανία Ωνάση"]),
        ("cp1253", ["John Smith, MSc", "Ζωή"]),
        ("utf-16", ["Άννα Rémy"]),
    ],
)
def test_the_encoding_of_another_windows_is_guessed_and_told(tmp_path, encoding, names):
    file = tmp_path / "roster.csv"
    rows = [f'{number}\t"{name}"' for number, name in enumerate(names)]
    file.write_text("\r\n".join(["id\tname", *rows]), encoding=encoding)
    roster = read_roster(file)
    assert [student.name for student in roster.students] == names
    assert [encoding in note for note in roster.notes] == ([] if encoding == "utf-16" else [True])


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"PK\x03\x04\x14\0\x06\0", "is a workbook, whatever its name says"),
        ("id,name\n1,Άννα\n".encode("utf-16-le"), "is not text in UTF-8"),
        (b"\x89PNG\r\n\x1a\n\0\0", "is not text in UTF-8"),
    ],
)
def test_what_is_no_text_is_told(tmp_path, data, says):
    file = tmp_path / "roster.csv"
    file.write_bytes(data)
    with pytest.raises(BadSheet, match=says):
        read_roster(file)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name\nΆννα\n", "line 1 has no column 'id'"),
        ("id,name\n1,Άννα\n1,Εύα\n", "line 3: 1 is there twice"),
        ("id,name\n,Άννα\n", "line 2 has no id"),
        ("id,name,known_as\n1,Άννα,7 8\n2,Εύα,8\n", "line 3: 1 is known as 8 too"),
        ("id,name,extra_days\n1,Άννα,many\n", "line 2: extra_days is 'many'"),
        ("id,name,extra_days\n1,Άννα,1_0\n", "line 2: extra_days is '1_0'"),
        (f"id,name,extra_days\n1,Άννα,{'9' * 5000}\n", "line 2: extra_days is '999"),
    ],
)
def test_a_roster_that_cannot_be_used_is_told_with_the_line(tmp_path, text, says):
    file = tmp_path / "roster.csv"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(BadSheet, match=says):
        read_roster(file)
