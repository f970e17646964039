"""The message counts: how many integration messages of each source, topic and type were stored on each UTC day."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime

from sqlalchemy import select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from eventstore.db import insert
from eventstore.db.json_rows import json_rows
from projections.tables import lms_message_daily

_d = lms_message_daily.c
_key = (_d.day, _d.source, _d.topic, _d.type)
_counts = json_rows("counts", *_d)
_insert = insert(lms_message_daily).from_select(
    [c.name for c in _d], select(*_counts.c).where(true()).order_by(*(_counts.c[c.name] for c in _key))
)
ADD = _insert.on_conflict_do_update(
    index_elements=[*_key, _d.shard], set_={"messages": _d.messages + _insert.excluded.messages}
)
"""Adds to the counts of days, sources, topics and types."""


async def add(connection: AsyncConnection, messages: Iterable[tuple[datetime, str, str, str]], shard: int) -> None:
    """Add new messages under this process's `shard`, each as (received at, source, topic, type)."""
    counts = Counter((received_at.astimezone(UTC).date(), *key) for received_at, *key in messages)
    if counts:
        await connection.execute(ADD, {"counts": [(*key, shard, number) for key, number in counts.items()]})
