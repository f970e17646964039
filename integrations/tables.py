"""The tables of integrations: the inbox, deliveries, subscriptions, and the state of pollers and leaders."""

from enum import StrEnum

from sqlalchemy import Boolean, Column, Date, Index, Integer, PrimaryKeyConstraint, Table, Text

from eventstore.db import Id, JsonText, Name, Seq, UtcTime, partial_index
from eventstore.tables import metadata


class InboxStatus(StrEnum):
    """`done`: all that it amounts to is kept. `parked`: something is missing by which it could be understood."""

    DONE = "done"
    PARKED = "parked"


class DeliveryStatus(StrEnum):
    """`pending` is tried until it is `sent`; `dead` is not tried any more."""

    PENDING = "pending"
    SENT = "sent"
    DEAD = "dead"


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

lms_lease = Table(
    "lms_lease",
    metadata,
    Column("name", Name, nullable=False),
    Column("holder", Name, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("name"),
)
"""Which process does what only one may do at a time, and until when it is taken to be alive."""
