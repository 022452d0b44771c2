"""The checks as pytest collects them: once, for all the judges that are forked afterwards."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
import pytest
from hypothesis.configuration import set_hypothesis_home_dir

from graders.authoring.doubles import Double
from graders.authoring.examples import draw_once
from graders.course import Course
from graders.judging.rubric import Check
from graders.judging.subject import Subject

USERS_OPTIONS = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS")  # in the environment
T = TypeVar("T")


class Judging(Protocol):
    """What runs checks, and so knows what their fixtures are made of; a plugin of pytest while it does."""

    subject: Subject

    def generator_for(self, item: pytest.Function) -> np.random.Generator:
        """Return the generator of a check's own random inputs."""
        ...


class CollectedChecks:
    """Checks that pytest has collected; inside `collect` alone.

    Attributes:
        problems: why some were not; no pass counts then.
    """

    def __init__(self, plugin: _Fixtures, session: pytest.Session | None, problems: list[str]) -> None:
        self.problems = problems
        self._plugin = plugin
        self._session = session
        self._items: dict[str, list[pytest.Function]] = {}
        for item in session.items if session else ():
            assert isinstance(item, pytest.Function)
            self._items.setdefault(f"{item.path}::{item.originalname}", []).append(item)

    def items_of(self, check: Check) -> list[pytest.Function]:
        """Return the tests of a check, one for each set of its parameters; none if it was not collected."""
        return self._items.get(check.node, [])

    def draw_once(self) -> None:
        """Draw each check's examples: what hypothesis keeps of that is there in all processes that are forked later."""
        items = itertools.chain.from_iterable(self._items.values())
        for function in dict.fromkeys(item.function for item in items):
            draw_once(function)

    @contextmanager
    def judged_by(self, run: Judging) -> Iterator[None]:
        """Let tests run: fixtures come from what judges, whose hooks are called."""
        if self._session is None:
            yield
            return
        plugins = self._session.config.pluginmanager
        self._plugin.run = run
        plugins.register(run)
        try:
            yield
        finally:
            plugins.unregister(run)


def collect(course: Course, rubric: Sequence[Check], extra: Sequence[str], action: Callable[[CollectedChecks], T]) -> T:
    """Collect the checks of a rubric, and return what an action on them returns, or raise what it raises.

    Args:
        course: the course, which says what the package is called.
        rubric: the checks.
        extra: further arguments for pytest.
        action: what to do while they are there; it may fork, and the collection stays valid in the new process.

    Raises:
        KeyboardInterrupt: the user stopped the collection.
    """
    plugin = _plugin_for(course.package)(action)
    if not rubric:  # pytest would take what lies in the current folder, such as a student's files, and import it
        return action(CollectedChecks(plugin, None, []))
    arguments = [
        *("-c", os.devnull, f"--rootdir={course.root}", "--assert=plain", "--import-mode=importlib"),
        *("--noconftest", "--disable-plugin-autoload", "-p", "no:cacheprovider", "-W", "ignore", *extra),
        *[check.node for check in rubric],
    ]
    for name in USERS_OPTIONS:
        os.environ.pop(name, None)
    with _nothing_kept_by_hypothesis():
        status = pytest.ExitCode(pytest.main(arguments, plugins=[plugin]))
    if plugin.outcome is None:
        if status is pytest.ExitCode.INTERRUPTED:
            raise KeyboardInterrupt
        plugin.problems.append(f"pytest ended with {status.name.lower().replace('_', ' ')}")
        plugin.act(None)
    assert plugin.outcome
    result: T = plugin.outcome()
    return result


@contextmanager
def _nothing_kept_by_hypothesis() -> Iterator[None]:
    """Keep hypothesis from its folder, which it seeks in the current one: what stands there decides what it draws."""
    set_hypothesis_home_dir(os.devnull)
    try:
        yield
    finally:
        set_hypothesis_home_dir(None)


class _Fixtures:
    """The plugin that gives checks their fixtures, and acts where pytest would run them all."""

    run: Judging

    def __init__(self, action: Callable[[CollectedChecks], Any]) -> None:
        self.problems: list[str] = []
        self.outcome: Callable[[], Any] | None = None
        self._action = action

    def act(self, session: pytest.Session | None) -> None:
        try:
            result = self._action(CollectedChecks(self, session, self.problems))
        except BaseException as error:  # noqa: BLE001 - raised again where pytest has ended, which would swallow it
            self.outcome = _raising(error)
        else:
            self.outcome = lambda: result

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        self.act(session)
        return True

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.problems.append(f"{report.nodeid}: {report.longreprtext}")

    @pytest.fixture
    def kit(self) -> Any:
        return self.run.subject.kit

    @pytest.fixture
    def double(self) -> Callable[[Double], Any]:
        """Give what has the kit make, on the submission's side, what stands for a double."""
        subject = self.run.subject
        return lambda double: subject.kit.double(subject.doubles.add(double))

    @pytest.fixture
    def inputs(self) -> Path:
        return self.run.subject.inputs()

    @pytest.fixture
    def rng(self, request: pytest.FixtureRequest) -> np.random.Generator:
        return self.run.generator_for(request.node)


def _raising(error: BaseException) -> Callable[[], Any]:
    def again() -> Any:
        raise error

    return again


def _plugin_for(package: str) -> type[_Fixtures]:
    """Return the plugin in which the fixture of the submission has the name of the package that students write."""

    class Plugin(_Fixtures):
        @pytest.fixture(name=package)
        def package_of_submission(self) -> Any:
            return self.run.subject.package

    return Plugin
