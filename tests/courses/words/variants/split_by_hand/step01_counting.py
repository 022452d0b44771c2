"""Step 1, with loops."""


def count_words(text):
    count, inside = 0, False
    for letter in text:
        count += not letter.isspace() and not inside
        inside = not letter.isspace()
    return count


def longest_word(text):
    best = ""
    for word in text.split():
        if len(word) > len(best):
            best = word
    if not best:
        raise ValueError(text)
    return best


def count_lines(lines):
    return len([line for line in lines if line.split()])
