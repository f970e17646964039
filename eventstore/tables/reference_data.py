"""Facts: what integration messages tell of besides what learners did. Each has its time, since the last word counts."""

from sqlalchemy import Boolean, Column, Integer, PrimaryKeyConstraint, Table

from eventstore.db import Name, UtcTime
from eventstore.tables.base import metadata

lms_profile = Table(
    "lms_profile",
    metadata,
    Column("user_id", Name, nullable=False),
    Column("field", Name, nullable=False),
    Column("value", Name, nullable=False),
    Column("said_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("user_id", "field"),
)
"""What other systems said of learners last: a name, an address, a role."""

lms_enrolment = Table(
    "lms_enrolment",
    metadata,
    Column("user_id", Name, nullable=False),
    Column("course_id", Name, nullable=False),
    Column("enrolled_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("user_id", "course_id"),
)
"""Who is to take which course, and since when."""

lms_media = Table(
    "lms_media",
    metadata,
    Column("class_id", Name, nullable=False),
    Column("media_id", Name, nullable=False),
    Column("duration_sec", Integer, nullable=False),
    Column("said_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("class_id"),
)
"""The video of a class, as it was said last, and how long it takes."""

lms_reference = Table(
    "lms_reference",
    metadata,
    Column("source", Name, nullable=False),
    Column("kind", Name, nullable=False),
    Column("external_id", Name, nullable=False),
    Column("name", Name, nullable=False),
    Column("details", Name, nullable=False),
    Column("said_at", UtcTime, nullable=False),
    Column("is_deleted", Boolean, nullable=False),
    PrimaryKeyConstraint("source", "kind", "external_id"),
)
"""What messages of another system name by its ids there, as it was said last; '' is no name."""
