"""Rules: pure functions from one event to the partial Progress that it proves, one a module.

A rule reads the newest shape of its event's payload. Its result must keep the laws of `merge`.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

from projections.progress import Progress
from projections.rules.quiz_result import quiz_result
from projections.rules.video_progress import video_progress


class Rule(NamedTuple):
    """A rule: `apply(payload, occurred_at)` for events of `event_type`. Retries refer to it by `name`."""

    name: str
    event_type: str
    apply: Callable[[Any, datetime], Progress]


RULES: tuple[Rule, ...] = (
    Rule("video_progress", "VIDEO_PING", video_progress),
    Rule("quiz_result", "QUIZ_SUBMIT", quiz_result),
)
