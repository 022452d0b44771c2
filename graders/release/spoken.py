"""Skeletons and questions in another language: first lines of docstrings, and what the questions ask."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence

from graders.questions import Question
from graders.words.spoken import ENGLISH, Words


def spoken_skeletons(files: Mapping[str, bytes], questions: Sequence[Question], words: Words) -> dict[str, bytes]:
    """Return what students fill in, in a language; what follows the first line of a docstring stays English.

    Args:
        files: step modules and files of answers, by their paths.
        questions: those that the files of answers ask.
        words: the language.
    """
    if words.language == ENGLISH:
        return dict(files)
    return {name: _spoken(name, content.decode(), questions, words).encode() for name, content in files.items()}


def _spoken(name: str, text: str, questions: Sequence[Question], words: Words) -> str:
    return _module(text, words) if name.endswith(".py") else _answers(text, questions, words)


def _module(source: str, words: Words) -> str:
    lines = source.split("\n")
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) or not ast.get_docstring(node):
            continue
        line = node.body[0].lineno - 1
        first = (ast.get_docstring(node) or "").splitlines()[0]
        lines[line] = lines[line].replace(first, words.text(first), 1)
    return "\n".join(lines)


def _answers(text: str, questions: Sequence[Question], words: Words) -> str:
    for question in questions:
        text = text.replace(f"{question.id} {question.title}", f"{question.id} {words.text(question.title)}")
        prompt = words.text(" ".join(question.prompt.split()))
        asked = r"\s+".join(map(re.escape, question.prompt.split()))
        text = re.sub(asked, lambda _, prompt=prompt: prompt, text, count=1)  # type: ignore[misc]
    return text
