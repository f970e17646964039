"""Fanning out: what waits in the outbox becomes a delivery at each sink that takes it, in one transaction.

So it is done once, whenever a process is killed. How much of a course is done is worked out here, once an
announcement, rather than while events are recorded: it then is the same however often the announcement is sent.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from pydantic_core import from_json
from sqlalchemy import Row, Select, bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from eventstore.concurrency import shielded
from eventstore.db import UtcTime
from eventstore.db.database import Database
from eventstore.db.json_rows import json_rows
from eventstore.times import Clock
from integrations.outbound import deliveries
from integrations.outbound.sink import SinkSpec
from integrations.outbound.sinks import Sinks
from integrations.webhook import subscriptions
from signals.course import current_version, percent
from signals.course_catalog import CourseCache, CourseCatalog
from signals.signal import SignalType
from signals.tables import lms_outbox, lms_signal

PAGE = 500
"""So many announcements are fanned out in one transaction, for which those that record events may have to wait."""

OF_COURSES = (SignalType.STEP_COMPLETED, SignalType.COURSE_COMPLETED)

_o = lms_outbox.c
_s = lms_signal.c

SELECT_FIRST = select(_o.seq).where(_o.relayed_at.is_(None)).order_by(_o.seq).limit(1)
"""Whether anything waits to be fanned out."""

SELECT_WAITING: Select[Any] = (
    select(_o.seq, _o.user_id, _o.message_id, _o.type, _o.body, _o.created_at)
    .where(_o.relayed_at.is_(None))
    .order_by(_o.seq)
    .limit(PAGE)
    .with_for_update()
)
"""The next announcements that wait. Who else fans out at this moment waits, and finds others."""

_keys = json_rows("keys", _s.user_id, _s.course_id)
SELECT_STEPS_COMPLETED = (
    select(_s.user_id, _s.course_id, _s.class_id)
    .join(_keys, (_s.user_id == _keys.c.user_id) & (_s.course_id == _keys.c.course_id))
    .where(_s.type == SignalType.STEP_COMPLETED)
)
"""The steps that some learners have completed, each in a course."""

_relayed = json_rows("relayed", _o.user_id, _o.message_id, _o.percent)
UPDATE_RELAYED = (
    update(lms_outbox)
    .where(_o.user_id == _relayed.c.user_id, _o.message_id == _relayed.c.message_id)
    .values(percent=_relayed.c.percent, relayed_at=bindparam("now", type_=UtcTime))
)
"""Notes that announcements were fanned out, and how much of its course was done by each."""

Waiting = Sequence[Row[Any]]
"""Announcements that wait to be fanned out."""

CourseOfLearner = tuple[str, str]
"""(user_id, course_id)"""


async def has_pending(connection: AsyncConnection) -> bool:
    """Whether anything waits to be fanned out."""
    return (await connection.execute(SELECT_FIRST)).first() is not None


async def read_pending(connection: AsyncConnection) -> Waiting:
    """What waits longest, PAGE announcements at most."""
    waiting: Waiting = (await connection.execute(SELECT_WAITING)).all()
    return waiting


async def fan_out(
    connection: AsyncConnection, waiting: Waiting, sinks: Collection[SinkSpec], courses: CourseCatalog, now: datetime
) -> None:
    """Fans these out to sinks and by courses that were read after them: so none that they are meant for is missed."""
    rows = [
        (row.user_id, sink.name, row.message_id, row.type, row.seq)
        for row in waiting
        for sink in sinks
        if sink.accepts(row.type, row.created_at)
    ]
    await deliveries.add(connection, rows, now)
    percents = await percents_of(connection, waiting, courses)
    relayed = [(row.user_id, row.message_id, percents.get(row.message_id)) for row in waiting]
    await connection.execute(UPDATE_RELAYED, {"relayed": relayed, "now": now})


async def percents_of(connection: AsyncConnection, waiting: Waiting, courses: CourseCatalog) -> dict[str, int]:
    """How much of its course was done by each announcement that is of a course, by message_id.

    Counted as a learner's page does: of the version in force, the steps with a signal. Less those announced later.
    """
    bodies = {row.message_id: from_json(row.body) for row in waiting if row.type in OF_COURSES}
    done = await steps_done(connection, {(body["user_id"], body["course_id"]) for body in bodies.values()}, courses)
    percents = {}
    for message_id, body in reversed(bodies.items()):
        course_id = body["course_id"]
        completed = done[body["user_id"], course_id]
        percents[message_id] = percent(len(completed), len(current_version(courses.histories[course_id]).steps))
        completed.discard(body["class_id"])
    return percents


async def steps_done(
    connection: AsyncConnection, wanted: Collection[CourseOfLearner], courses: CourseCatalog
) -> Mapping[CourseOfLearner, set[str]]:
    """The classes of the version in force whose steps a learner has completed."""
    done: dict[CourseOfLearner, set[str]] = {key: set() for key in wanted}
    if wanted:
        for user_id, course_id, class_id in await connection.execute(SELECT_STEPS_COMPLETED, {"keys": wanted}):
            if class_id in current_version(courses.histories[course_id]).class_ids:
                done[user_id, course_id].add(class_id)
    return done


class Found(NamedTuple):
    """What there is to do: the sinks, and whether the outbox has something for them."""

    sinks: list[SinkSpec]
    is_waiting: bool


class FanOut:
    """Gives these sinks what is announced."""

    def __init__(self, database: Database, sinks: Sinks, clock: Clock) -> None:
        self._database = database
        self._sinks = sinks
        self._clock = clock
        self._courses = CourseCache()

    async def look(self) -> Found:
        """What there is to do now."""

        async def look(connection: AsyncConnection) -> Found:
            sinks = self._sinks.with_webhooks(await subscriptions.enabled(connection))
            return Found(sinks, await has_pending(connection))

        return await shielded(self._database.run_read(look))

    async def next(self) -> int:
        """Fans out what waits longest. How many announcements that was."""
        async with self._database.write_without_course_lock() as connection:
            waiting = await read_pending(connection)
            if waiting:
                sinks = self._sinks.with_webhooks(await subscriptions.lock_enabled(connection))
                courses = await self._courses.courses(connection)
                await fan_out(connection, waiting, sinks, courses, self._clock())
        return len(waiting)
