"""Progress, and the one way to combine it: a join, so that order, batching and repetition do not matter.

`merge` is associative, commutative and idempotent, with `NOTHING` as its identity.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple


class Progress(NamedTuple):
    """What is proved of one learner in one class. Absent (None, or 0 s) is what nothing was proved of.

    `course_id` is the course that events named, `video_max_position_sec` whole seconds,
    `quiz_score` the best score in whole points, times UTC.
    """

    course_id: str | None = None
    video_max_position_sec: int = 0
    video_completed_at: datetime | None = None
    quiz_score: int | None = None
    quiz_passed_at: datetime | None = None


NOTHING = Progress()


def merge(a: Progress, b: Progress) -> Progress:
    """All that either proves: the furthest and the best, at the earliest."""
    return Progress(
        course_id=_least(a.course_id, b.course_id),
        video_max_position_sec=max(a.video_max_position_sec, b.video_max_position_sec),
        video_completed_at=_least(a.video_completed_at, b.video_completed_at),
        quiz_score=_either(max, a.quiz_score, b.quiz_score),
        quiz_passed_at=_least(a.quiz_passed_at, b.quiz_passed_at),
    )


def _least(a: Any, b: Any) -> Any:
    return _either(min, a, b)


def _either(pick: Callable[[Any, Any], Any], a: Any, b: Any) -> Any:
    if a is None or b is None:
        return b if a is None else a
    return pick(a, b)
