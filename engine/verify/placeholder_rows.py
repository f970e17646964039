"""Locking learners for a repair. If a learner's row of lms_learner is missing, a placeholder row is locked."""

from collections.abc import Sequence

from sqlalchemy import literal, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.projecting.locks import lock
from engine.verify.expected_rows import Rows
from eventstore.db import UtcTime, insert
from eventstore.db.json_rows import json_rows
from projections.tables import lms_learner, lms_retry
from signals.derive import MIN_INSTANT

_users = json_rows("users", lms_learner.c.user_id)
_stand_ins = select(_users.c.user_id, literal(MIN_INSTANT, UtcTime)).where(true()).order_by(_users.c.user_id)

INSERT_PLACEHOLDERS = (
    insert(lms_learner)
    .from_select(["user_id", "last_activity_at"], _stand_ins)
    .on_conflict_do_nothing()
    .returning(lms_learner.c.user_id)
)
"""Inserts a row for those of some learners who have none."""

LOCK_PARKED = (
    select(lms_retry.c.retry_id)
    .join(_users, lms_retry.c.user_id == _users.c.user_id)
    .order_by(lms_retry.c.retry_id)
    .with_for_update(of=lms_retry)
)
"""Locks the parked events of some learners. A retry, too, locks its event before the learner."""


async def lock_with_placeholders(connection: AsyncConnection, user_ids: Sequence[str]) -> Rows:
    """Lock all of these learners. Return the placeholder rows, which the caller has to replace."""
    users = {"users": [(user_id,) for user_id in user_ids]}
    await connection.execute(LOCK_PARKED, users)
    missing = (await connection.scalars(INSERT_PLACEHOLDERS, users)).all()
    await lock(connection, user_ids)
    return {(user_id,): (MIN_INSTANT,) for user_id in missing}
