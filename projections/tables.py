"""The tables of projections: progress, the roll-ups, and the events that are parked."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Column, Date, Index, Integer, PrimaryKeyConstraint, Table, Text, text

from eventstore.db import Id, Name, UtcTime
from eventstore.tables import metadata
from projections.progress import FIELDS, ProgressField


class RetryStatus(StrEnum):
    """A `pending` event is retried; a `dead` one stays until an operator acts."""

    PENDING = "pending"
    DEAD = "dead"


COLUMN_TYPES: Mapping[type, Any] = {int: Integer, str: Name, datetime: UtcTime}
"""The column type of each Python type; a join may name another one."""


def column_of(field: ProgressField) -> Column[Any]:
    """Return the column of a progress field. It may be NULL if the field may be None."""
    return Column(
        field.column, field.join.column_type or COLUMN_TYPES[field.value_type], nullable=field.default is None
    )


lms_progress = Table(
    "lms_progress",
    metadata,
    Column("user_id", Name, nullable=False),
    Column("class_id", Name, nullable=False),
    Column("course_id", Name),
    *map(column_of, FIELDS),
    PrimaryKeyConstraint("user_id", "class_id"),
    Index("lms_progress_by_class", "class_id", "user_id"),
    Index("lms_progress_by_course", "course_id", "user_id"),
)
"""The progress that events prove, behind `v_user_progress`; `named_course_id` is the course that the events name."""

lms_learner = Table(
    "lms_learner",
    metadata,
    Column("user_id", Name, nullable=False),
    Column("last_activity_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("user_id"),
)
"""A row a learner: the roll-up of activity, and the lock that serialises the writes of that learner."""

lms_xp = Table(
    "lms_xp",
    metadata,
    Column("user_id", Name, nullable=False),
    Column("course_id", Name, nullable=False),
    Column("period", Name, nullable=False),
    Column("xp", Integer, nullable=False),
    PrimaryKeyConstraint("user_id", "course_id", "period"),
    Index("lms_xp_by_rank", "course_id", "period", text("xp DESC"), "user_id"),
)
"""The roll-up behind leaderboards: XP by learner, course ('' for all) and period ('all', a week, a month)."""

lms_xp_histogram = Table(
    "lms_xp_histogram",
    metadata,
    Column("course_id", Name, nullable=False),
    Column("period", Name, nullable=False),
    Column("xp", Integer, nullable=False),
    Column("shard", Integer, nullable=False),
    Column("learners", Integer, nullable=False),
    PrimaryKeyConstraint("course_id", "period", "xp", "shard"),
)
"""The roll-up behind ranks: the number of learners with an amount of XP on a leaderboard, as a sum over shards."""

lms_event_daily = Table(
    "lms_event_daily",
    metadata,
    Column("day", Date, nullable=False),
    Column("type", Name, nullable=False),
    Column("shard", Integer, nullable=False),
    Column("events", Integer, nullable=False),
    PrimaryKeyConstraint("day", "type", "shard"),
)
"""The roll-up behind v_event_daily_stats. Each process has a shard, so that writers do not wait for each other."""

lms_message_daily = Table(
    "lms_message_daily",
    metadata,
    Column("day", Date, nullable=False),
    Column("source", Name, nullable=False),
    Column("topic", Name, nullable=False),
    Column("type", Name, nullable=False),
    Column("shard", Integer, nullable=False),
    Column("messages", Integer, nullable=False),
    PrimaryKeyConstraint("day", "source", "topic", "type", "shard"),
)
"""The roll-up behind v_message_daily_stats: integration messages by the day of their storage, as a sum over shards."""

lms_retry = Table(
    "lms_retry",
    metadata,
    Column("retry_id", Id, nullable=False),
    Column("user_id", Name, nullable=False),
    Column("event_id", Id, nullable=False),
    Column("rule", Name, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("parked_at", UtcTime, nullable=False),
    Column("next_attempt_at", UtcTime, nullable=False),
    Column("last_error", Text, nullable=False),
    Column("status", Name, nullable=False),
    PrimaryKeyConstraint("user_id", "retry_id"),
    Index("lms_retry_by_due", "status", "next_attempt_at"),
    Index("lms_retry_by_status", "status", "parked_at"),
    Index("lms_retry_by_age", "parked_at"),
)
"""Events that cannot be projected yet."""
