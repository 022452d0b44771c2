"""A class is graded by the nodes of a cluster as on one machine, whatever ends or freezes meanwhile."""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from graders.cli import graders
from graders.cluster import driver
from graders.cluster.messages import Job, difference, identity_of
from graders.course import load_course
from graders.grading.task import Task
from graders.intake.submission import read_submission
from graders.judging.rubric import load_rubric
from graders.results.files import each_result
from graders.results.schema import Level
from graders.sandbox import client
from graders.sandbox.layers import Layer, State
from tests.courses.school import STUDENTS, Class, children, until
from tests.support import GRADERS, ROOT, SEED, WORDS

pytest.importorskip("distributed")

VICTIMS = ("node", "scheduler", "command")
SCHEDULER = "from distributed.cli.dask_scheduler import main; main()"
FROZEN_SECONDS = 5  # after which Dask gives up a worker that says nothing; it takes no less


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class Machines:
    """A scheduler and nodes, each a process of its own, all on this machine."""

    def __init__(self, folder: Path, allowed_failures: int = 3) -> None:
        self.folder = folder
        self.address = f"tcp://127.0.0.1:{free_port()}"
        self.environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": f"{FROZEN_SECONDS}s",
            "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": str(allowed_failures),
        }
        self.nodes: list[subprocess.Popen[bytes]] = []
        self.start_scheduler()

    def start(self, *command: object) -> subprocess.Popen[bytes]:
        with (self.folder / "machines.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-c", *map(str, command)],
                stdout=log, stderr=log, cwd=self.folder, env=self.environment, start_new_session=True,
            )  # fmt: skip

    def start_scheduler(self) -> None:
        host, port = self.address.removeprefix("tcp://").split(":")
        self.scheduler = self.start(SCHEDULER, "--host", host, "--port", port, "--no-dashboard")

    def start_node(self, course: Path = WORDS) -> subprocess.Popen[bytes]:
        node = self.start(GRADERS, "node", self.address, "--course", course)
        self.nodes.append(node)
        return node

    def end(self) -> None:
        for process in (*self.nodes, self.scheduler):
            with contextlib.suppress(OSError):
                process.kill()
            process.wait()

    def said(self) -> str:
        return (self.folder / "machines.log").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> Class:
    return Class(tmp_path_factory.mktemp("class"))


@pytest.fixture(scope="module")
def undisturbed(school: Class) -> tuple[object, object]:
    """Return what one machine without a cluster makes of the class."""
    school.begin()
    school.where = ("--jobs", "2")
    code, told = school.run()
    assert code == 0, told
    return school.content(), results_of(school)


@pytest.fixture(scope="module")
def two_nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    machines = Machines(tmp_path_factory.mktemp("machines"))
    machines.start_node()
    machines.start_node()
    yield machines
    machines.end()


def results_of(school: Class) -> list[object]:
    """Return all that the results of a class say, without times."""
    return [
        msgspec.structs.replace(
            one, seal="", checks=[msgspec.structs.replace(check, seconds=0) for check in one.checks]
        )
        for one in sorted(each_result(school.out), key=lambda one: one.submission)
    ]


def in_folders_of(results: list[object], one: Path, other: Path) -> object:
    """Return results as they are where hand-ins were taken apart into another folder."""
    return msgspec.json.decode(msgspec.json.encode(results).decode().replace(str(one), str(other)))


def is_judging(node: subprocess.Popen[bytes]) -> bool:
    """Tell whether a judge is at work: the driver's children are the warm server and the judges."""
    return any(len(children(driver)) > 1 for driver in children(node.pid))


def test_two_nodes_grade_a_class_as_one_machine_does(school: Class, undisturbed, two_nodes) -> None:
    content, results = undisturbed
    alone = school.out
    school.begin()
    school.where = ("--scheduler", two_nodes.address)
    process = school.start()
    shown, told = process.communicate(timeout=240)
    assert (process.returncode, school.content()) == (0, content), told + two_nodes.said()
    assert in_folders_of(results_of(school), school.out, alone) == in_folders_of(results, alone, alone)
    again = school.start()
    shown, told = again.communicate(timeout=240)
    assert (again.returncode, shown.count("unchanged since an earlier run")) == (0, len(STUDENTS)), told


@pytest.mark.timeout(1800)
def test_whatever_is_killed_the_gradebook_is_that_of_one_machine(
    school: Class, undisturbed, two_nodes, request
) -> None:
    """Three moments, one of each kind; `--cluster-kills 60` tries twenty of each."""
    moments = random.Random(SEED)
    school.begin()
    school.where = ("--scheduler", two_nodes.address)
    for _, victim in zip(range(request.config.getoption("--cluster-kills")), itertools.cycle(VICTIMS), strict=False):
        process = school.start()
        until(lambda: process.poll() is not None or any(map(is_judging, two_nodes.nodes)))  # noqa: B023 - called here
        time.sleep(moments.uniform(0, 1.0))
        if victim == "node":
            killed = two_nodes.nodes.pop(0)
            killed.kill()
            killed.wait()
            two_nodes.start_node()
        elif victim == "scheduler":
            two_nodes.scheduler.kill()
            two_nodes.scheduler.wait()
            two_nodes.start_scheduler()
        else:
            process.kill()
        _, told = process.communicate(timeout=240)
        if process.returncode != -signal.SIGKILL:  # the command has ended by itself: it has graded everything
            assert (process.returncode, victim, school.content()) == (0, victim, undisturbed[0]), (
                told + two_nodes.said()
            )
            school.begin()
    code, told = school.run()
    assert (code, school.content()) == (0, undisturbed[0]), told


def test_what_a_frozen_node_was_judging_goes_to_another(school: Class, undisturbed, two_nodes) -> None:
    school.begin()
    school.where = ("--scheduler", two_nodes.address)
    process = school.start()
    until(lambda: process.poll() is not None or is_judging(two_nodes.nodes[0]))
    frozen = two_nodes.nodes.pop(0)
    frozen.send_signal(signal.SIGSTOP)
    try:
        _, told = process.communicate(timeout=240)
        assert (process.returncode, school.content()) == (0, undisturbed[0]), told + two_nodes.said()
    finally:
        frozen.kill()
        frozen.wait()
        two_nodes.start_node()


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[Machines]:
    found = Machines(tmp_path, allowed_failures=0)
    yield found
    found.end()


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", GRADERS, "run", *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=240)


def test_a_node_with_another_version_of_the_course_is_refused_in_one_sentence(
    machines: Machines, tmp_path: Path
) -> None:
    other = tmp_path / "words"
    shutil.copytree(WORDS, other)
    with (other / "words_checks" / "step02_ciphers.py").open("a", encoding="utf-8") as file:
        file.write("\nAPART = 1\n")
    node = machines.start_node(other)
    ended = run(
        WORDS / "words_reference", "--course", WORDS, "--scheduler", machines.address, "--out", tmp_path / "out"
    )
    assert ended.returncode == 3, ended.stderr + machines.said()
    assert ended.stderr.count(" is not used: its course, data or engine are of another version") == 1
    assert "as far as they judge step02" in ended.stderr
    assert "no node at" in ended.stderr
    assert node.poll() is None
    assert not list((tmp_path / "out").glob("*/result.json"))


def test_what_ends_its_nodes_again_and_again_is_charged_to_the_harness(machines: Machines, tmp_path: Path) -> None:
    slow = tmp_path / "slow" / "words"
    shutil.copytree(WORDS / "words_reference", slow)
    for module in slow.glob("step*.py"):
        module.write_text(f"import time; time.sleep(3)\n{module.read_text(encoding='utf-8')}", encoding="utf-8")
    node = machines.start_node()
    command = [sys.executable, "-c", GRADERS, "run", slow.parent, "--course", WORDS, "--scheduler", machines.address]
    process = subprocess.Popen(
        [*map(str, command), "--out", str(tmp_path / "out")],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    until(lambda: process.poll() is not None or is_judging(node))
    node.kill()
    _, told = process.communicate(timeout=240)
    assert process.returncode == 3, told
    assert "nothing is charged to the student: slow: the node that judged it ended" in told
    assert not list((tmp_path / "out").glob("*/result.json"))


def test_what_is_no_address_is_told_in_a_sentence() -> None:
    for command in (["node", "nonsense://x"], ["run", str(WORDS / "words"), "--scheduler", "nonsense://x"]):
        ended = subprocess.run(
            [sys.executable, "-c", GRADERS, *command, "--course", str(WORDS)], capture_output=True, text=True,
            check=False, env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=240,
        )  # fmt: skip
        assert ended.returncode == 3
        assert "no scheduler answers at nonsense://x (unknown address scheme 'nonsense'" in ended.stderr
        assert "Traceback" not in ended.stderr


def test_jobs_are_asked_of_nodes_and_not_of_the_run() -> None:
    command = ["run", str(WORDS / "words"), "--scheduler", "tcp://127.0.0.1:1", "--jobs", "2", "--course", str(WORDS)]
    done = CliRunner().invoke(graders, command)
    assert (done.exit_code, "each graders node has its own --jobs" in done.stderr) == (2, True)


def test_one_machine_does_without_dask_and_says_what_a_cluster_needs(tmp_path: Path) -> None:
    """As if it were not installed: neither a node nor a run with a scheduler begins."""
    without = f"import sys; sys.modules['distributed'] = None; {GRADERS}"
    for command in (["node", "tcp://127.0.0.1:1"], ["run", str(tmp_path), "--scheduler", "tcp://127.0.0.1:1"]):
        ended = subprocess.run(
            [sys.executable, "-c", without, *command], capture_output=True, text=True, check=False,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        assert ended.returncode == 3
        assert ended.stderr.count("\n") == 1
        assert "needs distributed, which comes with this package's extra: pip install '.[cluster]'." in ended.stderr


def test_a_node_that_lacks_isolation_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    real = client.Worker.read_layers
    lacking = Layer(State.MISSING, "libseccomp cannot be loaded")
    monkeypatch.setattr(client.Worker, "read_layers", lambda self: {**real(self), "seccomp": lacking})
    pairs = [socket.socketpair() for _ in range(2)]
    descriptors = [str(far.fileno()) for _, far in pairs]
    process = multiprocessing.get_context("fork").Process(
        target=driver.main, args=(str(os.getpid()), str(WORDS), "full", *descriptors)
    )
    process.start()
    with Connection(pairs[0][0].detach()) as told:
        said: dict[str, Any] = msgspec.msgpack.decode(told.recv_bytes())
    process.join()
    for one in itertools.chain(*pairs):
        one.close()
    assert said["reason"].startswith(
        "this machine cannot isolate student code as required (partial, not full): seccomp"
    )


def test_a_job_holds_what_its_steps_can_reach_and_nobodys_name(tmp_path: Path) -> None:
    course = load_course(WORDS)
    shutil.copytree(WORDS / "words_reference", tmp_path / "Ελένη" / "words")
    task = Task(course, load_rubric(course), None, None)
    submission = read_submission(tmp_path / "Ελένη", course)
    parts = {step: submission.part(task.called[step]) for step in task.called}
    sent = msgspec.msgpack.encode(Job.of(parts, 0.5, task, "fingerprint"))
    assert "Ελένη".encode() not in sent
    arrived = msgspec.msgpack.decode(sent, type=Job).parts()
    assert {step: (part.package, part.files, part.digest) for step, part in arrived.items()} == {
        step: (part.package, part.files, part.digest) for step, part in parts.items()
    }


def test_the_same_course_in_another_folder_judges_alike(tmp_path: Path) -> None:
    shutil.copytree(WORDS, tmp_path / "copy")
    one, other = (load_course(folder) for folder in (WORDS, tmp_path / "copy"))
    assert identity_of(one, load_rubric(one), Level.FULL) == identity_of(other, load_rubric(other), Level.FULL)


def test_nodes_that_judge_otherwise_are_told_from_those_that_judge_alike() -> None:
    course = load_course(WORDS)
    mine = identity_of(course, load_rubric(course), Level.PARTIAL)
    assert difference(mine, mine) == ""
    assert difference(mine, msgspec.structs.replace(mine, level=Level.FULL, course="The same by another name")) == ""
    older = {**mine.versions, "python": "3.0.0"}
    for theirs, why in (
        (
            msgspec.structs.replace(mine, level=Level.NONE),
            "isolates student code less than required (none, not partial)",
        ),
        (msgspec.structs.replace(mine, course="Others", checks=""), "another course, Others"),
        (msgspec.structs.replace(mine, protocol=0), "graders is of another version"),
        (msgspec.structs.replace(mine, checks=""), "other checks count there"),
        (msgspec.structs.replace(mine, versions=older), "it has python 3.0.0, and here it is 3."),
    ):
        assert why in difference(mine, theirs)
        assert mine.resource not in theirs.resources()
