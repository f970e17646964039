"""Retrying: a parked event is tried again after growing pauses, three times; then it is dead until an operator acts.

A retry runs only the rule that failed, on the event in the log, and merges the result. So it may run at any time,
before or after any other event, and more than once.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Row, Select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.parking.park import ALL_RULES
from engine.parking.store import delete_parked, select_after, select_due, select_one, update_failed
from engine.projecting.context import Context
from engine.projecting.locks import lock
from engine.projecting.project import project
from eventstore.db import is_transient
from eventstore.db.database import Database
from eventstore.errors import NotFoundError
from eventstore.read import read_event
from eventstore.times import Clock
from projections.fold import ProgressKey, fold
from projections.progress import Progress
from projections.tables import RetryStatus


class RetryResult(NamedTuple):
    """The number of retries that succeeded, and of those that failed again."""

    succeeded: int
    failed: int

    def plus(self, more: "RetryResult") -> "RetryResult":
        return RetryResult(self.succeeded + more.succeeded, self.failed + more.failed)


async def retry_due(database: Database, context: Context, clock: Clock) -> RetryResult:
    """Retry all due events. Raise UnavailableError where the database interrupts it; finished retries stay finished."""
    total, limit = RetryResult(0, 0), context.limits.retries_per_transaction
    while True:
        done = (await _retry(database, select_due(clock(), limit), context, clock))[0]
        total = total.plus(done)
        if sum(done) < limit:
            return total


async def retry_all(database: Database, context: Context, clock: Clock, *, dead: bool) -> RetryResult:
    """Retry all pending events once, due or not; if `dead`, the dead ones, too."""
    statuses = [RetryStatus.PENDING, RetryStatus.DEAD] if dead else [RetryStatus.PENDING]
    total, last, limit = RetryResult(0, 0), None, context.limits.retries_per_transaction
    while True:
        done, last = await _retry(database, select_after(last, statuses, limit), context, clock)
        total = total.plus(done)
        if last is None:
            return total


async def retry_one(database: Database, retry_id: str, context: Context, clock: Clock) -> bool:
    """Retry one event, due or not, dead or not. Return whether it succeeded. Raise NotFoundError for an unknown id."""
    done, _ = await _retry(database, select_one(retry_id), context, clock)
    if sum(done) == 0:
        raise NotFoundError(f"there is no parked event with the id {retry_id!r}")
    return done.succeeded == 1


async def _retry(
    database: Database, which: Select[Any], context: Context, clock: Clock
) -> tuple[RetryResult, str | None]:
    """Retry the selected events in one transaction. Each has a savepoint, so that its failure is saved in the same one.

    Return the result, and the id of the last one.
    """
    async with database.write() as connection:
        parked = (await connection.execute(which)).all()
        await lock(connection, {row.user_id for row in parked})
        outcomes = [await _attempt(connection, row, context, clock()) for row in parked]
    return RetryResult(outcomes.count(True), outcomes.count(False)), parked[-1].retry_id if parked else None


async def _attempt(connection: AsyncConnection, parked: Row[Any], context: Context, now: datetime) -> bool:
    """Retry one event. Return whether it succeeded; it is parked no longer then."""
    event = await read_event(connection, parked.user_id, parked.event_id)
    folded = fold([event], [rule for rule in context.rules if parked.rule in (rule.name, ALL_RULES)])
    raised = [failure.error for failure in folded.failures]
    error = raised[0] if raised else await _project(connection, parked, folded.progress, context, now)
    if error is not None:
        await connection.execute(update_failed(parked, error, now))
    return error is None


async def _project(
    connection: AsyncConnection,
    parked: Row[Any],
    proved: Mapping[ProgressKey, Progress],
    context: Context,
    now: datetime,
) -> DBAPIError | None:
    """Project the event's progress and delete its row. Return the error if the database rejects the data."""
    try:
        async with connection.begin_nested():
            await project(connection, proved, context, now)
            await connection.execute(delete_parked(parked))
    except DBAPIError as error:
        if is_transient(error):
            raise
        return error
    return None
