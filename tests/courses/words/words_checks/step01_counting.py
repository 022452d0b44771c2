"""Checks of step 1."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from graders.authoring.check import check
from graders.authoring.doubles import Double
from graders.authoring.examples import examples, st
from graders.authoring.expect import expect_equal, expect_error, expect_number

WORDS = st.lists(st.text("αβγabc", min_size=1), max_size=6)
HELD_OUT = Path(__file__).resolve().parents[1] / "held_out.txt"


class Lines:
    """Lines that are given once each.

    Attributes:
        asked: how often somebody asked for one.
    """

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.asked = 0

    def answer(self, _: list[Any]) -> list[object]:
        """Give the next line, or None at the end."""
        self.asked += 1
        return [self.lines[self.asked - 1] if self.asked <= len(self.lines) else None]


@check(points=1, hint="split() without arguments splits at any white space.")
@examples(of=WORDS)
def test_words_are_counted(words: Any, of: list[str]) -> None:
    """count_words returns the number of words, whatever white space stands between them."""
    text = " \n\t ".join(of)
    expect_number(words.step01_counting.count_words(text), len(of), f"count_words({text!r})")


@check(points=0.5, hint="Read HELD_OUT texts too.", visibility="hidden", needs=("test_words_are_counted",))
def test_held_out_words_are_counted(words: Any) -> None:
    """count_words counts the words of texts that nobody has seen."""
    for line in HELD_OUT.read_text(encoding="utf-8").splitlines():
        expect_number(words.step01_counting.count_words(line), len(line.split()), "count_words(a held-out text)")


@check(points=1, hint="max(words, key=len) gives the first of several.")
@examples(of=WORDS.filter(bool))
def test_longest_word(words: Any, of: list[str]) -> None:
    """longest_word returns the longest word, of several the first."""
    text = " ".join(of)
    expect_equal(words.step01_counting.longest_word(text), max(of, key=len), f"longest_word({text!r})")


@check(points=0.5, hint="Raise ValueError if there is no word.", needs=("test_longest_word",))
def test_longest_word_of_nothing(words: Any) -> None:
    """longest_word raises ValueError for a text without words."""
    with expect_error(ValueError, "longest_word('  ')"):
        words.step01_counting.longest_word("  ")


@check(points=1, hint="Go through the lines once; they may come from a file that cannot be read again.")
def test_lines_are_read_once(words: Any, double: Callable[[Double], Any]) -> None:
    """count_lines counts the lines that hold a word, and reads each line once."""
    lines = Lines(["μία γραμμή", "  ", "another", ""])
    expect_number(words.step01_counting.count_lines(double(lines)), 2, "count_lines(lines)")
    expect_number(lines.asked, 5, "the number of times that count_lines asked for a line")
