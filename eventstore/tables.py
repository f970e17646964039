"""The tables of the event store, and the MetaData of all tables. Each layer declares its own tables on it.

Migrations create the tables; a test holds both equal. Tables of learners have a key that begins with user_id, so that
PostgreSQL can distribute them by it (Citus).
"""

from sqlalchemy import Column, Index, MetaData, PrimaryKeyConstraint, Table, Text

from eventstore.db import Id, JsonText, Name, Seq, UtcTime

metadata = MetaData()
"""All tables of all layers."""


def in_schema(table: Table, schema: str) -> Table:
    """Return the table in a schema, for statements that read both a shadow and the live tables."""
    return table.to_metadata(MetaData(), schema=schema)


lms_event = Table(
    "lms_event",
    metadata,
    Column("seq", Seq, nullable=False),
    Column("event_id", Id, nullable=False),
    Column("type", Name, nullable=False),
    Column("version", Text, nullable=False),
    Column("user_id", Name, nullable=False),
    Column("class_id", Name, nullable=False),
    Column("course_id", Name),
    Column("payload", JsonText, nullable=False),
    Column("occurred_at", UtcTime, nullable=False),
    Column("recorded_at", UtcTime, nullable=False),
    Column("source", Name, nullable=False),
    Column("correlation_id", Text),
    PrimaryKeyConstraint("user_id", "event_id"),
    Index("lms_event_by_seq", "seq"),
    Index("lms_event_by_user", "user_id", "occurred_at"),
    Index("lms_event_by_time", "occurred_at"),
    Index("lms_event_by_type", "type", "occurred_at"),
)
"""The log of events. It is append-only: the database rejects UPDATE and DELETE."""

lms_erasure = Table(
    "lms_erasure",
    metadata,
    Column("user_id", Name, nullable=False),
    Column("erased_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("user_id"),
)
"""Learners whose records were erased on request. Only their events can be deleted from the log."""
