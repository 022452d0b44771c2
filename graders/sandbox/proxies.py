"""Stand-ins, in the judge, for the submission's modules and objects: `package.module.f(...)` as if local.

Plain data crosses; everything else stays in the worker behind a `Remote` that can be called, indexed, iterated and
asked for attributes.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import Any, Protocol

from graders.authoring.describe import describe_call
from graders.course import STEP_MODULE
from graders.members import Members
from graders.outcomes import NotImplementedYet, SubmissionError, WrongType
from graders.sandbox import wire
from graders.sandbox.client import Worker
from graders.sandbox.worker import FROM

LENGTH_LIMIT = 10_000_000
ITERATION_LIMIT = 10_000


class WorkerSource(Protocol):
    """Whatever hands out the worker of the step in progress, a fresh one after a death."""

    def worker(self) -> Worker:
        """Return a worker that is alive."""
        ...


class OneWorker:
    """Hands out the same worker always, alive or not."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    def worker(self) -> Worker:
        """Return the worker."""
        return self._worker


class Remote:
    """A value that stays in a worker.

    Attributes:
        _label: how messages call it.
        _kind: the name of its type, as the worker tells it; for messages only.
    """

    __slots__ = ("_kind", "_label", "_number", "_worker")

    def __init__(self, worker: Worker, number: int, kind: str, label: str) -> None:
        self._worker = worker
        self._number = number
        self._kind = kind
        self._label = label

    @property
    def _wire_node(self) -> list[object]:
        return ["handle", self._number, self._kind]

    def _ask(self, label: str, operation: str, *arguments: object) -> Any:
        return request_of(self._worker, label, operation, self, *arguments)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # no check asks for these, but libraries do, of whatever they are to print
            raise AttributeError(name)
        return self._ask(f"{self._label}.{name}", "get", name)

    def __call__(self, *args: object, **kwargs: object) -> Any:
        """Call it in the worker, with plain data, proxies, or functions of libraries."""
        return self._ask(describe_call(self._label, args, kwargs), "call", args, kwargs)

    def __getitem__(self, key: object) -> Any:
        return self._ask(f"{self._label}[{key!r}]", "item", key)

    def __len__(self) -> int:
        count = self._ask(f"len({self._label})", "length")
        if type(count) is not int or not 0 <= count <= LENGTH_LIMIT:
            raise WrongType(f"len({self._label}) is {count!r:.80}; expected a count.")
        return count

    def __bool__(self) -> bool:
        return True

    def __iter__(self) -> Iterator[Any]:
        iterator = self._ask(f"iter({self._label})", "iterate")
        if not isinstance(iterator, Remote):
            raise WrongType(f"iter({self._label}) is {iterator!r:.80}; expected an iterator.")
        for _ in range(ITERATION_LIMIT):
            try:
                yield iterator._ask(f"next(iter({self._label}))", "next")  # noqa: SLF001 - of the same class
            except StopIteration:
                return
        raise WrongType(f"{self._label} has not ended after {ITERATION_LIMIT} items.")

    def __repr__(self) -> str:
        return f"<{self._kind.partition(FROM)[0].rpartition('.')[2]} in the sandbox>"

    def __del__(self) -> None:
        # The worker is told with the next request, so that an object's end costs no message of its own.
        self._worker.released.append(self._number)


def request_of(worker: Worker, label: str, operation: str, *arguments: object) -> Any:
    """Send a worker a request, and return its answer, in which handles become remote values.

    Raises:
        SubmissionError: the subclass says how the call ended.
    """
    codec = wire.Codec(lambda number, kind: Remote(worker, number, kind, label), no_library)
    return worker.request(label, operation, *arguments, proxy=codec)


def no_library(name: str) -> object:
    """Refuse the name of a library function, which only the judge may send; raises `WireError`."""
    raise wire.WireError(f"an answer names a library function, {name[:40]!r}")


class RemotePackage:
    """The submission's package: attributes are its step modules, each imported in the worker when first asked for.

    Args:
        source: whose worker holds it.
        name: its import name.
        members: is told what of the step modules the submission does not define itself.
    """

    def __init__(self, source: WorkerSource, name: str, members: Members | None = None) -> None:
        self._source = source
        self._name = name
        self._members = members or Members()
        self._modules: dict[str, RemoteModule] = {}

    def __getattr__(self, name: str) -> RemoteModule:
        if not STEP_MODULE.fullmatch(name):
            raise AttributeError(name)
        return self._modules.setdefault(name, RemoteModule(self._source, self._name, name, self._members))


class RemoteModule:
    """One step module of the submission. What an import ended with, it ends with again, without another try."""

    def __init__(self, source: WorkerSource, package: str, name: str, told: Members) -> None:
        self._source = source
        self._package = package
        self._name = name
        self._told = told
        self._failure: SubmissionError | None = None
        self._imported: tuple[Worker, Remote] | None = None
        self._members: dict[str, Remote] = {}

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        module = self._import()
        label = f"{self._name}.{name}"
        if name not in self._members:
            try:
                member = request_of(module._worker, label, "get", module, name)  # noqa: SLF001 - the two are one thing
            except AttributeError as error:
                raise NotImplementedYet(f"{self._name} has no {name}; keep the names of the skeleton.") from error
            if not isinstance(member, Remote):
                self._told.values[label] = type(member).__name__
                return member
            self._members[name] = member
        owner = self._members[name]._kind.partition(FROM)[2]  # noqa: SLF001 - the two are one thing
        if owner:
            self._told.strangers[label] = owner
        return self._members[name]

    def _import(self) -> Remote:
        if self._failure:
            raise self._failure
        worker = self._source.worker()
        if self._imported is None or self._imported[0] is not worker:
            label = f"import {self._name}"
            try:
                module = request_of(worker, label, "import", self._name)
            except SubmissionError as error:
                if str(error).startswith(label):
                    error.importing = f"{self._package}.{self._name}"
                missing = f"No module named '{self._package}.{self._name}'" in str(error)
                self._failure = NotImplementedYet(f"{self._name}.py is not in the submission.") if missing else error
                raise self._failure from error
            if not isinstance(module, Remote):
                raise WrongType(f"{label} gave {module!r:.80}; expected a module.")
            self._imported = worker, module
            self._members = {}
        return self._imported[1]


class RemoteKit:
    """The kit, or one of its modules: what it holds stays what it is, and is asked for once."""

    def __init__(self, module: Remote) -> None:
        self._module = module
        self._members: dict[str, Any] = {}

    @property
    def _wire_node(self) -> list[object]:
        return self._module._wire_node  # noqa: SLF001 - the two are one thing

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if name in self._members:
            return self._members[name]
        member = getattr(self._module, name)
        if isinstance(member, Remote):
            is_module = member._kind.partition(FROM)[0] == ModuleType.__name__  # noqa: SLF001 - the two are one thing
            self._members[name] = member = RemoteKit(member) if is_module else member
        return member


def remote_kit(worker: Worker) -> RemoteKit:
    """Return the kit that runs beside the student's code.

    Raises:
        WrongType: the worker answers with something else than a module; nothing that it says is trusted.
    """
    kit = request_of(worker, "kit", "kit")
    if not isinstance(kit, Remote):
        raise WrongType(f"The kit beside the submission is {kit!r:.80}; expected a module.")
    return RemoteKit(kit)
