"""Whose a submission is, and where it comes from."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec


class Handin(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt of one student, or of one group.

    Attributes:
        students: ids of those whose it is, as the roster has them; without a roster, as the platform has them.
        name: the student's or the group's name, as whoever collected the submissions writes it.
        attempt: 1 for the first.
        submitted: when the platform took it in, in ISO 8601 and UTC; empty if nothing says so.
        late: the platform says that it came late.
        ids: the platform's own ids, by their names, for the way back.
        path: where it was read, as the command was given it; inside a bulk download, with the path in there.
        digest: SHA-256 of its content, in hexadecimal digits.
    """

    students: list[str] = []
    name: str = ""
    attempt: int = 1
    submitted: str = ""
    late: bool = False
    ids: dict[str, str] = {}
    path: str = ""
    digest: str = ""


def whose(handin: Handin) -> str:
    """Say whose a hand-in is: ids and name, or the name alone where nobody knows an id; nothing if there is neither."""
    ids = ", ".join(handin.students)
    if not ids or not handin.name or ids == handin.name:
        return ids or handin.name
    return f"{ids} ({handin.name})"


def time_of(value: object) -> str:
    """Return a platform's time, or the text of one, in ISO 8601 and UTC; nothing, if it is none."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip().replace(" UTC", "+00:00"))
        except ValueError:
            return ""
    if not isinstance(value, datetime):
        return ""
    return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC).isoformat(timespec="seconds")
