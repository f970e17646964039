"""Retries in the database: which come next, and when one that failed comes again."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Delete, Row, Select, Update, delete, select, update

from engine.parking.park import FIRST_RETRY_AFTER, RetryStatus, format_traceback
from eventstore.tables import lms_retry

ATTEMPTS = 3
GROWTH = 6
"""Each pause is so many times the one before: retries come 10 s, 1 min and 6 min after the failure before them."""

_r = lms_retry.c


def select_due(now: datetime, most: int) -> Select[Any]:
    """The next retries that are due, less those that another process is at."""
    query = select(lms_retry).where(_r.status == RetryStatus.PENDING, _r.next_attempt_at <= now)
    return query.order_by(_r.next_attempt_at).limit(most).with_for_update(skip_locked=True)


def select_after(retry_id: str | None, statuses: Sequence[RetryStatus], most: int) -> Select[Any]:
    """The next retries by id, less those that another process is at."""
    query = select(lms_retry).where(_r.status.in_(statuses))
    if retry_id is not None:
        query = query.where(_r.retry_id > retry_id)
    return query.order_by(_r.retry_id).limit(most).with_for_update(skip_locked=True)


def select_one(retry_id: str) -> Select[Any]:
    """One retry, whatever its status; waits for a process that is at it."""
    return select(lms_retry).where(_r.retry_id == retry_id).with_for_update()


def delete_parked(parked: Row[Any]) -> Delete:
    """Ends the parking of what succeeded."""
    return delete(lms_retry).where(_r.user_id == parked.user_id, _r.retry_id == parked.retry_id)


def update_failed(parked: Row[Any], error: Exception, now: datetime) -> Update:
    """Notes a failure: the next attempt after a longer pause, or none any more."""
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
