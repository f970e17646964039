"""Parking: an event that a rule (or the database) could not take is kept, with the error, to be retried.

The event itself is in the log by then; only what it proves is still to come.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from traceback import format_exception
from uuid import UUID, uuid5

from sqlalchemy import Executable, Table, func, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from eventstore.db import insert
from eventstore.db.json_rows import json_rows
from eventstore.tables import in_schema, lms_retry
from projections.fold import RuleFailure

NAMESPACE = UUID("0d0b6c1e-94a5-5c5e-8a0e-5b1f7f0c2d43")
FIRST_RETRY_AFTER = timedelta(seconds=10)
ERROR_LIMIT = 8_000
ALL_RULES = "*"
"""The rule of an event of which nothing could be projected, since the database refused it."""


class RetryStatus(StrEnum):
    """`pending` is tried again; `dead` stays until someone acts."""

    PENDING = "pending"
    DEAD = "dead"


_columns = list(lms_retry.c)
_rows = json_rows("rows", *_columns)
_users = json_rows("users", lms_retry.c.user_id)
INSERT = (
    insert(lms_retry).from_select([c.name for c in _columns], select(*_rows.c).where(true())).on_conflict_do_nothing()
)
"""Parks events; those that are parked already stay as they are."""


SELECT_WAITING = select(func.count(), func.min(lms_retry.c.parked_at))
"""How many are parked, and since when the oldest is."""


async def park(connection: AsyncConnection, failures: Sequence[RuleFailure], now: datetime) -> None:
    """Keeps what failed, to be tried again from `now` + 10 s."""
    if failures:
        await connection.execute(INSERT, {"rows": [_row(failure, now) for failure in failures]})


async def count_parked(
    connection: AsyncConnection, user_ids: Collection[str] | None = None
) -> tuple[int, datetime | None]:
    """How many events are parked, of these learners or of all, and since when the oldest is."""
    query, users = SELECT_WAITING, [(user_id,) for user_id in user_ids or ()]
    if user_ids is not None:
        query = query.where(lms_retry.c.user_id.in_(select(_users.c.user_id)))
    number, oldest = (await connection.execute(query, {"users": users} if user_ids is not None else {})).one()
    return number, oldest


async def copy_retry_history(connection: AsyncConnection, live: str, here: str) -> None:
    """Has what is parked in a shadow, whose schema is `here`, keep the history of its retries in `live`."""
    await connection.execute(upsert_history(in_schema(lms_retry, live), in_schema(lms_retry, here)))


def upsert_history(live: Table, here: Table) -> Executable:
    """Puts the live rows over those of the same parked events."""
    same = (live.c.user_id == here.c.user_id) & (live.c.retry_id == here.c.retry_id)
    names = [c.name for c in _columns]
    statement = insert(here).from_select(
        names, select(*(live.c[name] for name in names)).join(here, same).where(true())
    )
    return statement.on_conflict_do_update(
        index_elements=[here.c.user_id, here.c.retry_id],
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
    """UUIDv5 of what is parked: the same failure again is the same row."""
    return str(uuid5(NAMESPACE, "\x1f".join((user_id, event_id, rule))))


def format_traceback(error: BaseException) -> str:
    """The error with its traceback, the end of it if it is long, as text that any database takes."""
    return "".join(format_exception(error))[-ERROR_LIMIT:].replace("\x00", "�")
