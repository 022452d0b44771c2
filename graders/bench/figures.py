"""One measured figure of the bench: in a file of its own, since the bench's groups are in several."""

from __future__ import annotations

import msgspec


class Figure(msgspec.Struct, frozen=True):
    """One measured figure.

    Attributes:
        what: what was measured.
        value: the measurement.
        unit: its unit.
        bound: what it must not exceed, or must reach.
        at_least: the bound is a least value, not a largest one.
    """

    what: str
    value: float
    unit: str
    bound: float
    at_least: bool = False

    @property
    def holds(self) -> bool:
        """Tell whether the measurement is within its bound."""
        return self.value >= self.bound if self.at_least else self.value <= self.bound
