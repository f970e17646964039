"""Parking: an event that a rule (or the database) could not take is kept, with the error, to be retried.

The event itself is in the log by then; only what it proves is still to come.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from traceback import format_exception
from uuid import UUID, uuid5

from sqlalchemy import select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from eventstore.batch import batch
from eventstore.dialects import insert
from eventstore.tables import lms_retry
from projections.fold import Failure

NAMESPACE = UUID("0d0b6c1e-94a5-5c5e-8a0e-5b1f7f0c2d43")
FIRST_RETRY_AFTER = timedelta(seconds=10)
ERROR_LIMIT = 8_000
EVERY_RULE = "*"
"""The rule of an event of which nothing could be projected, since the database refused it."""


class RetryStatus(StrEnum):
    """`pending` is tried again; `dead` stays until someone acts."""

    PENDING = "pending"
    DEAD = "dead"


_columns = list(lms_retry.c)
_rows = batch("rows", *_columns)
INSERT = (
    insert(lms_retry).from_select([c.name for c in _columns], select(*_rows.c).where(true())).on_conflict_do_nothing()
)
"""Parks events; those that are parked already stay as they are."""


async def park(connection: AsyncConnection, failures: Sequence[Failure], now: datetime) -> None:
    """Keeps what failed, to be tried again from `now` + 10 s."""
    if failures:
        await connection.execute(INSERT, {"rows": [_row(failure, now) for failure in failures]})


def _row(failure: Failure, now: datetime) -> tuple[object, ...]:
    event = failure.event
    return (
        retry_id(event.user_id, event.event_id, failure.rule),
        event.user_id,
        event.event_id,
        failure.rule,
        0,
        now,
        now + FIRST_RETRY_AFTER,
        trace(failure.error),
        RetryStatus.PENDING,
    )


def retry_id(user_id: str, event_id: str, rule: str) -> str:
    """UUIDv5 of what is parked: the same failure again is the same row."""
    return str(uuid5(NAMESPACE, "\x1f".join((user_id, event_id, rule))))


def trace(error: BaseException) -> str:
    """The error with its traceback, the end of it if it is long, as text that any database takes."""
    return "".join(format_exception(error))[-ERROR_LIMIT:].replace("\x00", "�")
