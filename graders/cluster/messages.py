"""What a client and the nodes of a cluster say to each other: plain data in MessagePack and JSON, never pickles."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import msgspec

from graders.course import Course
from graders.grading.task import Failed, Judged, Task
from graders.intake.submission import Submission
from graders.judging.rubric import Check, counted
from graders.outcomes import HarnessFault
from graders.results.provenance import step_key, versions
from graders.results.schema import Level
from graders.text import printable

PROTOCOL = 1  # of the messages in this module
SHOWN_CHARACTERS = 200  # of what a node says about itself


class Job(msgspec.Struct, frozen=True):
    """Steps of a submission for a node to judge: what was handed in, by content, and nothing that says whose it is.

    Attributes:
        judged_by: fingerprint of the course and the engine that are to judge it.
        package: import name of its package.
        files: the files of that, by path inside the package.
        steps: for each step, which of the files its code can reach.
        seed: of all random inputs, in decimal digits; None draws it from the content, as on one machine.
        required: the least isolation.
        seconds: time that the submission has for all checks together.
        used: of these, what reading it has used.
    """

    judged_by: str
    package: str
    files: dict[str, bytes]
    steps: dict[int, list[str]]
    seed: str | None
    required: Level
    seconds: float
    used: float

    @classmethod
    def of(cls, parts: Mapping[int, Submission], used: float, task: Task, judged_by: str) -> Job:
        """Return the job of judging some steps, given what each can reach of the submission."""
        files = {name: data for part in parts.values() for name, data in part.files.items()}
        package = next(iter(parts.values())).package
        steps = {step: list(part.files) for step, part in parts.items()}
        seed = None if task.seed is None else str(task.seed)
        return cls(judged_by, package, files, steps, seed, task.required, task.seconds, used)

    def parts(self) -> dict[int, Submission]:
        """Return, for each step, what it can reach of the submission."""
        return {
            step: Submission("submission", self.package, {name: self.files[name] for name in names}, [])
            for step, names in self.steps.items()
        }


class Identity(msgspec.Struct, frozen=True, tag="identity"):
    """What somebody judges with; two that judge alike have the same fingerprint.

    Attributes:
        course: title of the course.
        versions: of Python and of the libraries that verdicts depend on.
        steps: for each step, by its label, a hash of all else that decides its verdicts.
        checks: hash of the ids of the checks that count.
        level: the isolation that is reached, of a node; what is required, of a client.
        protocol: version of what is said.
    """

    course: str
    versions: dict[str, str]
    steps: dict[str, str]
    checks: str
    level: Level
    protocol: int = PROTOCOL

    @property
    def fingerprint(self) -> str:
        """Hash of all of it but the title and the isolation."""
        plain = [self.protocol, sorted(self.versions.items()), sorted(self.steps.items()), self.checks]
        return hashlib.sha256(msgspec.json.encode(plain)).hexdigest()

    @property
    def resource(self) -> str:
        """What Dask is asked for: a node has it for each level up to its own."""
        return resource_of(self.fingerprint, self.level)

    def resources(self) -> list[str]:
        """Return what a node offers to Dask."""
        levels: list[Level] = [level for level in Level if level is not Level.UNUSED]
        return [resource_of(self.fingerprint, level) for level in levels[: levels.index(self.level) + 1]]


def resource_of(fingerprint: str, level: Level) -> str:
    """Return the name of a Dask resource: to judge by this fingerprint, isolated as well as that at least."""
    return f"graders-{fingerprint[:32]}-{level}"


def identity_of(course: Course, rubric: Sequence[Check], level: Level) -> Identity:
    """Return what this process judges a course with.

    Args:
        course: the course.
        rubric: all its checks.
        level: the isolation.

    Raises:
        HarnessFault: held-out data are missing.
    """
    ids = " ".join(sorted(row.id for row in counted(rubric)))
    return Identity(
        course.title,
        versions(course.libraries),
        {step.label: step_key(course, step) for step in course.steps},
        hashlib.sha256(ids.encode()).hexdigest(),
        level,
    )


def difference(mine: Identity, theirs: Identity) -> str:
    """Say why a node may not judge for a client, in a few words; nothing if it may."""
    if mine.resource in theirs.resources():
        return ""
    if theirs.protocol != mine.protocol:
        return "its graders is of another version"
    if theirs.course != mine.course:
        return f"it grades another course, {_shown(theirs.course)}"
    less = f"it isolates student code less than required ({theirs.level}, not {mine.level})"
    return _other_version(mine, theirs) or less


def _other_version(mine: Identity, theirs: Identity) -> str:
    for name, version in mine.versions.items():
        if theirs.versions.get(name) != version:
            return f"it has {name} {_shown(theirs.versions.get(name, 'missing'))}, and here it is {version}"
    others = [label for label, key in mine.steps.items() if theirs.steps.get(label) != key]
    if others:
        return f"its course, data or engine are of another version, as far as they judge {', '.join(others)}"
    return "" if theirs.fingerprint == mine.fingerprint else "other checks count there"


def _shown(text: str) -> str:
    return printable(text[:SHOWN_CHARACTERS])


Answer = Judged | Failed


def read_answer(data: bytes) -> Judged:
    """Return what a node made of a job; raises `HarnessFault` with its reason if that is nothing."""
    try:
        answer: Answer = msgspec.msgpack.decode(data, type=Answer)
    except msgspec.DecodeError as error:
        raise HarnessFault(f"a node's answer cannot be read ({error})") from error
    if isinstance(answer, Failed):
        raise HarnessFault(answer.reason)
    return answer


class Asked(msgspec.Struct, frozen=True, tag="asked"):
    """Somebody asks for an answer to a job.

    Attributes:
        key: what the question is called.
        job: a `Job`, in MessagePack.
    """

    key: str
    job: bytes


class Got(msgspec.Struct, frozen=True, tag="got"):
    """The answer to a question, in MessagePack."""

    key: str
    answer: bytes


class Nodes(msgspec.Struct, frozen=True, tag="nodes"):
    """Which nodes there are.

    Attributes:
        jobs: how many jobs those that may judge can do at a time.
        refused: of each that may not, why, in a sentence.
    """

    jobs: int
    refused: list[str]


class Gone(msgspec.Struct, frozen=True, tag="gone"):
    """There is no scheduler to speak with, or no longer; the reason is a sentence."""

    reason: str


Told = Got | Nodes | Gone
