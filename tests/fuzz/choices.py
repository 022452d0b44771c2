"""Decisions taken from bytes, so that whatever chooses the bytes chooses what a generator makes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

Option = TypeVar("Option")


class Choices:
    """Reads decisions from bytes, from their beginning to their end; after that, every decision is the first option.

    Attributes:
        spent: whether all bytes are used up.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def spent(self) -> bool:
        return self._at >= len(self._data)

    def take(self, count: int) -> bytes:
        """Return up to `count` bytes as they are."""
        taken = self._data[self._at : self._at + count]
        self._at += count
        return taken

    def rest(self) -> bytes:
        """Return all bytes that are left."""
        return self.take(max(0, len(self._data) - self._at))

    def below(self, bound: int) -> int:
        """Return a number from 0 to `bound - 1`."""
        count = ((bound - 1).bit_length() + 7) // 8
        return int.from_bytes(self.take(count), "little") % bound

    def pick(self, options: Sequence[Option]) -> Option:
        """Return one of the options."""
        return options[self.below(len(options))]

    def rarely(self, one_in: int = 16) -> bool:
        """Return true for one in so many bytes, and false once they are used up."""
        return self.below(one_in) == one_in - 1
