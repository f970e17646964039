"""Deliveries in the database: what becomes of each announcement at each sink that takes it.

One that waits for its next attempt holds back later ones of the same learner at the same sink, so that each learner's
arrive in order.
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
_PENDING: ColumnElement[str] = literal_column(f"'{DeliveryStatus.PENDING}'")  # indexes of such rows ask for this word

_new = [_d.user_id, _d.sink, _d.message_id, _d.type, _d.seq, _d.status, _d.attempts, _d.next_attempt_at]
_rows = json_rows("rows", *_new)
INSERT = (
    insert(lms_delivery).from_select([c.name for c in _new], select(*_rows.c).where(true())).on_conflict_do_nothing()
)
"""Adds deliveries; those that are there stay as they are."""

_waits_earlier = (
    select(_earlier.seq)
    .where(_earlier.status == _PENDING, _earlier.sink == _d.sink, _earlier.user_id == _d.user_id)
    .where(_earlier.seq < _d.seq, _earlier.next_attempt_at > bindparam("now", type_=UtcTime))
    .correlate(lms_delivery)
)
_held_back = optimization_fence(
    _waits_earlier
).exists()  # a stage is asked for each row: else PostgreSQL reads all that waits
_due = (
    select(_d.seq, _d.message_id, _d.user_id, _d.type, _d.attempts, _d.first_attempt_at)
    .where(_d.status == _PENDING, _d.sink == bindparam("sink"), _d.next_attempt_at <= bindparam("now", type_=UtcTime))
    .where(~_held_back)
    .order_by(_d.seq)
    .limit(bindparam("most"))
    .subquery("due")
)
SELECT_DUE = select(_due, _o.body, _o.percent, _o.created_at).join_from(
    _due, lms_outbox, (_o.user_id == _due.c.user_id) & (_o.message_id == _due.c.message_id)
)
"""The next deliveries of one sink that are due, less those that an earlier one of the same learner holds back."""

_settled = json_rows("settled", *(_d[name] for name in DeliveryOutcome._fields))
_outcome = DeliveryOutcome._fields[3:]
UPDATE_SETTLED = (
    update(lms_delivery)
    .where(*(_d[name] == _settled.c[name] for name in DeliveryOutcome._fields[:3]))
    .where(or_(_d.status == DeliveryStatus.PENDING, _settled.c.status == DeliveryStatus.SENT))
    .values({name: _settled.c[name] for name in _outcome})
)
"""Notes what became of deliveries. One that was given up meanwhile stays dead, unless it has arrived."""

_disabled = select(lms_subscription.c.subscription_id).where(lms_subscription.c.disabled_at.is_not(None))

COUNT_DEAD = select(func.count()).where(_d.status == DeliveryStatus.DEAD)
"""How many deliveries were given up."""


async def count_dead(connection: AsyncConnection) -> int:
    """How many deliveries were given up, and wait for somebody to act."""
    return (await connection.execute(COUNT_DEAD)).scalar_one()


async def add(connection: AsyncConnection, rows: Sequence[tuple[str, str, str, str, int]], now: datetime) -> None:
    """Adds deliveries that are due now. `rows`: user_id, sink, message_id, type and seq of each."""
    await connection.execute(INSERT, {"rows": [(*row, DeliveryStatus.PENDING, 0, now) for row in rows]})


async def select_due_deliveries(connection: AsyncConnection, sink: str, most: int, now: datetime) -> list[DueDelivery]:
    """So many at most of the deliveries of one sink that are due, each learner's in order."""
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
    """What is announced: the signal's fields, and for what is of a course, how much of it is done."""
    fields: dict[str, object] = from_json(body)
    return fields if percent is None else fields | {"percent": percent}


async def save_outcomes(connection: AsyncConnection, settled: Collection[DeliveryOutcome]) -> None:
    """Notes what became of deliveries."""
    await connection.execute(UPDATE_SETTLED, {"settled": settled})


async def retry(
    connection: AsyncConnection, filters: Mapping[str, str], now: datetime, types: Collection[str] | None = None
) -> int:
    """Has deliveries that failed tried again at once, as if for the first time: those with these columns' values.

    Of these types, or of any. Dead ones too, but for those to receivers that are gone. How many.
    """
    query = update_failed(filters, now)
    return (await connection.execute(query if types is None else query.where(_d.type.in_(types)))).rowcount


def update_failed(filters: Mapping[str, Any], now: datetime) -> Update:
    """Has those that failed begin anew."""
    return (
        update(lms_delivery)
        .where(_d.status.in_((DeliveryStatus.PENDING, DeliveryStatus.DEAD)), _d.attempts > 0)
        .where(*(_d[name] == value for name, value in filters.items()))
        .where(_d.sink.not_in(_disabled))
        .values(status=DeliveryStatus.PENDING, attempts=0, first_attempt_at=None, next_attempt_at=now)
    )
