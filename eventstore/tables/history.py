"""History: what is only ever added to, since all else follows from it. Erasing a learner is the one exception."""

from sqlalchemy import Column, Index, Integer, PrimaryKeyConstraint, Table, Text

from eventstore.db import Id, JsonText, Name, Seq, UtcTime
from eventstore.tables.base import metadata

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
"""The log. Append-only: the database refuses UPDATE and DELETE."""

lms_course_version = Table(
    "lms_course_version",
    metadata,
    Column("course_id", Name, nullable=False),
    Column("version", Integer, nullable=False),
    Column("title", Text, nullable=False),
    Column("steps", JsonText, nullable=False),
    Column("published_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("course_id", "version"),
)
"""The course history. Append-only like the log."""

lms_erasure = Table(
    "lms_erasure",
    metadata,
    Column("user_id", Name, nullable=False),
    Column("erased_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("user_id"),
)
"""Learners whose records were erased on request: for them alone the log gives way to DELETE."""
