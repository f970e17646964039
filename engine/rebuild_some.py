"""Rebuilding some: a few learners are rebuilt where they stand, each chunk of them in a transaction."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import datetime

from engine.evidence_store import count_events
from engine.filling import Watch
from engine.learners import learners_of_course
from engine.mend import rebuild
from engine.park import waiting
from engine.project import Context
from engine.rebuilt import Rebuilt
from engine.replay_status import ReplayReport, ReplayRequest, finish
from eventstore.database import Database
from eventstore.errors import LmsError
from eventstore.times import Clock


async def rebuild_some(
    database: Database, replay_id: str, context: Context, clock: Clock, request: ReplayRequest, watch: Watch
) -> ReplayReport:
    """Rebuilds all that is derived of the learners that the request names."""
    total, events, learners = Rebuilt(), 0, 0
    oldest: list[datetime] = []
    async for user_ids in asked_for(database, request):
        total = total.plus(await rebuild(database, user_ids, context, clock, announce=request.publish))
        async with database.read() as connection:
            events += sum((await count_events(connection, user_ids)).values())
            _, parked_at = await waiting(connection, user_ids)
        oldest += [parked_at] if parked_at else []
        learners += len(user_ids)
        watch("learners", learners, learners)
    if total.refused:
        raise LmsError(f"expected the database to take what is derived, found it refused of {', '.join(total.refused)}")
    changed = (total.signals_gained, total.signals_lost, total.rows_differing)
    report = ReplayReport(events, total.parked, *changed, min(oldest, default=None))
    async with database.write() as connection:
        await finish(connection, replay_id, report, clock())
    return report


async def asked_for(database: Database, request: ReplayRequest) -> AsyncIterator[list[str]]:
    """The learners, by chunks: the one named, or those of the course, or the one if among those."""
    if request.course_id is None:
        yield [request.user_id or ""]
        return
    async with aclosing(learners_of_course(database, request.course_id)) as chunks:
        async for user_ids in chunks:
            chosen = [user_id for user_id in user_ids if request.user_id in (None, user_id)]
            if chosen:
                yield chosen
