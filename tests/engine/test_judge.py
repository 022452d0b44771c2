"""The judge: only a pass that it saw counts, whatever a check or a submission does."""

from __future__ import annotations

import textwrap
from collections.abc import Collection
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from graders.authoring.check import CheckInfo
from graders.course import Dropped
from graders.judging.confined import ConfinedSubject
from graders.judging.hints.situation import Situation
from graders.judging.judge import Interrupted, judge
from graders.judging.rubric import Check
from graders.outcomes import Outcome, Verdict
from tests.support import COURSE, QUIETLY

SUBMISSION = r"""
import random
def one(): return 1
def unwritten(): raise NotImplementedError
def broken(): raise KeyError("κλειδί")
def bold(): raise ValueError("\x1b[1mπολύ\x1b[0m παχύ")
def dies():
    import os; os._exit(0)
def pid():
    import os; return os.getpid()
def dice(): return random.random()
_count = 0
def counter():
    global _count; _count += 1; return _count
_dice = []
def remember(): _dice.append(dice())
def remembered(): return len(_dice)
def all_dice(): return " ".join(map(str, _dice))
_broken = []
def breaks_once():
    if not _broken:
        _broken.append(1); raise ValueError("μία φορά")
"""


@pytest.fixture
def verdicts(warm_server, tmp_path):
    """Judge checks written on the spot, each `name: body`, on SUBMISSION; `needs` maps a check to those it needs."""
    (tmp_path / "submission" / "lab").mkdir(parents=True)
    (tmp_path / "submission" / "lab" / "step01_student.py").write_text(SUBMISSION + LEFT, encoding="utf-8")
    (tmp_path / "submission" / "lab" / "step01_broken.py").write_text("κατι = 1 / 0\n", encoding="utf-8")
    (tmp_path / "submission" / "lab" / "step02_exits.py").write_text("import os; os._exit(3)\n", encoding="utf-8")

    def run(
        needs: dict[str, tuple[str, ...]] | None = None, *, reference: bool = False, **bodies: str
    ) -> dict[str, Verdict]:
        source = "import pytest\nfrom graders.authoring.examples import examples, st\nfrom graders.authoring.expect import *\n"
        for name, body in bodies.items():
            decorator, _, rest = body.partition("\n") if body.startswith("@") else ("", "", body)
            arguments = "lab, n" if decorator else "lab"
            source += f"{decorator}\ndef test_{name}({arguments}):\n{textwrap.indent(textwrap.dedent(rest), '    ')}\n"
        module = tmp_path / "step01_checks.py"
        module.write_text(source, encoding="utf-8")
        rubric = [
            Check(
                f"step01.{name}",
                1,
                name,
                f"{module}::test_{name}",
                CheckInfo(1, "hint", needs=(needs or {}).get(name, ())),
            )
            for name in bodies
        ]
        with ConfinedSubject(COURSE, warm_server.controls[0], tmp_path / "submission", 0) as subject:
            found = judge(COURSE, rubric, subject, 0, QUIETLY, reference_passes=lambda ids: ids if reference else [])
        return {name.removeprefix("step01."): verdict for name, verdict in found.items()}

    return run


def outcomes(verdicts: dict[str, Verdict]) -> dict[str, str]:
    return {name: str(verdict.outcome) for name, verdict in verdicts.items()}


def test_a_message_is_without_the_colours_of_an_error(verdicts):
    found = verdicts(bold="lab.step01_student.bold()")["bold"]
    assert found.outcome is Outcome.STUDENT_ERROR
    assert "ValueError: πολύ παχύ" in found.message


def test_each_ending_has_its_outcome(verdicts):
    student = "lab.step01_student"
    found = verdicts(
        passes=f"expect_number({student}.one(), 1, 'one()')",
        fails=f"expect_number({student}.one(), 2, 'one()')",
        wrong_type=f"expect_array({student}.one(), [1], 'one()')",
        unwritten=f"{student}.unwritten()",
        missing=f"{student}.no_such_function()",
        broken=f"{student}.broken()",
        dies=f"{student}.dies()",
        after_death=f"expect_number({student}.one(), 1, 'one()')",
        other_module="lab.step02_missing.f()",
    )
    assert outcomes(found) == {
        "passes": "passed",
        "fails": "failed",
        "wrong_type": "wrong_type",
        "unwritten": "not_implemented",
        "missing": "not_implemented",
        "broken": "student_error",
        "dies": "died",
        "after_death": "passed",
        "other_module": "not_implemented",
    }
    assert found["fails"].message == "one() returned 1; expected 2."
    assert "KeyError: 'κλειδί'" in found["broken"].message


def test_a_module_that_does_not_load_has_a_hint_of_its_own(verdicts):
    found = verdicts(
        fails="lab.step01_broken.one()",
        fails_again="lab.step01_broken.two()",
        dies="lab.step02_exits.one()",
        missing="lab.step03_missing.one()",
        raises="lab.step01_student.broken()",
    )
    assert found["fails"].message.startswith("import step01_broken raised ZeroDivisionError")
    for name in ("fails", "fails_again"):
        assert "does not load" in found[name].hint
        assert "`python -m lab.step01_broken`" in found[name].hint
    assert "`python -m lab.step02_exits`" in found["dies"].hint
    assert found["missing"].hint == ""
    assert "does not load" not in found["raises"].hint


def test_a_well_known_mistake_has_its_own_hint(verdicts):
    found = verdicts(
        known="expect_number(lab.step01_student.one(), 2, 'one()', mistakes=[(1, 'Δύο, όχι ένα.')])",
        unknown="expect_number(lab.step01_student.one(), 2, 'one()', mistakes=[(3, 'No.')])",
    )
    assert (found["known"].hint, found["unknown"].hint) == ("Δύο, όχι ένα.", "")


def test_matrices_and_curves_that_are_wrong_have_a_picture(verdicts):
    expect = "import numpy as np\nright = np.arange(48.0).reshape(6, 8)\nexpect_array({}, {}, 'f()')"
    found = verdicts(
        matrix=expect.format("-right", "right"),
        transposed=expect.format("right.T", "right"),
        curve=expect.format("right[0] + 1", "right[0]"),
        passes=expect.format("right", "right"),
        another_shape=expect.format("right[0]", "right"),
        small=expect.format("right[:2, :2] + 1", "right[:2, :2]"),
        words=expect.format("right.astype(str)", "right"),
        held_out="from graders.authoring.withheld import withheld\nwith withheld('x'):\n    "
        + expect.format("-right", "right").replace("\n", "\n    "),
    )
    matrix = found["matrix"].picture
    assert matrix is not None
    assert (matrix.title, matrix.low, matrix.high) == ("f()", 0, 47)
    assert matrix.came is not None
    assert matrix.wanted is not None
    assert matrix.came.numbers == [-float(value) for value in range(48)]
    assert list(matrix.wanted.cells)[::47] == [1, 255]
    assert set(matrix.came.cells) == {1}
    transposed = found["transposed"].picture
    assert transposed is not None
    assert transposed.came is not None
    assert (transposed.came.rows, transposed.came.columns) == (8, 6)
    curve = found["curve"].picture
    assert curve is not None
    assert curve.curves == [[float(value + more) for value in range(8)] for more in (1, 0)]
    assert (curve.low, curve.high) == (0, 8)
    assert not any(found[name].picture for name in ("passes", "another_shape", "small", "words", "held_out"))


def test_a_picture_is_small_whatever_came(verdicts):
    found = verdicts(
        large="import numpy as np\nexpect_array(np.full((900, 2000), np.nan), np.ones((900, 2000)), 'f()')",
        long="import numpy as np\nexpect_array(np.full(5000, np.inf), np.zeros(5000), 'f()')",
    )
    large, long = found["large"].picture, found["long"].picture
    assert large is not None
    assert large.came is not None
    assert (large.came.rows, large.came.columns, set(large.came.cells), large.came.numbers) == (64, 96, {0}, [])
    assert long is not None
    assert [len(values) for values in long.curves] == [128, 128]
    assert set(long.curves[0]) == {None}


def test_an_interrupt_brings_the_verdicts_so_far(verdicts):
    with pytest.raises(Interrupted) as stop:
        verdicts(
            passes="assert lab.step01_student.one() == 1",
            fails="assert False, 'no'",
            stops="@pytest.mark.parametrize('n', [1, 2])\nif n == 2: raise KeyboardInterrupt",
            comes_later="pass",
        )
    assert {name: str(verdict.outcome) for name, verdict in stop.value.verdicts.items()} == {
        "step01.passes": "passed",
        "step01.fails": "failed",
    }
    assert isinstance(stop.value.__cause__, KeyboardInterrupt)


def test_a_check_that_does_not_run_to_its_end_is_a_fault_and_no_pass(verdicts):
    found = verdicts(
        skips="pytest.skip('no')",
        expects_failure="pytest.xfail('no')",
        exits="raise SystemExit(0)",
        has_a_bug="return 1 / 0",
        misses_a_fixture="raise LookupError",
        passes="assert lab.step01_student.one() == 1",
    )
    assert set(outcomes(found).values()) == {"harness_fault", "passed"}
    assert found["passes"].outcome is Outcome.PASSED
    assert "ZeroDivisionError" in found["has_a_bug"].message


def test_a_module_of_checks_that_cannot_be_imported_is_a_fault(verdicts):
    found = verdicts(broken="pass\nimport no_such_module_at_all\n", other="pass")
    assert set(outcomes(found).values()) == {"harness_fault", "passed"}
    found = verdicts(syntax="(((")
    assert outcomes(found) == {"syntax": "harness_fault"}


def test_a_pass_counts_only_if_all_that_it_needs_passed(verdicts):
    found = verdicts(
        needs={
            "on_failed": ("test_fails",),
            "on_unwritten": ("test_unwritten",),
            "on_that": ("test_on_unwritten",),
            "unwritten_too": ("test_unwritten",),
            "on_passed": ("test_passes",),
        },
        fails="assert False, 'no'",
        unwritten="lab.step01_student.unwritten()",
        passes="pass",
        on_failed="assert lab.step01_student.one() == 1",
        on_unwritten="assert lab.step01_student.one() == 1",
        on_that="assert lab.step01_student.one() == 1",
        unwritten_too="lab.step01_student.unwritten()",
        on_passed="assert lab.step01_student.one() == 1",
    )
    assert outcomes(found) | {"fails": "", "unwritten": "", "passes": ""} == {
        "fails": "", "unwritten": "", "passes": "", "on_failed": "blocked", "on_unwritten": "blocked", "on_that": "blocked",
        "unwritten_too": "not_implemented", "on_passed": "passed",
    }  # fmt: skip
    assert found["on_unwritten"].message.startswith("Mend another check first, this one builds on it: unwritten")


def test_state_of_an_earlier_check_does_not_decide_seeds(verdicts):
    draw = "expect_equal(lab.step01_student.dice(), {}, 'dice()')"
    first = verdicts(a=draw.format(-1), b=draw.format(-1))
    assert first["a"].message == first["b"].message


def test_of_answers_that_change_the_first_failure_counts(verdicts):
    found = verdicts(
        changing="@examples(n=st.integers())\nif lab.step01_student.counter() == 3: raise AssertionError('τρίτη')",
        raising="@examples(n=st.data())\nn.draw(st.integers())\nlab.step01_student.breaks_once()",
        once="assert lab.step01_student.counter() > 10, 'one call for each example'",
    )
    assert outcomes(found) == {"changing": "failed", "raising": "student_error", "once": "failed"}
    assert found["changing"].message == "τρίτη"
    assert "ValueError: μία φορά" in found["raising"].message
    assert found["once"].message == "one call for each example"


def test_each_example_has_random_numbers_of_its_own_and_the_same_in_each_run(verdicts):
    body = (
        "@examples(n=st.integers(0, 10**9))\n"
        "lab.step01_student.remember()\n"
        "if lab.step01_student.remembered() > 5: raise AssertionError(lab.step01_student.all_dice())"
    )
    first, second = verdicts(a=body)["a"], verdicts(a=body)["a"]
    assert first.message == second.message
    assert len(set(first.message.split())) == 6


# What a check leaves behind in its worker: it acts once nobody asks the worker anything any more.
LEFT = """
def leave(what):
    import os, pathlib, tempfile, threading, time
    place = pathlib.Path(tempfile.mkdtemp())
    def later():
        while not (place / "go").exists(): time.sleep(0.01)
        if what == "junk": os.write(3, b"junk of a thread that goes on")
        (place / "done").touch()
        if what == "end": os._exit(0)
    threading.Thread(target=later).start()
    return str(place)
"""
LEAVE = """
import pathlib, time
pid = lab.step01_student.pid()
place = pathlib.Path(lab.step01_student.leave({what!r}))
(place / "go").touch()
until = time.monotonic() + 60
while not (place / "done").exists() or ({what!r} == "end" and ") Z" not in pathlib.Path(f"/proc/{{pid}}/stat").read_text()):
    assert time.monotonic() < until
    time.sleep(0.01)
"""


@pytest.mark.parametrize("what", ["junk", "end"])
def test_what_a_check_leaves_behind_is_not_charged_to_the_next_one(verdicts, what):
    found = verdicts(
        leaves=LEAVE.format(what=what),
        after="assert lab.step01_student.one() == 1",
        draws="expect_equal(lab.step01_student.dice(), {}, 'dice()')",
    )
    assert outcomes(found) == {"leaves": "passed", "after": "passed", "draws": "failed"}
    alone = verdicts(draws="expect_equal(lab.step01_student.dice(), {}, 'dice()')")
    assert found["draws"].message == alone["draws"].message


KILL = "import os, pathlib, signal\nos.kill(lab.step01_student.pid(), signal.SIGKILL)\nlab.step01_student.one()"


def test_a_check_whose_worker_somebody_killed_runs_once_more(verdicts, tmp_path):
    once = f"import pathlib\nmark = pathlib.Path({str(tmp_path / 'mark')!r})\nif not mark.exists():\n    mark.touch()\n"
    found = verdicts(
        once=once + textwrap.indent(KILL, "    ") + "\nassert lab.step01_student.one() == 1",
        always=KILL,
        after="assert lab.step01_student.one() == 1",
    )
    assert outcomes(found) == {"once": "passed", "always": "harness_fault", "after": "passed"}
    assert found["always"].message.startswith("The worker was killed from outside during step01_student.one")


def test_an_empty_rubric_gives_no_verdicts():
    subject: Any = SimpleNamespace()
    assert judge(COURSE, [], subject, 0) == {}


def test_the_users_pytest_options_do_not_reach_the_judge(verdicts, monkeypatch, tmp_path):
    monkeypatch.setenv("PYTEST_ADDOPTS", "--collect-only")
    monkeypatch.setenv("PYTEST_PLUGINS", "no_such_plugin_at_all")
    monkeypatch.chdir(tmp_path)
    Path("conftest.py").write_text("1 / 0\n", encoding="utf-8")
    Path("pytest.ini").write_text("[pytest]\naddopts = --collect-only\n", encoding="utf-8")
    assert outcomes(verdicts(passes="pass")) == {"passes": "passed"}


def test_a_value_that_a_comparison_cannot_take_apart_is_the_submissions_fault(verdicts):
    found = verdicts(
        reference=True, stumbles="import numpy\nexpect_shape(numpy.zeros(3), lab.step01_student.one(), 'f()')"
    )
    assert outcomes(found) == {"stumbles": "wrong_type"}
    assert "cannot be used as the check uses it" in found["stumbles"].message


# --- whose fault it is


def rows_of(module: Path, *names: str) -> list[Check]:
    return [Check(f"step01.{name}", 1, name, f"{module}::test_{name}", CheckInfo(1, "hint")) for name in names]


class Told:
    """A subject that answers nothing, and may break where it is asked what an error means."""

    package = kit = doubles = None

    def __init__(self, *, breaks: bool) -> None:
        self.breaks = breaks

    def begin(self, check: Check) -> None: ...

    def begin_example(self, number: int) -> None: ...

    def shown(self, text: str) -> str:
        return text

    def explain(self, error: BaseException) -> tuple[Outcome, str]:
        if self.breaks:
            raise RuntimeError("the subject is broken")
        return Outcome.HARNESS_FAULT, str(error)

    def situation(self, _: BaseException) -> Situation:
        return Situation("lab")


def test_where_pytest_cannot_collect_a_check_no_pass_counts(tmp_path):
    module = tmp_path / "step01_checks.py"
    module.write_text("def test_a(): pass\n", encoding="utf-8")
    subject: Any = Told(breaks=False)
    found = judge(COURSE, rows_of(module, "a", "missing"), subject, 0, QUIETLY)
    assert {verdict.outcome for verdict in found.values()} == {Outcome.HARNESS_FAULT}
    assert "usage error" in found["step01.missing"].message


def test_in_a_run_that_pytest_does_not_end_well_no_pass_counts(tmp_path):
    module = tmp_path / "step01_checks.py"
    module.write_text("def test_a(): pass\ndef test_b(): raise KeyError\ndef test_c(): pass\n", encoding="utf-8")
    subject: Any = Told(breaks=True)
    found = judge(COURSE, rows_of(module, "a", "b", "c"), subject, 0, QUIETLY)
    assert {verdict.outcome for verdict in found.values()} == {Outcome.HARNESS_FAULT}
    assert "internal error" in found["step01.a"].message


STUMBLING = """
def test_own_fault(): None.no_such_attribute
def test_students(): len(3)
def test_passes(): pass
"""


@pytest.mark.parametrize(
    ("passes", "expected"),
    [
        (None, ["wrong_type", "wrong_type", "passed"]),  # at a student's home there is no reference to ask
        (["step01.students"], ["harness_fault", "wrong_type", "passed"]),
        ([], ["harness_fault", "harness_fault", "passed"]),
    ],
)
def test_the_student_is_blamed_only_where_the_reference_passes(tmp_path, passes, expected):
    module = tmp_path / "step01_checks.py"
    module.write_text(STUMBLING, encoding="utf-8")
    subject: Any = Told(breaks=False)
    asked: list[Collection[str]] = []

    def reference_passes(check_ids: Collection[str]) -> Collection[str]:
        asked.append(set(check_ids))
        return list(passes)

    rubric = rows_of(module, "own_fault", "students", "passes")
    found = judge(
        COURSE, rubric, subject, 0, QUIETLY, reference_passes=reference_passes if passes is not None else None
    )
    assert [str(verdict.outcome) for verdict in found.values()] == expected
    assert asked == ([] if passes is None else [{"step01.own_fault", "step01.students"}])


def test_whose_code_raised_is_told_by_its_module(tmp_path, monkeypatch):
    """Code that is neither the course's nor the engine's, such as a library's own test, is nobody's stumbling."""
    module = tmp_path / "step01_checks.py"
    module.write_text(
        "import graders.sandbox.wire as wire\ndef test_a(): wire.decode(None, None, None)\n", encoding="utf-8"
    )
    subject: Any = Told(breaks=False)
    found = judge(COURSE, rows_of(module, "a"), subject, 0, QUIETLY)
    assert found["step01.a"].outcome is Outcome.HARNESS_FAULT


def test_a_check_that_was_dropped_does_not_run_and_blocks_nobody(tmp_path):
    module = tmp_path / "step01_checks.py"
    module.write_text("def test_faulty(): assert False\ndef test_then(): pass\n", encoding="utf-8")
    faulty, then = rows_of(module, "faulty", "then")
    faulty = msgspec.structs.replace(faulty, dropped=Dropped(faulty.id, "It asks too much."))
    then = msgspec.structs.replace(then, info=CheckInfo(1, "hint", needs=("test_faulty",)))
    subject: Any = Told(breaks=False)
    found = judge(COURSE, [faulty, then], subject, 0, QUIETLY)
    assert {check_id: str(verdict.outcome) for check_id, verdict in found.items()} == {"step01.then": "passed"}
