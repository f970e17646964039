"""Queuing summaries: what mentors were told of in a period becomes one more notification for each of them.

The outbox itself says which mentors there are, how to reach them, and what their students did.
"""

from collections.abc import AsyncIterator
from datetime import datetime

from sqlalchemy import bindparam, literal_column, select
from sqlalchemy.ext.asyncio import AsyncConnection

from eventstore.db import UtcTime
from eventstore.db.database import Database
from eventstore.envelope import CLOCK_SKEW
from integrations.notifications.notification import Notification
from integrations.notifications.summary import Period, Span, Summary, add, announced, empty_summary, span_of
from signals import outbox
from signals.tables import FOR_MENTORS, lms_outbox

_o = lms_outbox.c
SELECT_TOLD = (
    select(_o.user_id, _o.body)
    .where(literal_column(FOR_MENTORS), _o.created_at >= bindparam("since", type_=UtcTime))
    .order_by(_o.user_id, _o.seq)
)
"""What mentors were told of since then, by mentor."""

STREAM_ROWS = 500


async def queue_summaries(database: Database, period: Period, now: datetime) -> int:
    """Queues a summary for each mentor of whose students anything is known in the period. How many mentors that is.

    Who was sent one of the same period already is sent none again.
    """
    span = span_of(period, now)
    async with database.read() as connection:
        summed = [each async for each in summaries(connection, period, span) if each.counts]
    async with database.write_without_course_lock() as connection:
        await outbox.enqueue_deliveries(connection, [announced(each, now) for each in summed])
    return len(summed)


async def summaries(connection: AsyncConnection, period: Period, span: Span) -> AsyncIterator[Summary]:
    """The summary of each mentor, one at a time: however much there is, little of it is held."""
    summed: Summary | None = None
    async for mentor_id, body in read_notified(connection, span):
        notification = Notification.model_validate_json(body)
        if summed is None or summed.recipient.user_id != mentor_id:
            if summed is not None:
                yield summed
            summed = empty_summary(notification.recipient, period, span)
        if span.since <= notification.activity.timestamp < span.until:
            add(summed, notification.activity)
    if summed is not None:
        yield summed


async def read_notified(connection: AsyncConnection, span: Span) -> AsyncIterator[tuple[str, str]]:
    """Mentors, and what each was told of since the period began. The platform's clock may be ahead of ours."""
    params = {"since": span.since - CLOCK_SKEW}
    async for row in await connection.stream(SELECT_TOLD, params, execution_options={"yield_per": STREAM_ROWS}):
        yield row.user_id, row.body
