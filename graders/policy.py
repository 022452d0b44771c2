"""How a course turns attempts into grades."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Days = Annotated[int, msgspec.Meta(ge=0)]
StepNumber = Annotated[str, msgspec.Meta(pattern="^[1-9][0-9]*$")]


class Grades(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How attempts become a student's total.

    Attributes:
        attempt: which one counts.
        due: the deadline, with the offset of its time zone; None for none.
        late_days: days after it that cost nothing, for everybody.
        penalty: share of the points that each further day costs.
        latest: days after the deadline after which nothing counts; None for no such limit.
        unreadable: what an attempt that could not be read does: it `counts` as any other, with no points for checks, or
            is `skipped` where there is one that could be read.
        weights: factors of steps, by their numbers; of the others, 1.
    """

    attempt: Literal["last", "best", "first"] = "last"
    due: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    late_days: Days = 0
    penalty: Share = 0.0
    latest: Days | None = None
    unreadable: Literal["skipped", "counts"] = "skipped"
    weights: dict[StepNumber, Annotated[float, msgspec.Meta(ge=0)]] = {}

    def weight_of(self, step: int) -> float:
        """Return a step's factor."""
        return self.weights.get(str(step), 1.0)
