"""Notebooks: which of their statements are kept, and what is said of the others."""

from __future__ import annotations

import json

import pytest

from graders.intake.notebooks.notebook import read_notebook
from graders.intake.notebooks.package import HEADER
from tests.engine.notebooks import kept, names_of, notebook
from tests.support import COURSE

WORK = "work at the top level that no definition needs was skipped: "
MAGICS = "magics and shell lines were skipped: "
BAD = "it is not Python"


def without_blanks(source: str) -> str:
    return "\n".join(line for line in source.split("\n") if line)


@pytest.mark.parametrize(
    "source",
    [
        "import numpy as np",
        "from pathlib import Path",
        "def f(x):\n    return x + 1",
        "async def f(x):\n    return x",
        "class A:\n    '''Text.'''\n\n    x = 1",
        "import functools\n@functools.cache\n@functools.wraps(len)\ndef f():\n    pass",
        "from dataclasses import dataclass\n@dataclass(\n    frozen=True\n)\nclass A:\n    x: int",
        "N_MELS = 128",
        "SIZES: list[int] = [1, 2, 3]",
        "GENRES = {'Ρεμπέτικο': 0, 'Blues': -1}",
        "try:\n    import tqdm\nexcept ImportError:\n    tqdm = None",
        "try:\n    import tqdm\nexcept ImportError:\n\n    def tqdm(): ...\nfinally:\n    pass",
        "TEXT = '''\n%matplotlib inline\n!ls\n'''",
        "def f():\n    '''\n    %time\n    ?\n    '''\n    return 5 \\\n  % 3",
        "if True:\n    def f():\n        return 1",
        "with open('a') as file:\n    class A:\n        pass",
        "from os.path import *",
    ],
)
def test_definitions_imports_and_literals_are_kept_as_they_stand(source: str) -> None:
    assert kept(source) == (without_blanks(source), [])


@pytest.mark.parametrize(
    ("statements", "used"),
    [
        ("import re\nX = re.compile('a+')", "X"),
        ("import logging\nlogger = logging.getLogger(__name__)\nlogger.setLevel(logging.INFO)", "logger"),
        ("from collections import namedtuple\nItem = namedtuple('Item', 'a b')", "Item"),
        ("from functools import partial\nload = partial(open, mode='r')", "load"),
        ("relu = lambda x: max(x, 0)", "relu"),
        ("a, b = 1, 2", "b"),
        ("N = 3\nTABLE = [i * N for i in range(3)]", "TABLE"),
        ("N = 3\nN += 4", "N"),
        ("X = ', '.join(['a'])", "X"),
        ("import torch\nif torch.cuda.is_available():\n    device = 'cuda'\nelse:\n    device = 'cpu'", "device"),
        ("MAP = {}\nMAP['a'] = None\nMAP.update(b=1)\nfor g in ('c', 'd'):\n    MAP[g] = None", "MAP"),
        ("NAMES = ['b', 'a']\nNAMES.sort()\ndel NAMES[0]", "NAMES"),
        ("class A: ...\ndef run(self): ...\nA.run = run\nsetattr(A, 'size', 3)", "A"),
        ("from argparse import Namespace\nargs = Namespace(lr=1)\nargs.epochs = 5", "args"),
        ("import random\nrandom.seed(3)\norder = [3, 1]\nrandom.shuffle(order)", "random, order"),
        ("import matplotlib.pyplot as plt\nplt.rcParams['figure.dpi'] = 90\nplt.rcParams.update({'a': 1})", "plt"),
        ("try:\n    N = int('3')\nexcept ValueError:\n    N = 0", "N"),
        ("with open('settings') as file:\n    SETTINGS = file.read()", "SETTINGS"),
        ("if (n := 5) > 3:\n    pass", "n"),
        ("import os\nos.makedirs('runs', exist_ok=True)", "os"),
        ("import functools\ndef f(): ...\nf = functools.cache(f)", "f"),
        ("def setup():\n    global N\n    N = 3\nsetup()", "N"),
    ],
)
def test_what_a_definition_needs_is_kept_whatever_it_calls(statements: str, used: str) -> None:
    source = f"{statements}\ndef use():\n    return {used}"

    assert kept(source) == (source, [])


def test_what_is_needed_is_followed_through_all_cells() -> None:
    text, notes = kept("import re\nA = len('a')\nB = A + 1", "C = B * 2\nD = C", "def use(x=C):\n    return x")

    assert text == "import re\nA = len('a')\nB = A + 1\nC = B * 2\ndef use(x=C):\n    return x"
    assert notes == [f"{WORK}cell 2 line 2 `D = C`"]


def test_a_constant_that_the_course_asks_for_is_kept_although_nothing_uses_it() -> None:
    source = "CLASS_MAPPING = dict(zip(['Rock'], ['Rock']))\nOTHER = dict(zip('a', 'b'))"

    assert kept(source) == (
        "CLASS_MAPPING = dict(zip(['Rock'], ['Rock']))",
        [f"{WORK}cell 1 line 2 `OTHER = dict(zip('a', 'b'))`"],
    )


def test_local_names_need_nothing() -> None:
    text, _ = kept(
        "model = make()\nlabels = load()", "def f(model):\n    labels = [model for model in model]\n    return labels"
    )

    assert text.startswith("def f(model)")


@pytest.mark.parametrize(
    "guarded",
    [
        'if __name__ == "__main__":\n    N = len("abc")\n    print(N)',
        "if __name__ == '__main__': N = len('abc'); print(N)",
        "if __name__ == '__main__':\n    N = len('abc'); print(N)",
    ],
)
def test_a_main_guard_holds_in_a_notebook(guarded: str) -> None:
    assert names_of(f"{guarded}\ndef use():\n    return N")["use"]() == 3


def test_statements_that_share_a_line_are_told_apart() -> None:
    assert kept("α = 'ά'; print(α); b = 2") == ("α = 'ά'\nb = 2", [f"{WORK}cell 1 line 1 `print(α)`"])


def test_a_cell_that_is_indented_as_a_whole_is_read() -> None:
    assert kept("    N = 3\n    def f():\n        return N")[0] == "N = 3\ndef f():\n    return N"


# Magics


@pytest.mark.parametrize(
    "line",
    [
        "%matplotlib inline",
        "%load_ext autoreload",
        "%time train(model)",
        "!pip install librosa",
        "!echo \"it's $HOME",
        "files = !ls -la",
        "a, b = !ls",
        "took = %timeit -o f()",
        "np.median?",
        "np.median??",
        "?np.median",
        "pip install -q librosa",
    ],
)
def test_magic_and_shell_lines_are_left_out_and_named(line: str) -> None:
    assert kept(f"x = 1\n{line}\ny = '''\n% kept\n'''") == (
        "x = 1\ny = '''\n% kept\n'''",
        [f"{MAGICS}cell 1 line 2 `{line}`"],
    )


def test_a_magic_line_inside_a_function_leaves_a_function() -> None:
    names = names_of("def f():\n    %time pass\n    return 7 \\\n    % 4")

    assert names["f"]() == 3


@pytest.mark.parametrize("magic", ["%%time", "%%timeit -n 1", "%%capture out", "%%prun"])
def test_cells_under_a_magic_that_runs_python_are_kept(magic: str) -> None:
    assert kept(f"{magic}\nx = 1") == ("x = 1", [f"{MAGICS}cell 1 `{magic}`"])


@pytest.mark.parametrize(
    "magic",
    [
        "%%bash",
        "%%html",
        "%%writefile notes.txt",
        "%%javascript",
        "\n  %%sh -x",
        "%%writefile ../x.py",
        "%%file a/b.py",
    ],
)
def test_cells_under_another_magic_are_skipped_whole(magic: str) -> None:
    text, notes = kept(f"{magic}\nx = 1", "y = 2")

    assert text == "y = 2"
    assert notes == [f"cells that are not Python were skipped whole: cell 1 `{magic.split(maxsplit=1)[0]}`"]


# Work


@pytest.mark.parametrize(
    "work",
    [
        "train(model)",
        "model = train()",
        "for epoch in range(10):",
        "while True:",
        "with open('a') as file:",
        "if __name__ == '__main__':",
        "x = [f(i) for i in range(3)]",
        "del sys",
        "assert False",
        "import_module('a').b = len(load())",
        "table",
    ],
)
def test_work_at_the_top_level_is_skipped_and_named(work: str) -> None:
    inner = "a()" if work.startswith("if ") else work
    line = 3 if work.startswith("if ") else 2
    text, notes = kept("a = 1", f"\n{work}" + ("\n    a()" if work.endswith(":") else "") + "\nb = 2")

    assert text == "a = 1\nb = 2"
    assert notes == [f"{WORK}cell 2 line {line} `{inner}`"]


def test_a_statement_that_awaits_is_skipped() -> None:
    text, notes = kept("x = await load()\ny = 1")

    assert text == "y = 1"
    assert notes == ["statements that wait with await were skipped: cell 1 line 1 `x = await load()`"]


@pytest.mark.parametrize(
    "statement",
    [
        "history = fit(net)",
        "history = Trainer().run(net)",
        "history = (loss(net) + 1).backward()",
        "for _ in range(9):\n    loss(net).backward()\n    history = net",
        "history = input('epochs? ')",
        "import time\nhistory = time.sleep(100)",
    ],
)
def test_what_trains_or_waits_is_left_out_although_a_definition_needs_it(statement: str) -> None:
    functions = (
        "def loss(net): ...\ndef fit(net):\n    return step(net)\ndef step(net):\n    loss(net).backward()\n"
        "class Trainer:\n    def run(self, net):\n        fit(net)"
    )
    text, notes = kept(functions, statement, "def show():\n    return history")

    assert "history =" not in text
    assert notes[0].startswith(
        "a definition needs these, but they were skipped, since they train, wait or ask: cell 2 "
    )


def test_a_librarys_method_of_the_name_of_one_that_trains_is_run() -> None:
    cells = [
        "class Net:\n    def fit(self, loss):\n        loss.backward()",
        "import enc\ne = enc.Encoder().fit([1])\ne.fit([2])",
    ]
    text, _ = kept(*cells, "def use():\n    return e")

    assert text.endswith("import enc\ne = enc.Encoder().fit([1])\ne.fit([2])\ndef use():\n    return e")


def test_a_timed_assignment_is_one() -> None:
    assert names_of("%time N = len('abc')\ndef use():\n    %time n = N\n    return n")["use"]() == 3


@pytest.mark.parametrize("result", ["accuracy = accuracy(y, y)", "accuracy = load().mean()", "n, accuracy = load()"])
def test_a_result_does_not_take_the_place_of_the_function_of_its_name(result: str) -> None:
    text, notes = kept("def accuracy(a, b):\n    return n", result)

    assert "load" not in text
    assert "(y, y)" not in text
    assert result in notes[0]


def test_of_many_lines_left_out_some_are_named() -> None:
    notes = read_notebook(notebook("f()\n" * 1000, "x = 1", "g()"), COURSE).notes

    assert len(notes) == 1
    assert notes[0].startswith(f"{WORK}cell 1 line 1 `f()`; cell 1 line 2 `f()`; ")
    assert notes[0].endswith("; and 996 more, in cells 1 and 3")


def test_a_real_notebook_gets_few_notes() -> None:
    cells = [f"%time f()\nprint({n})\nmodel{n} = train({n})\n!ls\nbroken =\n" for n in range(40)]
    notes = read_notebook(notebook(*cells), COURSE).notes

    assert len(notes) <= 20


# What is no Python


def test_a_line_that_is_no_python_costs_only_its_statement() -> None:
    text, notes = kept("x = 1", "y = 2\nthis is no python\nw = 4", "z = 3")

    assert text == "x = 1\ny = 2\nw = 4\nz = 3"
    assert len(notes) == 1
    assert notes[0].startswith(f"cell 2 line 2: skipped, {BAD}")


def test_a_function_with_a_bad_line_is_left_out_whole_and_named() -> None:
    text, notes = kept(
        "def f():\n    return 1\n\n@cache\ndef g():\n    x = = 2\n    return x\n\ndef h():\n    return 3"
    )

    assert text == "def f():\n    return 1\ndef h():\n    return 3"
    assert notes[0].startswith(f"cell 1 line 6: skipped, {BAD}")
    assert notes[0].endswith("missing without it: `g`")


def test_what_another_cell_gives_is_not_called_missing() -> None:
    _, notes = kept("def f(:\n    return 1", "def f():\n    return 2", "x = = 1; y = 2")

    assert [note.partition("; missing without it: ")[2] for note in notes] == ["", "`x`"]


@pytest.mark.parametrize(
    ("source", "left"),
    [
        ("for i in range(3):\nprint(i)\nx = 1", "x = 1"),
        ("def f():\ny = 1\nx = 1", "y = 1\nx = 1"),
        ("x = 1\n    y = 2\nz = 3", "x = 1\nz = 3"),
        ("f(1,\nx = 1\ndef g(): ...", "x = 1\ndef g(): ..."),
        ("x = 1\nreturn x\ny = 2", "x = 1\ny = 2"),
        ("def f():\n    return 1\n  return 2\nx = 1", "x = 1"),
        ("x = 1\nif y:\n", "x = 1"),
        ("x = 1\nprint 'a'\nexec 'b'\ny = 2", "x = 1\ny = 2"),
        ("x = 1\n<<<<<<< HEAD\ny = 1\n=======\ny = 2\n>>>>>>> b\nz = 2", "x = 1\ny = 1\ny = 2\nz = 2"),
    ],
)
def test_the_rest_of_a_cell_with_bad_lines_is_kept(source: str, left: str) -> None:
    text, notes = kept(source)

    assert [line for line in text.split("\n") if line] == left.split("\n")
    assert all(BAD in note for note in notes if WORK not in note)


@pytest.mark.parametrize(
    "source",
    [
        "def f(a, a): pass",
        "def f():\n    break",
        "return 5",
        "x = " + "(" * 3000,
        "x = " + "-" * 100_000 + "1",
        "x = " + "a." * 5000 + "b()",
        "x = 1\0",
        "(x",
        "'''",
        "if x:\n\ty\n        z",
        "\\",
        "\ud800 = 1",
        "%x\n" * 60,
    ],
    ids=lambda source: repr(source[:20]),
)
def test_cells_that_python_cannot_compile_cost_only_themselves(source: str) -> None:
    text, notes = kept("x = 1", source, "z = 3")

    assert text == "x = 1\nz = 3"
    assert "cell 2" in notes[-1]
    assert all(note.isprintable() and len(note) < 490 for note in notes)


def test_a_long_name_of_calls_is_work() -> None:
    assert kept("x = " + "a." * 600 + "b()")[0] == ""


def test_a_long_cell_is_read_in_its_stride() -> None:
    names = names_of("\n".join(f"x{n} = {n}" for n in range(20_000)))

    assert names["x19999"] == 19_999


def test_half_characters_do_not_spread() -> None:
    read = read_notebook(notebook("x = '\ud800'", "%magic \ud800\ny = 1"), COURSE)

    assert b"x = '?'" in read.files["notebook.py"]
    assert json.dumps(read.notes, ensure_ascii=False).encode()


@pytest.mark.parametrize(
    "source",
    [
        "print('\x1b[2J\u202e\x07')",
        "x = " + " + ".join(f"missing{n}" for n in range(1000)),
        f"x = f({'m' * 5000})",
        f"def f({'a' * 5000}, {'a' * 5000}): pass",
        f"%{'m' * 5000}\x1b[2J",
        f"%%{'m' * 5000}\x1b[2J",
        'x = """\x1b\n',
        "@f(\x1b)",
        f"import {'m' * 5000}",
        f"def {'f' * 5000}(): pass\n" * 2,
    ],
    ids=lambda source: repr(source[:20]),
)
def test_notes_are_short_and_hold_no_orders_to_a_terminal(source: str) -> None:
    notes = read_notebook(notebook(source), COURSE).notes

    assert notes
    assert all(note.isprintable() and len(note) < 500 for note in notes)


def test_statements_that_share_a_line_cost_no_more_than_their_length() -> None:
    names = names_of(";".join(f"x{n} = '{n}'" for n in range(10_000)) + '; y = """\n' + "a" * 100_000 + '"""; z = 3')

    assert (names["x9999"], len(names["y"]), names["z"]) == ("9999", 100_001, 3)


# Names given twice, untouched copies, imports


def test_a_name_defined_twice_is_the_later_one_and_told() -> None:
    names = names_of("N = 3\ndef f():\n    return 1", "N = 4\ndef f():\n    return 2")
    notes = kept("def f(): ...", "x = 1", "def f(): ...")[1]

    assert (names["N"], names["f"]()) == (4, 2)
    assert notes == ["defined more than once, the last counts: `f` in cells 1 and 3"]


def test_a_class_over_several_cells_is_one() -> None:
    source = [
        "class A:\n    x = 1",
        "class A(A):\n    y = 2",
        "def both(self):\n    return self.x + self.y\nA.both = both",
    ]

    assert names_of(*source)["A"]().both() == 3
    assert kept(*source)[1] == []


@pytest.mark.parametrize("work_first", [True, False])
def test_an_untouched_copy_of_the_skeleton_does_not_win_over_work(work_first: bool) -> None:
    work = "def f():\n    return 1\nclass A:\n    def g(self):\n        return 2"
    copy = (
        'def f():\n    """Return 1."""\n    raise NotImplementedError("step 1")\n'
        'class A:\n    """A."""\n    size: int\n    def g(self):\n        raise NotImplementedError'
    )
    cells = [work, copy] if work_first else [copy, work]
    names = names_of(*cells)

    assert (names["f"](), names["A"]().g()) == (1, 2)
    assert any("only raises NotImplementedError and another cell has the work" in note for note in kept(*cells)[1])


def test_an_untouched_function_without_work_elsewhere_stays() -> None:
    with pytest.raises(NotImplementedError):
        names_of("def f():\n    raise NotImplementedError")["f"]()


@pytest.mark.parametrize("kind", ["markdown", "raw"])
def test_code_in_a_cell_of_text_is_told(kind: str) -> None:
    text, notes = kept(
        (kind, "# 1\nSome words: class of sounds\n"),
        (kind, "def f(x):\n    return x\n\ndef g(): # here\n  pass"),
        "def g(): ...",
    )

    assert text == "def g(): ..."
    name = kind.title() if kind == "markdown" else kind
    assert notes == [f"{name} cell 2 holds code (`f`), which nobody runs: make it a code cell"]


def test_a_library_that_is_not_installed_is_told_with_what_needs_it() -> None:
    notes = kept(
        "import no_such_library.part as n\nimport os, json", "def f() -> n.Frame:\n    return n.x\ndef g(): ..."
    )[1]

    assert notes == ["cell 1 line 1: no_such_library.part is not installed where this is graded; it is used in `f`"]


def test_a_library_with_a_substitute_is_not_told() -> None:
    assert kept("try:\n    import no_such_library\nexcept ImportError:\n    no_such_library = None")[1] == []


def test_an_empty_notebook_is_a_package() -> None:
    assert read_notebook(notebook(), COURSE).files["notebook.py"].decode().strip() == HEADER
