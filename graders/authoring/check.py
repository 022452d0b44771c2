"""How a check is declared: plain pytest, with points, a hint and a visibility."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeVar

import msgspec

Visibility = Literal["public", "hidden"]
Function = TypeVar("Function", bound=Callable[..., None])
ATTRIBUTE = "__check__"


class CheckInfo(msgspec.Struct, frozen=True):
    """What a check declares of itself.

    Attributes:
        points: points for passing; a positive multiple of 0.25.
        hint: one sentence that helps whoever fails it.
        visibility: `"public"` checks show their data, and students run them; a `"hidden"` one shows title and hint.
        needs: names of checks of the same module that must pass before this one has a meaning.
        seconds: deadline of each call, in seconds.
    """

    points: float
    hint: str
    visibility: Visibility = "public"
    needs: tuple[str, ...] = ()
    seconds: float = 10.0


def check(
    points: float,
    hint: str,
    *,
    visibility: Visibility = "public",
    needs: tuple[str, ...] = (),
    seconds: float = 10.0,
) -> Callable[[Function], Function]:
    """Mark a test function as a check; its docstring is the title that students see.

    Raises:
        ValueError: the points are no positive multiple of 0.25, or hint or docstring are missing.
    """

    def declare(function: Function) -> Function:
        if points <= 0 or points * 4 % 1:
            raise ValueError(f"{function.__name__}: {points} points; expected a positive multiple of 0.25")
        if not hint.strip() or not (function.__doc__ or "").strip():
            raise ValueError(f"{function.__name__}: a check needs a hint and a docstring, its title")
        setattr(function, ATTRIBUTE, CheckInfo(points, hint, visibility, needs, seconds))
        return function

    return declare
