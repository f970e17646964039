"""Statistics of notified activities: each activity is counted, by day, when a mentor is first notified of it."""

import os
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import bindparam, select, true, update
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.projecting.context import SHARDS
from eventstore.db import UtcTime, insert
from eventstore.db.json_rows import json_rows
from integrations.contracts.notification import TOLD_OF
from integrations.outbound.sink import OutboundMessage
from integrations.tables import lms_activity, lms_notified_daily

_a = lms_activity.c
_n = lms_notified_daily.c

_keys = json_rows("keys", _a.user_id, _a.message_id)
LOCK_NEW = (
    select(_a.user_id, _a.message_id, _a.type)
    .join(_keys, (_a.user_id == _keys.c.user_id) & (_a.message_id == _keys.c.message_id))
    .where(_a.notified_at.is_(None))
    .order_by(_a.user_id, _a.message_id)
    .with_for_update(of=lms_activity)
)
"""Lock the given activities of which no mentor was notified yet. Every transaction locks in this order."""

UPDATE_NOTIFIED = (
    update(lms_activity)
    .where(_a.user_id == _keys.c.user_id, _a.message_id == _keys.c.message_id)
    .values(notified_at=bindparam("now", type_=UtcTime))
)
"""Set the time when a mentor was first notified."""

_counts = json_rows("counts", *_n)
_insert = insert(lms_notified_daily).from_select(
    [c.name for c in _n], select(*_counts.c).where(true()).order_by(_counts.c.day, _counts.c.type)
)
ADD = _insert.on_conflict_do_update(
    index_elements=[_n.day, _n.type, _n.shard], set_={"activities": _n.activities + _insert.excluded.activities}
)
"""Add to the counts of days and types."""


async def record_notified(connection: AsyncConnection, delivered: Sequence[OutboundMessage], now: datetime) -> None:
    """Mark and count the activities of which these delivered messages were the first notification."""
    keys = {(one.body["user_id"], one.body["message_id"]) for one in delivered if one.type in TOLD_OF}
    if not keys:
        return
    new = (await connection.execute(LOCK_NEW, {"keys": keys})).all()
    if new:
        await connection.execute(UPDATE_NOTIFIED, {"keys": [row[:2] for row in new], "now": now})
        counts = Counter(kind for _, _, kind in new)
        day, shard = now.astimezone(UTC).date(), os.getpid() % SHARDS
        await connection.execute(ADD, {"counts": [(day, kind, shard, number) for kind, number in counts.items()]})
