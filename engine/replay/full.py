"""Rebuilding everything: the whole log is folded into a shadow, which then takes the place of the live tables.

Appending and reading go on meanwhile. Memory holds one piece a worker, however long the log.
"""

from concurrent.futures import Executor

from engine.courses.publish import run_pending_backfills
from engine.projecting.project import Context
from engine.replay.catch_up import high_water_mark
from engine.replay.derive_learners import rederive
from engine.replay.derive_signals import build_xp_histogram, derive_learners
from engine.replay.fold import PIECE_SEQS, FoldJob, ProgressCallback, ProgressReporter, fold_log
from engine.replay.fold_range import fold_range
from engine.replay.shadow_copy import copying_shadow
from engine.replay.shadow_tables import open_shadow
from engine.replay.store import ReplayReport, ReplayRequest
from engine.replay.swap import SwapIn
from engine.replay.worker_pool import Job, workers
from eventstore.db.database import Database
from eventstore.times import Clock


async def full_rebuild(
    database: Database,
    replay_id: str,
    context: Context,
    clock: Clock,
    request: ReplayRequest,
    watch: ProgressCallback,
    crew: Executor | None,
) -> ReplayReport:
    """Rebuilds every derived table. The live ones are as they were until it is done."""
    await run_pending_backfills(database, context, clock)
    until = await high_water_mark(database)
    async with database.read() as connection:
        courses = await context.courses.courses(connection)
    name = replay_id[:8]
    async with open_shadow(database, name) as tables:
        number = request.workers if until > PIECE_SEQS else 0
        job = Job(database.url, name, dict(context.worth), clock())
        async with copying_shadow(database, tables, until) as brought:
            with workers(number, crew, fold_range, rederive) as pool:
                filling = FoldJob(pool, number, job, tables.building, context)
                events = await fold_log(filling, database, ProgressReporter(database, replay_id, watch), until)
                brought.start_copy_of_progress()
                await derive_learners(pool, number, job, tables.building, watch)
                brought.start_copy_of_rest()
                await build_xp_histogram(tables.building)
            watch("swap", 0, 1)
            unannounced = context._replace(announces=False)
            swap_in = SwapIn(database, tables, brought, unannounced, clock, until, courses)
            report = await swap_in.run(replay_id, events, publish=request.publish)
        watch("swap", 1, 1)
    return report
