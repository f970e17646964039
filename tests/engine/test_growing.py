"""A database that begins with nothing: PostgreSQL plans a statement by how much there is, and keeps the plan.

How a batch finds its rows may not depend on how few there were when its statements came first.
"""

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.engine import Engine
from eventstore.event import Event
from tests.engine.support import HandClock, at, ping, quiz, running, step
from tests.support.explain import SMALL
from tests.support.postgres import PostgresServer

LEARNERS = 20
BATCHES = 40
EACH_LEARNERS_ROWS = 10
"""More than a batch has to look at of one learner who is new."""

ROWS_READ = text("""
    SELECT relname, (seq_tup_read + coalesce(idx_tup_fetch, 0))::int AS rows_read FROM pg_stat_xact_user_tables
    WHERE relname <> ALL (:small)
""")
"""How many rows of each table this session has read since its counts were handed in."""

HAND_IN = text("SELECT pg_stat_force_next_flush()")
"""Has the session hand its counts in at the end of the transaction."""


@pytest.mark.parametrize(
    ("counted_after", "counting"), [(0, None), (0, "VACUUM ANALYZE"), (1, "ANALYZE"), (3, "VACUUM ANALYZE")]
)
async def test_a_batch_reads_what_it_is_about_however_few_there_were_at_first(
    postgres: PostgresServer, migrated_postgres: str, counted_after: int, counting: str | None
) -> None:
    url = postgres.create_database(migrated_postgres)
    try:
        # given a database whose tables were counted when they were empty or small, or never
        async with running(url, HandClock()) as engine:
            await engine.publish("x", "", (step("a", "both"),))
            for number in range(BATCHES):
                if counting and number == counted_after:
                    await execute(engine, counting)
                await engine.ingest.submit(batch(number), hand_in)

            # when it has grown, and another batch is recorded
            read: dict[str, int] = {}

            async def count(connection: AsyncConnection) -> None:
                found = await connection.execute(ROWS_READ, {"small": list(SMALL)})
                read.update((relname, rows_read) for relname, rows_read in found)

            await engine.ingest.submit(batch(BATCHES), count)

            # then it has read rows of its own learners alone
            assert read
            assert {table: rows for table, rows in read.items() if rows > LEARNERS * EACH_LEARNERS_ROWS} == {}
    finally:
        postgres.drop_database(url)


def batch(number: int) -> list[Event]:
    """Learners who are new complete a step."""
    learners = [f"learner {number} {n}" for n in range(LEARNERS)]
    return [*(ping(at(0), user_id=one) for one in learners), *(quiz(at(0), user_id=one) for one in learners)]


async def hand_in(connection: AsyncConnection) -> None:
    await connection.execute(HAND_IN)


async def execute(engine: Engine, statement: str) -> None:
    async with engine.database.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        await connection.execute(text(statement))
