"""Replays: how far one is, and what it changed."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.tables import lms_replay
from eventstore.errors import NotFoundError


class Replay(BaseModel):
    """A replay, of all or limited to `user_id` or `course_id`. Times UTC.

    What it changed, and what is parked and since when, is known when it is done. `status` is running, finished,
    failed (`error` says why) or interrupted (its process ended before it did).
    """

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "replay_id": "0f5f8a53-6a0e-4f0c-9a53-3a1f0d8a5b11",
                    "status": "finished",
                    "course_id": "python-101",
                    "events_done": 10449,
                    "events_total": 10449,
                    "parked": 0,
                    "signals_gained": 3,
                    "signals_lost": 0,
                    "rows_differing": 8,
                    "started_at": "2026-11-21T05:04:24.587453Z",
                    "finished_at": "2026-11-21T05:04:27.101612Z",
                }
            ]
        },
    )

    replay_id: str
    status: str
    user_id: str | None = None
    course_id: str | None = None
    events_done: int
    events_total: int
    parked: int
    oldest_parked_at: datetime | None = None
    signals_gained: int
    signals_lost: int
    rows_differing: int
    error: str | None = None
    started_at: datetime
    finished_at: datetime | None = None


def select_replay(replay_id: str) -> Select[tuple[object, ...]]:
    """A replay by its id."""
    return select(lms_replay).where(lms_replay.c.replay_id == replay_id)


async def read(connection: AsyncConnection, replay_id: str) -> Replay:
    """The replay of that id. Raises NotFound if there is none."""
    row = (await connection.execute(select_replay(replay_id))).one_or_none()
    if row is None:
        raise NotFoundError(f"replay: expected the id of a replay, found {replay_id!r}")
    return Replay.model_validate(row)
