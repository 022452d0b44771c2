"""Step 2: a cipher that shifts letters."""

import string


def shift(text: str, by: int) -> str:
    """Return a text whose letters a-z are shifted in the alphabet; all else stays as it is.

    Example:
        >>> shift("a to z", 1)
        'b up a'
    """
    letters = string.ascii_lowercase
    by %= len(letters)
    return text.translate(str.maketrans(letters, letters[by:] + letters[:by]))


def unshift(text: str, by: int) -> str:
    """Return what `shift` had been given.

    Example:
        >>> unshift("b up a", 1)
        'a to z'
    """
    return shift(text, -by)
