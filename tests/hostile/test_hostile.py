"""The corpus of hostile submissions: none gains a point, none leaves anything behind, and each layer is needed."""

from __future__ import annotations

import os
import re
import time
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from graders.audit.corpus import stage_reference
from graders.grading.grade import grade_one
from graders.grading.names import names_of
from graders.grading.task import Graded, Task
from graders.intake.archives import NoSubmission
from graders.judging.collection import CollectedChecks
from graders.judging.confined import ConfinedSubject
from graders.judging.judge import judge
from graders.judging.rubric import Check, load_rubric
from graders.outcomes import Outcome, Verdict
from graders.sandbox.client import WarmServer
from graders.sandbox.layers import LAYERS
from tests.hostile.archives import ALL, CASES, Case
from tests.hostile.corpus import Attack, Places, all_attacks, stage, stage_without, with_deadline
from tests.support import COURSE, SEED

CLASSES = {
    "control_flow",
    "oracle_tampering",
    "lying_objects",
    "answer_theft",
    "forged_results",
    "startup_hijack",
    "resources",
    "outside_world",
    "academic_shortcuts",
    "code_judges",
    "nothing_done",
    "borrowed_parts",
    "odd_values",
}
SHARED_MEMORY = Path("/dev/shm")
LEFT = "hostile"  # how the names begin of all that attacks try to leave
LATER = 5  # attacks of a class, after which a submission is graded as ever
ATTACKS = {f"{name}-{one.name}": one for name, attacks in all_attacks().items() for one in attacks}
ARCHIVES = {f"intake-{case.name}": case for case in CASES}
LAYERED = {name: one for name, one in ATTACKS.items() if one.stopped_by}


@pytest.fixture
def places(tmp_path: Path) -> Places:
    places = Places(tmp_path / "μυστικό.txt", tmp_path / "outside")
    places.secret.write_text("η απάντηση είναι 42", encoding="utf-8")
    places.outside.mkdir()
    return places


Stage = Callable[[Path], None]
Judged = Callable[..., dict[str, Verdict]]


@pytest.fixture
def judged(warm_server: WarmServer, collected: CollectedChecks, tmp_path: Path) -> Judged:
    def run(
        staged: Stage, checks: list[Check], without: frozenset[str] = frozenset(), seed: int = SEED
    ) -> dict[str, Verdict]:
        folder = tmp_path / f"submission-{len(list(tmp_path.iterdir()))}"
        staged(folder)
        with ConfinedSubject(COURSE, warm_server.controls[0], folder, seed, without=without) as subject:
            return judge(COURSE, checks, subject, seed, collected=collected)

    return run


def hostile(attack: Attack, places: Places) -> tuple[Stage, list[Check]]:
    """Return how to stage an attack, and the checks that it is after."""
    checks = attack.checks()
    return lambda folder: stage(attack, folder, places), (
        with_deadline(checks, attack.seconds) if attack.seconds else checks
    )


def passed(verdicts: dict[str, Verdict]) -> set[str]:
    return {check_id for check_id, verdict in verdicts.items() if verdict.outcome is Outcome.PASSED}


def surprises(attack: Attack, verdicts: dict[str, Verdict]) -> dict[str, str]:
    """Return the checks of `ends` that ended otherwise, and how.

    One that waits for another earns nothing either, unless it was to pass or all of them wait: then nothing was tried.
    """
    ends = attack.check_ids()
    tried = any(verdicts[check_id].outcome is not Outcome.BLOCKED for check_id in ends)
    return {
        check_id: f"{verdicts[check_id].outcome}: {verdicts[check_id].message}"
        for check_id, outcomes in ends.items()
        if verdicts[check_id].outcome not in outcomes
        and not (verdicts[check_id].outcome is Outcome.BLOCKED and tried and Outcome.PASSED not in outcomes)
    }


# The same code without the attack is often the same code: the reference, or a function that is wrong.
_baselines: dict[tuple[str, ...], set[str]] = {}


def passed_without(attack: Attack, judged: Judged, places: Places) -> set[str]:
    checks = attack.checks()
    key = (attack.module, attack.place, attack.without, *[check.id for check in checks])
    if key not in _baselines:
        _baselines[key] = passed(judged(lambda folder: stage_without(attack, folder, places), checks))
    return _baselines[key]


def ipc_of_this_user(kind: str) -> list[str]:
    """Return the segments, semaphores or queues that this user has made, and not what others do with theirs."""
    header, *rows = Path(f"/proc/sysvipc/{kind}").read_text(encoding="ascii").splitlines()
    creator = header.split().index("cuid")
    return [f"{kind} {row.split()[1]}" for row in rows if int(row.split()[creator]) == os.geteuid()]


class Traces:
    """What there is on the machine that a worker could have left: files, shared memory, descriptors, processes."""

    def __init__(self, server: WarmServer, places: Places) -> None:
        self.server = server.process.pid
        self.places = places
        self.before = self.present()

    def present(self) -> dict[str, Any]:
        shared = sorted(entry for entry in os.listdir(SHARED_MEMORY) if LEFT in entry)
        return {
            "shared memory": shared,
            "ipc": [one for kind in ("shm", "sem", "msg") for one in ipc_of_this_user(kind)],
            "outside": sorted(os.listdir(self.places.outside)),
            "secret": self.places.secret.stat()[:9],
            "the judge's descriptors": len(os.listdir("/proc/self/fd")),
            "the server's descriptors": len(os.listdir(f"/proc/{self.server}/fd")),
            "the server's threads": len(os.listdir(f"/proc/{self.server}/task")),
        }

    def left(self) -> dict[str, Any]:
        """Return what has come since, once the server has reaped what the judge has killed, and forked a spare."""
        found: dict[str, Any] = {}
        for _ in range(500):
            found = {name: value for name, value in self.present().items() if self.has_come(name, value)}
            children = Path(f"/proc/{self.server}/task/{self.server}/children").read_text(encoding="ascii").split()
            if not found and len(children) <= 1:
                return {}
            time.sleep(0.01)
        return {**found, "children": children}

    def has_come(self, name: str, value: Any) -> bool:
        # A count may fall, where something of an earlier test is let go.
        return bool(value > self.before[name] if isinstance(value, int) else value != self.before[name])


@pytest.fixture
def traces(
    warm_server: WarmServer, places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Traces]:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    monkeypatch.setattr("graders.judging.places.SHARED_MEMORY", temporary)
    yield Traces(warm_server, places)
    assert os.listdir(temporary) == []


def skip_what_only_root_could_try(attack: Attack) -> None:
    if attack.needs_root and os.geteuid():
        pytest.skip("only a worker that runs as root could try this")


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
def test_an_attack_gains_nothing_and_leaves_nothing(
    attack: Attack, judged: Judged, places: Places, traces: Traces
) -> None:
    skip_what_only_root_could_try(attack)
    honest = passed_without(attack, judged, places)

    verdicts = judged(*hostile(attack, places))

    assert passed(verdicts) - honest == set()
    assert surprises(attack, verdicts) == {}
    assert Outcome.HARNESS_FAULT not in {verdict.outcome for verdict in verdicts.values()}
    assert traces.left() == {}


@pytest.mark.parametrize("attack", LAYERED.values(), ids=LAYERED.keys())
def test_without_its_layer_an_attack_gets_through(attack: Attack, judged: Judged, places: Places) -> None:
    skip_what_only_root_could_try(attack)

    staged, _ = hostile(attack, places)
    verdicts = judged(staged, attack.checks(only=True), frozenset({attack.stopped_by}))

    got_through = {check_id: verdicts[check_id].outcome for check_id in attack.check_ids()}
    assert set(got_through.values()) == {Outcome.PASSED}, {
        check_id: verdicts[check_id].message for check_id in attack.check_ids()
    }


def test_every_layer_is_needed_by_an_attack() -> None:
    assert {attack.stopped_by for attack in LAYERED.values()} == set(LAYERS)


def test_the_corpus_has_every_class_and_a_name_for_each_attack() -> None:
    assert all_attacks().keys() == CLASSES
    names = [attack.name for attacks in all_attacks().values() for attack in attacks] + [case.name for case in CASES]
    assert len(set(names)) == len(names)


# --- what is handed in


Grade = Callable[[Path], Graded]


@pytest.fixture
def grade(warm_server: WarmServer, collected: CollectedChecks, tmp_path: Path) -> Grade:
    """Grade step 2 of a submission into a folder of results."""
    task = Task(COURSE, load_rubric(COURSE, frozenset({2})), SEED, tmp_path / "out", collected=collected)
    return lambda path: grade_one(path, names_of([path])[0], task, warm_server.controls[0], lambda _: None)


@pytest.mark.parametrize("case", ARCHIVES.values(), ids=ARCHIVES.keys())
def test_a_hostile_archive_is_read_or_refused_and_writes_nothing(
    case: Case, grade: Grade, tmp_path: Path, traces: Traces, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "handed in"
    here.mkdir()
    monkeypatch.chdir(here)
    path = case.make(here)
    before = sorted(os.listdir(here))

    graded = grade(path)

    assert graded.result.score == (case.score or 0.0)
    assert bool(graded.problem) == (case.score is None)
    if case.says:
        said = [graded.problem] if graded.problem else graded.result.notes
        assert any(re.search(case.says, text) for text in said), said
    assert len(graded.problem) < 500
    assert sorted(os.listdir(here)) == before
    assert [folder.name for folder in (tmp_path / "out").iterdir()] == [graded.result.submission]
    assert traces.left() == {}


# --- what comes later


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_after_a_class_of_attacks_a_submission_is_graded_as_ever(
    name: str, judged: Judged, places: Places, warm_server: WarmServer
) -> None:
    server = warm_server.process.pid
    hasty = [one for one in all_attacks()[name] if one.step <= 3 or one.only]
    for attack in hasty[:: max(1, len(hasty) // LATER)]:
        staged, _ = hostile(attack, places)
        judged(staged, with_deadline(attack.checks(only=True), attack.seconds or 5.0))

    checks = load_rubric(COURSE, frozenset({2, 3}))
    assert passed(judged(partial(stage_reference, COURSE), checks)) == {check.id for check in checks}
    assert warm_server.process.poll() is None
    assert warm_server.process.pid == server


def test_an_archive_of_several_submissions_is_refused_and_gets_no_result(grade: Grade, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "class.zip", "w") as archive:
        for name in ("lab.zip", "lab.tar"):
            archive.writestr(name, b"")
    with pytest.raises(NoSubmission, match="give each as a SUBMISSION"):
        grade(tmp_path / "class.zip")
    assert not (tmp_path / "out").exists()


def test_after_hostile_archives_a_submission_is_graded_as_ever(grade: Grade, tmp_path: Path) -> None:
    for number, case in enumerate(CASES):
        if case.score is None:
            folder = tmp_path / f"handed-in-{number}"
            folder.mkdir()
            assert grade(case.make(folder)).problem

    stage_reference(COURSE, tmp_path / "alice")
    assert grade(tmp_path / "alice").result.score == ALL
