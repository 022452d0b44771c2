"""A worker's clock, on a scripted machine: what counts, and what a busy machine does not add."""

from __future__ import annotations

import pytest

from graders.sandbox.clock import Doing, Process, WorkerClock

ASLEEP, RUNNING, ON_DISK = Doing(0, waiting=False), Doing(1, waiting=False), Doing(0, waiting=True)
LOOK = 0.05
NOBODY = 2**22 - 1


class Machine:
    """A clock on the wall and a process, which a test moves on."""

    def __init__(self) -> None:
        self.wall = 100.0
        self.computed = 3.0
        self.now_doing = RUNNING

    def processor_seconds(self) -> float:
        return self.computed

    def doing(self) -> Doing:
        return self.now_doing

    def clock(self, processors: int = 2) -> WorkerClock:
        return WorkerClock(self, processors, lambda: self.wall)

    def run(self, clock: WorkerClock, seconds: float, doing: Doing, share: float = 0.0) -> float:
        """Let wall-clock time pass, look after look, in which the process has a share of it to compute."""
        self.now_doing = doing
        for _ in range(round(seconds / LOOK)):
            self.wall += LOOK
            self.computed += share * LOOK
            clock.read()
        return clock.read()


@pytest.fixture
def machine() -> Machine:
    return Machine()


def test_what_is_computed_counts(machine: Machine) -> None:
    assert machine.run(machine.clock(), 4, RUNNING, share=1) == pytest.approx(4)


def test_what_a_worker_sleeps_counts(machine: Machine) -> None:
    assert machine.run(machine.clock(), 4, ASLEEP) == pytest.approx(4)


@pytest.mark.parametrize("share", [1, 0.5, 0.1])
def test_the_same_work_counts_the_same_however_busy_the_machine_is(machine: Machine, share: float) -> None:
    assert machine.run(machine.clock(), 2 / share, RUNNING, share) == pytest.approx(2)


@pytest.mark.parametrize("share", [1, 0.2])
def test_threads_side_by_side_count_as_one(machine: Machine, share: float) -> None:
    clock = machine.clock(processors=2)
    used = machine.run(clock, 3 / share, Doing(2, waiting=False), share=2 * share)
    assert used == pytest.approx(3)


def test_more_threads_than_processors_gain_nothing(machine: Machine) -> None:
    assert machine.run(machine.clock(processors=2), 3, Doing(40, waiting=False), share=2) == pytest.approx(3)


def test_threads_that_sleep_beside_one_that_computes_change_nothing(machine: Machine) -> None:
    assert machine.run(machine.clock(processors=64), 3, Doing(1, waiting=False), share=1) == pytest.approx(3)


def test_waiting_for_a_disk_ends_some_day(machine: Machine) -> None:
    assert machine.run(machine.clock(), 10, ON_DISK) == pytest.approx(1)


def test_time_in_which_nobody_asked_for_anything_does_not_count(machine: Machine) -> None:
    clock = machine.clock()
    machine.wall += 500
    machine.now_doing = ASLEEP
    clock.resume()
    assert clock.read() == 0
    assert machine.run(clock, 1, ASLEEP) == pytest.approx(1)


def test_a_judge_that_was_kept_from_looking_finds_no_more_sleep_than_one_look_can_see(machine: Machine) -> None:
    clock = machine.clock()
    machine.wall += 30
    machine.now_doing = ASLEEP
    assert clock.read() <= LOOK


def test_a_call_between_two_looks_counts_all_the_same(machine: Machine) -> None:
    clock = machine.clock()
    for _ in range(100):
        clock.resume()
        machine.wall += 0.004
        machine.computed += 0.004
        clock.read()
    assert clock.read() == pytest.approx(0.4)


def test_what_is_hidden_or_gone_seems_to_sleep() -> None:
    process = Process(NOBODY)
    assert (process.processor_seconds(), process.doing()) == (0, ASLEEP)
