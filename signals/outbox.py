"""The outbox: each new signal is written here in its own transaction, to be announced to other systems.

So nothing is announced that was rolled back, and nothing that was kept goes unannounced.
"""

from collections.abc import Collection
from datetime import datetime

from pydantic_core import to_json
from sqlalchemy import select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from eventstore.batch import batch
from eventstore.dialects import insert
from eventstore.tables import lms_outbox
from eventstore.times import to_text
from signals.signal import Signal

_o = lms_outbox.c
_columns = [_o.user_id, _o.message_id, _o.type, _o.body, _o.created_at]
_rows = batch("rows", *_columns)
INSERT = (
    insert(lms_outbox).from_select([c.name for c in _columns], select(*_rows.c).where(true())).on_conflict_do_nothing()
)
"""Writes announcements; a signal is announced once."""


async def announce(connection: AsyncConnection, signals: Collection[Signal], now: datetime) -> None:
    """Queues one announcement a signal. Its id is the signal's, so that receivers can tell repeats.

    Callers hold the learners' locks: so the `seq` of each learner's announcements is in the order of commits.
    """
    if signals:
        rows = [(signal.user_id, signal.signal_id, signal.type, body(signal), now) for signal in signals]
        await connection.execute(INSERT, {"rows": rows})


def body(signal: Signal) -> str:
    """The signal as JSON text."""
    fields = signal._asdict() | {"signal_id": signal.signal_id, "occurred_at": to_text(signal.occurred_at)}
    return to_json(fields).decode()
