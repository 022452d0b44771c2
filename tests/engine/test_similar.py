"""Submissions that agree: disguised copies are shown, independent answers are not."""

from __future__ import annotations

import ast
import csv
import io
import random
import shutil
import zipfile
from pathlib import Path

import nbformat
import pytest
from click.testing import CliRunner

from graders.cli import graders
from graders.intake.layouts.handin import Handin
from graders.results.files import write_result
from graders.results.schema import Isolation, Result
from graders.similarity.tokens import MOST_TOKENS, passages_of
from tests.support import ROOT

SUBMISSIONS = ROOT / "fixtures" / "submissions"
COMPLETE = SUBMISSIONS / "complete" / "lab"


class Disguise(ast.NodeTransformer):
    """Renames what may be renamed, changes literals, and drops docstrings and annotations."""

    def __init__(self, tree: ast.Module) -> None:
        nodes = list(ast.walk(tree))
        self.names = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
        self.names |= {node.arg for node in nodes if isinstance(node, ast.arg)} - {"self"}
        self.names |= {node.name for node in nodes if isinstance(node, ast.FunctionDef) and node.name[:2] != "__"}
        own = (node for node in nodes if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name))
        self.members = {node.attr for node in own if isinstance(node.value, ast.Name) and node.value.id == "self"}

    def visit_Name(self, node):
        node.id = f"δικό_{node.id}" if node.id in self.names else node.id
        return node

    def visit_arg(self, node):
        node.arg = f"δικό_{node.arg}" if node.arg in self.names else node.arg
        node.annotation = None
        return node

    def visit_Attribute(self, node):
        self.generic_visit(node)
        if isinstance(node.value, ast.Name) and node.value.id == "self":
            node.attr = f"μέλος_{node.attr}"
        return node

    def visit_Constant(self, node):
        if isinstance(node.value, int | float) and not isinstance(node.value, bool):
            node.value = node.value * 2 + 1
        elif isinstance(node.value, str):
            node.value += " (άλλο)"
        return node

    def visit_FunctionDef(self, node):
        if ast.get_docstring(node):
            node.body = node.body[1:] or [ast.Pass()]
        self.generic_visit(node)
        node.name = f"δικό_{node.name}" if node.name in self.names else node.name
        node.returns = None
        return node


def disguised(source: str) -> str:
    """Return source that does the same kind of work and looks different to a reader, its definitions in another order."""
    tree = ast.parse(source)
    tree = Disguise(tree).visit(tree)
    imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    others = [node for node in tree.body if not isinstance(node, ast.Import | ast.ImportFrom)]
    random.Random(3).shuffle(others)
    tree.body = [*imports, *others]
    lines = ast.unparse(ast.fix_missing_locations(tree)).splitlines()
    return "\n".join(f"{line}  # σχόλιο {number}" if line else "" for number, line in enumerate(lines)) + "\n"


def similar(*arguments: object) -> tuple[int, str, str]:
    ended = CliRunner().invoke(graders, ["similar", *map(str, arguments)])
    assert ended.exception is None or isinstance(ended.exception, SystemExit), ended.exception
    return ended.exit_code, ended.stdout, ended.stderr


def pairs(*arguments: object) -> dict[tuple[str, str], dict[str, str]]:
    code, made, told = similar(*arguments, "--csv", "-")
    assert code == 0, told
    rows = csv.DictReader(io.StringIO(made.removeprefix("\ufeff"), newline=""))
    return {(row["left"], row["right"]): row for row in rows}


def reference(folder: Path) -> Path:
    """Write the reference as a submission."""
    (folder / "lab").mkdir(parents=True)
    for file in (ROOT / "solutions").glob("*step*.py"):
        shutil.copy(file, folder / "lab" / file.name)
    return folder


def copied(folder: Path, *names: str) -> Path:
    """Write a submission whose modules are disguised copies of the complete one's."""
    (folder / "lab").mkdir(parents=True, exist_ok=True)
    for file in COMPLETE.glob("*.py"):
        if not names or file.name in names:
            (folder / "lab" / file.name).write_text(disguised(file.read_text(encoding="utf-8")), encoding="utf-8")
    return folder


def variants(folder: Path) -> list[Path]:
    """Write each right variant as a submission of the one module in which it differs from the reference."""
    made = []
    for variant in sorted((SUBMISSIONS / "variants").iterdir()):
        shutil.copytree(variant, folder / variant.name / "lab")
        made.append(folder / variant.name)
    return made


def test_a_disguised_copy_is_shown_with_its_passages(tmp_path):
    copy = copied(tmp_path / "αντίγραφο")
    found = pairs(SUBMISSIONS / "complete", copy, reference(tmp_path / "other"))
    assert list(found) == [("complete", "αντίγραφο")]
    [row] = found.values()
    assert float(row["share"]) > 0.7
    assert float(row["file_share"]) > 0.8
    assert row["longest_passages"].count("tokens") == 3
    assert ".py:" in row["longest_passages"]


def test_one_copied_step_is_shown_in_a_submission_of_ones_own(tmp_path):
    mixed = copied(reference(tmp_path / "mixed"), "step05_lstm.py")
    [row] = pairs(SUBMISSIONS / "complete", mixed).values()
    assert float(row["share"]) < 0.3
    assert (row["file"], float(row["file_share"]) > 0.8) == ("step05_lstm.py", True)
    assert pairs(SUBMISSIONS / "complete", mixed, "--step", 5)
    assert not pairs(SUBMISSIONS / "complete", mixed, "--step", 7)


def test_independent_right_answers_are_not_shown(tmp_path):
    submissions = [SUBMISSIONS / "complete", SUBMISSIONS / "notebook.ipynb", reference(tmp_path / "reference")]
    assert pairs(*submissions, *variants(tmp_path)) == {}
    code, told, _ = similar(*submissions)
    assert (code, "No two of 3 submissions" in told) == (0, True)


def test_what_was_given_is_no_agreement(tmp_path):
    for who in ("anna", "eva"):
        shutil.copytree(ROOT / "lab", tmp_path / who / "lab", ignore=shutil.ignore_patterns("__pycache__"))
    assert pairs(tmp_path / "anna", tmp_path / "eva", "--least", 0.01) == {}


def test_what_many_have_is_no_agreement(tmp_path):
    """A step that six of eight have alike says nothing of two of them; another one that two share does."""
    for number in range(8):
        folder = tmp_path / f"s{number}" / "lab"
        folder.mkdir(parents=True)
        if number < 6:
            shutil.copy(COMPLETE / "step05_lstm.py", folder)
        if number in {0, 7}:
            shutil.copy(COMPLETE / "step07_cnn.py", folder)
        (folder / "step01_spectrograms.py").write_text("x = 1\n", encoding="utf-8")
    found = pairs(*(tmp_path / f"s{number}" for number in range(8)))
    assert list(found) == [("s0", "s7")]
    assert found["s0", "s7"]["file"] == "step07_cnn.py"


def test_notebooks_are_told_by_their_cells(tmp_path):
    source = (COMPLETE / "step05_lstm.py").read_text(encoding="utf-8").replace("from __future__", "# from __future__")
    cells = [nbformat.v4.new_code_cell("import torch"), nbformat.v4.new_code_cell(disguised(source))]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "τετράδιο.ipynb")
    [row] = pairs(SUBMISSIONS / "complete", tmp_path / "τετράδιο.ipynb").values()
    assert "cell 2 line" in row["longest_passages"]


def result_of(path: Path, student: str, attempt: int = 1) -> Result:
    handin = Handin(
        students=[student], name=f"Φοιτητής {student}", attempt=attempt, submitted="2026-11-01T10:00:00+00:00"
    )
    return Result(
        course="x", submission=f"{student}-{attempt}", source=str(path), handin=handin, score=0, max_score=1,
        isolation=Isolation.of({}), time_limit=1, steps=[], versions={}, checks=[], notes=[],
    )  # fmt: skip


@pytest.fixture
def graded(tmp_path):
    """Write results of three hand-ins: two attempts of one student, and another student's copy."""
    for number, (student, attempt) in enumerate([("001", 1), ("001", 2), ("002", 1)]):
        source = tmp_path / f"handin{number}"
        shutil.copytree(COMPLETE, source / "lab", ignore=shutil.ignore_patterns("__pycache__"))
        write_result(result_of(source, student, attempt), tmp_path / "out" / f"{student}-{attempt}")
    return tmp_path / "out"


def test_two_attempts_of_one_student_are_no_pair(graded):
    assert set(pairs("--results", graded)) == {("001", "002"), ("001-attempt-2", "002")}
    (graded / "003").mkdir()
    (graded / "003" / "result.json").write_text("{", encoding="utf-8")
    assert "003/result.json: is damaged, or of another version; not compared." in similar("--results", graded)[2]


def test_the_hint_says_what_it_is(graded):
    code, told, _ = similar("--results", graded)
    assert code == 0
    assert "never a verdict" in told
    assert "001 and 002" in told
    assert max(map(len, told.splitlines())) <= 80


def test_dolos_reads_the_folder(graded, tmp_path):
    folder = tmp_path / "dolos"
    assert similar("--results", graded, "--dolos", folder)[0] == 0
    content = (folder / "info.csv").read_bytes()
    assert content.startswith(b"filename,full_name,label,created_at\n")
    rows = list(csv.DictReader(io.StringIO(content.decode())))
    assert [row["full_name"] for row in rows] == ["Φοιτητής 001", "Φοιτητής 001", "Φοιτητής 002"]
    assert all("class" in (folder / row["filename"]).read_text(encoding="utf-8") for row in rows)
    assert (folder / "skeleton.py").exists()
    code, _, told = similar("--results", graded, "--dolos", folder)
    assert (code, "is not empty" in told) == (2, True)


def test_what_cannot_be_read_is_told_and_stops_nothing(tmp_path):
    (tmp_path / "σπασμένο.zip").write_bytes(b"PK\x03\x04 no")
    with zipfile.ZipFile(tmp_path / "zipped.zip", "w") as archive:
        for file in COMPLETE.glob("*.py"):
            archive.write(file, f"lab/{file.name}")
    code, told, errors = similar(SUBMISSIONS / "complete", tmp_path / "σπασμένο.zip", tmp_path / "zipped.zip")
    assert code == 2
    assert "complete and zipped" in told
    assert "not compared: σπασμένο.zip" in errors
    code, _, errors = similar(SUBMISSIONS / "complete")
    assert (code, "two SUBMISSIONS or more" in errors) == (2, True)
    code, _, errors = similar(SUBMISSIONS / "complete", tmp_path / "zipped.zip", "--step", 77)
    assert (code, "no such step" in errors) == (2, True)


@pytest.mark.parametrize(
    "source",
    [
        '"""\\"""\\"""' * 20_000,
        "'" * 100_001,
        "(" * 100_000,
        "def f(" * 30_000,
        'f"' + "\\" * 100_001,
        "# " + "x" * 100_000,
        "1e" * 50_000,
        "\x00\ud800" * 50_000,
        "x: " * 50_000,
        "class " * 50_000,
        "\\\n" * 50_000,
        "import a," * 30_000,
        "from . import (" * 30_000 + "\n" + "a." * 30_000,
        "import a\n" + "a." * 60_000,
    ],
    ids=lambda source: ascii(source[:6]),
)
def test_no_source_is_too_hard_to_read(source):
    assert sum(len(passage.tokens) for passage in passages_of([("a.py", source)])) <= MOST_TOKENS


def test_layout_and_mistakes_of_syntax_do_not_matter():
    right = "def f(a: int = 3) -> int:\n    total: int = sum(a)\n    return total + a[1]\n"
    other = 'def g(b):\n  """Docs."""\n  s = (sum)(b)\n  return s+b[\n   77, # x\n  ]\n'.replace("(sum)", "sum")
    wrong = f"x = (1\n{right}"
    seen = [
        [one.tokens for one in passages_of([("a.py", source)]) if "return" in one.tokens]
        for source in (right, other, wrong)
    ]
    assert seen[0] == seen[1] == seen[2] == [("n", "=", "sum", "(", "n", ")", "return", "n", "+", "n", "[", "0", "]")]


def test_how_a_library_is_imported_does_not_matter():
    sources = (
        "import numpy as np\nx = np.linalg.norm(a)\n",
        "import numpy\ny = numpy.linalg.norm(b)  # νόρμα\nprint(y)\n",
        "from numpy.linalg import norm as μήκος\nx = μήκος(a)\n",
        "from numpy import (\n    linalg as la,\n)\npass\nz = la.norm(a)\n",
    )
    seen = {tuple(one.tokens) for source in sources for one in passages_of([("a.py", source)])}
    assert seen == {("n", "=", ".norm", "(", "n", ")")}
