"""Results: one versioned record for each submission, from which every report is rendered."""

from __future__ import annotations

import csv
import functools
import hashlib
import platform
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Literal

import msgspec

from graders.authoring.check import Visibility
from graders.intake.answers import load_questions
from graders.judging.judge import Verdict
from graders.judging.rubric import Check
from graders.outcomes import Outcome

SCHEMA = 2
VERSIONED = ("torch", "numpy", "librosa", "scikit-learn", "scipy", "pytest", "hypothesis", "nbformat")
HIDDEN_MESSAGE = "This check is hidden: its title and hint are all that is shown."
ROOT = Path(__file__).resolve().parents[2]
JUDGING = ("graders", "solutions", "fixtures")
SOURCES = ("*.py", "*.toml", "*.json")
ANSWERED = "written_answered"
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class CheckResult(msgspec.Struct, frozen=True):
    """One check's result: what it asks, what it is worth, how it ended."""

    id: str
    step: int
    title: str
    points: float
    max_points: float
    outcome: Outcome
    message: str
    hint: str
    visibility: Visibility
    seconds: float


class WrittenAnswer(msgspec.Struct, frozen=True):
    """The answer to a written question, for a person to mark; it has no points, and no part in the score."""

    id: str
    step: int
    title: str
    answer: str
    status: Literal["to be marked", "not answered"]


class Isolation(msgspec.Struct, frozen=True):
    """How well the submission was confined.

    Attributes:
        level: `full` (every layer), `partial` (some), `none`, or `unused` (no code of the submission ran).
        layers: `on` or what is missing, layer by layer.
    """

    level: str
    layers: dict[str, str]

    @classmethod
    def of(cls, layers: Mapping[str, str]) -> Isolation:
        """Judge the level from the layers that a worker reported."""
        reached = [status.startswith("on") for status in layers.values()]
        level = "unused" if not reached else "full" if all(reached) else "partial" if any(reached) else "none"
        return cls(level, dict(layers))


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One submission's result, as written to `result.json`.

    Attributes:
        written: the written questions of the steps that were graded, each with its answer.
        fingerprint: hash of everything that the result depends on: the same fingerprint, the same result.
        notes: what intake left out, or why the submission could not be read.
    """

    schema: int = SCHEMA
    submission: str
    score: float
    max_score: float
    isolation: Isolation
    seed: int
    versions: dict[str, str]
    checks: list[CheckResult]
    written: list[WrittenAnswer] = []
    notes: list[str]
    fingerprint: str

    @property
    def answered(self) -> int:
        """The number of written questions that are answered."""
        return sum(one.status == "to be marked" for one in self.written)


def score(rubric: Sequence[Check], verdicts: Mapping[str, Verdict]) -> list[CheckResult]:
    """Give each check of the rubric its points: all for a pass that the judge saw, else none."""
    return [_scored(check, verdicts[check.id]) for check in rubric]


def _scored(check: Check, verdict: Verdict) -> CheckResult:
    info = check.info
    passed = verdict.outcome is Outcome.PASSED
    secret = info.visibility == "hidden" and verdict.outcome not in {Outcome.PASSED, Outcome.BLOCKED}
    return CheckResult(
        id=check.id,
        step=check.step,
        title=check.title,
        points=info.points if passed else 0.0,
        max_points=info.points,
        outcome=verdict.outcome,
        message=HIDDEN_MESSAGE
        if secret and verdict.outcome is not Outcome.HARNESS_FAULT
        else _encodable(verdict.message),
        hint="" if passed else verdict.hint or info.hint,
        visibility=info.visibility,
        seconds=round(verdict.seconds, 4),
    )


def set_out(rubric: Sequence[Check], answers: Mapping[str, str]) -> list[WrittenAnswer]:
    """Set out the written questions of a rubric's steps, each with its answer, if there is one."""
    questions = load_questions(frozenset(check.step for check in rubric))
    return [
        WrittenAnswer(
            id=question.id,
            step=question.step,
            title=question.title,
            answer=answers.get(question.id, ""),
            status="to be marked" if answers.get(question.id) else "not answered",
        )
        for question in questions
    ]


def _encodable(text: str) -> str:
    """Return a text without lone surrogates, which student code may put into an error and no file can hold."""
    return text.encode("utf-8", "replace").decode()


@functools.cache
def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that a result depends on."""
    return {"python": platform.python_version(), **{name: version(name) for name in VERSIONED}}


def fingerprint(digest: str, rubric: Sequence[Check], seed: int) -> str:
    """Hash what a result depends on: the submission, the source of checks, harness and oracle, seed, versions.

    The written questions, the thresholds and the manifest of the data count as source.
    """
    sources = {Path(check.node.partition("::")[0]) for check in rubric}
    sources.update(path for package in JUDGING for name in SOURCES for path in (ROOT / package).rglob(name))
    total = hashlib.sha256(repr((digest, seed, sorted(versions().items()), [check.id for check in rubric])).encode())
    for source in sorted(sources):
        total.update(source.read_bytes())
    return total.hexdigest()


def write_result(result: Result, folder: Path) -> None:
    """Write `folder/result.json`, whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    _replace(folder / "result.json", msgspec.json.format(msgspec.json.encode(result), indent=2))


def read_result(folder: Path) -> Result | None:
    """Read `folder/result.json`; None if there is none, or not one of this schema."""
    try:
        result = msgspec.json.decode((folder / "result.json").read_bytes(), type=Result)
    except (OSError, ValueError, RecursionError):
        return None
    return result if result.schema == SCHEMA else None


def all_results(folder: Path) -> list[Result]:
    """Read every result below a folder for results, those of earlier runs too, in the order of their names."""
    found = (read_result(path) for path in sorted(folder.iterdir()) if path.is_dir())
    return [result for result in found if result]


def write_summary(results: Iterable[Result], path: Path) -> None:
    """Write a CSV table: a row for each submission.

    It has the score, each step's points, counts of outcomes, and the number of written questions that are answered.
    """
    rows = list(results)
    steps = sorted({check.step for result in rows for check in result.checks})
    with path.with_suffix(".part").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, quoting=csv.QUOTE_NONNUMERIC)
        table.writerow(["submission", "score", "max_score", *[f"step_{step}" for step in steps], *Outcome, ANSWERED])
        for result in rows:
            points = [sum(check.points for check in result.checks if check.step == step) for step in steps]
            counts = [sum(check.outcome is outcome for check in result.checks) for outcome in Outcome]
            row = [_cell(result.submission), result.score, result.max_score, *points, *counts, result.answered]
            table.writerow(row)
    path.with_suffix(".part").replace(path)


def _cell(text: str) -> str:
    """Keep a spreadsheet from reading a name as a formula."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def _replace(path: Path, data: bytes) -> None:
    part = path.with_suffix(".part")
    part.write_bytes(data)
    part.replace(path)
