"""Activities: what the monitor noticed on the platform that it watches, and how far it has read there."""

from sqlalchemy import Column, Date, Index, Integer, PrimaryKeyConstraint, Table

from eventstore.db import JsonText, Name, UtcTime
from eventstore.tables.base import metadata

lms_activity = Table(
    "lms_activity",
    metadata,
    Column("user_id", Name, nullable=False),
    Column("message_id", Name, nullable=False),
    Column("type", Name, nullable=False),
    Column("occurred_at", UtcTime, nullable=False),
    Column("noticed_at", UtcTime, nullable=False),
    Column("notified_at", UtcTime),
    PrimaryKeyConstraint("user_id", "message_id"),
    Index("lms_activity_by_time", "occurred_at"),
)
"""What a student did; `message_id` is that of its message in the inbox. Notified: a mentor has been told of it."""

lms_notified_daily = Table(
    "lms_notified_daily",
    metadata,
    Column("day", Date, nullable=False),
    Column("type", Name, nullable=False),
    Column("shard", Integer, nullable=False),
    Column("activities", Integer, nullable=False),
    PrimaryKeyConstraint("day", "type", "shard"),
)
"""How many activities a mentor was first told of on a UTC day, as a sum over shards."""

lms_cursor = Table(
    "lms_cursor",
    metadata,
    Column("name", Name, nullable=False),
    Column("position", JsonText, nullable=False),
    Column("moved_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("name"),
)
"""How far something is read that others write, moved in the transaction that keeps what was read."""
