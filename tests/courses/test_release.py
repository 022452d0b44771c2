"""Starter kits: what is in them, what is not, and what they are refused for; from the kit alone a student can work."""

from __future__ import annotations

import ast
import hashlib
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from graders.authoring.thresholds import Thresholds
from graders.course import Course, load_course
from graders.release.kit import CACHES
from graders.release.skeleton import write_skeletons
from tests.support import COURSE, ROOT, WORDS, copy_of_words

NAME = "words-a-course-of-two-steps"
STATEMENT_CHARACTERS = 50
Run = Callable[..., subprocess.CompletedProcess[str]]


def graders(*arguments: object, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "graders", *map(str, arguments)],
        cwd=cwd, capture_output=True, text=True, encoding="utf-8", check=False, timeout=240,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Give a copy of the small course, to change."""
    return copy_of_words(tmp_path / "words")


@pytest.fixture(scope="session")
def small_kit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("kit")
    done = graders("release", "--out", out, "--course", WORDS)
    assert done.returncode == 0, done.stderr
    return out / f"{NAME}.zip"


@pytest.fixture(scope="session")
def own_kit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("kit")
    done = graders("release", "--out", out)
    assert done.returncode == 0, done.stderr
    return out / "affective-music-lab.zip"


def files_of(kit: Path) -> dict[str, bytes]:
    """Return the files of a kit by their paths below its one folder."""
    with zipfile.ZipFile(kit) as packed:
        names = packed.namelist()
        assert {name.partition("/")[0] for name in names} == {kit.stem}
        return {name.partition("/")[2]: packed.read(name) for name in names}


# --- what is in it


def test_the_small_course_s_kit_has_what_a_student_needs_and_nothing_else(small_kit: Path) -> None:
    files = files_of(small_kit)
    mine = {name for name in files if not name.startswith(("graders/", "build_backend/"))}
    assert mine == {
        "LICENSE", "README.el.md", "README.md", "constraints.txt", "course.toml", "pyproject.toml",
        "words/answers/step02.md", "words/step01_counting.py", "words/step02_ciphers.py",
        "words_checks/__init__.py", "words_checks/figures.py", "words_checks/kit.py", "words_checks/questions.toml",
        "words_checks/step01_counting.py", "words_checks/step02_ciphers.py",
    }  # fmt: skip
    engine = {name for name in files if name.startswith("graders/")}
    assert "graders/student.py" in engine
    for room in ("checks", "audit", "release", "results/gradebook", "sandbox/worker.py", "commands/run.py", "cli.py"):
        assert not any(name.startswith(f"graders/{room}") for name in engine)


def test_hidden_checks_are_not_in_it_nor_what_served_them(small_kit: Path) -> None:
    files = files_of(small_kit)
    checks = files["words_checks/step01_counting.py"].decode()
    assert "test_longest_word" in checks
    assert "hidden" not in checks
    assert "HELD_OUT" not in checks
    assert "held_out.txt" not in checks
    course = files["course.toml"].decode()
    assert "points = 5.5" in course
    assert "audit" not in course


def test_the_same_course_makes_the_same_kit(small_kit: Path, tmp_path: Path) -> None:
    assert graders("release", "--out", tmp_path, "--course", WORDS).returncode == 0
    assert (tmp_path / small_kit.name).read_bytes() == small_kit.read_bytes()


def test_what_is_no_skeleton_stays_out_and_is_told(copy: Path, tmp_path: Path) -> None:
    (copy / "words" / "notes of mine.txt").write_text("for the exam", encoding="utf-8")
    (copy / "words" / ".ipynb_checkpoints").mkdir()
    (copy / "words" / ".ipynb_checkpoints" / "old.py").write_text("x = 1\n", encoding="utf-8")
    done = graders("release", "--out", tmp_path / "out", "--course", copy)
    assert done.returncode == 0, done.stderr
    assert done.stderr == (
        "graders: words/notes of mine.txt is no skeleton, and none imports it: it is not in the kit.\n"
    )
    assert not [name for name in files_of(tmp_path / "out" / f"{NAME}.zip") if "notes" in name or "old.py" in name]


def test_points_of_questions_stay_with_the_staff(copy: Path, tmp_path: Path) -> None:
    questions = copy / "words_checks" / "questions.toml"
    questions.write_text(
        questions.read_text(encoding="utf-8") + 'points = 2\nrubric = ["twenty-five keys: 1"]\n', encoding="utf-8"
    )
    assert graders("release", "--out", tmp_path / "out", "--course", copy).returncode == 0
    told = files_of(tmp_path / "out" / f"{NAME}.zip")["words_checks/questions.toml"].decode()
    assert "how would you break it" in told
    assert "twenty-five" not in told


# --- leaks


def statements(source: str) -> Iterator[str]:
    """Yield the longer statements in the bodies of functions, in one spelling."""
    for function in ast.walk(ast.parse(source)):
        if isinstance(function, ast.FunctionDef):
            for node in ast.walk(function):
                if isinstance(node, ast.stmt) and not isinstance(node, ast.FunctionDef | ast.ClassDef | ast.ImportFrom):
                    text = ast.unparse(node)
                    if len(text) >= STATEMENT_CHARACTERS and "\n" not in text and not is_text(node):
                        yield text


def is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def secret_files(course: Course) -> list[Path]:
    folders = [course.reference_folder, course.path(course.audit.mistakes), course.path(course.audit.variants)]
    found = [path for folder in folders for path in folder.rglob("*") if path.is_file() and "answers" not in path.parts]
    return [path for path in [*found, *course.held_out_files] if "__pycache__" not in path.parts]


def look_for_leaks(kit: Path, course: Course) -> None:
    files = files_of(kit)
    for name in files:
        parts = set(Path(name).parts)
        assert not parts & {".git", ".github", "tests", "submissions", "mistakes", "variants", course.reference}, name
        assert not any(CACHES.fullmatch(part) for part in parts), name
        assert not re.search(r"held_out\.(npz|txt)|result\.json|\.db$|\.pyc$", name), name
    digests = {hashlib.sha256(content).digest() for content in files.values() if content.strip()}
    for path in secret_files(course):
        assert hashlib.sha256(path.read_bytes()).digest() not in digests or not path.read_bytes().strip(), path
    skeletons = {s for path in course.skeletons.glob("step*.py") for s in statements(path.read_text(encoding="utf-8"))}
    solved = {
        text
        for path in course.reference_folder.glob("step*.py")
        for text in statements(path.read_text(encoding="utf-8"))
    }
    told: dict[str, str] = {}
    for name, content in files.items():
        if name.endswith(".py"):
            told |= dict.fromkeys(statements(content.decode()), name)
    assert sorted((text, told[text]) for text in (solved - skeletons) & told.keys()) == []


def test_nothing_of_the_small_course_leaks(small_kit: Path) -> None:
    look_for_leaks(small_kit, load_course(WORDS))
    everything = b"\n".join(files_of(small_kit).values()).decode()
    for line in (WORDS / "held_out.txt").read_text(encoding="utf-8").splitlines():
        assert not line.strip() or line not in everything


def test_nothing_of_this_course_leaks(own_kit: Path) -> None:
    """Ten seconds: the kit is made, and tried with PyTorch."""
    look_for_leaks(own_kit, COURSE)
    files = files_of(own_kit)
    with np.load(COURSE.held_out_files[0], allow_pickle=False) as stored:
        rows = [np.ascontiguousarray(row) for name in stored.files for row in (stored[name][:8], stored[name][-8:])]
        secrets = [piece.astype(kind).tobytes()[:32] for piece in rows if piece.dtype.kind == "f" for kind in "fe"]
        genres = ",".join(map(str, stored["genres"]))
    everything = b"\0".join(
        np.load(io.BytesIO(content)).tobytes() if name.endswith(".npy") else content for name, content in files.items()
    )
    assert [secret for secret in secrets if any(secret) and secret in everything] == []
    told = re.sub(r"[^\w,-]+", ",", everything.decode("utf-8", "replace"))
    assert genres[:60] not in told
    assert b"correct" not in files["graders/checks/thresholds.json"]
    demanded = {row["check"]: row["threshold"] for row in json.loads(files["graders/checks/thresholds.json"])}
    assert demanded == {
        row.check: row.threshold for row in Thresholds(COURSE.path(COURSE.audit.thresholds)).rows.values()
    }
    assert files["fixtures/data/manifest.json"]


# --- what it is refused for


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def in_both(copy: Path, old: str, new: str) -> None:
    """Change the reference, and the skeleton that is made of it."""
    change(copy / "words_reference" / "step02_ciphers.py", old, new)
    write_skeletons(copy / "words_reference", copy / "words")


def solution_in_an_oracle(copy: Path) -> None:
    solved = (copy / "words_reference" / "step02_ciphers.py").read_text(encoding="utf-8")
    (copy / "words_checks" / "oracle.py").write_text(
        solved.replace("return shift(", "return  shift("), encoding="utf-8"
    )
    change(
        copy / "words_checks" / "step02_ciphers.py", "import string\n", "import string\n\nimport words_checks.oracle\n"
    )


REFUSED: dict[str, tuple[Callable[[Path], object], str]] = {
    "a stale skeleton": (
        lambda copy: change(copy / "words" / "step01_counting.py", "white space", "blanks"),
        "words/step01_counting.py is not the skeleton of the reference: run graders skeleton.",
    ),
    "a skeleton that does not import": (
        lambda copy: in_both(copy, "import string\n", "import string\n\nGONE = string.no_such_name  # given\n"),
        "the kit cannot be imported, words/step02_ciphers.py: AttributeError: module 'string' has no attribute",
    ),
    "no example": (
        lambda copy: in_both(copy, "        >>> unshift(\"b up a\", 1)\n        'a to z'\n", "        'a to z'\n"),
        "step02_ciphers.unshift has no example: put one (>>>) into its docstring in the reference.",
    ),
    "no check": (
        lambda copy: change(copy / "words_checks" / "step02_ciphers.py", "step02_ciphers.unshift(", "step02_ciphers.shift("),
        "no check is about step02_ciphers.unshift: write one, or mark it # given.",
    ),
    "no hint": (
        lambda copy: change(copy / "words_checks" / "step02_ciphers.py", "Shift back by as many.", " "),
        "a check needs a hint and a docstring",
    ),
    "a solution among the checks": (solution_in_an_oracle, "words_checks/oracle.py holds lines of the reference, such as"),
    "checks that import the reference": (
        lambda copy: change(
            copy / "words_checks" / "step02_ciphers.py",
            "import string\n",
            "import string\n\nfrom words_reference.step02_ciphers import shift as right\n",
        ),
        "what students run imports the reference",
    ),
    "checks that import what is in the checkout alone": (
        lambda copy: change(
            copy / "words_checks" / "step02_ciphers.py", "import string\n", "import string\n\nimport fixtures\n"
        ),
        "cannot be loaded, ModuleNotFoundError: No module named 'fixtures'",
    ),
    "a public check that needs a hidden one": (
        lambda copy: change(
            copy / "words_checks" / "step01_counting.py", '"test_longest_word",', '"test_held_out_words_are_counted",'
        ),
        "is public and needs step01.held_out_words_are_counted, which is hidden",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused(copy: Path, tmp_path: Path, name: str) -> None:
    break_it, says = REFUSED[name]
    break_it(copy)
    done = graders("release", "--out", tmp_path / "out", "--course", copy)
    assert says in done.stderr
    assert done.returncode in {1, 2}
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_check_writes_nothing(copy: Path, tmp_path: Path) -> None:
    done = graders("release", "--check", "--course", copy, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["words"]
    both = graders("release", "--check", "--out", tmp_path / "out", "--course", copy)
    assert both.returncode == 2
    assert "give either --out DIR, or --check." in both.stderr


# --- a student with nothing but the kit


def commands_of(readme: str) -> list[str]:
    """Return the commands of a README in their order, without what is said beside them."""
    lines = (line.strip() for line in readme.splitlines() if line.startswith("    "))
    return [re.sub(r"\s+#.*", "", line) for line in lines if line.startswith(("python3 ", ".venv/bin/"))]


WITH_A_TERMINAL = ("--pdb", "--watch")
ALIKE_IN_EVERY_KIT = ("check 1-10", "--first", "--hints", "--replay", "[notebooks]")  # in the small course's kit too


def follow(kit: Path, place: Path, but: tuple[str, ...] = WITH_A_TERMINAL) -> tuple[Path, dict[str, str]]:
    """Unpack a kit and do what its README says; return where, and what each command printed.

    Commands are left out that hold one of the words in `but`.

    The libraries are not fetched: they are those of this environment, which the new one is shown once it is there.
    """
    with zipfile.ZipFile(kit) as packed:
        packed.extractall(place)
    folder = place / kit.stem
    here = {name: value for name, value in os.environ.items() if not name.startswith(("PIP", "PYTHON", "PYTEST"))}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {
        **here,
        "PATH": path,
        "PIP_NO_INDEX": "1",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_WARN_CONFLICTS": "1",
    }
    said = {}
    for command in commands_of((folder / "README.md").read_text(encoding="utf-8")):
        if any(word in command for word in but):
            continue
        done = subprocess.run(
            shlex.split(command), cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, encoding="utf-8", check=False, timeout=240,
        )  # fmt: skip
        said[command] = done.stdout
        assert done.returncode in {0, 1}, done.stdout
        if command.startswith("python3 "):
            libraries = next((folder / ".venv" / "lib").glob("python*/site-packages"))
            (libraries / "libraries.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
            for own in libraries.glob("setuptools*"):  # older than the libraries ask for; Python 3.12 brings none
                shutil.rmtree(own)
    return folder, said


def test_a_student_works_with_the_small_kit_alone(small_kit: Path, tmp_path: Path) -> None:
    """Ten seconds: an environment is made."""
    folder, said = follow(small_kit, tmp_path)
    assert "0 of 5.5 points of the public checks." in said[".venv/bin/lab check"]
    assert (folder / "YOUR NAME OR STUDENT NUMBER.zip").is_file()
    for source in (WORDS / "variants" / "split_by_hand").glob("*.py"):
        shutil.copy(source, folder / "words")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [folder / ".venv" / "bin" / "lab", "check"],
        cwd=folder / "words" / "answers", env=environment, capture_output=True, encoding="utf-8", check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "5.5 of 5.5 points of the public checks." in done.stdout


def test_a_student_works_with_this_course_s_kit_alone(own_kit: Path, tmp_path: Path) -> None:
    """Half a minute: an environment is made, and the kit's own checks import PyTorch."""
    _, said = follow(own_kit, tmp_path, (*WITH_A_TERMINAL, *ALIKE_IN_EVERY_KIT))
    assert "Step 1: 0 of 6 points" in said[".venv/bin/lab check 1"]
    assert "0 of 100 points of the public checks." in said[".venv/bin/lab check"]
