"""Grading whole submissions: what hostile ones gain, what results hold, and what a class run leaves behind."""

from __future__ import annotations

import os
import re
import shutil
import time
import zipfile
from collections.abc import Callable, Collection
from pathlib import Path

import msgspec
import pytest
import torch

from graders.grading.grade import grade_one
from graders.grading.jobs import grade_all
from graders.grading.names import names_of
from graders.grading.processes import one_thread
from graders.grading.task import Failed, Finished, Graded, Progress, Refused, Task
from graders.intake.submission import Submission, read_submission
from graders.judging.collection import CollectedChecks
from graders.judging.rubric import load_rubric
from graders.outcomes import HarnessFault
from graders.results.files import read_result
from graders.results.schema import Level, Result
from graders.sandbox import client
from graders.sandbox.client import WarmServer
from graders.sandbox.layers import Layer, State
from tests.hostile.corpus import with_deadline
from tests.support import COURSE, ROOT, SEED


@pytest.fixture
def grade(warm_server: WarmServer, collected: CollectedChecks, tmp_path: Path) -> Callable[..., Result]:
    """Grade some steps of the reference with something done to it: files appended to, or replaced."""

    def run(
        append: dict[str, str] | None = None,
        replace: dict[str, str] | None = None,
        prepend: dict[str, str] | None = None,
        steps: Collection[int] = (2, 3),
        seconds: float = 0,
    ) -> Result:
        rubric = load_rubric(COURSE, steps)
        folder = tmp_path / "submission"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(ROOT / "solutions", folder / "lab")
        for name, text in (append or {}).items():
            path = folder / "lab" / name
            path.write_text(path.read_text(encoding="utf-8") + "\n" + text, encoding="utf-8")
        for name, text in (prepend or {}).items():
            path = folder / "lab" / name
            path.write_text(text + "\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
        for name, text in (replace or {}).items():
            (folder / "lab" / name).write_text(text, encoding="utf-8")
        graded = grade_one(
            folder,
            "submission",
            Task(COURSE, with_deadline(rubric, seconds) if seconds else rubric, SEED, None, collected=collected),
            warm_server.controls[0],
            lambda _: None,
        )
        return graded.result

    return run


def not_passed(result: Result) -> dict[str, str]:
    return {check.id: str(check.outcome) for check in result.checks if check.outcome != "passed"}


def test_the_reference_gets_full_marks_and_the_skeleton_none(warm_server):
    """Of three steps, one of them with PyTorch; of all steps, `tests/course` has it."""
    task = Task(COURSE, load_rubric(COURSE, (2, 3, 4)), SEED, None)
    events = list(grade_all([ROOT / "solutions", ROOT / "lab"], task, warm_server))
    ended = {event.name: event.outcome for event in events if isinstance(event, Finished)}
    assert isinstance(ended["solutions"], Graded)
    assert isinstance(ended["lab"], Graded)
    reference, skeleton = ended["solutions"].result, ended["lab"].result
    assert (reference.score, not_passed(reference)) == (reference.max_score, {})
    assert {check.step for check in reference.checks} == {2, 3, 4}
    assert skeleton.score == 0
    assert {check.outcome for check in skeleton.checks} == {"not_implemented"}
    assert reference.isolation.level == "full"
    progress = [event.ended for event in events if isinstance(event, Progress) and event.name == "solutions"]
    assert progress[0] == 0
    assert progress[-1] == len(reference.checks)


def test_exiting_on_import_costs_that_step_alone(grade):
    result = grade(prepend={"step02_beat_sync.py": "import os; os._exit(0)"}, steps=(2, 3, 4))
    assert {check_id[:6] for check_id in not_passed(result)} == {"step02"}
    assert set(not_passed(result).values()) == {"died", "blocked"}
    assert result.score == result.max_score - 6


def test_a_module_that_does_not_load_is_the_hint_of_its_checks(grade):
    result = grade(prepend={"step02_beat_sync.py": "import no_such_module_at_all"})
    failed = [check for check in result.checks if check.message.startswith("import step02_beat_sync raised")]
    assert failed
    assert all("`python -m lab.step02_beat_sync`" in check.hint for check in failed)
    others = [check.hint for check in result.checks if check not in failed]
    assert not any("does not load" in hint for hint in others)


def test_a_function_without_end_costs_its_own_checks_alone(grade):
    result = grade(
        append={
            "step02_beat_sync.py": "def duration_seconds(n, sr=22050, hop_length=512):\n    import os\n    os.read(os.pipe()[0], 1)\n"
        },
        seconds=2.0,
    )
    assert not_passed(result) == {
        "step02.duration_of_a_clip": "timed_out",
        "step02.duration_follows_rate_and_hop": "timed_out",
    }


@pytest.mark.parametrize(
    ("attack", "outcome"),
    [
        ("import os; os.fork()", "forbidden"),
        ("import socket; socket.create_connection(('127.0.0.1', 9))", "forbidden"),
        (f"open({str(ROOT / 'solutions' / 'step02_beat_sync.py')!r}).read()", "forbidden"),
        ("import solutions.step02_beat_sync", "student_error"),
        ("import subprocess; subprocess.check_output(['id'])", "forbidden"),
        ("import sys; sys.exit(0)", "student_error"),
    ],
)
def test_a_forbidden_act_costs_what_it_was_done_in(grade, attack, outcome):
    result = grade(
        append={
            "step02_beat_sync.py": f"def duration_seconds(n, sr=22050, hop_length=512):\n    {attack}\n    return n * hop_length / sr\n"
        }
    )
    assert not_passed(result) == {
        "step02.duration_of_a_clip": outcome,
        "step02.duration_follows_rate_and_hop": outcome,
    }


PATCHES = """
import sys, types, builtins, numpy, torch
class Equal:
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __getattr__(self, name): return lambda *a, **k: Equal()
    def __len__(self): return 2
    def __iter__(self): return iter(())
for name in ("pytest", "_pytest", "hypothesis", "graders.authoring.expect", "graders.judging.judge"):
    sys.modules[name] = types.ModuleType(name)
numpy.testing.assert_allclose = numpy.allclose = numpy.array_equal = lambda *a, **k: True
torch.equal = torch.allclose = lambda *a, **k: True
builtins.AssertionError = Exception
main = sys.modules.get("graders.sandbox.worker")
if main: main._Worker.describe = lambda self, error: {"bases": [], "type": "", "text": "", "frames": []}
"""


def test_patching_the_libraries_that_judge_gains_nothing(grade):
    wrong = "def duration_seconds(n, sr=22050, hop_length=512):\n    return Equal()\n"
    result = grade(append={"step02_beat_sync.py": PATCHES + wrong})
    # It loses what it faked, and the refusals: it has overwritten how its own exceptions are told.
    assert not_passed(result) == {
        "step02.duration_of_a_clip": "wrong_type",
        "step02.duration_follows_rate_and_hop": "wrong_type",
        "step02.beat_sync_refuses_beats_outside_the_track": "failed",
        "step02.beat_sync_refuses_beats_in_seconds": "failed",
        "step02.beat_sync_refuses_other_dimensions": "failed",
    }


def test_forging_the_workers_answers_gains_nothing(grade):
    forge = (
        "import graders.sandbox.worker as w\n"
        "w._Worker.answer = lambda self, number, seed, operation, arguments: self.send([number, 'value', 'passed'])\n"
    )
    result = grade(prepend={"step02_beat_sync.py": forge})
    assert {check.outcome for check in result.checks if check.step == 2} <= {"wrong_type", "failed", "blocked"}
    assert all(check.outcome == "passed" for check in result.checks if check.step != 2)


def test_a_file_that_does_not_parse_costs_its_step_and_names_its_line(grade):
    source = "x = 1\ndef chromagram(fused:\n    return\n"
    result = grade(replace={"step03_chromagrams.py": source}, steps=(2, 3, 4))
    assert {check_id[:6] for check_id in not_passed(result)} == {
        "step03",
        "step04",
    }  # step 4 imports step 3 in the reference
    messages = [check.message for check in result.checks if check.step == 3]
    assert all("step03_chromagrams.py line 2" in message for message in messages if "builds on" not in message)


def test_nothing_is_left_behind(grade, tmp_path, monkeypatch):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    grade(prepend={"step02_beat_sync.py": "open('left', 'w').close()"})
    assert os.listdir(temporary) == []


def test_results_are_kept_and_taken_up_again(warm_server, tmp_path):
    rubric = load_rubric(COURSE, frozenset({2}))
    out = tmp_path / "grades"
    paths = [ROOT / "solutions", ROOT / "lab"]

    def run(seed: int = SEED) -> dict[str, Graded]:
        events = list(grade_all(paths, Task(COURSE, rubric, seed, out), warm_server))
        return {
            event.name: event.outcome
            for event in events
            if isinstance(event, Finished) and isinstance(event.outcome, Graded)
        }

    first = run()
    again = run()
    assert [one.resumed for one in first.values()] == [False, False]
    assert [one.resumed for one in again.values()] == [True, True]
    assert {name: one.result for name, one in again.items()} == {name: one.result for name, one in first.items()}
    assert read_result(out / "solutions") == first["solutions"].result
    assert not any(one.resumed for one in run(seed=1).values())
    (out / "lab" / "result.json").write_text("{", encoding="utf-8")
    assert [one.resumed for one in run(seed=1).values()] == [True, False]


def test_an_unreadable_submission_is_recorded_and_the_others_are_graded(warm_server, tmp_path):
    (tmp_path / "σπασμένο.zip").write_bytes(b"PK\x03\x04 not a zip")
    task = Task(COURSE, load_rubric(COURSE, frozenset({2})), SEED, tmp_path / "grades")
    events = list(grade_all([tmp_path / "σπασμένο.zip", ROOT / "solutions"], task, warm_server))
    ended = {event.name: event.outcome for event in events if isinstance(event, Finished)}
    broken, whole = ended["σπασμένο"], ended["solutions"]
    assert isinstance(broken, Graded)
    assert isinstance(whole, Graded)
    assert "σπασμένο.zip" in broken.problem
    assert (broken.result.score, broken.result.max_score) == (0, 6)
    text = (tmp_path / "grades" / "σπασμένο" / "result.json").read_text(encoding="utf-8")
    assert text.count("cannot be read") == 1
    assert {(str(check.outcome), check.message, check.hint) for check in broken.result.checks} == {
        ("student_error", "", "")
    }
    assert whole.result.score == 6
    assert read_result(tmp_path / "grades" / "σπασμένο") == broken.result


def test_what_is_no_submission_has_no_result(warm_server, tmp_path):
    (tmp_path / "grades.csv").write_text("a,b\n", encoding="utf-8")
    for student in ("Άννα_1_assignsubmission_file_", "Νίκος_2_assignsubmission_file_"):
        shutil.copytree(ROOT / "lab", tmp_path / "class" / student / "lab")
    task = Task(COURSE, load_rubric(COURSE, {2}), SEED, tmp_path / "out")
    events = grade_all([tmp_path / "grades.csv", tmp_path / "class"], task, warm_server)
    ended = {event.name: event.outcome for event in events if isinstance(event, Finished)}
    file, folder = ended["grades.csv"], ended["class"]
    assert isinstance(file, Refused)
    assert isinstance(folder, Refused)
    assert "grades.csv: no submission" in file.reason
    assert "Άννα_1_assignsubmission_file_, Νίκος_2_assignsubmission_file_" in folder.reason
    assert not (tmp_path / "out").exists()


def test_an_earlier_result_is_told_and_kept_when_another_takes_its_place(warm_server, tmp_path):
    def graded(path: Path) -> Graded:
        task = Task(COURSE, load_rubric(COURSE, {1}), SEED, tmp_path / "out")
        return grade_one(path, "lab", task, warm_server.controls[0], lambda _: None)

    def hand_in(who: str, files: Path | bytes) -> Path:
        (Path(tmp_path) / who).mkdir(exist_ok=True)
        if isinstance(files, bytes):
            (tmp_path / who / "lab.zip").write_bytes(files)
        else:
            shutil.make_archive(str(tmp_path / who / "lab"), "zip", files)
        return Path(tmp_path, who, "lab.zip")

    first = graded(hand_in("anna", ROOT / "solutions"))
    assert (first.result.score, first.replaced) == (6, "")
    assert graded(tmp_path / "anna" / "lab.zip").replaced == ""
    other = graded(hand_in("νίκος", ROOT / "lab"))
    assert "takes the place of an earlier result of another submission" in other.replaced
    assert str(tmp_path / "anna" / "lab.zip") in other.replaced
    assert f"(6 of 6), which is kept as {tmp_path / 'out' / 'lab' / 'earlier-1.json'}" in other.replaced
    kept = msgspec.json.decode((tmp_path / "out" / "lab" / "earlier-1.json").read_bytes(), type=Result)
    assert kept == first.result
    assert graded(hand_in("νίκος", ROOT / "solutions")).replaced == ""  # better than before, and kept all the same
    assert (tmp_path / "out" / "lab" / "earlier-2.json").exists()
    broken = graded(hand_in("νίκος", b"PK no zip"))
    assert "lab: 0 of 6 takes the place of an earlier 6 of 6, which is kept as" in broken.replaced
    assert (tmp_path / "out" / "lab" / "earlier-3.json").exists()
    again = graded(hand_in("νίκος", ROOT / "solutions"))
    assert (again.result.score, again.replaced) == (6, "")
    assert [path.name for path in sorted((tmp_path / "out" / "lab").iterdir())] == [
        *(f"earlier-{number}.json" for number in (1, 2, 3)),
        "result.json",
    ]


def test_reading_and_staging_take_of_a_submissions_time(warm_server, tmp_path, monkeypatch):
    def slow(*_: object) -> Submission:
        busy_until = time.process_time() + 1.5
        while time.process_time() < busy_until:
            pass
        return read_submission(ROOT / "solutions", COURSE)

    monkeypatch.setattr("graders.grading.grade.read_submission", slow)
    task = Task(COURSE, load_rubric(COURSE, {2}), SEED, None, seconds=1.0)
    result = grade_one(tmp_path, "slow", task, warm_server.controls[0], lambda _: None).result
    assert {str(check.outcome) for check in result.checks} <= {"timed_out", "blocked"}


def test_confinement_below_the_required_level_refuses_to_grade(warm_server, monkeypatch):
    real = client.Worker.read_layers
    monkeypatch.setattr(
        client.Worker,
        "read_layers",
        lambda self: {**real(self), "seccomp": Layer(State.MISSING, "libseccomp cannot be loaded")},
    )
    task = Task(COURSE, load_rubric(COURSE, frozenset({2})), SEED, None)
    with pytest.raises(HarnessFault, match=r"cannot isolate student code as required .*seccomp missing: libseccomp"):
        grade_one(ROOT / "solutions", "solutions", task, warm_server.controls[0], lambda _: None)
    lenient = Task(COURSE, task.rubric, SEED, None, required=Level.PARTIAL)
    graded = grade_one(ROOT / "solutions", "solutions", lenient, warm_server.controls[0], lambda _: None)
    assert (graded.result.score, graded.result.isolation.level) == (6, "partial")


def test_names_are_unique_in_any_letter_case(tmp_path):
    paths = [tmp_path / name for name in ("Lab.zip", "lab.tar.gz", "lab", "other.ipynb", "lab-2")]
    assert names_of(paths) == ["Lab.zip", "lab.tar.gz", "lab", "other", "lab-2"]


def test_submissions_of_one_name_in_one_folder_keep_the_endings_of_their_files(tmp_path):
    paths = [tmp_path / name for name in ("anna.zip", "anna.ipynb", "νίκος.zip", "eva.zip", "Eva.zip", "anna.zip")]
    assert names_of(paths) == ["anna.zip", "anna.ipynb", "νίκος", "eva.zip", "Eva.zip-2", "anna.zip-2"]


def test_a_name_holds_nothing_that_a_terminal_obeys(tmp_path):
    assert names_of([tmp_path / "a\x9b31m\u202e\nb.zip"]) == ["a\ufffd31m\ufffd\ufffdb"]


def test_submissions_of_one_name_are_called_after_their_folders_too(tmp_path):
    files = ("Άννα/lab.zip", "Νίκος/Lab.zip", "Νίκος/lab.tar", "d/other.zip", "x/1/mine.zip", "y/1/mine.zip")
    paths = [tmp_path / file for file in files]
    assert names_of(paths) == ["Άννα-lab", "Νίκος-Lab.zip", "Νίκος-lab.tar", "other", "x-1-mine", "y-1-mine"]
    # As long as these tell them apart, other submissions change nobody's name.
    assert names_of(paths[:2]) == ["Άννα-lab", "Νίκος-Lab"]


def test_a_name_fits_into_a_file_system(tmp_path):
    names = names_of([tmp_path / (folder * 60) / "Εργαστήριο.zip" for folder in ("αβ", "αγ")])
    assert len(set(names)) == 2
    assert all((tmp_path / name).mkdir() is None for name in names)


def test_a_judge_process_that_dies_is_a_harness_fault(warm_server, monkeypatch):
    monkeypatch.setattr("graders.grading.jobs.grade_one", lambda *_: os._exit(1))
    with WarmServer(COURSE, steps=[2]) as server:
        server.wait_until_warm()
        events = list(
            grade_all(
                [ROOT / "lab", ROOT / "solutions"],
                Task(COURSE, load_rubric(COURSE, frozenset({2})), SEED, None),
                server,
            )
        )
    outcomes = [event.outcome for event in events if isinstance(event, Finished)]
    assert [type(outcome) for outcome in outcomes] == [Failed, Failed]


def test_a_judge_keeps_its_libraries_to_one_thread():
    threads = torch.get_num_threads()
    with one_thread():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == threads


def test_deep_folders_in_scratch_cost_no_result(grade):
    deep = "import os\nfor _ in range(1500):\n    os.mkdir('d'); os.chdir('d')"
    assert not_passed(grade(prepend={"step02_beat_sync.py": deep})) == {}


def test_data_of_the_course_cannot_be_read_from_a_worker(grade):
    labels = ROOT / "fixtures" / "data" / "fma_genre_spectrograms" / "test_labels.txt"
    result = grade(append={"step03_chromagrams.py": f"def chromagram(fused):\n    open({str(labels)!r}).read()\n"})
    assert not_passed(result)["step03.chromagram_is_the_last_12_rows"] == "forbidden"


def test_huge_answers_of_nothing_do_not_stall_the_judge(grade):
    source = "import numpy as np\ndef class_histogram(labels):\n    return np.zeros((1 << 35, 0))\n"
    result = grade(append={"step04_dataset.py": source}, steps=(2, 4))
    assert not_passed(result) == {
        "step04.class_histogram_counts_tracks": "wrong_type",
        "step04.class_histogram_is_sorted_by_name": "blocked",
    }


def test_odd_shapes_are_the_submissions_fault(grade):
    source = "import numpy as np\nclass Odd:\n    shape = np.zeros(3)\ndef compression_ratio(a, b):\n    return Odd()\n"
    result = grade(append={"step02_beat_sync.py": source})
    assert not_passed(result) == {"step02.compression_ratio_is_a_quotient_of_lengths": "wrong_type"}


def test_refusing_everything_earns_nothing(grade):
    everything = (
        "class ErrorForAll:\n    def __init__(self, *a, **k): raise ValueError\n"
        "for _name, _value in list(globals().items()):\n"
        "    if callable(_value) and getattr(_value, '__module__', '') == __name__: globals()[_name] = ErrorForAll\n"
    )
    names = [f"{name}.py" for name in COURSE.modules]
    assert grade(append=dict.fromkeys(names, everything), steps=()).score == 0


def test_a_submission_that_uses_up_its_time_keeps_what_it_had_earned(warm_server, tmp_path):
    shutil.copytree(ROOT / "solutions", tmp_path / "lab")
    with (tmp_path / "lab" / "step02_beat_sync.py").open("a", encoding="utf-8") as file:
        file.write("\n\ndef compression_ratio(a, b):\n    while True: pass\n")
    rubric = load_rubric(COURSE, frozenset({2, 3}))
    task = Task(COURSE, rubric, SEED, None, seconds=1.0)
    result = grade_one(tmp_path, "slow", task, warm_server.controls[0], lambda _: None).result
    outcomes = {check.id: str(check.outcome) for check in result.checks}
    looping = next(place for place, check in enumerate(rubric) if check.id.endswith("a_quotient_of_lengths"))
    assert set(list(outcomes.values())[:looping]) == {"passed"}
    assert outcomes[rubric[looping].id] == "timed_out"
    assert set(list(outcomes.values())[looping:]) == {"timed_out", "blocked"}
    untried = next(check for check in result.checks if check.step == 3)
    assert "which is all that a submission has" in untried.message


def test_inputs_are_drawn_from_what_a_step_can_reach(warm_server, tmp_path):
    def graded(name: str, module: str, text: str) -> Result:
        shutil.copytree(ROOT / "fixtures" / "submissions" / "complete" / "lab", tmp_path / name / "lab")
        with (tmp_path / name / "lab" / module).open("a", encoding="utf-8") as file:
            file.write(text)
        task = Task(COURSE, load_rubric(COURSE, frozenset({2})), None, None)
        return grade_one(tmp_path / name, name, task, warm_server.controls[0], lambda _: None).result

    own, elsewhere = "step02_beat_sync.py", "step10_multitask.py"
    first, same, other = graded("a", own, "# 1"), graded("b", own, "# 1"), graded("c", own, "# 2")
    assert first.steps == same.steps
    assert first.steps[0].seed != other.steps[0].seed
    assert first.steps[0].fingerprint != other.steps[0].fingerprint
    assert graded("d", elsewhere, "# 1").steps == graded("e", elsewhere, "# 2").steps
    assert {one.score for one in (first, same, other)} == {6}


@pytest.mark.parametrize("error", [ValueError, RuntimeError, OSError, KeyError, zipfile.BadZipFile])
def test_a_bug_of_intake_is_not_told_as_a_damaged_archive(warm_server, tmp_path, monkeypatch, error):
    def broken(*_: object) -> None:
        raise error("a bug")

    monkeypatch.setattr("graders.intake.submission.package_root", broken)
    shutil.make_archive(str(tmp_path / "anna"), "zip", ROOT / "lab")
    task = Task(COURSE, load_rubric(COURSE, {2}), SEED, tmp_path / "grades")
    for path in (tmp_path / "anna.zip", ROOT / "lab"):
        *_, last = grade_all([path], task, warm_server)
        assert isinstance(last, Finished)
        assert isinstance(last.outcome, Failed)
        assert "a bug" in last.outcome.reason
    assert not (tmp_path / "grades").exists()


def test_seeds_that_are_drawn_have_more_bits_than_anybody_can_try(warm_server, tmp_path):
    """The judge's, and the worker's, from which it could otherwise be found."""
    source = "import torch\ndef timesteps(feature):\n    raise ValueError(str(torch.initial_seed()))\n"
    shutil.copytree(ROOT / "lab", tmp_path / "lab")
    (tmp_path / "lab" / "step02_beat_sync.py").write_text(source, encoding="utf-8")
    task = Task(COURSE, load_rubric(COURSE, {2}), None, None)
    result = grade_one(tmp_path, "anna", task, warm_server.controls[0], lambda _: None).result
    [told] = {int(match) for check in result.checks for match in re.findall(r"ValueError: (\d+)", check.message)}
    assert told >= 2**40
    assert int(result.steps[0].seed) >= 2**100


HIDDEN_ANSWERS = """
def timesteps(feature):
    import pathlib
    here = pathlib.Path(__file__).parent
    raise ValueError(str(sorted(path.name for path in here.glob("*.py"))))
"""


def test_a_worker_is_given_what_its_step_can_reach_and_no_more(warm_server, tmp_path):
    """Otherwise answers could stand in a file that does not change the seed with which they are asked for."""
    shutil.copytree(ROOT / "lab", tmp_path / "lab")
    (tmp_path / "lab" / "step02_beat_sync.py").write_text(HIDDEN_ANSWERS, encoding="utf-8")
    (tmp_path / "lab" / "answers_to_inputs.py").write_text("ANSWERS = {}\n", encoding="utf-8")
    task = Task(COURSE, load_rubric(COURSE, {2}), None, None)
    result = grade_one(tmp_path, "anna", task, warm_server.controls[0], lambda _: None).result
    assert "step02_beat_sync.py" in result.checks[0].message
    assert "answers_to_inputs" not in result.checks[0].message
