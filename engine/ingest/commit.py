"""Committing a batch: one transaction, tried again for what may be refused for other transactions' sake.

What the batch consists of is decided as late as can be: whatever came while its transaction waited goes along.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.ingest.submission import Receipt, Submission, deduplicate, receipts
from engine.projecting.project import Context
from engine.projecting.record import Recorded, record, record_bisecting
from eventstore.db.database import Database
from eventstore.errors import TransactionConflictError
from eventstore.event import Event
from eventstore.times import Clock

CLASH_ATTEMPTS = 5

Take = Callable[[], list[Submission]]
"""Gives the batch."""

Record = Callable[[AsyncConnection, Sequence[Event], Context, datetime], Awaitable[Recorded]]


async def commit(
    database: Database, batch: list[Submission], take: Take, context: Context, clock: Clock
) -> list[Receipt]:
    """Commits `batch`, which is filled by `take` if it is empty. A receipt for each of its submissions.

    Raises Unavailable while the database cannot be had, and DBAPIError for what it refuses.
    """
    for _ in range(CLASH_ATTEMPTS - 1):
        with suppress(TransactionConflictError):
            return await _commit_once(database, batch, take, context, clock)
    return await _commit_once(database, batch, take, context, clock)


async def _commit_once(
    database: Database, batch: list[Submission], take: Take, context: Context, clock: Clock
) -> list[Receipt]:
    async def transaction(how: Record) -> list[Receipt]:
        async def work(connection: AsyncConnection) -> list[Receipt]:
            batch.extend([] if batch else take())
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
