"""The history of replays in lms_replay: how far each is, what it changed, and why it failed."""

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Update, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.tables import ReplayStatus, lms_replay
from eventstore.db.database import Database

_r = lms_replay.c


MAX_WORKERS = 16


class ReplayRequest(NamedTuple):
    """A request to replay everything, only one learner, or only the learners of one course.

    `workers` is the number of processes; `publish` announces newly derived signals.
    """

    user_id: str | None = None
    course_id: str | None = None
    workers: int = 2
    publish: bool = False

    @property
    def is_of_all(self) -> bool:
        """Return whether everything is replayed; only this uses worker processes."""
        return self.user_id is self.course_id is None


class ReplayReport(NamedTuple):
    """The numbers of folded and of parked events, when the oldest was parked, and what changed."""

    events: int
    parked: int
    signals_gained: int
    signals_lost: int
    rows_differing: int
    oldest_parked_at: datetime | None = None


COUNTS = ("events_done", "events_total", "parked", "signals_gained", "signals_lost", "rows_differing")

SELECT_RUNNING = select(_r.replay_id).where(_r.status == ReplayStatus.RUNNING).order_by(_r.started_at.desc()).limit(1)
"""The running replay, or the last one whose process ended before it did."""


def update_interrupted(now: datetime, replay_id: str | None = None) -> Update:
    """Mark one running replay as interrupted, or all of them."""
    values = {"status": ReplayStatus.INTERRUPTED, "finished_at": now}
    statement = update(lms_replay).where(_r.status == ReplayStatus.RUNNING).values(values)
    return statement if replay_id is None else statement.where(_r.replay_id == replay_id)


def update_one(replay_id: str, **values: Any) -> Update:
    """Update the row of a replay."""
    return update(lms_replay).where(_r.replay_id == replay_id).values(values)


async def start(database: Database, replay_id: str, request: ReplayRequest, now: datetime) -> None:
    """Insert a running replay, and mark earlier ones that still show as running."""
    row = {
        "replay_id": replay_id,
        "status": ReplayStatus.RUNNING,
        "user_id": request.user_id,
        "course_id": request.course_id,
        "started_at": now,
        **dict.fromkeys(COUNTS, 0),
    }
    async with database.write() as connection:
        await connection.execute(update_interrupted(now))
        await connection.execute(insert(lms_replay), row)


async def advance(database: Database, replay_id: str, done: int, total: int) -> None:
    """Save how many events of the total are folded."""
    async with database.write() as connection:
        await connection.execute(update_one(replay_id, events_done=done, events_total=total))


async def finish(connection: AsyncConnection, replay_id: str, report: ReplayReport, now: datetime) -> None:
    """Save the report, in the transaction that finishes the replay."""
    values = report._asdict() | {"status": ReplayStatus.FINISHED, "finished_at": now}
    events = values.pop("events")
    await connection.execute(update_one(replay_id, events_done=events, events_total=events, **values))


async def fail(database: Database, replay_id: str, error: str, now: datetime) -> None:
    """Save why a replay failed."""
    async with database.write() as connection:
        await connection.execute(update_one(replay_id, status=ReplayStatus.FAILED, error=error, finished_at=now))
