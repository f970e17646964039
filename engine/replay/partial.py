"""A partial rebuild: some learners are result in the live tables, each chunk of them in one transaction."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import datetime

from engine.parking.park import count_parked
from engine.projecting.context import Context
from engine.replay.fold import ProgressCallback
from engine.replay.store import ReplayReport, ReplayRequest, finish
from engine.verify.learner_log import count_events
from engine.verify.learners import learners_of_course
from engine.verify.repair import repair_learners
from engine.verify.repair_result import RepairResult
from eventstore.db.database import Database
from eventstore.errors import LmsError
from eventstore.times import Clock


async def partial_rebuild(
    database: Database,
    replay_id: str,
    context: Context,
    clock: Clock,
    request: ReplayRequest,
    on_progress: ProgressCallback,
) -> ReplayReport:
    """Rebuild everything that is derived of the learners that the request names."""
    total, events, learners = RepairResult(), 0, 0
    oldest: list[datetime] = []
    async for user_ids in requested_learners(database, request, context.limits.verify_learners):
        total = total.plus(await repair_learners(database, user_ids, context, clock, announce=request.publish))
        async with database.read() as connection:
            events += sum((await count_events(connection, user_ids)).values())
            _, parked_at = await count_parked(connection, user_ids)
        oldest += [parked_at] if parked_at else []
        learners += len(user_ids)
        on_progress("learners", learners, learners)
    if total.refused:
        raise LmsError(f"the database rejected the rows of {', '.join(total.refused)}")
    changed = (total.signals_gained, total.signals_lost, total.rows_differing)
    report = ReplayReport(events, total.parked, *changed, min(oldest, default=None))
    async with database.write() as connection:
        await finish(connection, replay_id, report, clock())
    return report


async def requested_learners(database: Database, request: ReplayRequest, size: int) -> AsyncIterator[list[str]]:
    """Return the requested learners in chunks: one learner, those of a course, or one learner if in that course."""
    if request.course_id is None:
        yield [request.user_id or ""]
        return
    async with aclosing(learners_of_course(database, request.course_id, size)) as chunks:
        async for user_ids in chunks:
            chosen = [user_id for user_id in user_ids if request.user_id in (None, user_id)]
            if chosen:
                yield chosen
