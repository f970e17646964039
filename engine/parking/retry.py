"""Retrying: what was parked is tried again after growing pauses, three times; then it is dead until someone acts.

A retry runs just the rule that failed, on the event as the log has it, and merges what it proves. So it may come
at any time, before or after any other event, and more than once.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Row, Select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.parking.park import ALL_RULES, RetryStatus
from engine.parking.store import delete_parked, select_after, select_due, select_one, update_failed
from engine.projecting.locks import lock
from engine.projecting.project import Context, project
from eventstore.db import is_transient
from eventstore.db.database import Database
from eventstore.errors import NotFoundError
from eventstore.read import read_event
from eventstore.times import Clock
from projections.fold import ProgressKey, fold
from projections.progress import Progress
from projections.rules import RULES

PAGE = 1
"""So many are retried in one transaction: more would project in rounds, and have others wait for all of them."""


class RetryResult(NamedTuple):
    """How many retries succeeded, and how many failed again."""

    succeeded: int
    failed: int

    def plus(self, more: "RetryResult") -> "RetryResult":
        return RetryResult(self.succeeded + more.succeeded, self.failed + more.failed)


async def retry_due(database: Database, context: Context, clock: Clock) -> RetryResult:
    """Retries all that is due. Raises Unavailable where it must stop; what was done by then is kept."""
    total = RetryResult(0, 0)
    while True:
        done = (await _retry(database, select_due(clock(), PAGE), context, clock))[0]
        total = total.plus(done)
        if sum(done) < PAGE:
            return total


async def retry_all(database: Database, context: Context, clock: Clock, *, dead: bool) -> RetryResult:
    """Retries all that is pending once, due or not; if `dead`, all that is dead as well."""
    statuses = [RetryStatus.PENDING, RetryStatus.DEAD] if dead else [RetryStatus.PENDING]
    total, last = RetryResult(0, 0), None
    while True:
        done, last = await _retry(database, select_after(last, statuses, PAGE), context, clock)
        total = total.plus(done)
        if last is None:
            return total


async def retry_one(database: Database, retry_id: str, context: Context, clock: Clock) -> bool:
    """Retries one, due or not, dead or not. Whether it succeeded. Raises NotFound if none of that id is parked."""
    done, _ = await _retry(database, select_one(retry_id), context, clock)
    if sum(done) == 0:
        raise NotFoundError(f"retry: expected the id of a parked event, found {retry_id!r}")
    return done.succeeded == 1


async def _retry(
    database: Database, which: Select[Any], context: Context, clock: Clock
) -> tuple[RetryResult, str | None]:
    """Retries a page in one transaction, in a savepoint: that it failed is noted in the same.

    What became of them, and the last one's id.
    """
    async with database.write() as connection:
        parked = (await connection.execute(which)).all()
        await lock(connection, {row.user_id for row in parked})
        outcomes = [await _attempt(connection, row, context, clock()) for row in parked]
    return RetryResult(outcomes.count(True), outcomes.count(False)), parked[-1].retry_id if parked else None


async def _attempt(connection: AsyncConnection, parked: Row[Any], context: Context, now: datetime) -> bool:
    """Whether it succeeded, and is parked no more."""
    event = await read_event(connection, parked.user_id, parked.event_id)
    folded = fold([event], [rule for rule in RULES if parked.rule in (rule.name, ALL_RULES)])
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
