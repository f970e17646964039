"""The transactional outbox: each new signal is written here in its own transaction, to be sent to other systems.

So no signal that was rolled back is sent, and no stored one is forgotten.
"""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from pydantic_core import to_json
from sqlalchemy import select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from eventstore.db import insert
from eventstore.db.json_rows import json_rows
from eventstore.times import to_text
from signals.signal import Signal
from signals.tables import lms_outbox


class OutboxMessage(NamedTuple):
    """A row of the outbox without its `seq`. `body` is a JSON object as text; times are UTC."""

    user_id: str
    message_id: str
    type: str
    body: str
    created_at: datetime


_o = lms_outbox.c
_columns = [_o[name] for name in OutboxMessage._fields]
_rows = json_rows("rows", *_columns)
INSERT = (
    insert(lms_outbox).from_select([c.name for c in _columns], select(*_rows.c).where(true())).on_conflict_do_nothing()
)
"""Inserts messages; a signal has one message."""


async def enqueue_signals(connection: AsyncConnection, signals: Collection[Signal], now: datetime) -> None:
    """Enqueue one message a signal. Its id is the signal's id, so that receivers can deduplicate.

    The caller holds the learners' locks, so the `seq` of each learner's messages is in the order of commits.
    """
    if signals:
        rows = [OutboxMessage(each.user_id, each.signal_id, each.type, body(each), now) for each in signals]
        await connection.execute(INSERT, {"rows": rows})


async def enqueue_deliveries(connection: AsyncConnection, announcements: Collection[OutboxMessage]) -> None:
    """Enqueue other messages than those of signals, each once, by its learner and id."""
    if announcements:
        await connection.execute(INSERT, {"rows": list(announcements)})


def body(signal: Signal) -> str:
    """Return the signal as JSON text."""
    fields = signal._asdict() | {"signal_id": signal.signal_id, "occurred_at": to_text(signal.occurred_at)}
    return to_json(fields).decode()
