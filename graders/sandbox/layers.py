"""The layers of confinement, and the states that they can be in."""

from __future__ import annotations

from enum import StrEnum

import msgspec

CLEAN_START = "clean_start"  # the server's part
WATCH = "watch"  # the judge's part
LAYERS = ("capabilities", "no_new_privs", "landlock", "seccomp", "rlimits", CLEAN_START, WATCH)


class State(StrEnum):
    """Whether a layer of confinement holds."""

    ON = "on"
    MISSING = "missing"
    LEFT_OUT = "left out"


class Layer(msgspec.Struct, frozen=True):
    """What a layer of confinement reached.

    Attributes:
        state: whether it holds.
        detail: what there is to say of that: a version, or what is missing.
    """

    state: State
    detail: str = ""

    def __str__(self) -> str:
        """Return it as people read it: `on (ABI 7)`, `missing: no Landlock`."""
        if not self.detail:
            return self.state
        return f"{self.state} ({self.detail})" if self.state is State.ON else f"{self.state}: {self.detail}"
