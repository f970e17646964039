"""Backlogs of integrations: parked messages by source, and deliveries that have not arrived by sink."""

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from integrations.tables import DeliveryStatus, lms_delivery, lms_inbox
from integrations.views.inbox_list import IS_PARKED
from views.operational_stats import Backlog

SELECT_MESSAGES = (
    select(lms_inbox.c.source, func.count(), func.min(lms_inbox.c.received_at))
    .where(IS_PARKED)
    .group_by(lms_inbox.c.source)
    .order_by(lms_inbox.c.source)
)
"""Parked messages by source, and since when the oldest of each is here."""

_unsent = lms_delivery.c.status.in_((DeliveryStatus.DEAD, DeliveryStatus.PENDING))
SELECT_DELIVERIES = (
    select(lms_delivery.c.status, lms_delivery.c.sink, func.count(), func.min(lms_delivery.c.first_attempt_at))
    .where(_unsent)
    .group_by(lms_delivery.c.status, lms_delivery.c.sink)
    .order_by(lms_delivery.c.status.desc(), lms_delivery.c.sink)
)
"""Deliveries that have not arrived by status and sink, and when the oldest of each was tried first."""


async def messages(connection: AsyncConnection) -> dict[str, Backlog]:
    """Parked messages by their source."""
    rows = await connection.execute(SELECT_MESSAGES)
    return {source: Backlog(number, oldest) for source, number, oldest in rows}


async def deliveries(connection: AsyncConnection) -> dict[tuple[str, str], Backlog]:
    """Deliveries that have not arrived, by their status and sink."""
    rows = await connection.execute(SELECT_DELIVERIES)
    return {(status, sink): Backlog(number, oldest) for status, sink, number, oldest in rows}
