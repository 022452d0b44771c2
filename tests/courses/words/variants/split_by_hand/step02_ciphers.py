"""Step 2, letter by letter."""


def shift(text, by):
    return "".join(chr((ord(c) - 97 + by) % 26 + 97) if "a" <= c <= "z" else c for c in text)


def unshift(text, by):
    return shift(text, 26 - by)
