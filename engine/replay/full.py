"""A full rebuild: the whole log is folded into a shadow, which then replaces the live tables.

Appending and reading continue meanwhile. Memory holds one chunk a worker, however long the log is.
"""

from concurrent.futures import Executor

from engine.courses.backfill import run_pending_backfills
from engine.projecting.context import Context
from engine.replay.catch_up import high_water_mark
from engine.replay.derive_learners import derive_chunk
from engine.replay.derive_signals import build_xp_histogram, derive_learners
from engine.replay.fold import FoldJob, ProgressCallback, ProgressReporter, fold_log
from engine.replay.fold_range import fold_range
from engine.replay.shadow_copy import copying_shadow
from engine.replay.shadow_tables import open_shadow
from engine.replay.store import ReplayReport, ReplayRequest
from engine.replay.swap import Swap
from engine.replay.worker_pool import WorkerJob, workers
from eventstore.db.database import Database
from eventstore.times import Clock


async def full_rebuild(
    database: Database,
    replay_id: str,
    context: Context,
    clock: Clock,
    request: ReplayRequest,
    on_progress: ProgressCallback,
    crew: Executor | None,
) -> ReplayReport:
    """Rebuild every derived table. The live ones stay as they are until the swap."""
    await run_pending_backfills(database, context, clock)
    until = await high_water_mark(database)
    async with database.read() as connection:
        courses = await context.courses.courses(connection)
    name = replay_id[:8]
    async with open_shadow(database, name) as tables:
        number = request.workers if until > context.limits.python_fold_seqs else 0
        job = WorkerJob(database.url, name, dict(context.xp_values), clock(), context.limits, context.rules)
        async with copying_shadow(database, tables, until, context.limits) as shadow_copy:
            with workers(number, crew, fold_range, derive_chunk) as pool:
                fold_job = FoldJob(pool, number, job, tables.building, context)
                events = await fold_log(fold_job, database, ProgressReporter(database, replay_id, on_progress), until)
                shadow_copy.start_copy_of_progress()
                await derive_learners(pool, number, job, tables.building, on_progress)
                shadow_copy.start_copy_of_rest()
                await build_xp_histogram(tables.building)
            on_progress("swap", 0, 1)
            unannounced = context._replace(announces=False)
            swap_in = Swap(database, tables, shadow_copy, unannounced, clock, until, courses)
            report = await swap_in.run(replay_id, events, publish=request.publish)
        on_progress("swap", 1, 1)
    return report
