"""The outbox: each new signal is written here in its own transaction, to be announced to other systems.

So nothing is announced that was rolled back, and nothing that was kept goes unannounced.
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
    """A row of the outbox, less its `seq`. `body` is a JSON object as text; times UTC."""

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
"""Writes announcements; a signal is announced once."""


async def enqueue_signals(connection: AsyncConnection, signals: Collection[Signal], now: datetime) -> None:
    """Queues one announcement a signal. Its id is the signal's, so that receivers can tell repeats.

    Callers hold the learners' locks: so the `seq` of each learner's announcements is in the order of commits.
    """
    if signals:
        rows = [OutboxMessage(each.user_id, each.signal_id, each.type, body(each), now) for each in signals]
        await connection.execute(INSERT, {"rows": rows})


async def enqueue_deliveries(connection: AsyncConnection, announcements: Collection[OutboxMessage]) -> None:
    """Queues other announcements than those of signals; each once, by its learner and id."""
    if announcements:
        await connection.execute(INSERT, {"rows": list(announcements)})


def body(signal: Signal) -> str:
    """The signal as JSON text."""
    fields = signal._asdict() | {"signal_id": signal.signal_id, "occurred_at": to_text(signal.occurred_at)}
    return to_json(fields).decode()
