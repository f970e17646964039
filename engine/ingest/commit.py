"""Committing a batch in one transaction, which is tried again when it conflicts with other transactions.

The batch is filled as late as possible: submissions that arrived while the transaction waited are part of it.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.ingest.submission import Receipt, Submission, deduplicate, receipts
from engine.projecting.context import Context
from engine.projecting.record import Recorded, record, record_bisecting
from eventstore.db.database import Database
from eventstore.errors import TransactionConflictError
from eventstore.event import Event
from eventstore.times import Clock

PopBatch = Callable[[], list[Submission]]
"""Removes the batch from the queue and returns it."""

Record = Callable[[AsyncConnection, Sequence[Event], Context, datetime], Awaitable[Recorded]]


async def commit(
    database: Database, batch: list[Submission], pop_batch: PopBatch, context: Context, clock: Clock
) -> list[Receipt]:
    """Commit `batch`, which is filled by `pop_batch` if it is empty. Return a receipt for each of its submissions.

    Raise UnavailableError while the database is unreachable, and DBAPIError if it rejects the batch.
    """
    for _ in range(context.limits.conflict_attempts - 1):
        with suppress(TransactionConflictError):
            return await _commit_once(database, batch, pop_batch, context, clock)
    return await _commit_once(database, batch, pop_batch, context, clock)


async def _commit_once(
    database: Database, batch: list[Submission], pop_batch: PopBatch, context: Context, clock: Clock
) -> list[Receipt]:
    async def transaction(how: Record) -> list[Receipt]:
        async def work(connection: AsyncConnection) -> list[Receipt]:
            batch.extend([] if batch else pop_batch())
            recorded = await how(connection, deduplicate(batch), context, clock())
            for submission in batch:
                if submission.hook is not None:
                    await submission.hook(connection)
            return receipts(batch, recorded)

        return await database.run_write(work)

    try:
        return await transaction(record)
    except DBAPIError:
        return await transaction(record_bisecting)
