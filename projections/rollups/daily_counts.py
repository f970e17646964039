"""The daily counts: how many events of each type occurred on each UTC day."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC

from sqlalchemy import select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from eventstore.db import insert
from eventstore.db.json_rows import json_rows
from eventstore.event import Event
from projections.tables import lms_event_daily

_d = lms_event_daily.c
_counts = json_rows("counts", _d.day, _d.type, _d.shard, _d.events)
_insert = insert(lms_event_daily).from_select(
    ["day", "type", "shard", "events"],
    select(*_counts.c).where(true()).order_by(_counts.c.day, _counts.c.type),
)
ADD = _insert.on_conflict_do_update(
    index_elements=[_d.day, _d.type, _d.shard], set_={"events": _d.events + _insert.excluded.events}
)
"""Adds to the counts of days and types."""


async def add(connection: AsyncConnection, events: Iterable[Event], shard: int) -> None:
    """Add new events, under this process's `shard`."""
    counts = Counter((event.occurred_at.astimezone(UTC).date(), event.type) for event in events)
    if counts:
        rows = [(day, kind, shard, number) for (day, kind), number in counts.items()]
        await connection.execute(ADD, {"counts": rows})
