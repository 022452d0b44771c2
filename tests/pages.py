"""Results for tests of pages: of students who mean well, and of one who does not."""

from __future__ import annotations

import random
import re

import msgspec
import numpy as np
from lxml import html

from graders.authoring.pictures import picture_of
from graders.intake.layouts.handin import Handin
from graders.outcomes import WAITS_FOR, Outcome
from graders.results.schema import AnswerStatus, CheckResult, Isolation, Level, Result, WrittenAnswer
from graders.results.scoring import HIDDEN_MESSAGE

EVIL = (
    "<script>document.title='owned'</script><svg onload=\"document.title='owned'\"><img src=http://example.org/x.png "
    "onerror=alert(1)>{{ 7*7 }}{% raw %}</pre></article><a href='javascript:alert(1)'>\u202eabc\u2066\x9b31m\x1b[2J"
    "\x00\ufeff\u2028]]>--><style>*{display:none}</style>&lt;b&gt;"
)
TITLES = [
    "count_words returns the number of words, whatever white space stands between them.",
    "longest_word returns the longest word, of several the first.",
    "longest_word raises ValueError for a text without words.",
    "count_lines counts the lines that hold a word, and reads each line once.",
    "shift moves each letter a-z by so many places, beyond z again from a, and leaves the rest.",
    "unshift returns the text that shift was given.",
    "Το κείμενο μένει όπως είναι, όποια και αν είναι η γλώσσα του.",
]
MESSAGES = {
    Outcome.FAILED: "count_words('α  β') returned 3; expected 2.",
    Outcome.STUDENT_ERROR: "longest_word('') raised IndexError: list index out of range [step01.py line 12, in longest_word]",
    Outcome.WRONG_TYPE: "shift('abc', 1) returned None; expected a text.",
    Outcome.TIMED_OUT: "count_lines(lines) did not answer within 10 s.",
    Outcome.NOT_IMPLEMENTED: "unshift is yours to write: step 2",
}
PICTURES = [
    picture_of(
        "mel(x)", np.linspace(-80, 0, 128 * 60).reshape(128, 60), np.linspace(0, -80, 128 * 60).reshape(128, 60)
    ),
    picture_of("matrix", np.array([[4, 1, 0], [0, np.nan, 2], [1, 0, 3]]), np.array([[4, 1, 0], [0, 5, 2], [1, 0, 3]])),
    picture_of("losses", np.array([1.0, 0.9, np.nan, 0.7, 0.6]), np.array([1.0, 0.8, 0.6, 0.5, 0.4])),
]
ENDS = [Outcome.PASSED] * 6 + list(MESSAGES)


def result_of(name: str, seed: int, *, text: str = "", steps: int = 3, checks: int = 12) -> Result:
    """Return a result in which checks ended at random; with a text, the student wrote it wherever they could."""
    draw = random.Random(seed)
    rows: list[CheckResult] = []
    for step in range(1, steps + 1):
        for index in range(checks):
            outcome = draw.choice(ENDS)
            title = f"{TITLES[index % len(TITLES)][:-1]} ({step}.{index})."
            message = "" if outcome is Outcome.PASSED else text or MESSAGES[outcome]
            hidden = index == checks - 1
            blocked = index == checks - 2 and rows and rows[-1].outcome is not Outcome.PASSED
            rows.append(
                CheckResult(
                    id=f"step{step:02d}.check_{index}",
                    step=step,
                    title=title,
                    points=0.5 if outcome is Outcome.PASSED and not blocked else 0.0,
                    max_points=0.5,
                    outcome=Outcome.BLOCKED if blocked else outcome,
                    message=f"{WAITS_FOR}{rows[-1].title}" if blocked else HIDDEN_MESSAGE if hidden else message,
                    hint=""
                    if outcome is Outcome.PASSED
                    else text or "split() without arguments splits at any white space.",
                    visibility="hidden" if hidden else "public",
                    seconds=0.1,
                    picture=None if hidden or outcome is not Outcome.FAILED else PICTURES[index % len(PICTURES)],
                )
            )
    score = sum(row.points for row in rows)
    return Result(
        course="Words: a course of two steps",
        submission=text or name,
        handin=Handin(students=[f"{seed:03d}"], name=text or name, attempt=1, submitted="2026-11-01T10:00:00Z"),
        digest="d",
        score=score,
        max_score=0.5 * len(rows),
        isolation=Isolation(Level.FULL, {}),
        time_limit=900.0,
        steps=[],
        versions={},
        checks=rows,
        written=[
            WrittenAnswer("2.1", 2, "Γιατί σπάει", text or "Είκοσι πέντε κλειδιά,\nόλα δοκιμάζονται.", AnswerStatus.TO_BE_MARKED),
            WrittenAnswer("2.2", 2, "How long it takes", "", AnswerStatus.NOT_ANSWERED),
        ],
        notes=[text or "answers/step3.md: read under the name that is meant: answers/step03.md"] if seed % 2 or text else [],
    )  # fmt: skip


def better(result: Result) -> Result:
    """Return the next attempt: of the first checks that failed two pass, and one that passed fails."""
    failed = [check.id for check in result.checks if check.outcome is Outcome.FAILED][:2]
    passed = next(check.id for check in result.checks if check.outcome is Outcome.PASSED)
    rows = [
        msgspec.structs.replace(check, outcome=Outcome.PASSED, points=check.max_points, message="", hint="")
        if check.id in failed
        else msgspec.structs.replace(check, outcome=Outcome.FAILED, points=0.0, message="it returned 1; expected 2.")
        if check.id == passed
        else check
        for check in result.checks
    ]
    assert result.handin
    handin = msgspec.structs.replace(result.handin, attempt=2, submitted="2026-11-03T10:00:00Z")
    return msgspec.structs.replace(result, checks=rows, score=sum(row.points for row in rows), handin=handin)


def text_of(page: bytes) -> str:
    words = " ".join(html.fromstring(page.decode()).find("body").itertext()).split()
    return re.sub(r" (?=[.,:;])", "", " ".join(words))
