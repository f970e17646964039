"""The activity of learners: one row a learner with the time of the last event. The row is also the learner's lock."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from eventstore.db import greatest, insert
from eventstore.db.json_rows import json_rows
from eventstore.event import Event
from projections.tables import lms_learner

_l = lms_learner.c
_latest = json_rows("latest", _l.user_id, _l.last_activity_at)
_insert = insert(lms_learner).from_select(
    ["user_id", "last_activity_at"], select(*_latest.c).where(true()).order_by(_latest.c.user_id)
)
LOCK_AND_ADVANCE = _insert.on_conflict_do_update(
    index_elements=[_l.user_id],
    set_={"last_activity_at": greatest(_l.last_activity_at, _insert.excluded.last_activity_at)},
)
"""Locks learners' rows, in the order of user_id, and moves their last activity forward."""


async def add(connection: AsyncConnection, events: Iterable[Event]) -> None:
    """Add new events. The transaction holds the learners' locks from here on until it ends."""
    latest: dict[str, datetime] = {}
    for event in events:
        latest[event.user_id] = max(latest.get(event.user_id, event.occurred_at), event.occurred_at)
    if latest:
        await connection.execute(LOCK_AND_ADVANCE, {"latest": list(latest.items())})
