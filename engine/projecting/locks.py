"""Locking: whoever changes what is derived of a learner holds that learner's row until it commits.

Everyone locks in the order of user_id, and after that shared counts in the order of their keys, so that nobody waits
for somebody who waits for them.
"""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.projecting.project import SHARDS, Context
from eventstore.db import lock_fallback_shard
from eventstore.db.json_rows import json_rows
from eventstore.tables import lms_learner

ROUNDS_SHARD = SHARDS
"""The shard beyond those of processes."""

_users = json_rows("users", lms_learner.c.user_id)

LOCK_LEARNERS = (
    select(lms_learner.c.user_id)
    .join(_users, lms_learner.c.user_id == _users.c.user_id)
    .order_by(lms_learner.c.user_id)
    .with_for_update(of=lms_learner)
)
"""Locks the rows of some learners; on SQLite the write lock, which the transaction holds, is enough."""


async def lock(connection: AsyncConnection, user_ids: Iterable[str]) -> None:
    """Locks learners who did something before; appending locks those who do something now."""
    await connection.execute(LOCK_LEARNERS, {"users": [(user_id,) for user_id in user_ids]})


async def with_fallback_shard(connection: AsyncConnection, context: Context) -> Context:
    """The context by which a transaction projects more than once: each round locks counts anew, in no common order.

    So it counts under a shard that no other transaction has meanwhile. Comes before all other locks.
    """
    await lock_fallback_shard(connection)
    return context._replace(shard=ROUNDS_SHARD)
