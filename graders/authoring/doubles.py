"""Test doubles: what the judge answers for, call by call, while student code works with it.

A check gives the registry a double, any object with a method `answer`; the kit, on the submission's side, makes what
stands for it there, and asks the judge about each call. So student code learns what the double says by calling it, and
in no other way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol


class Double(Protocol):
    """What the judge answers for."""

    def answer(self, called: list[Any]) -> list[object]:
        """Answer one call.

        Args:
            called: what the submission's side sent of the call: plain data that student code may have made up.

        Returns:
            Plain data for the submission's side.

        Raises:
            ValueError: the call makes no sense; the text, a sentence for students, says why.
        """
        ...


class Doubles:
    """The doubles of the checks in progress, each known to the submission's side by a number."""

    def __init__(self) -> None:
        self._doubles: list[Double] = []

    def add(self, double: Double) -> int:
        """Take a double, and return its number."""
        self._doubles.append(double)
        return len(self._doubles) - 1

    def answer(self, question: Sequence[object]) -> list[object]:
        """Answer what the submission's side asks: the number of the double, and how it was called.

        Raises:
            ValueError: the question, which comes from student code, makes no sense; the text says why.
        """
        try:
            number, *called = question
            return self._doubles[_whole(number)].answer(called)
        except (TypeError, LookupError, RuntimeError, ArithmeticError, AttributeError) as error:
            raise ValueError(f"the model cannot be called like that: {error}") from error


def _whole(number: object) -> int:
    if type(number) is not int or number < 0:
        raise ValueError("no such model")
    return number
