"""Notebooks whose JSON, structure and code are not what they should be."""

from __future__ import annotations

import json
from typing import Any

from .choices import Choices
from .names import damaged

LINES = (
    "x = 1", "def f(a):", "    return a", "class A:", "    x: int = 2", "import torch", "from os import *", "%matplotlib inline",
    "!ls", "y = !ls", "f?", "%%bash", "%%time", "'''", '"""', "@f", "(", ")", "[", "{", "f'{x!r:{y}}'", "lambda: 0", "α = f(x)",
    "print('\x1b[2J')", "\f", "\u2028", ";", "\\", "\t", "a" + "\u0316\u0301" * 50, "\0", "\ud800", "return", "break", "await x",
    "from __future__ import annotations", "global x", "try:", "except* A:", "match x:", " case [a, *_]:", "with a as b:", "*a, = b",
    "x" * 300, "if 1:", "  y", "0x" + "f" * 200, "9" * 5000, "(" * 150, "a." * 300 + "b", "-" * 300, "# 1.1", "## 2.1 Text", "```",
    "![](data:image/png;base64," + "A" * 500 + ")", "## Βήμα 2", "del x", "raise", "x = y = (1, 2)", "...", "# coding: utf-16",
    "if __name__ == '__main__':", "%%writefile lab/a.py", "%%writefile step01_spectrograms.py", "x += 1", "A.x = f(1)", "for x in y:",
    "    raise NotImplementedError", "x: int", "import no.such", "f(x).backward()", "  x = 1; y = 2", "x = f(\\\n1)", "if 1: x = 2; y = 3",
)  # fmt: skip
KEYS = (
    "cells", "cell_type", "source", "metadata", "nbformat", "nbformat_minor", "id", "outputs", "worksheets", "input",
)  # fmt: skip
SCALARS: tuple[Any, ...] = (
    None, True, 0, 4, -1, 3, 2**70, 1.5, float("nan"), float("inf"), "", "code", "markdown", "\ud800", [], {},
)  # fmt: skip
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-32-le", "cp1253")


def notebook(choices: Choices) -> bytes:
    """Make a notebook's file."""
    if choices.rarely():
        return choices.rest()
    content = {
        "nbformat": choices.pick((4, 4, 4, 3, 5, 1)),
        "nbformat_minor": choices.pick((5, 4, 0)),
        "metadata": _thing(choices, 2),
        "cells": [_cell(choices) for _ in range(choices.below(6))],
    }
    if content["nbformat"] == 3:
        content["worksheets"] = [{"cells": content["cells"], "metadata": {}}]
    if choices.rarely(8):
        content[choices.pick(KEYS)] = _thing(choices, 3)
    text = json.dumps(content, ensure_ascii=choices.rarely(2))
    if choices.rarely(32):
        text = choices.pick(("[", '{"a":', '{"cells":[')) * choices.below(60_000)
    encoding = choices.pick(ENCODINGS) if choices.rarely(8) else "utf-8"
    return damaged(text.encode(encoding, "surrogatepass" if encoding.startswith("utf") else "replace"), choices)


def _cell(choices: Choices) -> object:
    if choices.rarely():
        return _thing(choices, 2)
    kind = choices.pick(("code", "code", "markdown", "raw", "heading", ""))
    lines = [choices.pick(LINES) for _ in range(choices.below(9))]
    if choices.rarely(32):
        lines *= 300
    source: object = "\n".join(lines) if choices.rarely(2) else [f"{line}\n" for line in lines]
    cell: dict[str, object] = {
        "cell_type": kind,
        "metadata": {},
        "source": source,
        "input": source,
        "id": "a",
        "level": 2,
    }
    if kind == "code":
        cell |= {"outputs": [], "execution_count": None}
    if choices.rarely(8):
        cell[choices.pick(KEYS)] = _thing(choices, 2)
    if choices.rarely(8):
        cell.pop(choices.pick(KEYS), None)
    return cell


def _thing(choices: Choices, depth: int) -> object:
    kind = choices.below(4)
    if kind < 2 or not depth:
        return choices.pick(SCALARS)
    if kind == 2:
        return [_thing(choices, depth - 1) for _ in range(choices.below(4))]
    return {choices.pick(KEYS): _thing(choices, depth - 1) for _ in range(choices.below(4))}
