"""Verifying: fold the log again, and compare the derived tables with the result.

Each chunk of learners is read in one snapshot, so that events written meanwhile are no differences. Nothing differs
exactly if a replay would change nothing.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from random import Random
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from engine.courses.backfill import SELECT_UNFINISHED, run_pending_backfills
from engine.projecting.context import Context
from engine.replay.fold import ProgressCallback
from engine.verify.daily_counts import DAILY, daily_differences
from engine.verify.derived_rows import read_derived
from engine.verify.expected_rows import SHAPES, expected_rows
from engine.verify.learner_log import read_learner_states
from engine.verify.learners import all_learners, learners_at_random
from engine.verify.table_diff import Difference, compare, differences
from engine.verify.xp_histogram import HISTOGRAM, histogram_differences
from eventstore.db.database import Database
from eventstore.times import Clock
from views import operational_stats

ROLL_UPS: Mapping[str, Callable[[AsyncConnection], Awaitable[list[Difference]]]] = {
    DAILY: daily_differences,
    HISTOGRAM: histogram_differences,
}
"""The roll-ups that belong to no learner, and the functions that find their differences."""


class Sample(NamedTuple):
    """A number of learners, chosen by `random`."""

    learners: int
    random: Random


async def verify(
    database: Database, context: Context, clock: Clock, on_progress: ProgressCallback, sample: Sample | None = None
) -> AsyncGenerator[list[Difference], None]:
    """Return the differences, one list for each chunk of learners that has any. Close the generator if you leave early.

    Roll-ups that belong to no learner come last, and not with a `sample`. Raise UnavailableError where the database
    interrupts it.
    """
    done, total = 0, await count(database) if sample is None else sample.learners
    async with aclosing(chunks(database, sample, context.limits.verify_learners)) as learners:
        async for user_ids in learners:
            found = await verify_learners(database, user_ids, context, clock)
            done += len(user_ids)
            on_progress("learners", done, max(done, total))
            if found:
                yield found
    for roll_up in ROLL_UPS if sample is None else ():
        if found := await verify_roll_up(database, roll_up):
            yield found


async def count(database: Database) -> int:
    """Return the number of learners."""
    async with database.read() as connection:
        return await operational_stats.learners(connection)


async def chunks(database: Database, sample: Sample | None, size: int) -> AsyncGenerator[Sequence[str], None]:
    """Return the learners to verify, in chunks."""
    if sample is None:
        async with aclosing(all_learners(database, size)) as learners:
            async for user_ids in learners:
                yield user_ids
    else:
        chosen = await learners_at_random(database, *sample, size)
        for start in range(0, len(chosen), size):
            yield chosen[start : start + size]


async def verify_learners(
    database: Database, user_ids: Sequence[str], context: Context, clock: Clock
) -> list[Difference]:
    """Return the differences of these learners. Pending backfills are completed first."""
    while True:
        async with database.read() as connection:
            found = await compare_learners(connection, user_ids, context)
            under_way = bool(found) and (await connection.execute(SELECT_UNFINISHED)).first() is not None
        if not under_way:
            return found
        await run_pending_backfills(database, context, clock)


async def compare_learners(connection: AsyncConnection, user_ids: Iterable[str], context: Context) -> list[Difference]:
    """Return the differences of these learners in this transaction's snapshot."""
    states = await read_learner_states(connection, user_ids, context.rules)
    expected = expected_rows(states, await context.courses.courses(connection), context.xp_values)
    found = await read_derived(connection, user_ids)
    return [
        difference
        for shape in SHAPES
        for difference in differences(shape.table.name, shape.values, compare(expected[shape], found[shape]))
    ]


async def verify_roll_up(database: Database, roll_up: str) -> list[Difference]:
    """Return the differences of one roll-up."""
    async with database.read() as connection:
        return await ROLL_UPS[roll_up](connection)
