"""What a class should hear: the few things that cost it most, in plain sentences."""

from __future__ import annotations

from collections.abc import Sequence

from graders.exports.words import rounded
from graders.outcomes import Outcome
from graders.statistics.causes import Cause
from graders.text import printable
from graders.words.spoken import ENGLISH_WORDS, Words, marked

MOST = 5
ALL_FAULTY = marked("The harness failed in each of them: grade again.")
LEAST_RESULTS = 2  # what one student alone did is not the class's business
NOT_FOR_ALL = frozenset({Outcome.BLOCKED, Outcome.HARNESS_FAULT})


def sentences(causes: Sequence[Cause], count: int, words: Words = ENGLISH_WORDS) -> list[str]:
    """Return what to say, what cost most first.

    Args:
        causes: what went wrong, what cost the class most first.
        count: how many results there are.
        words: the language, that of the causes.
    """
    for_all = [one for one in causes if one.results >= LEAST_RESULTS and one.outcome not in NOT_FOR_ALL and one.lost]
    return [_sentence(one, count, words) for one in for_all[:MOST]]


def counted(value: float, what: str) -> str:
    """Return a number of things in words: `1 point`, `2.5 points`."""
    shown = rounded(value)
    return f"{shown} {what}" if shown == "1" else f"{shown} {what}s"


def _sentence(cause: Cause, count: int, words: Words) -> str:
    everybody = cause.results == count
    who = (
        words.say("All {count}", count=count)
        if everybody
        else words.count("{some} of {number}", "{some} of {number}", count, some=cause.results)
    )
    cost = words.count("{number} point together", "{number} points together", round(cause.lost, 2))
    if cause.outcome is Outcome.NOT_IMPLEMENTED:
        return words.say(
            "{who} have not done all of step {step}; that cost {cost}.", who=who, step=cause.step, cost=cost
        )
    said = "" if cause.is_hidden or not cause.message else f": {cause.message.rstrip('.')}"
    hint = f" {words.say('Hint:')} {cause.hint}" if cause.hint and not cause.is_hidden else ""
    return words.say(
        "{who} lost {cost} in step {step} at {what}{said}.{hint}",
        who=who,
        cost=cost,
        step=cause.step,
        what=titles_of(cause, words),
        said=said,
        hint=hint,
    )


def titles_of(cause: Cause, words: Words = ENGLISH_WORDS) -> str:
    """Return the titles of the checks at which something went wrong: the first one, and how many more there are."""
    first, *more = [printable(title).rstrip(".") for title in cause.checks.values()]
    if more:
        return words.say("“{title}” and {more} more", title=first, more=len(more))
    return words.say("“{title}”", title=first)
