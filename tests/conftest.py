"""Fixtures for the tests of the harness: one warm server for all, and submissions written on the spot."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from graders.judging.collection import CollectedChecks
from graders.sandbox.client import WarmServer, Worker, order_for
from graders.sandbox.proxies import OneWorker, RemotePackage
from tests import browser as chromium
from tests import postgresql as postgresql_server
from tests import slow
from tests.support import COURSE, checks_collected, copy_of_words, solve_words

SECONDS = 5.0


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--seeds", type=int, default=1, help="judge right submissions with this many seeds of their own")
    parser.addoption("--regrades", type=int, default=3, help="judge a wrong submission this often with one seed")
    parser.addoption("--kills", type=int, default=8, help="kill processes of a run at this many moments")
    parser.addoption("--cluster-kills", type=int, default=3, help="kill processes of a cluster at this many moments")
    parser.addoption("--renew-snapshots", action="store_true", help="keep what students read now as the snapshots")
    parser.addoption("--renew-slow", action="store_true", help="keep which tests take long now, for -m 'not slow'")
    parser.addoption("--whole-steps", action="store_true", help="judge each mistake by all checks of its step")


@pytest.fixture
def whole_steps(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--whole-steps"))


@pytest.fixture
def regrades(request: pytest.FixtureRequest) -> int:
    return int(request.config.getoption("--regrades"))


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--renew-slow") and not hasattr(config, "workerinput"):  # not in processes of pytest-xdist
        config.pluginmanager.register(slow.Renewal(config.rootpath))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    slow.mark(items)


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()  # keeps the collector from going through libraries and tests, again and again


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "further_seed" in metafunc.fixturenames:
        metafunc.parametrize("further_seed", range(metafunc.config.getoption("--seeds")))


@pytest.fixture(scope="session")
def postgresql() -> Iterator[postgresql_server.Server]:
    with postgresql_server.started() as server:
        if server is None:
            pytest.skip("PostgreSQL is not installed; Debian's package postgresql has what this needs")
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def gradebook_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give the URL of an empty database, of each kind that a gradebook is kept in."""
    if request.param == "sqlite":
        return str(tmp_path / "class.db")
    server: postgresql_server.Server = request.getfixturevalue("postgresql")
    return server.new_database()


@pytest.fixture
def solved_home(tmp_path: Path) -> Path:
    """Give the folder of a student who has solved the small course, and answered nothing."""
    folder = copy_of_words(tmp_path / "home")
    solve_words(folder)
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium.started() as running:
        yield running


@pytest.fixture(scope="session")
def warm_server() -> Iterator[WarmServer]:
    COURSE.load(COURSE.checks)  # which registers the course's array libraries on the judge's side
    with WarmServer(COURSE, judges=2) as server:
        server.wait_until_warm()
        COURSE.load(COURSE.checks)  # registers PyTorch, so that its arrays cross
        yield server


@pytest.fixture(scope="session")
def collected() -> Iterator[CollectedChecks]:
    """Give the checks of the course, which pytest has collected once for all tests."""
    with checks_collected() as checks:
        yield checks


@pytest.fixture
def start_worker(warm_server: WarmServer, tmp_path: Path) -> Iterator[Callable[..., tuple[Worker, Any]]]:
    """Start a worker that holds the given source as `lab.step01_student`; return it and the module's proxy."""
    workers: list[Worker] = []

    def start(source: str, readable: list[Path] | None = None, seconds: float = SECONDS) -> tuple[Worker, Any]:
        folder = tmp_path / f"submission-{len(workers)}"
        (folder / "lab").mkdir(parents=True)
        (folder / "lab" / "step01_student.py").write_text(source, encoding="utf-8")
        scratch = tmp_path / f"scratch-{len(workers)}"
        scratch.mkdir()
        worker = Worker(warm_server.controls[0], order_for(folder, "lab", readable or [], scratch, 7), seconds)
        workers.append(worker)
        return worker, RemotePackage(OneWorker(worker), "lab").step01_student

    yield start
    for worker in workers:
        worker.close()
