"""The tables of signals: courses, signals, outbox messages, and reference data on learners and videos."""

from sqlalchemy import Column, Index, Integer, PrimaryKeyConstraint, Table, Text

from eventstore.db import Id, JsonText, Name, Seq, UtcTime, partial_index
from eventstore.tables import metadata

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
"""The course history. It is append-only like the log."""

lms_signal = Table(
    "lms_signal",
    metadata,
    Column("signal_id", Id, nullable=False),
    Column("type", Name, nullable=False),
    Column("user_id", Name, nullable=False),
    Column("class_id", Name),
    Column("course_id", Name),
    Column("occurred_at", UtcTime, nullable=False),
    Column("xp", Integer, nullable=False),
    PrimaryKeyConstraint("user_id", "signal_id"),
    Index("lms_signal_by_user", "user_id", "type"),
    Index("lms_signal_by_time", "occurred_at"),
    Index("lms_signal_by_type", "type", "occurred_at"),
    Index("lms_signal_by_class", "class_id", "occurred_at"),
    Index("lms_signal_by_course", "course_id", "occurred_at", **partial_index("course_id IS NOT NULL")),
)
"""The signals: facts derived from progress, on which others act."""

FOR_MENTORS = "type IN ('exam_passed', 'exam_failed', 'content_completed')"
"""The messages that notify mentors of activities: summaries select those of a period."""

lms_outbox = Table(
    "lms_outbox",
    metadata,
    Column("seq", Seq, nullable=False),
    Column("user_id", Name, nullable=False),
    Column("message_id", Id, nullable=False),
    Column("type", Name, nullable=False),
    Column("body", JsonText, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("percent", Integer),
    Column("relayed_at", UtcTime),
    PrimaryKeyConstraint("user_id", "message_id"),
    Index("lms_outbox_to_relay", "seq", **partial_index("relayed_at IS NULL")),
    Index("lms_outbox_for_mentors", "created_at", **partial_index(FOR_MENTORS)),
)
"""Outbox messages, written with their signal; `seq` orders one learner's. `relayed_at`: deliveries were created."""

lms_profile = Table(
    "lms_profile",
    metadata,
    Column("user_id", Name, nullable=False),
    Column("field", Name, nullable=False),
    Column("value", Name, nullable=False),
    Column("said_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("user_id", "field"),
)
"""The profile fields of learners, as other systems last sent them: a name, an address, a role."""

lms_enrolment = Table(
    "lms_enrolment",
    metadata,
    Column("user_id", Name, nullable=False),
    Column("course_id", Name, nullable=False),
    Column("enrolled_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("user_id", "course_id"),
)
"""The enrolments: who is to take which course, and since when."""

lms_media = Table(
    "lms_media",
    metadata,
    Column("class_id", Name, nullable=False),
    Column("media_id", Name, nullable=False),
    Column("duration_sec", Integer, nullable=False),
    Column("said_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("class_id"),
)
"""The videos of classes, as other systems last sent them, and their length."""
