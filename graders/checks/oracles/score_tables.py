"""Reading a table of scores, whatever its rules are made of: spaces, Markdown, boxes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from graders.authoring.expect import expect_text
from graders.checks.oracles.predictions import Case, right_scores

NUMBER = re.compile(r"-?(?:\d+\.?\d*|\.\d+)")
TWO_DECIMALS = re.compile(r"\d?\.\d\d")
RULES = re.compile(r"[|*`\u2500-\u257f]")  # what draws the lines of a table, or makes its text bold
PUNCTUATION = ".:,;()[]#"
COLUMNS = (
    re.compile(r"precision|ακρίβεια|ευστοχία", re.IGNORECASE),
    re.compile(r"recall|ανάκληση", re.IGNORECASE),
    re.compile(r"f1|f-1|f-?score|f-?measure", re.IGNORECASE),
    re.compile(r"support|υποστήριξη|πλήθος|δείγματα|κομμάτια", re.IGNORECASE),
)
ACCURACY = re.compile(r"accuracy|ακρίβεια|ορθότητα", re.IGNORECASE)
MACRO = re.compile(r"macro|μακρο", re.IGNORECASE)
WEIGHTED = re.compile(r"weighted|σταθμισμ", re.IGNORECASE)
LONGEST_TABLE = 20_000
HALF_A_HUNDREDTH = 0.005 + 1e-9


def lines_of(table: Any, call: str) -> list[list[str]]:
    """Return the lines of a table as lists of words, without the rules."""
    text = expect_text(table, call)
    if len(text) > LONGEST_TABLE:
        raise AssertionError(f"{call} has {len(text)} characters; expected a table of a few lines.")
    return [RULES.sub(" ", line).split() for line in text.splitlines()]


def class_row(lines: list[list[str]], name: str, call: str) -> list[str]:
    """Return the four numbers that end the row of a class; its name is among the words before them."""
    wanted = name.split()
    for words in lines:
        label, numbers = [word.strip(PUNCTUATION) for word in words[:-4]], words[-4:]
        named = any(label[at : at + len(wanted)] == wanted for at in range(len(label)))
        if named and all(NUMBER.fullmatch(number) for number in numbers):
            return numbers
    raise AssertionError(f"{call} has no row of class {name} with four numbers: precision, recall, f1-score, support.")


def summary_row(lines: list[list[str]], pattern: re.Pattern[str], count: int, name: str, call: str) -> list[str]:
    """Return the numbers, at least `count`, of the first row whose words match."""
    for words in lines:
        numbers = [word for word in words if NUMBER.fullmatch(word)]
        if pattern.search(" ".join(words)) and len(numbers) >= count:
            return numbers
    raise AssertionError(f"{call} has no row {name!r} with its numbers.")


def fractions_beside(lines: list[list[str]], pattern: re.Pattern[str]) -> list[str]:
    """Return the numbers with a point in the rows whose words match."""
    rows = [words for words in lines if pattern.search(" ".join(words))]
    return [word for words in rows for word in words if NUMBER.fullmatch(word) and "." in word]


def expect_rounded(number: str, expected: float, call: str) -> None:
    """Raise unless a number is the expected one, rounded to two decimals; a half may be rounded either way."""
    if not abs(float(number) - expected) <= HALF_A_HUNDREDTH:
        raise AssertionError(f"{call} is {number}; expected {expected:.4f}, with two decimals.")


def expect_class_rows(table: Any, case: Case, names: Sequence[str], call: str) -> None:
    """Raise unless a table has a row of each class with its scores and its support."""
    lines, scores = lines_of(table, call), right_scores(case)
    for number, name in enumerate(names):
        *values, support = class_row(lines, name, call)
        for key, value in zip(("precision", "recall", "f1"), values, strict=True):
            expect_rounded(value, scores[key][number], f"{call}: the {key} of class {name}")
        if float(support) != scores["support"][number]:
            raise AssertionError(
                f"{call}: the support of class {name} is {support}; expected {scores['support'][number]}."
            )


def names_the_columns(line: str) -> bool:
    """Return whether a line has the names of the four columns, in order."""
    places = [match.start() for match in (column.search(line) for column in COLUMNS) if match]
    return len(places) == len(COLUMNS) and places == sorted(places)
