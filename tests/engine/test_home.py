"""`lab check` at a student's home, whatever their code does to its process: it never ends without a word."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from graders.commands.home import supervised
from graders.commands.home.supervised import NOTES, Began, Debugging, Done, Ended, Notes, Process, Silence, Supervision
from graders.outcomes import Outcome, Verdict
from tests.support import ROOT

COURSE = ROOT / "tests" / "courses" / "words"
MAIN = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); {}from graders.student import main; main()"
COUNTING, CIPHERS = "step01_counting", "step02_ciphers"
ALL = "of 5.5 points of the public checks."

STARTED: list[subprocess.Popen[str]] = []

Home = Callable[..., Path]


@pytest.fixture(autouse=True)
def nothing_runs_on() -> Iterator[None]:
    """End what a test has started, and what that has started."""
    yield
    for running in STARTED:
        with contextlib.suppress(OSError):
            os.killpg(running.pid, signal.SIGKILL)
        running.communicate()
    STARTED.clear()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Write the reference of the small course, with a text before and one after each module; return its folder."""

    def write(**changed: str) -> Path:
        (tmp_path / "words").mkdir(exist_ok=True)
        for module in (COUNTING, CIPHERS):
            source = (COURSE / "words_reference" / f"{module}.py").read_text(encoding="utf-8")
            text = f"{changed.get(f'before_{module}', '')}\n{source}\n\n{changed.get(f'after_{module}', '')}\n"
            (tmp_path / "words" / f"{module}.py").write_text(text, encoding="utf-8")
        return tmp_path

    return write


def started(root: Path, *arguments: str, first: str = "") -> subprocess.Popen[str]:
    """Start `lab check` on a folder, in a process that was not told to ignore interrupts."""
    running = subprocess.Popen(
        [sys.executable, "-c", MAIN.format(first), "check", *arguments, "--course", str(COURSE), "--root", str(root)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8", cwd=ROOT,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"}, start_new_session=True,
    )  # fmt: skip
    STARTED.append(running)
    return running


def checked(root: Path, *arguments: str, typed: str = "", first: str = "") -> tuple[int, str, str]:
    """Run `lab check`; return its exit code, and what it wrote to its two outputs."""
    running = started(root, *arguments, first=first)
    shown, errors = running.communicate(typed, timeout=120)
    return running.returncode, shown, errors


def wait_for(condition: Callable[[], bool]) -> None:
    for _ in range(6000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it never came")


# --- what ends the process


@pytest.mark.parametrize(
    ("ending", "says"),
    [
        ("import os; os._exit(0)", "exit code 0"),
        ("import os; os._exit(3)", "exit code 3"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", "SIGTERM"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL"),
        (
            "import ctypes; ctypes.string_at(0)",
            "(SIGSEGV); a function returns its result, it does not exit [step01_counting.py line ",
        ),
        ("import os; os.closerange(0, 100); os.abort()", "SIGABRT"),
    ],
)
def test_what_ends_the_process_costs_its_check_and_the_others_run(home: Home, ending: str, says: str) -> None:
    root = home(after_step01_counting=f"def longest_word(text):\n    {ending}\n")
    code, shown, errors = checked(root)
    assert code == 1
    assert "died: Your code " in shown
    assert says in shown
    assert "✓ count_words" in shown
    assert "✓ shift moves each letter" in shown
    assert shown.count("Step 1\n") == 1
    assert f"4 {ALL}" in shown
    assert errors == ""


def test_an_exit_at_import_costs_the_modules_step_once(home: Home) -> None:
    code, shown, _ = checked(home(before_step01_counting="import os; print('γεια', flush=True); os._exit(0)"))
    assert code == 1
    assert shown.count("ended the process with exit code 0; a module defines functions") == 1
    assert "Importing words.step01_counting" in shown
    assert f"2 {ALL}" in shown


@pytest.mark.parametrize("leaving", ["exit()", "quit()", "raise SystemExit(0)", "import pytest; pytest.exit('bye')"])
def test_leaving_python_politely_is_no_pass_either(home: Home, leaving: str) -> None:
    code, shown, errors = checked(home(after_step01_counting=f"def longest_word(text):\n    {leaving}\n"))
    assert code in {1, 3, 130}
    assert "SystemExit" in shown or "harness_fault" in shown or errors
    assert "5.5 of 5.5" not in shown


def test_code_that_ends_the_process_again_and_again_is_given_up(home: Home) -> None:
    ending = "import os\n" + "".join(
        f"def {f}(*_): os._exit(0)\n" for f in ("count_words", "longest_word", "count_lines")
    )
    few = "import graders.commands.home.supervised as s; s.MOST_DEATHS = 2; "
    code, shown, errors = checked(home(after_step01_counting=ending), first=few)
    assert code == 1
    assert "again and again" in errors
    assert "of the public checks" not in shown


def test_what_the_exit_of_python_runs_does_not_change_the_exit_code(home: Home) -> None:
    atexit = "import atexit, os; atexit.register(os._exit, 0)"
    code, shown, _ = checked(
        home(before_step01_counting=atexit, after_step01_counting="def count_words(text): return -1\n")
    )
    assert code == 1
    assert "failed: " in shown


def test_threads_that_never_end_do_not_keep_the_command(home: Home) -> None:
    thread = "import threading, time; threading.Thread(target=time.sleep, args=(3600,)).start()"
    assert checked(home(before_step01_counting=thread))[0] == 0


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_the_command_ends_it_with_a_sentence(home: Home, tmp_path: Path, ending: signal.Signals) -> None:
    mark = tmp_path / "mark"
    running = started(
        home(
            after_step01_counting=f"def longest_word(text):\n    open({str(mark)!r}, 'w').close()\n    while True: pass\n"
        )
    )
    wait_for(mark.exists)
    running.send_signal(ending)
    shown, errors = running.communicate(timeout=60)
    assert running.returncode == 130
    assert (
        errors
        == f"lab: stopped by {ending.name} during step 1, “longest_word returns the longest word, of several the first.”.\n"
    )
    assert "✓ count_words" in shown


# --- what hides the report


@pytest.mark.parametrize(
    "hiding",
    [
        "import sys; sys.stdout = open({log!r}, 'w')",
        "import sys; sys.stdout.close(); sys.stderr.close()",
        "import sys; sys.stdout = sys.stderr = sys.__stdout__ = sys.__stderr__ = None",
        "import os; os.dup2(os.open(os.devnull, os.O_WRONLY), 1); os.dup2(1, 2)",
        "import os; os.closerange(1, 3)",
        "import builtins; builtins.print = lambda *_: None",
        "import logging; logging.disable()",
    ],
)
def test_no_report_is_silenced(home: Home, tmp_path: Path, hiding: str) -> None:
    hiding = hiding.format(log=str(tmp_path / "log"))
    inside = f"_count = count_words\ndef count_words(text):\n    {hiding}\n    return _count(text)\n"
    code, shown, errors = checked(home(before_step01_counting=hiding, after_step01_counting=inside))
    assert (code, errors) == (0, "")
    assert "✓ unshift returns" in shown
    assert f"5.5 {ALL}" in shown


# --- what is printed


def test_prints_stand_below_their_check_and_are_capped(home: Home) -> None:
    printing = (
        "import sys\ndef longest_word(text):\n    print('μπα'); print('λάθος', file=sys.stderr)\n"
        "    for i in range(5000): print('line', i)\n    return max(text.split(), key=len)\n"
    )
    code, shown, errors = checked(home(after_step01_counting=printing), "1")
    assert errors == ""
    lines = shown.splitlines()
    place = next(i for i, line in enumerate(lines) if "longest_word returns the longest" in line)
    printed = next(i for i, line in enumerate(lines) if "printed:" in line)
    assert place < printed
    assert "        μπα" in lines
    assert "        λάθος" in lines
    assert sum(line.startswith("        line ") for line in lines) < 40
    assert "more lines" in shown
    assert "4999" not in shown
    assert code == 0


def test_a_bar_that_is_drawn_again_and_again_is_one_line(home: Home) -> None:
    bar = "import sys\n_count = count_words\ndef count_words(text):\n    for i in range(9): sys.stderr.write(f'\\r{i} of 9')\n    sys.stderr.write('\\n')\n    return _count(text)\n"
    _, shown, _ = checked(home(after_step01_counting=bar), "1")
    assert "8 of 9" in shown
    assert "7 of 9" not in shown


# --- results as they come


def test_a_result_is_shown_when_its_check_has_ended(home: Home, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    waiting = f"import os, time\ndef longest_word(text):\n    while not os.path.exists({str(mark)!r}): time.sleep(0.01)\n    return max(text.split(), key=len)\n"
    running = started(home(after_step01_counting=waiting), "1")
    assert running.stdout is not None
    seen = [running.stdout.readline() for _ in range(3)]
    assert seen[-1].startswith("  ✓ count_words")
    assert seen[-1].endswith("  1\n")
    mark.touch()
    running.communicate(timeout=60)


def test_a_check_that_still_runs_is_told_and_ctrl_c_says_where(home: Home) -> None:
    endless = "def longest_word(text):\n    print('πρώτα')\n    while True: pass\n"
    soon = "import graders.commands.home.supervised as s; s.FIRST_WORD = 0.3; "
    running = started(home(after_step01_counting=endless), first=soon)
    assert running.stderr is not None
    word = "lab: step 1, “longest_word returns the longest word, of several the first.”: still running, "
    assert next(line for line in running.stderr if line.startswith(word)).endswith(" s. Ctrl-C shows where.\n")
    running.send_signal(signal.SIGINT)
    shown, errors = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "lab: interrupted at step01_counting.py line " in errors
    assert "in longest_word, after 1 of 6 checks.\n" in errors
    assert "✓ count_words" in shown
    assert "        πρώτα" in shown


def test_code_that_takes_no_interrupt_is_ended_by_a_second_one(home: Home, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    deaf = f"import signal\ndef longest_word(text):\n    signal.signal(signal.SIGINT, signal.SIG_IGN)\n    open({str(mark)!r}, 'w').close()\n    while True: pass\n"
    running = started(home(after_step01_counting=deaf))
    wait_for(mark.exists)
    running.send_signal(signal.SIGINT)
    time.sleep(0.2)
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "stopped by SIGINT during step 1" in errors


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system does not tell what a process has used")
@pytest.mark.parametrize("computes", [True, False])
def test_a_check_that_has_to_wait_for_the_machine_is_not_told_to_run_long(
    computes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that is stopped waits as one does that gets no processor: deadlines count a tenth of that at most."""
    monkeypatch.setattr(supervised, "FIRST_WORD", 0.5)
    said: list[str] = []
    what = "while True: pass" if computes else "os.kill(os.getpid(), signal.SIGSTOP)"

    def start(environment: dict[str, str]) -> Process:
        Notes(Path(environment[NOTES])).write(Began("a.b", 1, "Ένας έλεγχος."))
        running = subprocess.Popen(
            [sys.executable, "-c", f"import os, signal\n{what}"], text=True, start_new_session=True
        )
        STARTED.append(running)
        threading.Timer(1.5, end, (Notes(Path(environment[NOTES])), running)).start()
        return running

    def end(notes: Notes, running: subprocess.Popen[str]) -> None:
        notes.write(Done(0))
        running.kill()

    assert Supervision(said.append, start=start).run() == 0
    assert any("still running" in text for text in said) == computes


@pytest.mark.parametrize("deadline", [0, 2.5])
def test_silence_is_broken_ever_more_rarely_and_never_in_a_debugger(deadline: float) -> None:
    now = 0.0
    silence = Silence(lambda: now)
    began = Began("a.b", 1, "Ένας έλεγχος.", deadline)
    told = []
    for now in range(200):
        if word := silence.word([began]):
            told.append(now)
            has = "; where it is graded, a call has 2.5 s" if deadline else ""
            assert word == f"step 1, “Ένας έλεγχος.”: still running, {now} s{has}. Ctrl-C shows where."
    assert told == [10, 20, 40, 80, 140]
    assert silence.word([began, Ended("a.b", Verdict(Outcome.PASSED, "", 0.0))]) == ""
    for now in range(200, 400):  # noqa: B007 - the clock
        assert silence.word([began, Debugging()]) == ""


# --- debuggers


@pytest.mark.parametrize("stop", ["breakpoint()", "import pdb; pdb.set_trace()"])
def test_breakpoints_work(home: Home, stop: str) -> None:
    stopping = f"_count = count_words\nseen = []\ndef count_words(text):\n    print('πριν')\n    if not seen:\n        seen.append(1)\n        {stop}\n    return _count(text)\n"
    code, shown, errors = checked(
        home(after_step01_counting=stopping), "1", typed="p 'text is', type(text).__name__\nc\n"
    )
    assert code == 0, errors
    assert "(Pdb) ('text is', 'str')" in shown
    assert shown.index("πριν") < shown.index("(Pdb)")
    assert "3.5 of 3.5 points" in shown


def test_leaving_the_debugger_ends_the_command(home: Home) -> None:
    code, _, errors = checked(
        home(after_step01_counting="def count_words(text):\n    breakpoint()\n"), "1", typed="q\n"
    )
    assert code == 130
    assert "interrupted" in errors


def test_pdb_opens_in_the_line_that_raised(home: Home) -> None:
    wrong = "def longest_word(text):\n    secret = 'κρυφό'\n    return max([], key=len)\n"
    _, shown, _ = checked(home(after_step01_counting=wrong), "1", "--pdb", typed="p secret\nq\n")
    assert "-> return max([], key=len)" in shown
    assert "(Pdb) 'κρυφό'" in shown


def test_pdb_opens_in_the_call_whose_result_was_wrong(home: Home) -> None:
    wrong = "def longest_word(text):\n    secret = 'κρυφό'\n    return secret\n"
    _, shown, _ = checked(home(after_step01_counting=wrong), "1", "--pdb", typed="n\nn\np secret\nc\n")
    assert "in longest_word" in shown or "longest_word(" in shown
    assert "(Pdb) 'κρυφό'" in shown


def test_nobody_types_for_input_as_where_it_is_graded(home: Home) -> None:
    code, shown, _ = checked(
        home(after_step01_counting="def longest_word(text):\n    return input('λέξη;')\n"), typed="λέξη\n"
    )
    assert code == 1
    assert "EOFError" in shown


# --- what one step leaves behind

CHANGES = {
    "the folder": ("import os; os.chdir('/')", "import os; assert os.getcwd() != '/'"),
    "the path": ("import sys; sys.path.insert(0, '/nowhere')", "import sys; assert '/nowhere' not in sys.path"),
    "the environment": ("import os; os.environ['ΜΟΥΣΙΚΗ'] = '1'", "import os; assert 'ΜΟΥΣΙΚΗ' not in os.environ"),
    "NumPy's errors": (
        "import numpy as np; np.seterr(all='raise'); np.set_printoptions(precision=1)",
        "import numpy as np; assert np.geterr()['under'] == 'ignore' and np.get_printoptions()['precision'] == 8",
    ),
    "recursion": ("import sys; sys.setrecursionlimit(5000)", "import sys; assert sys.getrecursionlimit() < 5000"),
    "signals": (
        "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)",
        "import signal; assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL",
    ),
    "built-in names": ("import builtins; builtins.ascii = None", "assert ascii is not None"),
    "the locale": (
        "import locale; locale.setlocale(locale.LC_NUMERIC, 'C.UTF-8')",
        "import locale; assert locale.setlocale(locale.LC_NUMERIC) == 'C'",
    ),
    "decimals": (
        "import decimal; decimal.getcontext().prec = 3",
        "import decimal; assert decimal.getcontext().prec == 28",
    ),
    "logging": ("import logging; logging.disable()", "import logging; assert logging.root.manager.disable == 0"),
    "the collector": ("import gc; gc.disable()", "import gc; assert gc.isenabled()"),
    "a module's own state": (
        "import sys; sys.modules['words.step01_counting'].left = 1",
        "import words.step01_counting as one; assert not hasattr(one, 'left')",
    ),
}


def test_what_one_step_leaves_behind_does_not_reach_the_next(home: Home) -> None:
    changes = "".join(f"    {change}\n" for change, _ in CHANGES.values())
    called = f"_lines = count_lines\ndef count_lines(lines):\n{changes}    return _lines(lines)\n"
    looks = "".join(
        f"try:\n    {look}\nexcept AssertionError:\n    found.append({what!r})\n" for what, (_, look) in CHANGES.items()
    )
    expected = f"found = []\n{looks}assert not found, found\n"
    code, shown, errors = checked(home(after_step01_counting=called, before_step02_ciphers=expected))
    assert code == 0, shown + errors
