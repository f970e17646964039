"""Locking learners: whoever changes what is derived of a learner holds that learner's row until it commits.

Everyone locks in the order of user_id, so that nobody waits for somebody who waits for them.
"""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from eventstore.batch import batch
from eventstore.tables import lms_learner

_users = batch("users", lms_learner.c.user_id)

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
