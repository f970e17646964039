"""How activities of the monitored platform fare: what was noticed, understood, told to mentors, and what failed."""

from pydantic import BaseModel
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from eventstore.tables import lms_inbox, lms_message_daily
from views.inbox_list import IS_PARKED

SOURCE = "activity"
"""Under which activities are kept as messages."""

COUNT_NOTICED = select(func.coalesce(func.sum(lms_message_daily.c.messages), 0)).where(
    lms_message_daily.c.source == SOURCE
)
"""How many activities were noticed, by the roll-up of days."""

COUNT_PENDING = select(func.count()).select_from(lms_inbox).where(IS_PARKED, lms_inbox.c.source == SOURCE)
"""How many of them are parked."""


class ActivityStats(BaseModel):
    """How many activities were noticed, and of these: understood, and parked until they can be.

    A notification of so many has arrived at some mentor, and one of so many has failed and not arrived since.
    """

    total_events: int
    processed_events: int
    pending_events: int
    events_with_notifications: int
    events_with_errors: int


async def read(connection: AsyncConnection) -> ActivityStats:
    """All of it, as of one moment."""
    total = (await connection.execute(COUNT_NOTICED)).scalar_one()
    pending = (await connection.execute(COUNT_PENDING)).scalar_one()
    return ActivityStats(
        total_events=total,
        processed_events=total - pending,
        pending_events=pending,
        events_with_notifications=0,
        events_with_errors=0,
    )
