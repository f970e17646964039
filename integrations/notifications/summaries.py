"""Queueing summaries: the notifications of a period are summed up in one more notification for each mentor.

The outbox contains all that is needed: the mentors, their addresses, and their students' activities.
"""

from collections.abc import AsyncIterator
from datetime import datetime

from sqlalchemy import bindparam, literal_column, select
from sqlalchemy.ext.asyncio import AsyncConnection

from eventstore.db import UtcTime
from eventstore.db.database import Database
from eventstore.envelope import CLOCK_SKEW
from integrations.notifications.notification import Notification
from integrations.notifications.summary import Period, Span, Summary, add, empty_summary, span_of, to_message
from signals import outbox
from signals.tables import FOR_MENTORS, lms_outbox

_o = lms_outbox.c
SELECT_NOTIFICATIONS = (
    select(_o.user_id, _o.body)
    .where(literal_column(FOR_MENTORS), _o.created_at >= bindparam("since", type_=UtcTime))
    .order_by(_o.user_id, _o.seq)
)
"""The notifications since a time, by mentor."""

STREAM_ROWS = 500


async def queue_summaries(database: Database, period: Period, now: datetime) -> int:
    """Queue a summary for each mentor whose students were active in the period. Return the number of mentors.

    A mentor gets one summary of a period, even if this function is called again.
    """
    span = span_of(period, now)
    async with database.read() as connection:
        found = [summary async for summary in summaries(connection, period, span) if summary.counts]
    async with database.write_without_course_lock() as connection:
        await outbox.enqueue_deliveries(connection, [to_message(summary, now) for summary in found])
    return len(found)


async def summaries(connection: AsyncConnection, period: Period, span: Span) -> AsyncIterator[Summary]:
    """Yield the summary of each mentor. Rows are streamed, so memory does not grow with their number."""
    summary: Summary | None = None
    async for mentor_id, body in read_notifications(connection, span):
        notification = Notification.model_validate_json(body)
        if summary is None or summary.recipient.user_id != mentor_id:
            if summary is not None:
                yield summary
            summary = empty_summary(notification.recipient, period, span)
        if span.since <= notification.activity.timestamp < span.until:
            add(summary, notification.activity)
    if summary is not None:
        yield summary


async def read_notifications(connection: AsyncConnection, span: Span) -> AsyncIterator[tuple[str, str]]:
    """Yield mentors and bodies of notifications since the period began. The platform's clock may be ahead of ours."""
    params = {"since": span.since - CLOCK_SKEW}
    options = {"yield_per": STREAM_ROWS}
    async for row in await connection.stream(SELECT_NOTIFICATIONS, params, execution_options=options):
        yield row.user_id, row.body
