"""Progress, and the one way to combine it: a join, so that order, batching and repetition do not matter.

`merge` is associative, commutative and idempotent, with `EMPTY` as its identity.
"""

from collections.abc import Iterable
from datetime import datetime
from enum import Enum
from typing import Any, NamedTuple


class Progress(NamedTuple):
    """The progress of one learner in one class. None (or 0 s) stands for what no event has proved.

    `course_id` is the course that events named, `video_max_position_sec` whole seconds, `quiz_score` the best score in
    whole points; times are UTC.
    """

    course_id: str | None = None
    video_max_position_sec: int = 0
    video_completed_at: datetime | None = None
    quiz_score: int | None = None
    quiz_passed_at: datetime | None = None


class Join(Enum):
    """How two values of a field are joined. The join of a value and None is the value."""

    LEAST = "least"
    GREATEST = "greatest"


JOINS = {
    "course_id": Join.LEAST,
    "video_max_position_sec": Join.GREATEST,
    "video_completed_at": Join.LEAST,
    "quiz_score": Join.GREATEST,
    "quiz_passed_at": Join.LEAST,
}
"""The join of every field. `merge` uses it, and SQL with `min` and `max`, which ignore NULL."""

EMPTY = Progress()

_LEAST = tuple(JOINS[name] is Join.LEAST for name in Progress._fields)


def merge(a: Progress, b: Progress) -> Progress:
    """Return everything that either proves: the furthest position, the best score, the earliest times."""
    pairs: Iterable[tuple[Any, Any, bool]] = zip(a, b, _LEAST, strict=False)
    return Progress._make([y if x is None else x if y is None or (x < y) is least else y for x, y, least in pairs])
