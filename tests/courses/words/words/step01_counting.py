"""Step 1: words in a text."""

from collections.abc import Iterable


def count_words(text: str) -> int:
    """Return how many words a text has; words stand apart by white space.

    Example:
        >>> count_words("one  two")
        2
    """
    raise NotImplementedError("count_words is yours to write: step 1")


def longest_word(text: str) -> str:
    """Return the longest word of a text, of several the first.

    Raises:
        ValueError: the text has no word.

    Example:
        >>> longest_word("to tell the tale")
        'tell'
    """
    raise NotImplementedError("longest_word is yours to write: step 1")


def count_lines(lines: Iterable[str]) -> int:
    """Return how many of the lines hold a word; each line is read once.

    Example:
        >>> count_lines(["one", "", "two"])
        2
    """
    raise NotImplementedError("count_lines is yours to write: step 1")
