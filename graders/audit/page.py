"""The page of an audit: all that it found, in one file."""

from __future__ import annotations

import json
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from graders.audit.findings import Findings
from graders.audit.trial import TrialResult
from graders.outcomes import Outcome

CELLS = {Outcome.PASSED: "", Outcome.BLOCKED: "·"}


def write_page(findings: Findings, file: Path) -> None:
    """Write what was found as HTML that needs no other file."""
    environment = Environment(
        loader=PackageLoader(__package__ or "", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["entry"] = _entry
    page = environment.get_template("page.html.j2").render(found=findings, cell=_cell, numbers=_numbers(findings))
    file.write_text(page, encoding="utf-8")


def _numbers(findings: Findings) -> dict[str, int]:
    """Number the checks of each step, as the columns of its matrix."""
    counts: dict[int, int] = {}
    numbers = {}
    for row in findings.checks:
        counts[row.check.step] = counts.get(row.check.step, 0) + 1
        numbers[row.check.id] = counts[row.check.step]
    return numbers


def _cell(verdict: TrialResult, check_id: str) -> str:
    return CELLS.get(verdict.lost.get(check_id, Outcome.PASSED), "✗")


def _entry(verdict: TrialResult) -> str:
    """Return what to add to the course's file once it is known what a survivor is."""
    changed = " ".join(line.strip() for line in verdict.diff.splitlines()[3:] if line[0] == "+")
    change = json.dumps(f"{verdict.name}: {changed}", ensure_ascii=False)  # a string of JSON is one of TOML
    lines = [f'key = "{verdict.key}"', f"step = {verdict.step}", f"change = {change}", 'kind = "open"', 'reason = ""']
    return "\n".join(["[[survivor]]", *lines])
