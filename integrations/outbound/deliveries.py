"""Deliveries in the database: the state of each message at each sink that accepts it.

A delivery that waits for its next attempt blocks the learner's later deliveries at that sink, so that each learner's
messages arrive in order.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic_core import from_json
from sqlalchemy import ColumnElement, Update, bindparam, func, literal_column, or_, select, true, update
from sqlalchemy.ext.asyncio import AsyncConnection

from eventstore.db import UtcTime, insert, optimization_fence
from eventstore.db.json_rows import json_rows
from integrations.outbound.retry_policy import DeliveryOutcome, DueDelivery
from integrations.outbound.sink import OutboundMessage
from integrations.tables import DeliveryStatus, lms_delivery, lms_subscription
from signals.tables import lms_outbox

_d = lms_delivery.c
_o = lms_outbox.c
_earlier = lms_delivery.alias("earlier").c
_PENDING: ColumnElement[str] = literal_column(f"'{DeliveryStatus.PENDING}'")  # partial indexes need this literal

_new = [_d.user_id, _d.sink, _d.message_id, _d.type, _d.seq, _d.status, _d.attempts, _d.next_attempt_at]
_rows = json_rows("rows", *_new)
INSERT = (
    insert(lms_delivery).from_select([c.name for c in _new], select(*_rows.c).where(true())).on_conflict_do_nothing()
)
"""Add deliveries. Existing ones do not change."""

_earlier_waiting = (
    select(_earlier.seq)
    .where(_earlier.status == _PENDING, _earlier.sink == _d.sink, _earlier.user_id == _d.user_id)
    .where(_earlier.seq < _d.seq, _earlier.next_attempt_at > bindparam("now", type_=UtcTime))
    .correlate(lms_delivery)
)
_is_blocked = optimization_fence(_earlier_waiting).exists()  # without the fence PostgreSQL reads all waiting rows
_due = (
    select(_d.seq, _d.message_id, _d.user_id, _d.type, _d.attempts, _d.first_attempt_at)
    .where(_d.status == _PENDING, _d.sink == bindparam("sink"), _d.next_attempt_at <= bindparam("now", type_=UtcTime))
    .where(~_is_blocked)
    .order_by(_d.seq)
    .limit(bindparam("most"))
    .subquery("due")
)
SELECT_DUE = select(_due, _o.body, _o.percent, _o.created_at).join_from(
    _due, lms_outbox, (_o.user_id == _due.c.user_id) & (_o.message_id == _due.c.message_id)
)
"""The next due deliveries of one sink, without those that an earlier delivery of the learner blocks."""

_outcomes = json_rows("outcomes", *(_d[name] for name in DeliveryOutcome._fields))
_key, _values = DeliveryOutcome._fields[:3], DeliveryOutcome._fields[3:]
UPDATE_OUTCOMES = (
    update(lms_delivery)
    .where(*(_d[name] == _outcomes.c[name] for name in _key))
    .where(or_(_d.status == DeliveryStatus.PENDING, _outcomes.c.status == DeliveryStatus.SENT))
    .values({name: _outcomes.c[name] for name in _values})
)
"""Save the outcomes of attempts. A delivery that became dead meanwhile stays dead, unless it was sent."""

_disabled = select(lms_subscription.c.subscription_id).where(lms_subscription.c.disabled_at.is_not(None))

COUNT_DEAD = select(func.count()).where(_d.status == DeliveryStatus.DEAD)
"""The number of dead deliveries."""


async def count_dead(connection: AsyncConnection) -> int:
    """Return the number of dead deliveries, which wait for an operator."""
    return (await connection.execute(COUNT_DEAD)).scalar_one()


async def add(connection: AsyncConnection, rows: Sequence[tuple[str, str, str, str, int]], now: datetime) -> None:
    """Add deliveries that are due now. `rows` are tuples of user_id, sink, message_id, type and seq."""
    await connection.execute(INSERT, {"rows": [(*row, DeliveryStatus.PENDING, 0, now) for row in rows]})


async def select_due_deliveries(connection: AsyncConnection, sink: str, most: int, now: datetime) -> list[DueDelivery]:
    """Return at most this many due deliveries of a sink, each learner's in order."""
    rows = (await connection.execute(SELECT_DUE, {"sink": sink, "most": most, "now": now})).all()
    return [
        DueDelivery(
            OutboundMessage(
                row.message_id, row.user_id, row.type, message_body(row.body, row.percent), row.created_at, row.attempts
            ),
            row.first_attempt_at,
        )
        for row in sorted(rows, key=lambda row: row.seq)
    ]


def message_body(body: str, percent: int | None) -> dict[str, object]:
    """Return the body of a message: its fields, and for a message of a course the percentage."""
    fields: dict[str, object] = from_json(body)
    return fields if percent is None else fields | {"percent": percent}


async def save_outcomes(connection: AsyncConnection, outcomes: Collection[DeliveryOutcome]) -> None:
    """Save the outcomes of attempts."""
    await connection.execute(UPDATE_OUTCOMES, {"outcomes": outcomes})


async def retry(
    connection: AsyncConnection, filters: Mapping[str, str], now: datetime, types: Collection[str] | None = None
) -> int:
    """Make failed and dead deliveries due again, as if for the first time. Return their number.

    `filters` are values of columns; `types` are the types of messages, all by default. Deliveries to disabled
    subscriptions stay dead.
    """
    query = update_failed(filters, now)
    return (await connection.execute(query if types is None else query.where(_d.type.in_(types)))).rowcount


def update_failed(filters: Mapping[str, Any], now: datetime) -> Update:
    """Return the statement that makes failed and dead deliveries due again."""
    return (
        update(lms_delivery)
        .where(_d.status.in_((DeliveryStatus.PENDING, DeliveryStatus.DEAD)), _d.attempts > 0)
        .where(*(_d[name] == value for name, value in filters.items()))
        .where(_d.sink.not_in(_disabled))
        .values(status=DeliveryStatus.PENDING, attempts=0, first_attempt_at=None, next_attempt_at=now)
    )
