"""Notebooks: what is one, their formats, their written answers, and what reading them may cost."""

import json
import tracemalloc
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graders.intake.archives import UnreadableSubmission
from graders.intake.limited import read_apart
from graders.intake.notebooks.notebook import read_notebook
from graders.intake.submission import Submission, read_submission
from graders.outcomes import HarnessFault
from tests.engine.notebooks import kept, notebook
from tests.support import COURSE, ROOT, run_python

STEADY = settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


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
    assert len(submission.notes) == 1
    assert submission.notes[0].startswith("cell 2 line 1: skipped the cell, it is not Python")
    assert submission.notes[0].endswith("too large or too deep")


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
    assert msgspec.json.encode([read.notes, read.markdown])


def test_reading_a_notebook_loads_no_checker_of_addresses_and_hides_none(tmp_path: Path) -> None:
    """jsonschema loads one where it is installed, which takes longer than reading a notebook does."""
    (tmp_path / "rfc3987_syntax.py").write_text("is_valid_syntax = None\n", encoding="utf-8")
    code = (
        "import sys\n"
        "from graders.intake.notebooks.cells import read_cells\n"
        "read_cells(open(sys.argv[1], 'rb').read(), 'lab')\n"
        "print('nbformat' in sys.modules, 'rfc3987_syntax' in sys.modules)\n"
        "import rfc3987_syntax"
    )
    done = run_python(code, ROOT / "fixtures" / "submissions" / "notebook.ipynb", cwd=tmp_path)
    assert (done.stdout, done.returncode) == ("True False\n", 0), done.stderr
