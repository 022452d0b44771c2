"""JUnit's XML, as Jenkins, GitLab and Azure read it: a suite for each step, and only what `junit-10.xsd` allows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from xml.etree import ElementTree as ET

from graders.exports.words import for_xml, told
from graders.outcomes import Outcome
from graders.results.schema import CheckResult, Result
from graders.results.scoring import steps_of

ERRORS = frozenset({Outcome.HARNESS_FAULT, Outcome.DIED, Outcome.OUT_OF_MEMORY, Outcome.TIMED_OUT, Outcome.FORBIDDEN})
SKIPPED = frozenset({Outcome.BLOCKED, Outcome.NOT_IMPLEMENTED})


def document(results: Iterable[Result]) -> str:
    """Return one document for all results.

    Readers drop the second of two cases of one name, so that a case is called after its submission too.
    """
    suites = ET.Element("testsuites")
    checks: list[CheckResult] = []
    for result in results:
        for step, one in steps_of(result.checks).items():
            suites.append(_suite(result, step, one.checks))
            checks += one.checks
    for name, value in _counts(checks).items():
        if name != "skipped":
            suites.set(name, value)
    ET.indent(suites)
    return ET.tostring(suites, encoding="unicode", xml_declaration=False)


def _suite(result: Result, step: int, checks: Sequence[CheckResult]) -> ET.Element:
    name = for_xml(f"{result.submission}: step {step}")
    time = f"{sum(one.seconds for one in checks):.3f}"
    suite = ET.Element("testsuite", {"name": name, **_counts(checks), "time": time})
    for check in checks:
        case = ET.SubElement(
            suite,
            "testcase",
            name=for_xml(check.title),
            classname=for_xml(f"{result.submission}.{check.id}"),
            time=f"{check.seconds:.3f}",
        )
        if kind := _kind(check):
            ended = ET.SubElement(case, kind, message=for_xml(told(check).partition("\n")[0]), type=str(check.outcome))
            ended.text = for_xml(told(check))
    return suite


def _kind(check: CheckResult) -> str:
    if check.dropped:
        return "skipped"
    if check.outcome is Outcome.PASSED:
        return ""
    return "skipped" if check.outcome in SKIPPED else "error" if check.outcome in ERRORS else "failure"


def _counts(checks: Sequence[CheckResult]) -> dict[str, str]:
    kinds = [_kind(check) for check in checks]
    return {
        "tests": str(len(kinds)),
        "failures": str(kinds.count("failure")),
        "errors": str(kinds.count("error")),
        "skipped": str(kinds.count("skipped")),
    }
