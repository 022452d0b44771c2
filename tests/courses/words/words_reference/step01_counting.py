"""Step 1: words in a text."""

from collections.abc import Iterable


def count_words(text: str) -> int:
    """Return how many words a text has; words stand apart by white space.

    Example:
        >>> count_words("one  two")
        2
    """
    return len(text.split())


def longest_word(text: str) -> str:
    """Return the longest word of a text, of several the first.

    Raises:
        ValueError: the text has no word.

    Example:
        >>> longest_word("to tell the tale")
        'tell'
    """
    words = text.split()
    if not words:
        raise ValueError("a text without words")
    return max(words, key=len)


def count_lines(lines: Iterable[str]) -> int:
    """Return how many of the lines hold a word; each line is read once.

    Example:
        >>> count_lines(["one", "", "two"])
        2
    """
    return sum(bool(line.strip()) for line in lines)
