"""What an audit makes of verdicts: rates, checks that are needed, and when it does not hold."""

from __future__ import annotations

from typing import Any

import pytest

from graders.audit.findings import Findings, Kept, Known, Survivor, flips_of
from graders.audit.trial import TrialResult
from graders.authoring.check import CheckInfo
from graders.judging.rubric import Check
from graders.outcomes import Outcome

FAILED, BLOCKED = Outcome.FAILED, Outcome.BLOCKED


def trial(kind: Any, name: str, lost: dict[str, Outcome], **more: Any) -> TrialResult:
    return TrialResult(kind=kind, step=1, submission=f"{kind}-{name}", name=name, lost=lost, key=name, **more)


def mutants(killed: int, survived: int) -> list[TrialResult]:
    ends = [{"a": FAILED}] * killed + [{}] * survived
    return [trial("mutant", f"m{number}", lost, operator="number") for number, lost in enumerate(ends)]


def findings(*verdicts: TrialResult, known: Known | None = None, drawn: bool = False, bound: float = 0.0) -> Findings:
    rubric = [Check(name, 1, f"{name} holds.", name, CheckInfo(1, "A hint.")) for name in "abc"]
    return Findings(course="Any", versions={}, steps=[1], drawn=drawn, bound=bound, verdicts=list(verdicts),
                    known=known or Known(), rubric=rubric)  # fmt: skip


def survivor(key: str, kind: Any) -> Survivor:
    return Survivor(key, 1, "a change", kind, "A reason.")


def test_equivalent_and_right_mutants_do_not_count() -> None:
    known = Known(
        [survivor("m3", "equivalent"), survivor("m4", "free"), survivor("m5", "open"), survivor("m0", "open")]
    )
    found = findings(*mutants(3, 4), known=known)
    assert found.total == (7, 3, 1, 1, 2)
    assert (found.total.wrong, found.total.rate) == (5, 0.6)
    assert [(one.key, of.kind if of else None) for one, of in found.survivors] == [
        ("m6", None), ("m5", "open"), ("m4", "free"), ("m3", "equivalent"),
    ]  # fmt: skip
    assert found.tallies("operator") == {"number": found.total}
    assert [one.key for one in found.outdated] == ["m0"]


def test_a_check_is_needed_where_it_fails_alone() -> None:
    found = findings(
        trial("mistake", "of a", {"a": FAILED, "c": BLOCKED}, check="a", expected=FAILED),
        trial("mistake", "of both", {"a": FAILED, "b": FAILED}, check="b", expected=FAILED),
        trial("mutant", "m", {"b": FAILED}),
        known=Known(kept=[Kept("c", "It will be.")]),
    )
    assert [(row.check.id, *row[1:]) for row in found.checks] == [
        ("a", 2, 0, 1, 1, ""), ("b", 1, 1, 1, 0, ""), ("c", 0, 0, 0, 0, "It will be."),
    ]  # fmt: skip
    assert found.failures == []


def test_a_mistake_is_missed_unless_its_own_check_ends_as_it_should() -> None:
    found = findings(trial("mistake", "of a", {"a": FAILED, "b": BLOCKED}, check="b", expected=FAILED))
    assert found.failures == ["Mistakes that are missed: 1, first of a (step 1: a)."]


@pytest.mark.parametrize(
    ("killed", "survived", "drawn", "holds"),
    [(98, 2, False, True), (97, 3, False, False), (96, 4, True, True), (93, 7, True, False), (0, 0, False, True)],
)
def test_the_kill_rate_has_a_bound_and_a_sample_may_be_unlucky(
    killed: int, survived: int, drawn: bool, holds: bool
) -> None:
    found = findings(*mutants(killed, survived), drawn=drawn, bound=0.98)
    assert (found.failures == []) is holds


def test_what_ends_otherwise_when_judged_again_is_a_flip() -> None:
    first = [trial("right", "one", {}), trial("mutant", "two", {"a": FAILED})]
    again = [trial("mutant", "two", {"b": FAILED}), trial("right", "one", {})]
    (flip,) = flips_of(first, again)
    assert (flip.name, flip.first, flip.again) == ("two", {"a": "failed"}, {"b": "failed"})
    assert flips_of(first, first[::-1]) == []


def test_what_is_judged_again_is_compared_with_the_same_seed_s_ends() -> None:
    first = [trial("right", "one", {}), trial("right", "one", {"a": FAILED}, seed=0)]
    assert flips_of(first, [trial("right", "one", {})]) == []
    (flip,) = flips_of(first, [trial("right", "one", {}, seed=0)])
    assert (flip.first, flip.again) == ({"a": "failed"}, {})
