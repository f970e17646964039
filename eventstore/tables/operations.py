"""Operations: how far the work of processes came, which of them does it, and who may call them."""

from sqlalchemy import Column, Index, Integer, PrimaryKeyConstraint, Table, Text

from eventstore.db import Id, Name, Seq, UtcTime
from eventstore.tables.base import metadata

lms_grant = Table(
    "lms_grant",
    metadata,
    Column("course_id", Name, nullable=False),
    Column("version", Integer, nullable=False),
    Column("after_user_id", Name, nullable=False),
    Column("finished_at", UtcTime),
    PrimaryKeyConstraint("course_id", "version"),
)
"""How far each published version has been granted to the learners who were there before it."""

lms_lease = Table(
    "lms_lease",
    metadata,
    Column("name", Name, nullable=False),
    Column("holder", Name, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("name"),
)
"""Which process does what only one may do at a time, and until when it is taken to be alive."""

lms_key = Table(
    "lms_key",
    metadata,
    Column("key_id", Name, nullable=False),
    Column("name", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("revoked_at", UtcTime),
    PrimaryKeyConstraint("key_id"),
    Index("lms_key_by_hash", "hash", unique=True),
)
"""API keys: the SHA-256 of each, never the key itself."""

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
"""Each replay: how far it came, and what it changed. `user_id` and `course_id` say what it was limited to."""
