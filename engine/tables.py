"""The tables of the engine: backfills and replays."""

from enum import StrEnum

from sqlalchemy import Column, Index, Integer, PrimaryKeyConstraint, Table, Text

from eventstore.db import Id, Name, Seq, UtcTime
from eventstore.tables import metadata
from projections.tables import lms_event_daily, lms_learner, lms_progress, lms_retry, lms_xp, lms_xp_histogram
from signals.tables import lms_signal


class ReplayStatus(StrEnum):
    """A `failed` replay has its reason in `error`; the process of an `interrupted` one ended before it."""

    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


lms_grant = Table(
    "lms_grant",
    metadata,
    Column("course_id", Name, nullable=False),
    Column("version", Integer, nullable=False),
    Column("after_user_id", Name, nullable=False),
    Column("finished_at", UtcTime),
    PrimaryKeyConstraint("course_id", "version"),
)
"""How far the backfill of each published version came."""

lms_replay = Table(
    "lms_replay",
    metadata,
    Column("replay_id", Id, nullable=False),
    Column("status", Name, nullable=False),
    Column("user_id", Name),
    Column("course_id", Name),
    Column("events_done", Seq, nullable=False),
    Column("events_total", Seq, nullable=False),
    Column("parked", Seq, nullable=False),
    Column("oldest_parked_at", UtcTime),
    Column("signals_gained", Seq, nullable=False),
    Column("signals_lost", Seq, nullable=False),
    Column("rows_differing", Seq, nullable=False),
    Column("error", Text),
    Column("started_at", UtcTime, nullable=False),
    Column("finished_at", UtcTime),
    PrimaryKeyConstraint("replay_id"),
    Index("lms_replay_by_status", "status"),
)
"""The replays: how far each came, and what it changed. `user_id` and `course_id` limit it."""

DERIVED_BY_LEARNER = (lms_progress, lms_signal, lms_xp, lms_learner)
DERIVED = (*DERIVED_BY_LEARNER, lms_xp_histogram, lms_event_daily, lms_retry)
"""The tables that a replay rebuilds from the log and the course history."""
