"""The history of replays: `lms_replay`, where each says how far it is, what it changed, and why it failed."""

from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import Update, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from eventstore.db.database import Database
from eventstore.tables import lms_replay

_r = lms_replay.c


MOST_WORKERS = 16


class ReplayStatus(StrEnum):
    """`failed` says why in `error`; `interrupted` is what a replay was whose process ended before it did."""

    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


class ReplayRequest(NamedTuple):
    """What to replay: all, or only one learner, or only the learners of one course.

    `workers` processes do it; `publish` announces the signals that it newly derives.
    """

    user_id: str | None = None
    course_id: str | None = None
    workers: int = 2
    publish: bool = False

    @property
    def is_of_all(self) -> bool:
        """Whether everything is replayed, which alone takes processes."""
        return self.user_id is self.course_id is None


class ReplayReport(NamedTuple):
    """What a replay did: events folded, events parked and since when the oldest is, and what is other than before."""

    events: int
    parked: int
    signals_gained: int
    signals_lost: int
    rows_differing: int
    oldest_parked_at: datetime | None = None


COUNTS = ("events_done", "events_total", "parked", "signals_gained", "signals_lost", "rows_differing")

SELECT_RUNNING = select(_r.replay_id).where(_r.status == ReplayStatus.RUNNING).order_by(_r.started_at.desc()).limit(1)
"""The replay that runs, or that was running when its process ended."""


def update_interrupted(now: datetime, replay_id: str | None = None) -> Update:
    """Notes of one that was running, or of all that were, that they are no more."""
    values = {"status": ReplayStatus.INTERRUPTED, "finished_at": now}
    statement = update(lms_replay).where(_r.status == ReplayStatus.RUNNING).values(values)
    return statement if replay_id is None else statement.where(_r.replay_id == replay_id)


def update_one(replay_id: str, **values: Any) -> Update:
    """Notes how a replay is doing."""
    return update(lms_replay).where(_r.replay_id == replay_id).values(values)


async def start(database: Database, replay_id: str, request: ReplayRequest, now: datetime) -> None:
    """Notes that a replay runs, and that those before it do not."""
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
    """Notes how many events of how many are folded."""
    async with database.write() as connection:
        await connection.execute(update_one(replay_id, events_done=done, events_total=total))


async def finish(connection: AsyncConnection, replay_id: str, report: ReplayReport, now: datetime) -> None:
    """Notes what a replay did, in the transaction that does the last of it."""
    values = report._asdict() | {"status": ReplayStatus.FINISHED, "finished_at": now}
    events = values.pop("events")
    await connection.execute(update_one(replay_id, events_done=events, events_total=events, **values))


async def fail(database: Database, replay_id: str, error: str, now: datetime) -> None:
    """Notes why a replay did not finish."""
    async with database.write() as connection:
        await connection.execute(update_one(replay_id, status=ReplayStatus.FAILED, error=error, finished_at=now))
