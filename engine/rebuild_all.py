"""Rebuilding everything: the whole log is folded into a shadow, which then takes the place of the live tables.

Appending and reading go on meanwhile. Memory holds one piece a worker, however long the log.
"""

from concurrent.futures import Executor

from engine.bringing import bringing
from engine.catch_up import boundary
from engine.deriving import count_places, derive_learners
from engine.filling import PIECE_SEQS, Filling, Track, Watch, fold_log
from engine.fold_range import fold_range
from engine.project import Context
from engine.publish import grant_unfinished
from engine.rederive import rederive
from engine.replay_status import ReplayReport, ReplayRequest
from engine.swap_in import SwapIn
from engine.workers import Job, workers
from eventstore.database import Database
from eventstore.shadow import open_shadow
from eventstore.times import Clock


async def rebuild_all(
    database: Database,
    replay_id: str,
    context: Context,
    clock: Clock,
    request: ReplayRequest,
    watch: Watch,
    crew: Executor | None,
) -> ReplayReport:
    """Rebuilds every derived table. The live ones are as they were until it is done."""
    await grant_unfinished(database, context, clock)
    until = await boundary(database)
    async with database.read() as connection:
        courses = await context.courses.courses(connection)
    name = replay_id[:8]
    async with open_shadow(database, name) as tables:
        number = request.workers if until > PIECE_SEQS else 0
        job = Job(database.url, name, dict(context.worth), clock())
        async with bringing(database, tables, until) as brought:
            with workers(number, crew, fold_range, rederive) as pool:
                filling = Filling(pool, number, job, tables.filling, context)
                events = await fold_log(filling, database, Track(database, replay_id, watch), until)
                brought.begin_folded()
                await derive_learners(pool, number, job, tables.filling, watch)
                brought.go_on()
                await count_places(tables.filling)
            watch("swap", 0, 1)
            unannounced = context._replace(announces=False)
            swap_in = SwapIn(database, tables, brought, unannounced, clock, until, courses)
            report = await swap_in.run(replay_id, events, publish=request.publish)
        watch("swap", 1, 1)
    return report
