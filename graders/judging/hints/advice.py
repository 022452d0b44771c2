"""The hint of a check that did not pass, where the check's own is about something else."""

from __future__ import annotations

import re

from graders.course import Course
from graders.judging.hints.names import asked_of, stranger_hint, stranger_of
from graders.judging.hints.rules import EXIT, RULES
from graders.judging.hints.situation import Situation
from graders.judging.rubric import Check
from graders.outcomes import Outcome

# There the check itself compared, or nothing is written yet: its own hint is about that.
OWN_HINT = frozenset({Outcome.FAILED, Outcome.WRONG_TYPE, Outcome.NOT_IMPLEMENTED})
NOTHING_RETURNED = "A function that ends without `return` gives None, also if it prints: return the value."
LATER = "Work at a module's top level runs at every import: put it below `if __name__ == '__main__':`."
TOP_LEVEL = (
    "Work at a module's top level runs at every import, and where it is graded there is no data of yours: put it below "
    "`if __name__ == '__main__':`."
)
GENERAL = {
    Outcome.BLOCKED: "This check is judged once that one passes.",
    Outcome.HARNESS_FAULT: "It is a fault of the grader and not of your code: tell the course staff.",
    Outcome.TIMED_OUT: (
        "Look for a loop that does not end, or for work that is done again for every item: a check's inputs are small."
    ),
    Outcome.OUT_OF_MEMORY: (
        "That is more than the 2 GB that a worker has, the process in which it is graded: look for a list that grows "
        "without end, or for an array of a wrong shape."
    ),
    Outcome.DIED: EXIT,
    Outcome.FORBIDDEN: (
        "When it is graded, code writes files in the current folder or with tempfile, and starts no processes."
    ),
}
CRASH = "A library was given what it cannot take, or a function calls itself without end: see what is called last."
# At an import too, their hints say all that is to be done.
TELL_ALL = frozenset({"ImportError", "NameError", "SyntaxError", "SystemExit", "EOFError"})
NAMED = re.compile(r"\(SIG\w+\)|\(signal ")


def hint_for(course: Course, check: Check, outcome: Outcome, message: str, situation: Situation) -> str:
    """Return what to do about a check that did not pass, where its own hint does not say it; else nothing.

    Args:
        course: whose `hints` come first.
        check: the check.
        outcome: how it ended.
        message: why, as students read it.
        situation: what happened on the submission's side.
    """
    if outcome in OWN_HINT:
        return _beside_own_hint(check, message, situation)
    hidden = check.info.visibility == "hidden"  # words of an exception would say what its message does not
    hint = GENERAL.get(outcome, "") if hidden else _about(course, check, outcome, message, situation)
    return f"{hint} {_import_hint(situation.importing)}".strip() if situation.importing else hint


def _import_hint(module: str) -> str:
    return (
        "The module does not load, and all checks of its step wait for that: mend it first. "
        f"`python -m {module}` loads it alone."
    )


def _beside_own_hint(check: Check, message: str, situation: Situation) -> str:
    if situation.importing or check.info.visibility == "hidden":
        return ""
    if "returned None; expected" in message:
        return NOTHING_RETURNED
    if situation.raised is not None and "cannot be called" in message:
        return next((hint for rule in RULES if (hint := rule.advice(situation))), "")
    hints = [stranger_hint(name, owner) for name, owner in situation.strangers.items()]
    return f"{hints[0]} {check.info.hint}" if hints else ""


def _about(course: Course, check: Check, outcome: Outcome, message: str, situation: Situation) -> str:
    """Return what to do about an exception or a death: the course's own words, or those for its kind."""
    raised = situation.raised
    text = f"{raised.kind}: {raised.text}" if raised else ""
    own = next((one.hint for one in course.hints if text and re.search(one.pattern, text, re.DOTALL)), "")
    if own:
        return own
    if outcome in GENERAL:
        return _about_death(outcome, message, situation)
    if raised and not raised.lines and (stranger := stranger_of(asked_of(situation), situation)):
        return stranger
    hint = next((hint for rule in RULES if (hint := rule.advice(situation))), "")
    if situation.importing and raised and TELL_ALL.isdisjoint(raised.bases):
        return f"{hint} {LATER if 'your files' in hint else TOP_LEVEL}".strip()
    return hint or _where(check, situation)


def _about_death(outcome: Outcome, message: str, situation: Situation) -> str:
    if outcome is Outcome.TIMED_OUT and situation.importing:
        return f"The import did not end in time. {TOP_LEVEL}"
    return CRASH if outcome is Outcome.DIED and NAMED.search(message) else GENERAL[outcome]


def _where(check: Check, situation: Situation) -> str:
    stops = f"`lab check {check.step} --pdb` stops where it is raised"
    if situation.raised and situation.raised.lines:
        return f"The brackets end with the line of yours that raised it; {stops}."
    return f"It was raised in what your code calls or returns, not on a line of yours; {stops}."
