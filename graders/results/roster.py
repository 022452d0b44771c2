"""The roster of a class: who is in it, read from a CSV file."""

from __future__ import annotations

import msgspec


class Student(msgspec.Struct, frozen=True):
    """A student of a class.

    Attributes:
        id: what the university calls them.
        name: their name.
        email: their address; empty if nobody knows.
        group: the group with which they hand in; empty for none.
        section: the part of the class that they are in.
        extra_days: late days that cost them nothing, besides everybody's.
    """

    id: str
    name: str
    email: str = ""
    group: str = ""
    section: str = ""
    extra_days: int = 0
