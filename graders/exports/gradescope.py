"""Gradescope's `results.json`.

Source: `docs/specs.md` of gradescope/autograder_samples.
"""

from __future__ import annotations

from graders.exports.words import lines, number, seconds, told
from graders.outcomes import Outcome
from graders.results.schema import Result
from graders.words.spoken import ENGLISH_WORDS, Words, marked

# Where a test is hidden, Gradescope shows students no total; so what is hidden here waits until grades are published.
HIDDEN = "after_published"


FAULT = marked("The harness could not grade this submission; nothing is charged to you. The course staff sees why.")


def fault_json(result: Result | None, words: Words = ENGLISH_WORDS) -> dict[str, object]:
    """Return what Gradescope reads where grading failed, or the submission could not be read."""
    unread = result.notes if result and not result.was_read else []
    said = "\n".join(lines(words.text(one)) for one in unread) or words.say(FAULT)
    return {"score": 0, "output": said, "output_format": "text", "stdout_visibility": "hidden", "tests": []}


def results_json(result: Result, words: Words = ENGLISH_WORDS) -> dict[str, object]:
    """Return what Gradescope reads; students read titles and messages in some language."""
    counts = {"answered": result.answered, "all": len(result.written)}
    answered = words.say("Written answers, to be marked by a person: {answered} of {all}.", **counts)
    notes = [lines(words.text(note)) for note in result.notes]
    return {
        "score": number(result.score),
        "execution_time": seconds(result),
        "output": "\n".join([*notes, *([answered] if result.written else [])]),
        "output_format": "text",
        "test_output_format": "text",
        "test_name_format": "text",
        "stdout_visibility": "hidden",
        "tests": [
            {
                "number": check.id,
                "name": lines(words.text(check.title)),
                "score": number(check.points),
                "max_score": number(check.max_points),
                "status": "passed" if check.outcome is Outcome.PASSED or check.dropped else "failed",
                "output": "" if check.outcome is Outcome.PASSED and not check.dropped else told(check, words),
                "tags": [f"step {check.step}"],
                "visibility": "visible" if check.visibility == "public" else HIDDEN,
            }
            for check in result.checks
        ],
        "extra_data": {"course": result.course, "isolation": str(result.isolation.level), "tampered": result.tampered},
    }
