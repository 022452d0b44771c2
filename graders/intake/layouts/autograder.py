"""Gradescope's `submission_metadata.json`, which its autograder finds beside the submission.

Source: `docs/submission_metadata.md` of gradescope/autograder_samples.
"""

from __future__ import annotations

from typing import Any

import msgspec

from graders.intake.layouts.handin import Handin, time_of


class _User(msgspec.Struct, frozen=True):
    id: int | str | None = None
    name: str = ""
    email: str | None = None


class _Assignment(msgspec.Struct, frozen=True):
    due_date: str | None = None


class _Metadata(msgspec.Struct, frozen=True):
    users: list[_User]
    id: int | str | None = None
    created_at: str | None = None
    assignment: _Assignment = _Assignment()
    previous_submissions: list[Any] | None = None


def read_metadata(text: bytes) -> Handin:
    """Return whose a submission is, which attempt, and when it came.

    Raises:
        ValueError: it is no such file.
    """
    try:
        known = msgspec.json.decode(text, type=_Metadata)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise ValueError(f"does not say whose the submission is ({error})") from error
    submitted, due = time_of(known.created_at), time_of(known.assignment.due_date)
    ids = {
        "gradescope_submission": "" if known.id is None else str(known.id),
        "gradescope_email": " ".join(one.email for one in known.users if one.email),
    }
    return Handin(
        name=", ".join(one.name for one in known.users if one.name) or ids["gradescope_email"] or "submission",
        attempt=len(known.previous_submissions or ()) + 1,
        submitted=submitted,
        late=bool(submitted and due and submitted > due),
        ids={name: value for name, value in ids.items() if value},
    )
