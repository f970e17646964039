"""Retrying: what was parked is tried again after growing pauses, three times; then it is dead until someone acts.

A retry runs just the rule that failed, on the event as the log has it, and merges what it proves. So it may come
at any time, before or after any other event, and more than once.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Delete, Row, Select, Update, delete, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.lock import lock
from engine.park import EVERY_RULE, FIRST_RETRY_AFTER, RetryStatus, trace
from engine.project import Context, project
from eventstore.database import Database
from eventstore.dialects import is_transient
from eventstore.errors import NotFound
from eventstore.read import read_event
from eventstore.tables import lms_retry
from eventstore.times import Clock
from projections.fold import ProgressKey, fold
from projections.progress import Progress
from projections.rules import RULES

ATTEMPTS = 3
GROWTH = 6
"""Each pause is so many times the one before: retries come 10 s, 1 min and 6 min after the failure before them."""

PAGE = 1
"""So many are retried in one transaction: more would project in rounds, and have others wait for all of them."""

_r = lms_retry.c


class Retried(NamedTuple):
    """How many retries succeeded, and how many failed again."""

    succeeded: int
    failed: int

    def plus(self, more: "Retried") -> "Retried":
        return Retried(self.succeeded + more.succeeded, self.failed + more.failed)


async def retry_due(database: Database, context: Context, clock: Clock) -> Retried:
    """Retries all that is due. Raises Unavailable where it must stop; what was done by then is kept."""
    total = Retried(0, 0)
    while True:
        done = (await _retry(database, select_due(clock()), context, clock))[0]
        total = total.plus(done)
        if sum(done) < PAGE:
            return total


async def retry_all(database: Database, context: Context, clock: Clock, *, dead: bool) -> Retried:
    """Retries all that is pending once, due or not; if `dead`, all that is dead as well."""
    statuses = [RetryStatus.PENDING, RetryStatus.DEAD] if dead else [RetryStatus.PENDING]
    total, last = Retried(0, 0), None
    while True:
        done, last = await _retry(database, select_after(last, statuses), context, clock)
        total = total.plus(done)
        if last is None:
            return total


async def retry_one(database: Database, retry_id: str, context: Context, clock: Clock) -> bool:
    """Retries one, due or not, dead or not. Whether it succeeded. Raises NotFound if none of that id is parked."""
    done, _ = await _retry(database, select_one(retry_id), context, clock)
    if sum(done) == 0:
        raise NotFound(f"retry: expected the id of a parked event, found {retry_id!r}")
    return done.succeeded == 1


async def _retry(database: Database, which: Select[Any], context: Context, clock: Clock) -> tuple[Retried, str | None]:
    """Retries a page in one transaction, in a savepoint: that it failed is noted in the same.

    What became of them, and the last one's id.
    """
    async with database.write() as connection:
        parked = (await connection.execute(which)).all()
        await lock(connection, {row.user_id for row in parked})
        outcomes = [await _attempt(connection, row, context, clock()) for row in parked]
    return Retried(outcomes.count(True), outcomes.count(False)), parked[-1].retry_id if parked else None


async def _attempt(connection: AsyncConnection, parked: Row[Any], context: Context, now: datetime) -> bool:
    """Whether it succeeded, and is parked no more."""
    event = await read_event(connection, parked.user_id, parked.event_id)
    folded = fold([event], [rule for rule in RULES if parked.rule in (rule.name, EVERY_RULE)])
    raised = [failure.error for failure in folded.failures]
    error = raised[0] if raised else await _bring_in(connection, parked, folded.progress, context, now)
    if error is not None:
        await connection.execute(update_failed(parked, error, now))
    return error is None


async def _bring_in(
    connection: AsyncConnection,
    parked: Row[Any],
    proved: Mapping[ProgressKey, Progress],
    context: Context,
    now: datetime,
) -> DBAPIError | None:
    """Brings in what the event proves, and ends its parking. What the database has against the data, if anything."""
    try:
        async with connection.begin_nested():
            await project(connection, proved, context, now)
            await connection.execute(delete_parked(parked))
    except DBAPIError as error:
        if is_transient(error):
            raise
        return error
    return None


def select_due(now: datetime) -> Select[Any]:
    """The next retries that are due, less those that another process is at."""
    query = select(lms_retry).where(_r.status == RetryStatus.PENDING, _r.next_attempt_at <= now)
    return query.order_by(_r.next_attempt_at).limit(PAGE).with_for_update(skip_locked=True)


def select_after(retry_id: str | None, statuses: Sequence[RetryStatus]) -> Select[Any]:
    """The next retries by id, less those that another process is at."""
    query = select(lms_retry).where(_r.status.in_(statuses))
    if retry_id is not None:
        query = query.where(_r.retry_id > retry_id)
    return query.order_by(_r.retry_id).limit(PAGE).with_for_update(skip_locked=True)


def select_one(retry_id: str) -> Select[Any]:
    """One retry, whatever its status; waits for a process that is at it."""
    return select(lms_retry).where(_r.retry_id == retry_id).with_for_update()


def delete_parked(parked: Row[Any]) -> Delete:
    """Ends the parking of what succeeded."""
    return delete(lms_retry).where(_r.user_id == parked.user_id, _r.retry_id == parked.retry_id)


def update_failed(parked: Row[Any], error: Exception, now: datetime) -> Update:
    """Notes a failure: the next attempt after a longer pause, or none any more."""
    attempts = parked.attempts + 1
    return (
        update(lms_retry)
        .where(_r.user_id == parked.user_id, _r.retry_id == parked.retry_id)
        .values(
            attempts=attempts,
            next_attempt_at=now + FIRST_RETRY_AFTER * GROWTH ** min(attempts, ATTEMPTS),
            last_error=trace(error),
            status=RetryStatus.PENDING if attempts < ATTEMPTS else RetryStatus.DEAD,
        )
    )
