"""Whatever is killed, full, locked or lost during a run: in the end the gradebook is that of an undisturbed run."""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import resource
import signal
import sqlite3
import threading
import time
from pathlib import Path

import pytest

from graders.results.gradebook.book import Gradebook
from tests.courses.school import STUDENTS, Class, children, until
from tests.postgresql import Server
from tests.support import SEED

VICTIMS = ("command", "judge", "worker", "server", "command", "judge", "command", "worker")


@pytest.fixture(scope="module")
def undisturbed_class(tmp_path_factory: pytest.TempPathFactory) -> tuple[Class, object]:
    school = Class(tmp_path_factory.mktemp("class"))
    code, told = school.run()
    assert code == 0, told
    return school, school.content()


@pytest.fixture
def school(undisturbed_class: tuple[Class, object]) -> Class:
    undisturbed_class[0].begin()
    return undisturbed_class[0]


@pytest.fixture
def undisturbed(undisturbed_class: tuple[Class, object]) -> object:
    return undisturbed_class[1]


def processes_of(driver: int) -> dict[str, list[int]]:
    """Return the processes of a run by what they are: the server runs as `python -I`, and workers are its children."""
    found: dict[str, list[int]] = {"command": [driver], "judge": [], "server": [], "worker": []}
    for child in children(driver):
        with contextlib.suppress(OSError):
            isolated = b"\0-I\0" in Path(f"/proc/{child}/cmdline").read_bytes()
            found["server" if isolated else "judge"].append(child)
    found["worker"] = [child for server in found["server"] for child in children(server)]
    return found


def is_grading(driver: int) -> bool:
    """Tell whether judges are at work: before the server is there, what looks like one is about to become the server."""
    there = processes_of(driver)
    return bool(there["server"] and there["judge"])


@pytest.mark.timeout(1800)
def test_whatever_is_killed_the_gradebook_is_that_of_an_undisturbed_run(
    school: Class, undisturbed: object, request
) -> None:
    """Eight moments take a minute; `--kills 50` tries more."""
    moments = random.Random(SEED)
    school.begin()
    for _, victim in zip(range(request.config.getoption("--kills")), itertools.cycle(VICTIMS), strict=False):
        process = school.start()
        until(lambda: process.poll() is not None or is_grading(process.pid))  # noqa: B023 - called here
        time.sleep(moments.uniform(0, 1.5))
        there = processes_of(process.pid)
        for killed in moments.sample(there[victim], 1) if there[victim] else ():
            with contextlib.suppress(OSError):
                os.kill(killed, signal.SIGKILL)
        _, told = process.communicate(timeout=240)
        if process.returncode != -signal.SIGKILL:  # the command has ended by itself: it has graded everything
            assert (process.returncode, victim, school.content()) == (0, victim, undisturbed), told
            school.begin()
    code, told = school.run()
    assert (code, school.content()) == (0, undisturbed), told
    assert not list(school.out.rglob("*.part*"))


def test_a_full_disk_loses_nothing(school: Class, undisturbed: object) -> None:
    """No file may grow beyond what a result takes, which is how a full disk looks to whoever writes."""
    bound = 3000

    def little_room() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (bound, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))

    school.begin(empty_book=True)  # which takes more room to make
    code, told = school.run(preexec_fn=little_room)
    assert code == 3
    assert "Traceback" not in told
    assert all(line.startswith("graders: ") for line in told.splitlines())
    assert (school.run()[0], school.content()) == (0, undisturbed)


def test_a_locked_gradebook_is_waited_for_and_filled(school: Class, undisturbed: object) -> None:
    school.begin(empty_book=True)
    process = school.start()
    until(lambda: is_grading(process.pid))
    other = sqlite3.connect(school.book, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    timer = threading.Timer(12, other.execute, ["ROLLBACK"])
    timer.start()
    _, told = process.communicate(timeout=240)
    timer.join()
    other.close()
    assert (process.returncode, school.content()) == (0, undisturbed), told


def test_a_gradebook_that_was_lost_is_filled_anew(school: Class, undisturbed: object) -> None:
    """The file is taken away while a run writes into it, which the system lets it do without a word."""
    process = school.start()
    until(lambda: list(school.out.glob("*/result.json")) or process.poll() is not None)
    for file in school.out.parent.glob("class.db*"):
        file.rename(file.with_name(f"away-{file.name}"))
    _, told = process.communicate(timeout=240)
    assert (process.returncode, school.content()) == (0, undisturbed), told


def test_a_database_server_that_dies_and_comes_back_lacks_nothing(
    school: Class, undisturbed: object, postgresql: Server
) -> None:
    school.book = postgresql.new_database()
    process = school.start()
    until(lambda: list(school.out.glob("*/result.json")) or process.poll() is not None)
    postgresql.stop()
    until(lambda: len(list(school.out.glob("*/result.json"))) == len(STUDENTS) or process.poll() is not None)
    time.sleep(1)  # in which the run would end, if it did not wait
    postgresql.start()
    _, told = process.communicate(timeout=240)
    assert (process.returncode, school.content()) == (0, undisturbed), told
    assert school.run()[0] == 0
    assert school.content() == undisturbed


def test_two_runs_at_once_neither_double_nor_spoil(school: Class, undisturbed: object) -> None:
    first = school.start()
    until(lambda: is_grading(first.pid))
    code, told = school.run()
    assert code == 3
    assert "another run is writing its results there" in told
    school.out = school.out.with_name("another")
    second = school.start()
    for process in (first, second):
        _, told = process.communicate(timeout=240)
        assert process.returncode == 0, told
    assert school.content() == undisturbed


def test_only_what_changed_is_graded(school: Class) -> None:
    assert school.run()[0] == 0
    changed = school.handed_in / STUDENTS[0] / "words" / "step01_counting.py"
    as_it_was = changed.read_bytes()
    changed.write_text("x = 1\n", encoding="utf-8")
    process = school.start()
    shown, _ = process.communicate(timeout=240)
    changed.write_bytes(as_it_was)
    assert shown.count("unchanged since an earlier run") == len(STUDENTS)  # of the first student, one step
    with Gradebook(school.book, by="test") as book:
        graded = [change.subject for change in book.history() if change.what == "graded"]
    assert {subject: graded.count(subject) for subject in graded} == {
        str(number): 2 if number == 1 else 1 for number in range(1, len(STUDENTS) + 1)
    }
