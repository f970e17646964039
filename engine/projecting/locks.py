"""Locking learners: a transaction that changes a learner's derived rows locks that learner's row until it commits.

All transactions lock learners in the order of user_id, and after them shared counters in the order of their keys, so
that no two transactions wait for each other.
"""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.projecting.context import SHARDS, Context
from eventstore.db import lock_fallback_shard
from eventstore.db.json_rows import json_rows
from projections.tables import lms_learner

FALLBACK_SHARD = SHARDS
"""The shard that no process has as its own."""

_users = json_rows("users", lms_learner.c.user_id)

LOCK_LEARNERS = (
    select(lms_learner.c.user_id)
    .join(_users, lms_learner.c.user_id == _users.c.user_id)
    .order_by(lms_learner.c.user_id)
    .with_for_update(of=lms_learner)
)
"""Lock learners' rows. On SQLite this is a plain SELECT: the transaction holds the write lock already."""


async def lock(connection: AsyncConnection, user_ids: Iterable[str]) -> None:
    """Lock learners who have rows already. Learners of new events are locked when those are counted."""
    await connection.execute(LOCK_LEARNERS, {"users": [(user_id,) for user_id in user_ids]})


async def with_fallback_shard(connection: AsyncConnection, context: Context) -> Context:
    """Return the context for a transaction that projects in several passes. Call this before taking any other lock.

    Each pass locks counters in its own order, which could deadlock with other transactions. So these transactions all
    count in one reserved shard, which one lock guards.
    """
    await lock_fallback_shard(connection)
    return context._replace(shard=FALLBACK_SHARD)
