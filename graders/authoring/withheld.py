"""What student code says once it was given held-out data: how a call ended is told, and none of its own words.

Texts of exceptions, shapes, and values that a message shows are written by student code. What it was given could stand
in them, and would come to its author with the result.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from graders.outcomes import SubmissionError

NOT_SHOWN = (
    "What it answered or raised is not shown, since held-out data could stand in it; `lab check` shows it on others."
)


@contextmanager
def withheld(what: str) -> Iterator[None]:
    """Take what student code says out of the message, whatever ends the block.

    Args:
        what: what could not be had, such as `the logits of held-out tracks`.
    """
    ended: Exception | None = None
    try:
        yield
    except SubmissionError as error:
        ended = type(error)(f"{what} could not be had: the call ended in {error.outcome}. {NOT_SHOWN}")
    except AssertionError:
        ended = AssertionError(f"{what} are not as they have to be. {NOT_SHOWN}")
    if ended is not None:
        raise ended  # outside of the handler, so that it does not carry what it stands for
