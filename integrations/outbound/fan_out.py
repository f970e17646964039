"""Fan-out: each waiting message of the outbox becomes one delivery for each sink that accepts it.

Both are written in one transaction, so each message is fanned out once, even if the process is killed.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Row, Select, bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from eventstore.concurrency import shielded
from eventstore.db import UtcTime
from eventstore.db.database import Database
from eventstore.db.json_rows import json_rows
from eventstore.times import Clock
from integrations.outbound import deliveries
from integrations.outbound.course_percent import percents_of
from integrations.outbound.sink import Sinks, SinkSpec
from integrations.runtime.limits import DEFAULT_LIMITS, Limits
from integrations.webhook import subscriptions
from signals.course_catalog import CourseCache, CourseCatalog
from signals.tables import lms_outbox

_o = lms_outbox.c

SELECT_FIRST = select(_o.seq).where(_o.relayed_at.is_(None)).order_by(_o.seq).limit(1)
"""The oldest waiting message."""

SELECT_WAITING: Select[Any] = (
    select(_o.seq, _o.user_id, _o.message_id, _o.type, _o.body, _o.created_at)
    .where(_o.relayed_at.is_(None))
    .order_by(_o.seq)
    .limit(bindparam("most"))
    .with_for_update()
)
"""The oldest waiting messages. Another process that fans out waits for these locks, and then finds other messages."""

_relayed = json_rows("relayed", _o.user_id, _o.message_id, _o.percent)
UPDATE_RELAYED = (
    update(lms_outbox)
    .where(_o.user_id == _relayed.c.user_id, _o.message_id == _relayed.c.message_id)
    .values(percent=_relayed.c.percent, relayed_at=bindparam("now", type_=UtcTime))
)
"""Mark messages as fanned out, and store their percentages."""

Waiting = Sequence[Row[Any]]
"""Rows of SELECT_WAITING."""


class Pending(NamedTuple):
    """The sinks that exist now, and whether messages wait for them."""

    sinks: list[SinkSpec]
    is_waiting: bool


class FanOut:
    """Fans out to the given sinks."""

    def __init__(self, database: Database, sinks: Sinks, clock: Clock, limits: Limits = DEFAULT_LIMITS) -> None:
        self._database = database
        self._sinks = sinks
        self._clock = clock
        self._limits = limits
        self._courses = CourseCache()

    async def look(self) -> Pending:
        """Return the sinks, and whether messages wait."""

        async def look(connection: AsyncConnection) -> Pending:
            sinks = self._sinks.with_webhooks(await subscriptions.enabled(connection))
            return Pending(sinks, await has_pending(connection))

        return await shielded(self._database.run_read(look))

    async def next(self) -> int:
        """Fan out the oldest waiting messages, in one transaction. Return their number."""
        async with self._database.write_without_course_lock() as connection:
            waiting = await read_pending(connection, self._limits.fan_out_messages)
            if waiting:
                sinks = self._sinks.with_webhooks(await subscriptions.lock_enabled(connection))
                courses = await self._courses.courses(connection)
                await fan_out(connection, waiting, sinks, courses, self._clock())
        return len(waiting)


async def has_pending(connection: AsyncConnection) -> bool:
    """Return whether a message waits to be fanned out."""
    return (await connection.execute(SELECT_FIRST)).first() is not None


async def read_pending(connection: AsyncConnection, most: int) -> Waiting:
    """Lock and return the oldest waiting messages, at most this many."""
    waiting: Waiting = (await connection.execute(SELECT_WAITING, {"most": most})).all()
    return waiting


async def fan_out(
    connection: AsyncConnection, waiting: Waiting, sinks: Collection[SinkSpec], courses: CourseCatalog, now: datetime
) -> None:
    """Store the deliveries of the waiting messages, and mark the messages as fanned out.

    Read `sinks` and `courses` after the messages, so that no message misses a sink that was added before it.
    """
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
