"""The table of API keys."""

from sqlalchemy import Column, Index, PrimaryKeyConstraint, Table, Text

from eventstore.db import Name, UtcTime
from eventstore.tables import metadata

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
