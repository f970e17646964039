"""Statements on parked events: which is retried next, and when one that failed is retried again."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Delete, Row, Select, Update, delete, select, update

from engine.parking.park import FIRST_RETRY_AFTER, format_traceback
from projections.tables import RetryStatus, lms_retry

ATTEMPTS = 3
GROWTH = 6
"""Each pause is this many times as long as the one before: 10 s, 1 min and 6 min after the previous failure."""

_r = lms_retry.c


def select_due(now: datetime, limit: int) -> Select[Any]:
    """Select the next due retries, without those that another process works on."""
    query = select(lms_retry).where(_r.status == RetryStatus.PENDING, _r.next_attempt_at <= now)
    return query.order_by(_r.next_attempt_at).limit(limit).with_for_update(skip_locked=True)


def select_after(retry_id: str | None, statuses: Sequence[RetryStatus], limit: int) -> Select[Any]:
    """Select the next retries by id, without those that another process works on."""
    query = select(lms_retry).where(_r.status.in_(statuses))
    if retry_id is not None:
        query = query.where(_r.retry_id > retry_id)
    return query.order_by(_r.retry_id).limit(limit).with_for_update(skip_locked=True)


def select_one(retry_id: str) -> Select[Any]:
    """Select one retry of any status. Wait for another process that works on it."""
    return select(lms_retry).where(_r.retry_id == retry_id).with_for_update()


def delete_parked(parked: Row[Any]) -> Delete:
    """Delete the row of an event whose retry succeeded."""
    return delete(lms_retry).where(_r.user_id == parked.user_id, _r.retry_id == parked.retry_id)


def update_failed(parked: Row[Any], error: Exception, now: datetime) -> Update:
    """Save a failure: the next attempt comes after a longer pause; after the last one the event is dead."""
    attempts = parked.attempts + 1
    return (
        update(lms_retry)
        .where(_r.user_id == parked.user_id, _r.retry_id == parked.retry_id)
        .values(
            attempts=attempts,
            next_attempt_at=now + FIRST_RETRY_AFTER * GROWTH ** min(attempts, ATTEMPTS),
            last_error=format_traceback(error),
            status=RetryStatus.PENDING if attempts < ATTEMPTS else RetryStatus.DEAD,
        )
    )
