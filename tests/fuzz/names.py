"""Names and contents of files, as hostile archives have them."""

from __future__ import annotations

import unicodedata
from typing import Literal

from .choices import Choices

STEP = "lab/step01_spectrograms.py"
PIECES = (
    "lab", "/", "step01_a", "step02_b", ".py", "answers", "step01.md", "step03.md", "..", ".", "\\", "//", "__pycache__",
    ".git", "__MACOSX", "βοήθεια", "LAB", "Lab", "step01_A", "ﬁ", "ｌａｂ", "‥", "／", "．", "ß", "SS", "\0", "\x1b[2J", "\n",
    "conftest", "__init__", "a" * 200, "a\u0316\u0301" * 60, "\ud800", "C:", "~", " ", "é",
)  # fmt: skip
FORMS: tuple[Literal["NFC", "NFD", "NFKC", "NFKD"], ...] = ("NFC", "NFD", "NFKC", "NFKD")
SOURCE = "def f():\n    'Ρυθμός'\n    return 1\n"
ANSWER = "## 1.1 Φάσμα\nΧαμηλά.\n## 2.1\n```\n# 1.1\n"
CONTENTS = (
    SOURCE.encode(), ANSWER.encode(), b"", SOURCE.encode("cp1253"), SOURCE.encode("utf-16"), SOURCE.encode("utf-8-sig"),
    b"# -*- coding: cp1253 -*-\n" + SOURCE.encode("cp1253"), bytes(3 << 20), b"\xff" * 50, b"# 1.1\n" * 5000, b"\n" * 9000,
)  # fmt: skip


def name(choices: Choices) -> str:
    """Make the path of a file: a step module's, one near that, or anything."""
    if not choices.rarely(3):
        return choices.pick((STEP, "lab/answers/step01.md", "lab/βοήθεια.py", "lab/__init__.py", "lab/Extra.py"))
    pieces = [choices.pick(PIECES) for _ in range(1 + choices.below(7))]
    text = "".join(pieces) + ("" if choices.rarely(4) else ".py")
    return unicodedata.normalize(choices.pick(FORMS), text) if choices.rarely(4) else text


def content(choices: Choices) -> bytes:
    """Make the content of a file."""
    return choices.take(choices.below(60)) if choices.rarely(4) else choices.pick(CONTENTS)


def damaged(data: bytes, choices: Choices) -> bytes:
    """Change bytes here and there, and cut, repeat or lengthen the whole; most of it stays as it is."""
    if not choices.rarely(3):
        return data
    changed = bytearray(data)
    for _ in range(choices.below(5)):
        at = choices.below(len(changed) + 1)
        changed[at : at + choices.below(3)] = choices.take(choices.below(3))
    if choices.rarely(4):
        del changed[choices.below(len(changed) + 1) :]
    return bytes(changed) * (1 + choices.rarely(8)) + choices.take(choices.below(8))
