"""Parking: an event that a rule fails on, or that the database rejects, is stored with the error, to be retried.

The event itself is in the log; only its projection is missing.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from traceback import format_exception
from uuid import UUID, uuid5

from sqlalchemy import Executable, Table, func, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from eventstore.db import insert
from eventstore.db.json_rows import json_rows
from eventstore.tables import in_schema
from projections.fold import RuleFailure
from projections.tables import RetryStatus, lms_retry

NAMESPACE = UUID("0d0b6c1e-94a5-5c5e-8a0e-5b1f7f0c2d43")
FIRST_RETRY_AFTER = timedelta(seconds=10)
ERROR_LIMIT = 8_000
ALL_RULES = "*"
"""Stands for the rule where the database rejected all that an event projects."""


_columns = list(lms_retry.c)
_rows = json_rows("rows", *_columns)
_users = json_rows("users", lms_retry.c.user_id)
INSERT = (
    insert(lms_retry).from_select([c.name for c in _columns], select(*_rows.c).where(true())).on_conflict_do_nothing()
)
"""Park events. Rows of events that are parked already stay as they are."""


COUNT_PARKED = select(func.count(), func.min(lms_retry.c.parked_at))
"""The number of parked events, and when the oldest was parked."""


async def park(connection: AsyncConnection, failures: Sequence[RuleFailure], now: datetime) -> None:
    """Store failures, to be retried from `now` + 10 s on."""
    if failures:
        await connection.execute(INSERT, {"rows": [_row(failure, now) for failure in failures]})


async def count_parked(
    connection: AsyncConnection, user_ids: Collection[str] | None = None
) -> tuple[int, datetime | None]:
    """Return how many events are parked, of these learners or of all, and when the oldest was parked."""
    query, users = COUNT_PARKED, [(user_id,) for user_id in user_ids or ()]
    if user_ids is not None:
        query = query.where(lms_retry.c.user_id.in_(select(_users.c.user_id)))
    number, oldest = (await connection.execute(query, {"users": users} if user_ids is not None else {})).one()
    return number, oldest


async def copy_retry_history(connection: AsyncConnection, live: str, shadow: str) -> None:
    """Copy attempts and times of parked events from the schema `live` to the schema `shadow`."""
    await connection.execute(upsert_history(in_schema(lms_retry, live), in_schema(lms_retry, shadow)))


def upsert_history(live: Table, shadow: Table) -> Executable:
    """Overwrite the shadow's rows with the live history of the same parked events."""
    same = (live.c.user_id == shadow.c.user_id) & (live.c.retry_id == shadow.c.retry_id)
    names = [c.name for c in _columns]
    statement = insert(shadow).from_select(
        names, select(*(live.c[name] for name in names)).join(shadow, same).where(true())
    )
    return statement.on_conflict_do_update(
        index_elements=[shadow.c.user_id, shadow.c.retry_id],
        set_={name: statement.excluded[name] for name in ("attempts", "parked_at", "next_attempt_at", "status")},
    )


def _row(failure: RuleFailure, now: datetime) -> tuple[object, ...]:
    event = failure.event
    return (
        retry_id(event.user_id, event.event_id, failure.rule),
        event.user_id,
        event.event_id,
        failure.rule,
        0,
        now,
        now + FIRST_RETRY_AFTER,
        format_traceback(failure.error),
        RetryStatus.PENDING,
    )


def retry_id(user_id: str, event_id: str, rule: str) -> str:
    """Return the UUIDv5 of learner, event and rule: the same failure has the same row."""
    return str(uuid5(NAMESPACE, "\x1f".join((user_id, event_id, rule))))


def format_traceback(error: BaseException) -> str:
    """Return the error with its traceback, only the end of a long one, without characters that a database rejects."""
    return "".join(format_exception(error))[-ERROR_LIMIT:].replace("\x00", "�")
