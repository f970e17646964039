"""How much of a course was completed when a message of that course was written, in percent.

It is computed once, when messages are fanned out, so each attempt to send a message reports the same number.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from pydantic_core import from_json
from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from eventstore.db.json_rows import json_rows
from signals.course import current_version, percent
from signals.course_catalog import CourseCatalog
from signals.signal import SignalType
from signals.tables import lms_signal

COURSE_TYPES = (SignalType.STEP_COMPLETED, SignalType.COURSE_COMPLETED)
"""The types of messages that have a percentage."""

_s = lms_signal.c
_keys = json_rows("keys", _s.user_id, _s.course_id)
SELECT_STEPS_COMPLETED = (
    select(_s.user_id, _s.course_id, _s.class_id)
    .join(_keys, (_s.user_id == _keys.c.user_id) & (_s.course_id == _keys.c.course_id))
    .where(_s.type == SignalType.STEP_COMPLETED)
)
"""The completed steps of pairs of learner and course."""

CourseOfLearner = tuple[str, str]
"""(user_id, course_id)"""


async def percents_of(
    connection: AsyncConnection, messages: Sequence[Row[Any]], courses: CourseCatalog
) -> dict[str, int]:
    """Return the percentage of each message of a course, by message_id. `messages` are rows of the outbox, in order.

    The steps with a signal are counted, of the current version of the course, as on a learner's page. The steps of
    later messages do not count yet.
    """
    bodies = {row.message_id: from_json(row.body) for row in messages if row.type in COURSE_TYPES}
    completed = await completed_steps(
        connection, {(body["user_id"], body["course_id"]) for body in bodies.values()}, courses
    )
    percents = {}
    for message_id, body in reversed(bodies.items()):
        course_id = body["course_id"]
        steps = completed[body["user_id"], course_id]
        percents[message_id] = percent(len(steps), len(current_version(courses.histories[course_id]).steps))
        steps.discard(body["class_id"])
    return percents


async def completed_steps(
    connection: AsyncConnection, keys: Collection[CourseOfLearner], courses: CourseCatalog
) -> Mapping[CourseOfLearner, set[str]]:
    """Return the classes whose steps each learner has completed, of the current version of each course."""
    completed: dict[CourseOfLearner, set[str]] = {key: set() for key in keys}
    if keys:
        for user_id, course_id, class_id in await connection.execute(SELECT_STEPS_COMPLETED, {"keys": keys}):
            if class_id in current_version(courses.histories[course_id]).class_ids:
                completed[user_id, course_id].add(class_id)
    return completed
