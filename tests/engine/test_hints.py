"""Hints: after an exception, what it means where work is graded, and never the hint of the check."""

from __future__ import annotations

from pathlib import Path

import pytest

from graders.authoring.check import CheckInfo, Visibility
from graders.course import BadCourse, load_course
from graders.judging.confined import ConfinedSubject
from graders.judging.judge import judge
from graders.judging.local import LocalSubject
from graders.judging.rubric import Check
from graders.outcomes import Verdict
from tests.support import COURSE, QUIETLY

OWN = "Η υπόδειξη του ελέγχου."
# Name: source of a module, words of the hint. The check calls f(1) of the module.
AT_IMPORT = {
    "library": ("import a_library_of_mine", "a_library_of_mine is not installed where it is graded"),
    "part_of_library": ("from a_library.part import x", "a_library is not installed where it is graded"),
    "sibling": ("from helper import x", "helper.py is in lab, beside this module: write the import with a dot, `from .helper import …`"),
    "no_dot": ("import helper as h", "`from .helper import …`"),
    "not_handed_in": ("from .another import x", "There is no another.py in lab: hand in that file too"),
    "harness": ("import fixtures", "fixtures is not there where it is graded, and no part of a submission"),
    "unknown_name": ("from .helper import y", "lab.helper defines no y: keep the names"),
    "old_name": ("from math import cosine", "The math that is installed where it is graded has no cosine"),
    "circle": ("from .step02_circle import f", "import one another"),
    "magic": ("get_ipython().run_line_magic('matplotlib', 'inline')", "a line for notebooks"),
    "shell": ("!pip install x", "a line for notebooks"),
    "percent": ("%matplotlib inline", "a line for notebooks"),
    "typing": ("n = int(input('εποχές: '))", "Nobody types while it is graded"),
    "quits": ("def f(n): return n\nquit()", "a function returns its result, it does not exit"),
    "exits": ("import sys\nsys.exit(0)", "it does not exit"),
    "ends": ("import os\nos._exit(0)", "it does not exit"),
    "prints": ("print 'hello'", "That is Python 2"),
    "quotes": ("x = “γεια”", "typographic quotes"),
    "blanks": ("y\u00a0= 3", "perhaps an invisible one"),
    "tabs": ("def f(n):\n    if n:\n\treturn n", "four blanks for each level, and no tabs"),
    "indents": ("def f(n):\nreturn n", "four blanks for each level"),
    "merge": ("<<<<<<< HEAD\nX = 1\n=======", "left by a merge"),
    "newer": ("type = 1\nx = f(", "Python 3.11, with which it is graded, cannot read that line"),
    "reads": ("open('δεδομένα/a.csv')", "make the folder first, `os.makedirs('δεδομένα', exist_ok=True)`; to read"),
    "asserts": ("assert not 'complete', 'πλήρης'", "Work at a module's top level runs at every import"),
    "environment": ("import os\nos.environ['DATA_DIR']", "there is no data of yours: put it below `if __name__ == '__main__':`"),
    "starts": ("import subprocess\nsubprocess.run(['pip', 'list'])", "starts no processes"),
    "downloads": ("import urllib.request as u\nu.urlopen('https://example.org')", "no network where it is graded"),
    "language": ("import locale\nlocale.setlocale(locale.LC_ALL, 'el_GR.ISO8859-7')", "leave setlocale out"),
}  # fmt: skip
IN_CALL = {
    "typing": ("def f(n): return input()", "Nobody types while it is graded"),
    "name": ("def f(n): return m", "Nothing is called m there: mend the spelling, or import or define it"),
    "cell": ("def f(n): raise NameError(\"name 'm' is not defined: cell 2 line 1 gives it, and failed\")", "Mend that cell of the notebook"),
    "too_early": ("def f(n):\n    m += n\n    return m", "no line before this one gave it a value"),
    "takes_nothing": ("def f(): return 1", "The check calls f as the skeleton declares it"),
    "other_names": ("def f(*, size): return 1", "keep the parameters, with their names, order and defaults"),
    "own_call": ("def g(a, b): return a\ndef f(n): return g(n)", "The call gives g other arguments"),
    "no_self": ("class A:\n    def g(): return 1\ndef f(n): return A().g()", "the first parameter of a method is self"),
    "hidden": ("f = True", "f in step02_hidden is no function but a value of type bool"),
    "hides_later": ("def f(n): return n\nf = [1]", "Give the value another name"),
    "stranger": ("from math import gcd as f\nfrom shutil import copyfile as f", "f in step02_stranger is the one of shutil"),
    "returns_nothing": ("def g(n): n\ndef f(n): return g(n).shape", "a function that ends without `return`"),
    "none_compared": ("def g(n): n\ndef f(n): return g(n) > 1", "a function that ends without `return`"),
    "old_numpy": ("import numpy as np\ndef f(n): return np.floot(n)", "The numpy that is installed where it is graded has no floot"),
    "attribute": ("class A: pass\ndef f(n): return A().size", "This A has no size: mend the spelling; if it is a class of yours"),
    "again_and_again": ("def f(n): return f(n)", "The function calls itself without end"),
    "memory": ("def f(n): return [0] * 10 ** 10", "more than the 2 GB that a worker has"),
    "quits": ("def f(n): exit()", "a function returns its result"),
    "own_folder": ("def f(n): open('/home/student/a.png', 'w')", "a path of one computer"),
    "windows": (r"def f(n): open('C:\\Users\\a.png')", "a path of one computer"),
    "folder": ("def f(n): open('figures/a.png', 'w')", "make the folder first, `os.makedirs('figures', exist_ok=True)`"),
    "file": ("def f(n): open('a.csv')", "an empty folder, and there is none of your files"),
    "beside": ("import pathlib\ndef f(n): (pathlib.Path(__file__).parent / 'a.json').read_text()", "the modules that you handed in, and no a.json"),
    "writes_beside": ("import pathlib\ndef f(n): (pathlib.Path(__file__).parent / 'a').write_text('')", "writes files in the current folder"),
    "pool": ("def f(n):\n    from multiprocessing import Pool\n    return Pool(2)", "starts no processes"),
    "greek": ("def f(n): return b'\\xff'.decode()", "open(path, encoding='utf-8')"),
    "divides": ("def f(n): return n / 0", "What it is divided by is 0"),
    "place": ("def f(n): return [][n]", "places count from 0"),
    "key": ("def f(n): return {}[n]", "There is no such key"),
    "other": ("def f(n): raise ValueError('αρνητικό')", "The brackets end with the line of yours that raised it"),
}  # fmt: skip
AT_HOME = {
    "library": ("import a_library_of_mine", "is not installed here. If it is one of the course's libraries"),
    "sibling": ("from helper import x", "`from .helper import …`"),
    "quits": ("quit()", "it does not exit"),
    "newer": ("x = f(", "Python 3.11, with which it runs here, cannot read that line"),
    "hidden": ("f = True", "f in step02_hidden is no function but a value of type bool"),
    "stranger": ("from shutil import copyfile as f", "f in step02_stranger is the one of shutil"),
    "folder": ("def f(n): open('no_such_folder/a.png', 'w')", "make the folder first"),
    "other": ("def f(n): raise ValueError('αρνητικό')", "`lab check 2 --pdb` stops where it is raised"),
}
LOADS = "The module does not load, and all checks of its step wait for that"


def written(
    folder: Path, cases: dict[str, tuple[str, str]], body: str, visibility: Visibility = "public"
) -> list[Check]:
    (folder / "lab").mkdir(parents=True)
    (folder / "lab" / "helper.py").write_text("x = 1\n", encoding="utf-8")
    checks = "from graders.authoring.expect import *\n"
    for name, (source, _) in cases.items():
        (folder / "lab" / f"step02_{name}.py").write_text(source + "\n", encoding="utf-8")
        checks += f"def test_{name}(lab, inputs): {body.format(module=f'lab.step02_{name}')}\n"
    path = folder / "step02_checks.py"
    path.write_text(checks, encoding="utf-8")
    info = CheckInfo(1, OWN, visibility=visibility, seconds=5)
    return [Check(f"step02.{name}", 2, name, f"{path}::test_{name}", info) for name in cases]


def graded(warm_server, folder: Path, rubric: list[Check]) -> dict[str, Verdict]:
    with ConfinedSubject(COURSE, warm_server.controls[0], folder, 0) as subject:
        found = judge(COURSE, rubric, subject, 0, QUIETLY)
    return {check_id.partition(".")[2]: verdict for check_id, verdict in found.items()}


def unlike(cases: dict[str, tuple[str, str]], found: dict[str, Verdict]) -> dict[str, tuple[str, str]]:
    return {name: (found[name].message, found[name].hint) for name in cases if cases[name][1] not in found[name].hint}


def test_a_module_that_does_not_load_says_why_and_what_to_do(warm_server, tmp_path):
    found = graded(warm_server, tmp_path, written(tmp_path, AT_IMPORT, "expect_number({module}.f(1), 1, 'f(1)')"))
    assert unlike(AT_IMPORT, found) == {}
    assert all(LOADS in verdict.hint and OWN not in verdict.hint for verdict in found.values())


def test_an_exception_says_what_it_means_where_it_is_graded(warm_server, tmp_path):
    found = graded(warm_server, tmp_path, written(tmp_path, IN_CALL, "expect_number({module}.f(1), 1, 'f(1)')"))
    assert unlike(IN_CALL, found) == {}
    assert [name for name, verdict in found.items() if OWN in verdict.hint or LOADS in verdict.hint] == []


def test_at_home_it_says_what_it_means_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rubric = written(tmp_path, AT_HOME, "expect_number({module}.f(1), 1, 'f(1)')")
    with LocalSubject(COURSE, tmp_path) as subject:
        found = judge(COURSE, rubric, subject, 0, QUIETLY)
    assert unlike(AT_HOME, {check_id.partition(".")[2]: verdict for check_id, verdict in found.items()}) == {}


def test_a_file_that_the_check_gave_is_told_from_the_students_own(warm_server, tmp_path):
    cases = {"given": ("def f(folder): open(folder / 'λίστα.csv')", "The folder that the check gave has no λίστα.csv")}
    found = graded(warm_server, tmp_path, written(tmp_path, cases, "{module}.f(inputs)"))
    assert unlike(cases, found) == {}


def test_work_that_does_not_end(warm_server, tmp_path):
    cases = {
        "import": ("while True: pass", "The import did not end in time. Work at a module's top level"),
        "loop": ("def f(n):\n    while True: pass", "Look for a loop that does not end"),
    }
    rubric = written(tmp_path, cases, "expect_number({module}.f(1), 1, 'f(1)')")
    found = graded(warm_server, tmp_path, [with_seconds(check, 0.5) for check in rubric])
    assert unlike(cases, found) == {}


def with_seconds(check: Check, seconds: float) -> Check:
    info = check.info
    return Check(check.id, check.step, check.title, check.node, CheckInfo(info.points, info.hint, seconds=seconds))


def test_the_hint_of_a_hidden_check_repeats_no_exception(warm_server, tmp_path):
    cases = {"tells": ("def f(n): raise NameError(\"name 'μυστικό' is not defined\")", "")}
    found = graded(warm_server, tmp_path, written(tmp_path, cases, "{module}.f(1)", "hidden"))
    assert "μυστικό" not in found["tells"].hint


def test_the_name_of_an_exception_is_the_one_that_python_prints(warm_server, tmp_path):
    cases = {
        "language": ("def f(n):\n    import locale\n    locale.setlocale(0, 'xx_XX')", "locale.Error: "),
        "own": ("class Λάθος(Exception): pass\ndef f(n): raise Λάθος('ναι')", "raised Λάθος: ναι"),
    }
    found = graded(warm_server, tmp_path, written(tmp_path, cases, "{module}.f(1)"))
    assert {name: words in found[name].message for name, (_, words) in cases.items()} == {"language": True, "own": True}


@pytest.mark.parametrize("text", ["CUDA error", "Torch not compiled with CUDA enabled"])
def test_a_course_says_what_exceptions_of_its_libraries_mean(warm_server, tmp_path, text):
    cases = {"gpu": (f"def f(n): raise AssertionError({text!r})", "There is no GPU where it is graded")}
    found = graded(warm_server, tmp_path, written(tmp_path, cases, "{module}.f(1)"))
    assert unlike(cases, found) == {}


def test_a_pattern_of_a_course_that_is_none_is_named(tmp_path):
    lines = "".join(f'{key} = "x"\n' for key in ("title", "root", "package", "reference", "checks"))
    hints = "[[hints]]\npattern = '('\nhint = 'Όχι.'\n"
    (tmp_path / "course.toml").write_text(f"points = 1\n{lines}{hints}", encoding="utf-8")
    with pytest.raises(BadCourse, match=r"the pattern '\(' of a hint is no regular expression"):
        load_course(tmp_path)


def test_an_error_of_numpy_that_shows_itself_as_a_built_in_one_is_called_like_that(warm_server, tmp_path):
    cases = {"large": ("import numpy as np\ndef f(n): return np.ones((n, 10**12))", "raised MemoryError: Unable")}
    found = graded(warm_server, tmp_path, written(tmp_path, cases, "{module}.f(1)"))
    assert cases["large"][1] in found["large"].message
    assert "more than the 2 GB" in found["large"].hint
