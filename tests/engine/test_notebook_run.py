"""Notebooks: what the package that they become does where it is imported."""

from __future__ import annotations

import importlib
import pickle
import traceback
from pathlib import Path

import pytest

from graders.intake.notebooks.notebook import read_notebook
from tests.engine.notebooks import STEP1, STEP2, module_of, names_of, notebook, package_of
from tests.support import COURSE


@pytest.mark.parametrize("name", COURSE.modules)
def test_every_step_module_has_the_notebooks_names(name: str) -> None:
    module = module_of(name, "import math\n_HIDDEN = 1", "def area(r):\n    return math.pi * r * r * _HIDDEN")

    assert module.area(1) == pytest.approx(3.14159, abs=1e-4)
    assert module.__name__ == f"lab.{name}"
    assert not hasattr(module, "_HIDDEN")
    assert not hasattr(module, "missing")


@pytest.mark.parametrize("end", ["\r\n", "\r", "\n"])
def test_every_line_end_is_read(end: str) -> None:
    assert names_of(end.join(["x = 1", "train()", "def f():", "    return x", ""]))["f"]() == 1


def test_sources_may_be_lists_of_lines() -> None:
    assert names_of(["x = 1\n", "y = 2"])["y"] == 2


def test_annotations_are_not_evaluated() -> None:
    names = names_of(
        "from dataclasses import dataclass",
        "from __future__ import annotations\ndef f(a: Nowhere) -> pd.DataFrame: ...",
        "@dataclass\nclass A:\n    x: nowhere.At = 5",
    )

    assert names["f"].__annotations__["a"] == "Nowhere"
    assert names["A"]().x == 5


# What fails


def test_a_library_that_is_not_installed_costs_only_what_uses_it() -> None:
    names = names_of(
        "import os, no_such_library as n\nfrom another.missing import (\n    a,\n    b,\n)",
        "def f():\n    return os.sep\ndef g():\n    return n.x",
    )

    assert names["f"]() == "/"
    with pytest.raises(
        NameError, match=r"name 'n' is not defined: cell 1 line 1 gives it, and failed \(ModuleNotFound"
    ):
        names["g"]()


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("import os\nX = os.environ['NOWHERE']", r"cell 1 line 2 gives it, and failed \(KeyError: 'NOWHERE'\)"),
        ("X = max([])", r"cell 1 line 1 gives it, and failed \(ValueError: max\(\)"),
        ("X = open('no such file').read()", r"cell 1 line 1 gives it, and failed \(FileNotFoundError"),
        ("import sys\nX = sys.exit(3)", r"cell 1 line 2 gives it, and failed \(SystemExit: 3\)"),
        ("X = int(input())", r"cell 1 line 1 gives it, and was skipped: `X = int\(input\(\)\)`"),
        ("X = !ls", r"cell 1 line 1 gives it, and was skipped: `X = !ls`"),
        ("X = f(3) +", r"cell 1, which gives it, was skipped: line 1: it is not Python"),
        ("class E(Exception):\n    def __str__(self): return 1 / 0\ndef e(): raise E\nX = e()", r"failed \(E:\)"),
    ],
)
def test_a_statement_that_fails_costs_only_what_needs_it_and_names_its_place(statement: str, why: str) -> None:
    names = names_of(statement, "def f():\n    return 1\ndef g():\n    return X\ndef h(x=X):\n    return x")

    assert names["f"]() == 1
    assert "h" not in names
    with pytest.raises(NameError, match=f"^name 'X' is not defined: .*{why}"):
        names["g"]()


def test_a_definition_that_fails_is_asked_for_with_the_reason() -> None:
    module = module_of(
        STEP1, "from no_such_library import interact", "@interact(n=3)\ndef look(n):\n    return n\ndef f(): ..."
    )

    assert module.f() is None
    with pytest.raises(NameError, match=r"look is missing: cell 2 line 1 gives it, and failed .*cell 1 line 1"):
        _ = module.look


def test_a_name_that_nothing_gives_is_missing_as_in_python() -> None:
    names = names_of(
        "def f():\n    return nowhere\ndef g():\n    try:\n        return tqdm\n    except NameError:\n        return 1"
    )

    assert names["g"]() == 1
    with pytest.raises(NameError, match=r"^name 'nowhere' is not defined$"):
        names["f"]()


def test_what_a_failed_repetition_was_to_give_stays_as_it_was() -> None:
    assert names_of("N = 3\nimport os\nN = int(os.environ['NOWHERE'])\ndef f():\n    return N")["f"]() == 3


def test_cells_in_another_order_than_they_were_run_in_find_each_other() -> None:
    names = names_of(
        "def f(x=N):\n    return g() + x", "class A(B): ...", "N = 3\nclass B: ...\ndef g():\n    return 1"
    )

    assert names["f"]() == 4
    assert issubclass(names["A"], names["B"])


def test_a_statement_without_end_is_ended() -> None:
    wait = "def wait():\n    while True:\n        try:\n            while True: pass\n        except ValueError: pass"
    names = names_of(wait, "X = wait()\ndef g():\n    return X", "def f():\n    return 1")

    assert names["f"]() == 1
    with pytest.raises(NameError, match=r"cell 2 line 1 gives it, and failed .TimeoutError: it takes too long"):
        names["g"]()


# Where things are


def test_tracebacks_count_in_cells() -> None:
    names = names_of(
        "# a\n\nx = 1",
        "y = 1\n\n%time\ndef f():\n    %time\n    return g()",
        "if True:\n    @staticmethod\n    def g():\n        return 1 / 0",
    )
    with pytest.raises(ZeroDivisionError) as caught:
        names["f"]()
    frames = traceback.extract_tb(caught.value.__traceback__)[1:]

    assert [(Path(frame.filename).name, frame.lineno, frame.name) for frame in frames] == [
        ("cell 2", 6, "f"),
        ("cell 3", 4, "g"),
    ]


def test_lines_below_a_main_guard_are_those_of_the_cell() -> None:
    names = names_of("if __name__ == '__main__':\n    def f():\n        return 1 / 0")
    with pytest.raises(ZeroDivisionError) as caught:
        names["f"]()

    assert traceback.extract_tb(caught.value.__traceback__)[-1].lineno == 3


def test_objects_of_a_notebooks_classes_can_be_pickled() -> None:
    with package_of(notebook("class A:\n    x = 1\na = A()\ndef f():\n    return a")):
        again = pickle.loads(pickle.dumps(importlib.import_module(f"lab.{STEP1}").f()))

    assert again.x == 1


# The front end


@pytest.mark.parametrize(
    "cell",
    [
        "def f(x):\n    display(x)\n    return x",
        "from IPython.display import display, clear_output\ndef f(x):\n    clear_output(wait=True)\n    display(x)\n    return x",
        "import IPython.display as ipd\ndef f(x):\n    display(ipd.Audio(x, rate=3))\n    return x",
        "def f(x):\n    from IPython import get_ipython\n    get_ipython().run_line_magic('time', '')\n    return x",
        "from IPython.display import *\ndef f(x):\n    display(HTML('a'))\n    return x",
        "IN_COLAB = 'google.colab' in str(get_ipython())\nif IN_COLAB:\n    N = 5\nelse:\n    N = 0\ndef f(x):\n    return x + N",
    ],
)
def test_the_front_end_does_nothing(cell: str) -> None:
    assert names_of(cell)["f"](7) == 7


def test_libraries_do_not_take_the_stand_in_for_a_front_end() -> None:
    names = names_of("import sys\nimport IPython\ndef f():\n    return sys.modules.get('IPython')")

    assert names["f"]() is None


# Files that cells write


@pytest.mark.parametrize(
    "path",
    [f"lab/{STEP1}.py", f"./lab/{STEP1}.py", f"/content/drive/lab/{STEP1}.py", f"{STEP1}.py", f"'lab/{STEP1}.py'"],
)
def test_a_cell_that_writes_a_step_module_is_that_module(path: str) -> None:
    read = read_notebook(notebook("!mkdir lab", f"%%writefile {path}\ndef f():\n    return 'ά'\n", "x = 1"), COURSE)

    assert read.files[f"{STEP1}.py"].decode() == "def f():\n    return 'ά'\n\n"
    assert STEP2 in read.files[f"{STEP2}.py"].decode() or b"member" in read.files[f"{STEP2}.py"]


def test_written_modules_and_cells_find_each_other() -> None:
    cells = [
        "%%writefile lab/helpers.py\ndef twice(x):\n    return 2 * x",
        "%%writefile -a lab/helpers.py\ndef thrice(x):\n    return 3 * x",
        f"%%writefile lab/{STEP1}.py\nfrom lab.helpers import twice\nfrom .helpers import thrice\ndef f(x):\n    return twice(x) + thrice(x)",
        f"from lab.{STEP1} import f\nfrom helpers import twice\ndef g(x):\n    return f(x) + twice(x)",
    ]

    assert module_of(STEP1, *cells).f(1) == 5
    assert module_of(STEP2, *cells).g(1) == 7


def test_a_notebook_imports_its_own_names_from_the_package() -> None:
    cells = [
        f"from lab.{STEP1} import f\nimport lab.{STEP2} as s2",
        "def f():\n    return 1",
        f"from lab.{STEP1} import f\ndef g():\n    return f() + s2.f()",
    ]

    assert module_of(STEP1, *cells).g() == 2


def test_a_written_module_that_is_untouched_does_not_hide_work() -> None:
    cells = [f"%%writefile lab/{STEP1}.py\ndef f():\n    raise NotImplementedError", "def f():\n    return 1"]

    assert module_of(STEP1, *cells).f() == 1
    assert any("other cells have the work" in note for note in read_notebook(notebook(*cells), COURSE).notes)


# Imports are no exercises


def test_an_imported_function_is_no_answer_to_the_exercise_of_its_name() -> None:
    name = "confusion_matrix"
    cells = [f"from sklearn.metrics import {name}, f1_score", f"def f():\n    return {name}"]
    module = module_of("step06_evaluation", *cells)

    with pytest.raises(NotImplementedError, match=f"cell 1 line 1 imports {name}"):
        getattr(module, name)
    assert callable(module.f1_score)
    assert callable(module.f())
    assert any("no answer" in note for note in read_notebook(notebook(*cells), COURSE).notes)


def test_what_was_defined_before_an_import_of_its_name_is_graded() -> None:
    cells = ["def confusion_matrix():\n    return 1", "from sklearn.metrics import confusion_matrix"]

    assert module_of("step06_evaluation", *cells).confusion_matrix() == 1
