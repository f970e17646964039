"""The outbox: what is announced to other systems, who they are, and what became of it there."""

from sqlalchemy import Column, Index, Integer, PrimaryKeyConstraint, Table, Text

from eventstore.db import Id, JsonText, Name, Seq, UtcTime, partial_index
from eventstore.tables.base import metadata

FOR_MENTORS = "type IN ('exam_passed', 'exam_failed', 'content_completed')"
"""Which announcements tell mentors of activities: summaries look for those of a period."""

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
"""Announcements, written with the signal that each is of; `seq` orders one learner's. Relayed: deliveries are due."""

lms_delivery = Table(
    "lms_delivery",
    metadata,
    Column("user_id", Name, nullable=False),
    Column("sink", Name, nullable=False),
    Column("message_id", Id, nullable=False),
    Column("type", Name, nullable=False),
    Column("seq", Seq, nullable=False),
    Column("status", Name, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("first_attempt_at", UtcTime),
    Column("next_attempt_at", UtcTime, nullable=False),
    Column("last_error", Text),
    Column("receipt", Text),
    Column("sent_at", UtcTime),
    PrimaryKeyConstraint("user_id", "sink", "message_id"),
    Index("lms_delivery_by_status", "status", "sink", "seq"),
    Index("lms_delivery_in_order", "sink", "user_id", "seq", **partial_index("status = 'pending'")),
)
"""What becomes of each announcement at each sink that takes its type. Receipt: the receiver's id of what arrived."""

lms_subscription = Table(
    "lms_subscription",
    metadata,
    Column("subscription_id", Name, nullable=False),
    Column("url", Text, nullable=False),
    Column("types", Text, nullable=False),
    Column("secret", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("disabled_at", UtcTime),
    PrimaryKeyConstraint("subscription_id"),
    Index("lms_subscription_by_age", "created_at", "subscription_id"),
)
"""URLs that are told of signals: webhooks. Disabled is one whose receiver has said that it is gone."""
