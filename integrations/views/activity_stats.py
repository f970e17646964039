"""How activities of the monitored platform fare: what was noticed, understood, told to mentors, and what failed.

What grows with them is not counted, but its roll-ups are added up; what waits for somebody is counted.
"""

from collections.abc import Collection

from pydantic import BaseModel
from sqlalchemy import bindparam, func, literal_column, select
from sqlalchemy.ext.asyncio import AsyncConnection

from eventstore.db import json_text
from integrations.tables import lms_delivery, lms_inbox, lms_notified_daily
from integrations.views.failed_notifications import HAS_FAILED
from integrations.views.inbox_list import IS_PARKED
from projections.tables import lms_message_daily
from signals.tables import lms_outbox

SOURCE = "activity"
"""Under which activities are kept as messages."""

_d, _o = lms_delivery.c, lms_outbox.c

SUM_NOTICED = select(func.coalesce(func.sum(lms_message_daily.c.messages), 0)).where(
    lms_message_daily.c.source == SOURCE
)
"""How many activities were noticed."""

COUNT_PENDING = select(func.count()).select_from(lms_inbox).where(IS_PARKED, lms_inbox.c.source == SOURCE)
"""How many of them are parked."""

SUM_NOTIFIED = select(func.coalesce(func.sum(lms_notified_daily.c.activities), 0))
"""Of how many a mentor was told."""

COUNT_FAILED = (
    select(func.count(json_text(_o.body, literal_column("'message_id'")).distinct()))
    .join_from(lms_delivery, lms_outbox, (_o.user_id == _d.user_id) & (_o.message_id == _d.message_id))
    .where(HAS_FAILED, _d.type.in_(bindparam("types", expanding=True)))
)
"""Of how many a mentor could not be told, by some channel, so far."""


class ActivityStats(BaseModel):
    """How many activities were noticed; understood by now; and parked until they can be.

    A mentor has been told of so many; and of so many, telling a mentor has failed and not succeeded since.
    """

    total_events: int
    processed_events: int
    pending_events: int
    events_with_notifications: int
    events_with_errors: int


async def totals(connection: AsyncConnection, types: Collection[str]) -> ActivityStats:
    """All of it, as of one moment; mentors are told of activities by announcements of these types."""
    total = (await connection.execute(SUM_NOTICED)).scalar_one()
    pending = (await connection.execute(COUNT_PENDING)).scalar_one()
    failed = await connection.execute(COUNT_FAILED, {"types": list(types)})
    return ActivityStats(
        total_events=total,
        processed_events=total - pending,
        pending_events=pending,
        events_with_notifications=(await connection.execute(SUM_NOTIFIED)).scalar_one(),
        events_with_errors=failed.scalar_one(),
    )
