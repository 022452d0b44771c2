"""The two commands as users meet them: what they print, what they write, how they exit."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import pytest
from rich.console import Console

from graders.bench import engine as bench
from graders.bench.figures import Figure
from graders.commands import doctor
from graders.course import load_course
from graders.outcomes import HarnessFault
from graders.sandbox import breaches
from graders.sandbox.client import WarmServer
from tests.support import COURSE, GRADERS, LAB, ROOT, SEED, WORDS, run_python

SCHEMA = json.loads((ROOT / "docs" / "result.schema.json").read_text(encoding="utf-8"))


def command(module: str, *arguments: object, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    code = f"from graders.{module} import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True, text=True, encoding="utf-8", cwd=cwd, timeout=240, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def graders(*arguments: object, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return command("cli", *arguments, cwd=cwd)


def lab(*arguments: object, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return command("student", *arguments, cwd=cwd)


def test_lab_check_blames_the_harness_for_nothing_that_the_submission_made(tmp_path):
    shutil.copytree(ROOT / "solutions", tmp_path / "lab")
    with (tmp_path / "lab" / "step07_cnn.py").open("a", encoding="utf-8") as module:
        module.write(
            "\n\nclass CNNBackbone(nn.Module):\n"
            "    def __init__(self, input_dims, in_channels=1, filters=(4,), feature_size=1000):\n"
            "        super().__init__()\n"
            "        self.feature_size = feature_size\n"
            "        self.output = nn.Linear(input_dims[0] * input_dims[1], feature_size)\n"
            "    def forward(self, x):\n"
            "        return self.output(x.flatten(1)).relu().square()\n"
            "    def parameters(self, recurse=True):\n"
            "        raise ValueError('none today')\n"
            "\n\ndef layer_summary(network):\n"
            "    return [(1, object(), {})] * 9\n"
        )
    done = lab("check", "7", cwd=tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "harness_fault" not in done.stdout
    assert "student_error: ValueError: none today" in done.stdout


def test_run_prints_a_table_and_writes_results(tmp_path):
    broken = tmp_path / "broken.tar.gz"
    broken.write_bytes(b"no archive")
    done = graders(
        "run", "solutions", "lab", broken, "--step", 2, "--jobs", 2, "--seed", SEED, "--out", tmp_path / "grades"
    )
    assert done.returncode == 2  # one submission could not be read; the others are graded all the same
    assert done.stderr.startswith("graders: broken.tar.gz: cannot be read")
    assert "Traceback" not in done.stderr
    assert "solutions" in done.stdout
    assert "Isolation: full" in done.stdout
    assert "Written" not in done.stdout  # nobody answered
    result = json.loads((tmp_path / "grades" / "solutions" / "result.json").read_text(encoding="utf-8"))
    jsonschema.validate(result, SCHEMA)
    assert (result["schema"], result["score"], result["max_score"]) == (3, 6, 6)
    assert [(step["step"], step["seed"]) for step in result["steps"]] == [(2, str(SEED))]
    assert {one["id"]: one["status"] for one in result["written"]} == {"2.1": "not answered", "2.2": "not answered"}
    with (tmp_path / "grades" / "summary.csv").open(encoding="utf-8-sig") as file:
        rows = {row["submission"]: row for row in csv.DictReader(file)}
    assert {name: float(row["score"]) for name, row in rows.items()} == {
        "solutions": 6,
        "lab": 0,
        "broken": 0,
    }


def test_a_submission_that_cannot_be_read_is_told_once_and_not_check_by_check(tmp_path):
    broken = tmp_path / "broken.zip"
    broken.write_bytes(b"no archive")
    done = graders("run", broken, "--step", 2)
    assert done.returncode == 2
    assert "hint" not in done.stdout
    assert "Step 2:" not in done.stdout
    assert (done.stdout + done.stderr).count("cannot be read") == 1


def test_notes_and_what_is_no_submission_are_told_where_they_are_seen(tmp_path):
    package = tmp_path / f"{'x' * 70} ::error::anna" / "lab"
    shutil.copytree(ROOT / "lab", package)
    (package.parent / "εργασία.ipynb").write_text("{}", encoding="utf-8")
    (tmp_path / "grades.csv").write_text("a,b\n", encoding="utf-8")
    done = graders("run", package.parent, tmp_path / "grades.csv", "--step", 2, "--out", tmp_path / "out")
    assert done.returncode == 2
    assert done.stderr.startswith("graders: grades.csv: no submission; expected a folder")
    assert "εργασία.ipynb: not read, lab was." in done.stdout
    assert "as they were handed out." in done.stdout
    assert not [line for line in done.stdout.splitlines() if line.strip().startswith("::")]
    with (tmp_path / "out" / "summary.csv").open(encoding="utf-8-sig") as file:
        [row] = csv.DictReader(file)
    assert "εργασία.ipynb: not read, lab was" in row["notes"]


def test_a_run_without_out_says_that_its_results_are_not_kept():
    done = graders("run", WORDS / "words", "--course", WORDS)
    assert done.returncode == 0
    assert "Results were not kept; --out DIR keeps them." in done.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("run", "no-such-folder"), "no-such-folder"),
        (("run",), "SUBMISSIONS"),
        (("run", "lab", "--step", "11"), "--step"),
        (("run", "lab", "--jobs", "0"), "--jobs"),
        (("run", "lab", "--seed", "-1"), "--seed"),
        (("run", "lab", "--out", "pyproject.toml"), "pyproject.toml"),
        (("run", "lab", "--out", ""), "the name of the folder is empty"),
        (("run", "lab", "--out", "/proc/grades"), "cannot be made"),
        (("frobnicate",), "frobnicate"),
        (("run", "lab", "--time-limit", "0"), "--time-limit"),
        (("run", "lab", "--time-limit", "nan"), "--time-limit"),
        (("run", "lab", "--time-limit", "inf"), "--time-limit"),
        (("run", "lab", "--course", "/no/such/folder"), "course.toml: cannot be read"),
        (("skeleton", "--out", "pyproject.toml/x"), "cannot be written"),
    ],
)
def test_wrong_usage_is_one_sentence_and_exit_code_2(arguments, says):
    done = graders(*arguments)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_lab_check_passes_on_the_reference_and_fails_on_the_skeleton(tmp_path):
    shutil.copytree(ROOT / "solutions", tmp_path / "lab")
    done = lab("check", "1", "step02", "step03_chromagrams", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "16 of 16 points" in done.stdout
    untouched = lab("check", "1")
    assert untouched.returncode == 1
    assert "0 of 6 points" in untouched.stdout


def test_lab_check_shows_what_went_wrong_and_where(tmp_path):
    shutil.copytree(ROOT / "lab", tmp_path / "lab")
    path = tmp_path / "lab" / "step02_beat_sync.py"
    source = path.read_text(encoding="utf-8")
    wrong = source.replace(
        'raise NotImplementedError("timesteps is yours to write: step 2")', "return feature.shape[0]"
    )
    wrong = wrong.replace(
        'raise NotImplementedError("duration_seconds is yours to write: step 2")', "return n / άγνωστο"
    )
    path.write_text(wrong, encoding="utf-8")
    done = lab("check", "2", "--hints", "--hints", "--root", tmp_path)
    assert done.returncode == 1
    assert "timesteps(feature [12, 1]) returned 12; expected 1." in done.stdout
    assert "hint: The columns of [F, T] are the timesteps: shape[1]." in done.stdout
    assert "name 'άγνωστο' is not defined [step02_beat_sync.py line" in done.stdout


def test_lab_check_says_what_to_do_about_a_module_that_does_not_load(tmp_path):
    shutil.copytree(ROOT / "solutions", tmp_path / "lab")
    path = tmp_path / "lab" / "step02_beat_sync.py"
    path.write_text(path.read_text(encoding="utf-8") + "\nάγνωστο\n", encoding="utf-8")
    done = lab("check", "2", "3", cwd=tmp_path)
    assert done.returncode == 1
    assert "name 'άγνωστο' is not defined [step02_beat_sync.py line" in done.stdout
    hints = [
        line for line in done.stdout.splitlines() if "hint: " in line and "`python -m lab.step02_beat_sync`" in line
    ]
    messages = [line for line in done.stdout.splitlines() if "student_error: " in line]
    assert len(hints) == len(messages) == 1
    assert "4 of 10 points" in done.stdout
    path.write_text("def timesteps(feature:\n", encoding="utf-8")
    assert "`python -m lab.step02_beat_sync`" in lab("check", "2", cwd=tmp_path).stdout


def test_ctrl_c_in_lab_check_shows_what_was_checked_and_the_line_that_ran(tmp_path):
    shutil.copytree(ROOT / "solutions", tmp_path / "lab")
    path = tmp_path / "lab" / "step02_beat_sync.py"
    mark = tmp_path / "mark"
    endless = (
        "def duration_seconds(n, sr=22050, hop_length=512):\n"
        f"    open({str(mark)!r}, 'w').close()\n"
        "    while True: pass\n"
    )
    source = path.read_text(encoding="utf-8") + "\n" + endless
    path.write_text(source, encoding="utf-8")
    # A process that was started in the background may have been told to ignore the signal.
    code = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from graders.student import main; main()"
    running = subprocess.Popen(
        [sys.executable, "-c", code, "check", "2", "--root", str(tmp_path)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8", cwd=ROOT,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    while not mark.exists():
        assert running.poll() is None
        time.sleep(0.01)
    running.send_signal(signal.SIGINT)
    shown, errors = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "✓ timesteps returns T" in shown
    assert "✓ duration" not in shown
    last = len(source.splitlines())  # the loop's body, or its head
    assert errors.startswith(
        tuple(
            f"lab: interrupted at step02_beat_sync.py line {line}, in duration_seconds, after "
            for line in (last - 1, last)
        )
    )
    assert errors.count("\n") == 1


def test_lab_check_works_without_the_reference_solutions(tmp_path):
    for name, left_out in (("graders", ()), ("lab", ()), ("fixtures", ("data", "submissions"))):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns(*left_out))
    blocked = (
        "import sys; sys.modules['solutions'] = None; sys.path.insert(0, '.'); from graders.student import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", blocked, "check"],
        capture_output=True, text=True, encoding="utf-8", cwd=tmp_path, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "0 of 100 points" in done.stdout
    assert "Written: 0 of 2 answered in lab/answers/step02.md" in done.stdout


@pytest.mark.parametrize(("arguments", "says"), [(("check", "11"), "no step"), (("check", "abc"), "no step")])
def test_lab_check_refuses_what_is_no_step(arguments, says):
    done = lab(*arguments)
    assert done.returncode == 2
    assert says in done.stderr


def test_lab_check_counts_written_answers_and_exits_as_without_them(tmp_path):
    shutil.copytree(ROOT / "solutions", tmp_path / "lab")
    answers = tmp_path / "lab" / "answers" / "step02.md"
    text = answers.read_text(encoding="utf-8")
    for extra, says in (("", "0 of 2"), ("Λιγότερες στήλες.\x1b[2J\n# 2.9\n", "1 of 2")):
        answers.write_text(text + extra, encoding="utf-8")
        done = lab("check", "2", cwd=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"\nWritten: {says} answered in lab/answers/step02.md, to be marked by a person.\n" in done.stdout
        assert "6 of 6 points of the public checks." in done.stdout
        assert "\x1b" not in done.stdout
    assert "headings that name no written question: 2.9" in done.stdout
    answers.write_bytes(b"\xff\xfe")
    (tmp_path / "lab" / "step02_beat_sync.py").write_bytes((ROOT / "lab" / "step02_beat_sync.py").read_bytes())
    unread = lab("check", "2", cwd=tmp_path)
    assert unread.returncode == 1
    assert "Written: 0 of 2 answered" in unread.stdout
    assert "answers/step02.md: left out, not UTF-8 text" in unread.stdout


def test_lab_check_asks_nothing_in_a_step_without_questions(solved_home):
    done = lab("check", "1", cwd=solved_home)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Written" not in done.stdout
    assert "Written" in lab("check", "2", cwd=solved_home).stdout


def test_run_says_who_has_answers_to_be_marked(tmp_path):
    package = tmp_path / "al\x1b[2Jice" / "lab"
    shutil.copytree(ROOT / "lab", package)
    (package / "answers" / "step02.md").write_text("# 2.1\n\x1b[31mΣβήνουν οι κλίσεις.\n", encoding="utf-8")
    done = graders("run", package.parent, "lab", "--step", 2, "--out", tmp_path / "grades")
    assert done.returncode == 0, done.stderr
    assert "Written answers to be marked: al\ufffd[2Jice 1 of 2.\n" in done.stdout
    assert "\x1b" not in done.stdout
    with (tmp_path / "grades" / "summary.csv").open(encoding="utf-8-sig") as file:
        assert [(row["score"], row["written_answered"]) for row in csv.DictReader(file)] == [("0.0", "1"), ("0.0", "0")]


def test_lab_check_needs_a_lab_folder(tmp_path):
    done = lab("check", cwd=tmp_path)
    assert done.returncode == 2
    assert "There is no lab folder" in done.stderr


def test_doctor_says_that_isolation_is_full():
    done = graders("doctor")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("stopped") == len(breaches.BREACHES)
    assert "Isolation: full" in done.stdout


def test_doctor_names_a_layer_that_is_missing(monkeypatch):
    tried = (breaches.Breach("answering", lambda probe: probe.answer()), *breaches.BREACHES[:1])
    monkeypatch.setattr(breaches, "BREACHES", tried)
    console = Console(record=True, width=120)
    assert doctor.examine(COURSE, console) == 3
    text = console.export_text()
    assert "GOT THROUGH    answering" in text
    assert "refuses to start" in text


def test_bench_measures_the_sandbox_on_a_running_server():
    figures = bench.sandbox_figures(load_course(WORDS), repeats=3)
    assert len(figures) == 4
    assert all(figure.value > 0 for figure in figures if figure.unit != "MB")  # memory may shrink meanwhile


def test_a_figure_beyond_its_bound_fails_the_bench(monkeypatch, tmp_path):
    good = Figure("calls", 3.0, "us", 5.0)
    bad = Figure("speed-up", 1.1, "times", 1.8, at_least=True)
    for figures, holds in (([good], True), ([good, bad], False)):
        monkeypatch.setattr(bench, "GROUPS", (lambda _, figures=figures: figures,))
        console = Console(record=True, width=120)
        assert bench.measure(COURSE, console, tmp_path / "figures.json") is holds
        assert "≤ 5 us" in console.export_text()
    written = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))
    assert [figure["what"] for figure in written] == ["calls", "speed-up"]


def test_help_starts_without_loading_what_grading_needs():
    code = "import sys; sys.argv = ['graders', '--help']\nfrom graders.cli import main\ntry: main()\nexcept SystemExit: pass\nprint([m for m in ('torch', 'librosa', 'pytest') if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=60, check=True
    )
    assert done.stdout.rstrip().endswith("[]")


def test_a_server_that_cannot_start_is_a_harness_fault(monkeypatch):
    monkeypatch.setattr("graders.sandbox.client.BOOTSTRAP", "raise SystemExit(1)")
    with WarmServer(COURSE, steps=[2]) as server, pytest.raises(HarnessFault, match="warm server"):
        server.wait_until_warm()


def test_a_later_run_adds_to_the_summary(tmp_path):
    for submission in ("words_reference", "words"):
        assert graders("run", WORDS / submission, "--course", WORDS, "--out", tmp_path).returncode == 0
    with (tmp_path / "summary.csv").open(encoding="utf-8-sig") as file:
        assert [row["submission"] for row in csv.DictReader(file)] == ["words", "words_reference"]


def test_lab_check_names_what_is_missing_and_shows_what_is_printed(tmp_path):
    (tmp_path / "lab").mkdir()
    source = "def timesteps(feature):\n    print('Γεια')\n    return feature.shape[1]\n"
    (tmp_path / "lab" / "step02_beat_sync.py").write_text(source, encoding="utf-8")
    (tmp_path / "lab" / "step01_spectograms (1).py").write_text("x = 1\n", encoding="utf-8")
    done = lab("check", "lab/step02_beat_sync.py", "1", cwd=tmp_path)
    assert done.returncode == 1
    assert "Γεια" in done.stdout
    assert "✓ timesteps returns T" in done.stdout
    assert "step02_beat_sync has no beat_sync; keep the names of the skeleton." in done.stdout
    assert "step01_spectrograms.py is not in" in done.stdout
    assert "If step01_spectograms (1).py is meant, rename it." in " ".join(done.stdout.split())
    assert "harness_fault" not in done.stdout


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda ending: ending.name)
def test_an_interrupted_run_says_how_to_go_on_and_leaves_nothing(tmp_path, ending):
    """Also one that a script has started in the background, where SIGINT is ignored."""
    code = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); from graders.cli import main; main()"
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    several = [WORDS / "words_reference"] * 200
    running = subprocess.Popen(
        [sys.executable, "-u", "-c", code, "run", *several, "--course", WORDS, "--out", tmp_path / "out"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8", cwd=ROOT,
        env={**os.environ, "TMPDIR": str(temporary)},
    )  # fmt: skip
    assert running.stdout is not None
    assert running.stdout.readline().startswith("words_reference")
    running.send_signal(ending)
    _, errors = running.communicate(timeout=60)
    assert running.returncode == 130, errors
    assert "run the same command again" in errors
    assert (tmp_path / "out" / "summary.csv").exists()
    assert [path.name for path in temporary.iterdir() if path.name.startswith("graders")] == []


def test_a_run_under_nohup_goes_on(tmp_path):
    code = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN); from graders.cli import main; main()"
    several = [WORDS / "words_reference"] * 10
    command = [sys.executable, "-u", "-c", code, "run", *several, "--course", WORDS, "--out", tmp_path]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    assert running.stdout is not None
    assert running.stdout.readline().startswith("words_reference")
    running.send_signal(signal.SIGHUP)
    _, errors = running.communicate(timeout=60)
    assert running.returncode == 0, errors


def test_a_run_of_one_step_does_not_take_the_place_of_a_run_of_more(tmp_path):
    of_words = ("run", WORDS / "words", "--course", WORDS, "--out", tmp_path)
    assert graders(*of_words, "--step", 1).returncode == 0
    assert graders(*of_words).returncode == 0
    kept = (tmp_path / "words" / "result.json").read_bytes()
    done = graders(*of_words, "--step", 1)
    assert (done.returncode, (tmp_path / "words" / "result.json").read_bytes()) == (2, kept)
    assert "words/result.json holds step 2 too, which would be lost; name another folder." in done.stderr


@pytest.mark.parametrize(("place", "kind"), [("summary.csv", "folder"), ("lab", "file")])
def test_what_stands_where_results_go_is_named(tmp_path, place, kind):
    (tmp_path / place).mkdir() if kind == "folder" else (tmp_path / place).write_text("", encoding="utf-8")
    done = graders("run", "lab", "--step", 1, "--out", tmp_path)
    assert done.returncode == 2
    assert f"{place} in it is a {kind}" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("command", "arguments", "times", "said"),
    [
        ("lab", ("check", "2", "--lang", "el"), 1, "lab: διακόπηκε."),
        ("lab", ("check", "2"), 1, "lab: interrupted."),
        ("graders", ("run", "lab"), 1, "graders: interrupted."),
        ("graders", ("run", "lab"), 2, "graders: interrupted."),
    ],
)
def test_an_interrupt_while_modules_load_is_told_as_any_other(command, arguments, times, said):
    """At whatever module it arrives: here, at each of three of the first."""
    for module in ("click", "msgspec", "graders.course"):
        code = (
            "import os, signal, sys\n"
            "class Impatient:\n"
            "    def find_spec(self, name, *_):\n"
            f"        for _ in range({times} if name == {module!r} else 0):\n"
            "            os.kill(os.getpid(), signal.SIGINT)\n"
            "sys.meta_path.insert(0, Impatient())\n"
            "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
            f"from graders.commands.entry.points import {command}; {command}()"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments],
            capture_output=True, text=True, encoding="utf-8", cwd=ROOT, timeout=60, check=False,
            env={**os.environ, "PYTHONIOENCODING": "utf-8", "LANGUAGE": "en"},
        )  # fmt: skip
        assert (done.returncode, done.stdout, done.stderr.strip()) == (130, "", said)


def test_an_interrupt_while_the_server_starts_is_told_as_any_other():
    code = (
        "import graders.sandbox.client as client\n"
        "def stop(*_): raise KeyboardInterrupt\n"
        "client.WarmServer.wait_until_warm = stop\n"
        "from graders.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "run", WORDS / "words", "--course", WORDS],
        capture_output=True, text=True, cwd=ROOT, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr.strip()) == (130, "graders: interrupted.")


@pytest.mark.parametrize(("arguments", "code"), [(("run", "lab", "--course", "/gone"), 2), (("rescore", "/proc"), 2)])
def test_debug_shows_more_and_ends_with_the_same_code(arguments, code):
    plain, debugged = graders(*arguments), graders("--debug", *arguments)
    assert plain.returncode == debugged.returncode == code
    assert "Traceback" not in plain.stderr
    assert plain.stderr in debugged.stderr


def test_a_terminal_that_knows_no_greek_costs_no_result():
    done = run_python(LAB, "check", 2, "--root", "fixtures/submissions/complete", cwd=ROOT, PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stderr
    assert "6 of 6 points" in done.stdout


def test_a_pipe_that_is_closed_costs_no_result(tmp_path):
    several = [WORDS / name for name in ("words_reference", "words", "variants/split_by_hand")]
    running = subprocess.Popen(
        [sys.executable, "-c", GRADERS, "run", *several, "--course", WORDS, "--out", tmp_path / "out"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8", cwd=ROOT,
    )  # fmt: skip
    assert running.stdout is not None
    assert running.stderr is not None
    running.stdout.close()
    with running.stderr:
        assert (running.wait(timeout=120), running.stderr.read()) == (0, "")
    with (tmp_path / "out" / "summary.csv").open(encoding="utf-8-sig") as file:
        assert sorted(row["submission"] for row in csv.DictReader(file)) == [
            "split_by_hand",
            "words",
            "words_reference",
        ]


SWITCHES = """
import matplotlib as _mpl, sklearn as _sklearn, torch as _torch
_torch.set_grad_enabled(False); _torch.set_default_dtype(_torch.float64); _torch.use_deterministic_algorithms(True)
_torch.set_printoptions(precision=1); _torch.autograd.set_detect_anomaly(True); _torch.set_num_threads(2)
_mpl.rcParams["font.size"] = 50; _sklearn.set_config(assume_finite=True)
"""
AS_NEW = """
import matplotlib as _mpl, sklearn as _sklearn, torch as _torch
assert _torch.is_grad_enabled() and _torch.get_default_dtype() == _torch.float32
assert not _torch.are_deterministic_algorithms_enabled() and not _torch.is_anomaly_enabled()
assert _torch.get_num_threads() == 1
assert _mpl.rcParams["font.size"] == 10 and not _sklearn.get_config()["assume_finite"]
"""


def test_global_switches_of_libraries_are_set_back_between_steps(tmp_path):
    shutil.copytree(ROOT / "solutions", tmp_path / "lab")
    for module, text in (("step02_beat_sync", SWITCHES), ("step03_chromagrams", AS_NEW)):
        with (tmp_path / "lab" / f"{module}.py").open("a", encoding="utf-8") as file:
            file.write(text)
    done = lab("check", "2", "3", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
