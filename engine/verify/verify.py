"""Verifying: the log is folded again, and the derived tables are compared with what it says.

Each chunk of learners is read as of one moment, so that nothing written meanwhile is taken for drift. Nothing
differs exactly when a replay would change nothing.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from random import Random
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from engine.courses.publish import SELECT_UNFINISHED, run_pending_backfills
from engine.projecting.project import Context
from engine.replay.fold import ProgressCallback
from engine.verify.daily_counts import DAILY, daily_differences
from engine.verify.derived_rows import read_derived
from engine.verify.expected_rows import SHAPES, expected_rows
from engine.verify.learner_log import read_learner_states
from engine.verify.learners import CHUNK_LEARNERS, all_learners, learners_at_random
from engine.verify.table_diff import Difference, compare, differences
from engine.verify.xp_histogram import HISTOGRAM, histogram_differences
from eventstore.db.database import Database
from eventstore.times import Clock
from views import operational_stats

ROLL_UPS: Mapping[str, Callable[[AsyncConnection], Awaitable[list[Difference]]]] = {
    DAILY: daily_differences,
    HISTOGRAM: histogram_differences,
}
"""The roll-ups that are of no learner in particular, and where each differs."""


class Sample(NamedTuple):
    """So many learners, chosen by `random`."""

    learners: int
    random: Random


async def verify(
    database: Database, context: Context, clock: Clock, watch: ProgressCallback, sample: Sample | None = None
) -> AsyncGenerator[list[Difference], None]:
    """What differs, a list for each chunk of learners where anything does; close it if you leave early.

    Roll-ups of no learner in particular come last, unless only a `sample` is asked for. Raises Unavailable where it
    must stop.
    """
    done, total = 0, await count(database) if sample is None else sample.learners
    async with aclosing(chunks(database, sample)) as learners:
        async for user_ids in learners:
            found = await verify_learners(database, user_ids, context, clock)
            done += len(user_ids)
            watch("learners", done, max(done, total))
            if found:
                yield found
    for roll_up in ROLL_UPS if sample is None else ():
        if found := await verify_roll_up(database, roll_up):
            yield found


async def count(database: Database) -> int:
    """How many learners there are, by their roll-up."""
    async with database.read() as connection:
        return await operational_stats.learners(connection)


async def chunks(database: Database, sample: Sample | None) -> AsyncGenerator[Sequence[str], None]:
    """The learners to verify."""
    if sample is None:
        async with aclosing(all_learners(database)) as learners:
            async for user_ids in learners:
                yield user_ids
    else:
        chosen = await learners_at_random(database, *sample)
        for start in range(0, len(chosen), CHUNK_LEARNERS):
            yield chosen[start : start + CHUNK_LEARNERS]


async def verify_learners(
    database: Database, user_ids: Sequence[str], context: Context, clock: Clock
) -> list[Difference]:
    """What differs of these learners. What a version grants them that is still under way is finished first."""
    while True:
        async with database.read() as connection:
            found = await compare_learners(connection, user_ids, context)
            under_way = bool(found) and (await connection.execute(SELECT_UNFINISHED)).first() is not None
        if not under_way:
            return found
        await run_pending_backfills(database, context, clock)


async def compare_learners(connection: AsyncConnection, user_ids: Iterable[str], context: Context) -> list[Difference]:
    """What differs of these learners, as this transaction sees them."""
    evidence = await read_learner_states(connection, user_ids)
    expected = expected_rows(evidence, await context.courses.courses(connection), context.worth)
    found = await read_derived(connection, user_ids)
    return [
        difference
        for shape in SHAPES
        for difference in differences(shape.table.name, shape.values, compare(expected[shape], found[shape]))
    ]


async def verify_roll_up(database: Database, roll_up: str) -> list[Difference]:
    """Where that roll-up differs from what it sums up."""
    async with database.read() as connection:
        return await ROLL_UPS[roll_up](connection)
