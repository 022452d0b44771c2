"""Notebooks: which of their lines become modules, and what is said of the others."""

import importlib
import json
import sys
import tracemalloc
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graders.intake.archives import UnreadableSubmission
from graders.intake.limited import read_apart
from graders.intake.notebook import NOTES, SUPPRESS, read_notebook
from graders.intake.submission import Submission, read_submission
from graders.outcomes import HarnessFault
from tests.support import COURSE

STEADY = settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


def notebook(*sources: object, **changes: object) -> bytes:
    cells = [
        {
            "cell_type": "code",
            "id": f"c{number}",
            "metadata": {},
            "source": source,
            "outputs": [],
            "execution_count": None,
        }
        for number, source in enumerate(sources)
    ]
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells, **changes}).encode()


def kept(*sources: object) -> tuple[str, list[str]]:
    """Return the module's lines without the comments and blank lines between cells, and the notes."""
    read = read_notebook(notebook(*sources), COURSE)
    text = read.files["notebook.py"].decode()
    text = text.replace(f"{SUPPRESS}\n", "").replace("with _suppress(ImportError):\n    ", "")
    return "\n".join(line for line in text.split("\n") if line and not line.startswith("# cell")), read.notes


def names_of(*sources: object) -> dict[str, Any]:
    """Run the module that a notebook becomes, and return its names."""
    files = read_notebook(notebook(*sources), COURSE).files
    names: dict[str, Any] = {"__name__": "lab.notebook"}
    exec(compile(files["notebook.py"], "notebook.py", "exec", dont_inherit=True), names)
    return names


# What is kept


def test_a_library_that_is_not_installed_costs_only_what_uses_it() -> None:
    names = names_of(
        "import no_such_library as n\nfrom another.missing import (\n    a,\n    b,\n)",
        "def f():\n    return 1\ndef g():\n    return n.x",
    )

    assert names["f"]() == 1
    with pytest.raises(NameError):
        names["g"]()


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
        "a, b = 1, 2",
        "GENRES = {'Ρεμπέτικο': 0, 'Blues': 1}",
        "ROOT = __import__\nX = {**{}}",
        "N = 3\nTABLE = [i * N for i in range(3)]",
        "NAMES = {'a': 1}\nBY_NUMBER = {number: name for name, number in NAMES.items()}",
        "from pathlib import Path\nROOT = Path('a') / 'b'",
        "import torch\nDEVICE = torch.device('cuda' if torch.cuda.is_available() else 'cpu')",
        "relu = lambda x: max(x, missing(x))",
        "try:\n    import tqdm\nexcept ImportError:\n    tqdm = None",
        "try:\n    import tqdm\nexcept ImportError:\n\n    def tqdm(): ...\nfinally:\n    pass",
        "TEXT = '''\n%matplotlib inline\n!ls\n'''",
        "def f():\n    '''\n    %time\n    ?\n    '''\n    return 5 \\\n  % 3",
        "from os.path import *\nx = sep",
        "x = 1\nx = x",
    ],
)
def test_definitions_imports_and_constants_are_kept_as_they_stand(source: str) -> None:
    assert kept(source) == ("\n".join(line for line in source.split("\n") if line), [])


def test_statements_that_share_a_line_are_told_apart() -> None:
    assert kept("α = 'ά'; print(α); b = 2") == (
        "α = 'ά'\nb = 2",
        ["cell 1 line 1: skipped work at the top level: print(α)"],
    )


def test_cells_stand_in_their_order_and_may_use_each_other() -> None:
    names = names_of("N = 3", "def f():\n    return g() + N", "def g():\n    return 1")

    assert names["f"]() == 4


def test_a_name_defined_twice_is_the_later_one() -> None:
    assert names_of("N = 3", "N = 4")["N"] == 4


def test_markdown_and_raw_cells_are_no_code() -> None:
    cells: list[dict[str, object]] = [
        {"cell_type": kind, "id": kind, "metadata": {}, "source": "not % python"} for kind in ("markdown", "raw")
    ]
    read = read_notebook(notebook(cells=cells), COURSE)

    assert (read.files["notebook.py"].decode(), read.notes) == (SUPPRESS, [])


@pytest.mark.parametrize("end", ["\r\n", "\r", "\n"])
def test_every_line_end_is_read(end: str) -> None:
    assert names_of(end.join(["x = 1", "train()", "def f():", "    return x", ""]))["f"]() == 1


def test_sources_may_be_lists_of_lines() -> None:
    assert names_of(["x = 1\n", "y = 2"])["y"] == 2


def test_a_byte_order_mark_is_passed_over() -> None:
    assert b"x = 1" in read_notebook(b"\xef\xbb\xbf" + notebook("x = 1"), COURSE).files["notebook.py"]


def test_future_imports_of_any_cell_stand_first() -> None:
    names = names_of("x = 1", "from __future__ import annotations\ndef f(a: Nowhere) -> None: ...")

    assert names["f"].__annotations__["a"] == "Nowhere"


# What is left out


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
    ],
)
def test_magic_and_shell_lines_are_left_out_and_named(line: str) -> None:
    assert kept(f"x = 1\n{line}\ny = '''\n% kept\n'''") == (
        "x = 1\ny = '''\n% kept\n'''",
        [f"cell 1 line 2: skipped a magic or shell line: {line}"],
    )


def test_a_magic_line_inside_a_function_leaves_a_function() -> None:
    names = names_of("def f():\n    %time pass\n    return 7 \\\n    % 4")

    assert names["f"]() == 3


@pytest.mark.parametrize("magic", ["%%time", "%%timeit -n 1", "%%capture out", "%%prun"])
def test_cells_under_a_magic_that_runs_python_are_kept(magic: str) -> None:
    text, notes = kept(f"{magic}\nx = 1")

    assert text == "x = 1"
    assert notes == [f"cell 1 line 1: skipped a magic or shell line: {magic}"]


@pytest.mark.parametrize("magic", ["%%bash", "%%html", "%%writefile lab/step01_a.py", "%%javascript", "\n  %%sh -x"])
def test_cells_under_another_magic_are_skipped_whole(magic: str) -> None:
    text, notes = kept(f"{magic}\nx = 1", "y = 2")

    assert text == "y = 2"
    assert notes == [f"cell 1: skipped whole, it is a {magic.split(maxsplit=1)[0]} cell"]


@pytest.mark.parametrize(
    "work",
    [
        "train(model)",
        "model = train()",
        "for epoch in range(10):",
        "while True:",
        "with open('a') as file:",
        "if __name__ == '__main__':",
        "import_module('a').b = len(load())",
        "x = [f(i) for i in range(3)]",
        "x = await load()",
        "del sys",
        "assert False",
    ],
)
def test_work_at_the_top_level_is_skipped_and_named(work: str) -> None:
    text, notes = kept("a = 1", f"\n{work}" + ("\n    a()" if work.endswith(":") else "") + "\nb = 2")

    assert text == "a = 1\nb = 2"
    assert notes == [f"cell 2 line 2: skipped work at the top level: {work}"]


@pytest.mark.parametrize(
    "use",
    [
        "best = model.score",
        "def f(x=model): ...",
        "class Net(model): ...",
        "@model\ndef f(): ...",
        "f = lambda x=model: x",
        "model.a = 1",
    ],
)
def test_what_needs_a_skipped_name_at_once_is_skipped_too(use: str) -> None:
    text, notes = kept("model = train()", use, "def later(x: int) -> None:\n    model(x)")

    assert text == "def later(x: int) -> None:\n    model(x)"
    assert "no definition that is kept gives model" in notes[1]


def test_a_cell_that_is_no_python_costs_only_itself() -> None:
    text, notes = kept("x = 1", "y = 2\nthis is no python", "z = 3")

    assert text == "x = 1\nz = 3"
    assert len(notes) == 1
    assert notes[0].startswith("cell 2 line 2: skipped the cell, it is not Python: ")


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
    assert notes[-1].startswith("cell 2")
    assert all(note.isprintable() and len(note) < 250 for note in notes)


def test_a_long_name_of_calls_is_work() -> None:
    assert kept("x = " + "a." * 600 + "b()")[0] == ""


def test_a_long_cell_is_read_in_its_stride() -> None:
    names = names_of("\n".join(f"x{n} = {n}" for n in range(20_000)))

    assert names["x19999"] == 19_999


def test_half_characters_do_not_spread() -> None:
    read = read_notebook(notebook("x = '\ud800'", "%magic \ud800\ny = 1"), COURSE)

    assert b"x = '?'" in read.files["notebook.py"]
    assert json.dumps(read.notes, ensure_ascii=False).encode()


def test_of_many_lines_left_out_some_are_named() -> None:
    notes = read_notebook(notebook("f()\n" * 1000, "x = 1"), COURSE).notes

    assert len(notes) == NOTES + 1
    assert notes[-1] == f"... and {1000 - NOTES} more lines or cells that were skipped"


@pytest.mark.parametrize(
    "source",
    [
        "print('\x1b[2J\u202e\x07')",
        "x = " + " + ".join(f"missing{n}" for n in range(1000)),
        f"x = {'m' * 5000}",
        f"def f({'a' * 5000}, {'a' * 5000}): pass",
        f"%{'m' * 5000}\x1b[2J",
        f"%%{'m' * 5000}\x1b[2J",
        'x = """\x1b\n',
        "@f(\x1b)",
    ],
    ids=lambda source: repr(source[:20]),
)
def test_notes_are_short_and_hold_no_orders_to_a_terminal(source: str) -> None:
    notes = read_notebook(notebook(source), COURSE).notes

    assert notes
    assert all(note.isprintable() and len(note) < 500 for note in notes)


def test_statements_that_share_a_line_cost_no_more_than_their_length(monkeypatch: pytest.MonkeyPatch) -> None:
    names = names_of(";".join(f"x{n} = '{n}'" for n in range(10_000)) + '; y = """\n' + "a" * 100_000 + '"""; z = 3')

    assert (names["x9999"], len(names["y"]), names["z"]) == ("9999", 100_001, 3)


# What the package does


def imported(name: str, place: Path, *sources: str) -> ModuleType:
    (place / "alice.ipynb").write_bytes(notebook(*sources))
    read_submission(place / "alice.ipynb", COURSE).stage(place)
    others = {known: sys.modules.pop(known) for known in list(sys.modules) if known.partition(".")[0] == "lab"}
    sys.path.insert(0, str(place))
    try:
        return importlib.import_module(f"lab.{name}")
    finally:
        sys.path.remove(str(place))
        for new in [new for new in sys.modules if new.partition(".")[0] == "lab"]:
            del sys.modules[new]
        sys.modules.update(others)


@pytest.mark.parametrize("name", COURSE.modules)
def test_every_step_module_has_the_notebooks_names(name: str, tmp_path: Path) -> None:
    module = imported(name, tmp_path, "import math\n_HIDDEN = 1", "def area(r):\n    return math.pi * r * r * _HIDDEN")

    assert module.area(1) == pytest.approx(3.14159, abs=1e-4)
    assert module.__name__ == f"lab.{name}"


# Written answers


def submitted(place: Path, *cells: tuple[str, str | list[str]]) -> Submission:
    """Read a notebook of these cells: (kind, source)."""
    rows: list[dict[str, object]] = [
        {"cell_type": kind, "id": f"c{n}", "metadata": {}, "source": text} for n, (kind, text) in enumerate(cells)
    ]
    (place / "alice.ipynb").write_bytes(notebook(cells=rows))
    return read_submission(place / "alice.ipynb", COURSE)


def test_answers_stand_in_markdown_cells_whatever_code_stands_between(tmp_path: Path) -> None:
    submission = submitted(
        tmp_path,
        ("markdown", "# Εργασία 3"),
        ("markdown", ["### Ερώτηση 1.1\r\n", "\n", "Στο Blues η ενέργεια "]),
        ("code", "# 2.1 is a comment here\nx = 1"),
        ("raw", "# 2.2\nno text"),
        ("markdown", "είναι χαμηλά."),
        ("markdown", "## Βήμα 2\nΚείμενο.\n### 2.1\nΣβήνουν οι κλίσεις.\n# 2.2"),
    )

    assert submission.answers == {"1.1": "Στο Blues η ενέργεια \n\nείναι χαμηλά.", "2.1": "Σβήνουν οι κλίσεις."}
    assert submission.notes == []
    assert b"\xce" not in submission.files["notebook.py"]


def test_an_answer_changes_the_digest_of_a_notebook(tmp_path: Path) -> None:
    texts = ("", "# 1.1", "# 1.1\nα", "# 1.1\nβ", "# 2.1\nβ", "# 1.1\nβ\n# 2.1\nγ")
    digests = [submitted(tmp_path, ("markdown", text)).digest for text in texts]

    assert digests[0] == digests[1]
    assert len(set(digests)) == len(texts) - 1


def test_whatever_is_in_markdown_cells_a_notebook_is_graded(tmp_path: Path) -> None:
    pictures = f"![](data:image/png;base64,{'A' * (3 << 20)})"
    submission = submitted(
        tmp_path,
        ("markdown", f"# 1.1 \ud800\n{pictures}\n\x1b[2J \ud800"),
        ("markdown", "# 9.8\n" * 1000),
        ("markdown", "# 2.1\nα" + "x" * (2 << 20)),
        ("code", "x = 1"),
    )

    assert submission.answers.keys() == {"1.1"}
    assert submission.answers["1.1"].startswith("![](embedded)\n\x1b[2J ?")
    assert submission.notes == [
        "Markdown cell 3 and those after it: left out, the text is longer than 2 million characters",
        "headings that name no written question: 9.8",
    ]
    assert b"x = 1" in submission.files["notebook.py"]


# What is no notebook


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b"5",
        b"null",
        b'"text"',
        b"{}",
        b'{"nbformat": 4}',
        b'{"nbformat": "4"}',
        b'{"nbformat": null, "cells": []}',
        b'{"nbformat": 1}',
        b'{"nbformat": 99, "nbformat_minor": 0, "cells": []}',
        b'{"nbformat": -1, "cells": []}',
        b'{"nbformat": 3, "nbformat_minor": 0}',
        b'{"nbformat": 4, "nbformat_minor": "a", "cells": []}',
        b'{"nbformat": ' + b"9" * 5000 + b"}",
        b"[" * 100_000,
        notebook(cells=5),
        notebook(cells=[5]),
        notebook(cells=[[]]),
        notebook(cells=[{"cell_type": "code"}]),
        notebook(5),
        notebook(None),
        notebook({}),
        notebook("x = 1\n" * 400_000),
        b'{"nbformat": 1, "cells": [{"cell_type": "?"}]}',
        b'{"nbformat": 2, "worksheets": [{"cells": [5]}]}',
        b'{"nbformat": 3, "worksheets": {"cells": []}}',
        b'{"nbformat": 4, "nbformat_minor": 5, "cells": [{"cell_type": "code", "source": [["x"]]}]}',
        b"[" + b"[]," * 100_000 + b"[]]",
        b'{"a":' * 100_000,
        notebook("x = 1").decode().encode("utf-16"),
        notebook("x = 'ά'").decode().replace("\\u03ac", "ά").encode("cp1253"),
        notebook("x = 1")[:-5],
        notebook("x = 1") + b"}",
        notebook("x = 1").replace(b"x = 1", b"x = 1\n"),
        notebook("x = 1").replace(b"x = 1", b"\0"),
    ],
    ids=lambda data: repr(data[:40]),
)
def test_what_is_no_notebook_is_refused_in_a_sentence(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "alice.ipynb"
    path.write_bytes(data)
    with pytest.raises(UnreadableSubmission, match=r"alice\.ipynb: not a Jupyter notebook \(.*\)") as caught:
        read_submission(path, COURSE)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 250


def test_a_giant_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "alice.ipynb"
    with path.open("wb") as file:
        file.truncate(65 << 20)
    with pytest.raises(UnreadableSubmission, match=r"larger than 64 MB; clear its outputs"):
        read_submission(path, COURSE)


# Python's parser, and its memory


def test_what_is_read_apart_is_the_same(tmp_path: Path) -> None:
    data = notebook("x = 'ά'", "train()")
    (tmp_path / "a.ipynb").write_bytes(data)

    assert read_apart(tmp_path / "a.ipynb", COURSE) == read_notebook(data, COURSE)


SLOW = {
    "scopes": "x = [" + "lambda: 0, " * 150_000 + "]",
    "names": "a" + "\u0316\u0301" * 300_000,
    "expressions": "f'" + "{a}" * 500_000 + "'",
}


@pytest.mark.parametrize("source", SLOW.values(), ids=SLOW)
def test_what_keeps_the_parser_busy_is_refused(source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graders.intake.limited.SECONDS", 1)
    (tmp_path / "alice.ipynb").write_bytes(notebook(source))
    with pytest.raises(UnreadableSubmission, match=r"Python needs more than 1 s or 2048 MB to read it, or crashes"):
        read_submission(tmp_path / "alice.ipynb", COURSE)


LARGE = {
    "lists": b'{"nbformat": 4, "nbformat_minor": 5, "cells": [' + b"[]," * 3_000_000 + b"[]]}",
    "outputs": notebook("x = 1").replace(b'"outputs": [', b'"outputs": [' + b'{"a":{}},' * 1_000_000 + b"{}"),
}


@pytest.mark.parametrize("data", LARGE.values(), ids=LARGE)
def test_what_takes_too_much_memory_costs_the_judge_none(
    data: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("graders.intake.limited.MEMORY", 200 << 20)
    path = tmp_path / "alice.ipynb"
    path.write_bytes(data)
    tracemalloc.start()
    try:
        with pytest.raises(UnreadableSubmission, match=r"Python needs more than 10 s or 200 MB to read it"):
            read_submission(path, COURSE)
        assert tracemalloc.get_traced_memory()[1] < 1e6
    finally:
        tracemalloc.stop()


def test_a_cell_that_takes_too_much_memory_costs_only_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graders.intake.limited.MEMORY", 400 << 20)
    (tmp_path / "alice.ipynb").write_bytes(notebook("x = 1", "a;" * 800_000))
    submission = read_submission(tmp_path / "alice.ipynb", COURSE)

    assert b"x = 1" in submission.files["notebook.py"]
    assert submission.notes == ["cell 2 line 1: skipped the cell, it is not Python: too large or too deep"]


def test_a_parser_that_takes_no_processor_time_is_stopped_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graders.intake.limited.SECONDS", 0.02)
    monkeypatch.setattr("graders.intake.limited.BOOTSTRAP", "import time; time.sleep(60)")
    (tmp_path / "alice.ipynb").write_bytes(notebook("x = 1"))
    with pytest.raises(UnreadableSubmission, match=r"cannot be read \(Python needs more than"):
        read_submission(tmp_path / "alice.ipynb", COURSE)


def test_a_reader_that_fails_is_the_harnesss_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graders.intake.limited.BOOTSTRAP", "raise SystemExit('no such module')")
    (tmp_path / "alice.ipynb").write_bytes(notebook("x = 1"))
    with pytest.raises(HarnessFault, match="no such module"):
        read_submission(tmp_path / "alice.ipynb", COURSE)


def test_a_notebook_of_the_third_format_is_read() -> None:
    cell = {
        "cell_type": "code",
        "input": "x = 1",
        "language": "python",
        "outputs": [],
        "collapsed": False,
        "metadata": {},
    }
    data = {
        "nbformat": 3,
        "nbformat_minor": 0,
        "metadata": {"name": ""},
        "worksheets": [{"cells": [cell], "metadata": {}}],
    }

    assert b"x = 1" in read_notebook(json.dumps(data).encode(), COURSE).files["notebook.py"]


# pytest turns every warning that escapes into an error.


def test_cells_without_ids_or_with_the_same_one_make_no_noise(capfd: pytest.CaptureFixture[str]) -> None:
    for ids in ({}, {"id": "same"}, {"id": "not an id!"}):
        cell: dict[str, object] = {
            "cell_type": "code",
            "metadata": {},
            "source": "x = 1",
            "outputs": [],
            "execution_count": None,
            **ids,
        }
        assert read_notebook(notebook(cells=[cell, cell]), COURSE).notes == []

    assert capfd.readouterr() == ("", "")


def test_warnings_of_the_parser_stay_inside() -> None:
    source = "import re\nPATTERN = '\\d+'\ndef f(x):\n    return x is 5 or ()()"

    assert kept(source) == (source, [])


junk: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=())),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["cells", "cell_type", "source", "metadata", "nbformat", "id", "outputs"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)
lines = st.sampled_from(
    [
        "x = 1",
        "%magic",
        "!ls",
        "y = !ls",
        "f?",
        "'''",
        "def f():",
        "    return 1",
        "  %time",
        "@f",
        "(",
        ")",
        "α = f(x)",
        "\f",
        "\u2028",
        ";",
        "\\",
    ]
)
cells = st.one_of(
    junk,
    st.fixed_dictionaries(
        {
            "cell_type": st.sampled_from(["code", "markdown"]),
            "source": st.lists(lines, max_size=8).map("\n".join) | junk,
            "metadata": junk,
            "outputs": junk,
        },
        optional={"id": junk},
    ),
)


@settings(STEADY, max_examples=200)
@given(
    st.fixed_dictionaries(
        {
            "nbformat": st.just(4) | junk,
            "nbformat_minor": st.integers(0, 5) | junk,
            "cells": st.lists(cells, max_size=4) | junk,
        }
    )
)
def test_any_json_is_a_notebook_or_is_refused(content: object) -> None:
    try:
        read = read_notebook(json.dumps(content).encode(), COURSE)
    except ValueError:
        return
    compile(read.files["notebook.py"], "notebook.py", "exec", dont_inherit=True)
    assert json.dumps([read.notes, read.markdown], ensure_ascii=False).encode()
