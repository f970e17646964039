"""Activities that a mentor has been told of: noted with the first notification that arrives, and counted by day."""

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
LOCK_UNTOLD = (
    select(_a.user_id, _a.message_id, _a.type)
    .join(_keys, (_a.user_id == _keys.c.user_id) & (_a.message_id == _keys.c.message_id))
    .where(_a.notified_at.is_(None))
    .order_by(_a.user_id, _a.message_id)
    .with_for_update(of=lms_activity)
)
"""Locks those of some activities that no mentor was told of, in one order everywhere."""

UPDATE_TOLD = (
    update(lms_activity)
    .where(_a.user_id == _keys.c.user_id, _a.message_id == _keys.c.message_id)
    .values(notified_at=bindparam("now", type_=UtcTime))
)
"""Notes when a mentor was first told of some activities."""

_counts = json_rows("counts", *_n)
_insert = insert(lms_notified_daily).from_select(
    [c.name for c in _n], select(*_counts.c).where(true()).order_by(_counts.c.day, _counts.c.type)
)
ADD = _insert.on_conflict_do_update(
    index_elements=[_n.day, _n.type, _n.shard], set_={"activities": _n.activities + _insert.excluded.activities}
)
"""Adds to the counts of some days and types."""


async def record_notified(connection: AsyncConnection, arrived: Sequence[OutboundMessage], now: datetime) -> None:
    """Notes of which activities these announcements told a mentor, if any did, and was the first to."""
    keys = {(one.body["user_id"], one.body["message_id"]) for one in arrived if one.type in TOLD_OF}
    if not keys:
        return
    untold = (await connection.execute(LOCK_UNTOLD, {"keys": keys})).all()
    if untold:
        await connection.execute(UPDATE_TOLD, {"keys": [row[:2] for row in untold], "now": now})
        counts = Counter(kind for _, _, kind in untold)
        day, shard = now.astimezone(UTC).date(), os.getpid() % SHARDS
        await connection.execute(ADD, {"counts": [(day, kind, shard, number) for kind, number in counts.items()]})
