"""The inbox: integration messages as other systems sent them, so that none is lost before it can be understood."""

from sqlalchemy import Column, Date, Index, Integer, PrimaryKeyConstraint, Table, Text

from eventstore.db import Id, JsonText, Name, UtcTime, partial_index
from eventstore.tables.base import metadata

lms_inbox = Table(
    "lms_inbox",
    metadata,
    Column("source", Name, nullable=False),
    Column("message_id", Name, nullable=False),
    Column("type", Name, nullable=False),
    Column("topic", Name, nullable=False),
    Column("body", JsonText, nullable=False),
    Column("received_at", UtcTime, nullable=False),
    Column("status", Name, nullable=False),
    Column("reason", Text),
    Column("user_id", Name),
    Column("event_id", Id),
    PrimaryKeyConstraint("source", "message_id"),
    Index("lms_inbox_parked", "source", "message_id", **partial_index("status = 'parked'")),
)
"""Integration messages as they came in: done, with the event named if they gave one, or parked with the reason."""

lms_inbox_reference = Table(
    "lms_inbox_reference",
    metadata,
    Column("source", Name, nullable=False),
    Column("kind", Name, nullable=False),
    Column("external_id", Name, nullable=False),
    Column("message_id", Name, nullable=False),
    PrimaryKeyConstraint("source", "kind", "external_id", "message_id"),
)
"""Which references the parked messages name: they are tried again when one of them arrives."""

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
"""The roll-up behind v_message_daily_stats: integration messages by the day they were kept on, as a sum over shards."""
