"""The tables of integrations: the inbox, deliveries, subscriptions, and the state of pollers and leaders."""

from enum import StrEnum

from sqlalchemy import Boolean, Column, Date, Index, Integer, PrimaryKeyConstraint, Table, Text

from eventstore.db import Id, JsonText, Name, Seq, UtcTime, partial_index
from eventstore.tables import metadata


class InboxStatus(StrEnum):
    """A `done` message has been translated and stored. A `parked` one lacks something that its translation needs."""

    DONE = "done"
    PARKED = "parked"


class DeliveryStatus(StrEnum):
    """A `pending` delivery is attempted until it is `sent`; a `dead` one is not attempted any more."""

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
"""Integration messages as they came in: done, with their event if they gave one, or parked with the reason."""

lms_inbox_reference = Table(
    "lms_inbox_reference",
    metadata,
    Column("source", Name, nullable=False),
    Column("kind", Name, nullable=False),
    Column("external_id", Name, nullable=False),
    Column("message_id", Name, nullable=False),
    PrimaryKeyConstraint("source", "kind", "external_id", "message_id"),
)
"""The references that parked messages name: a message is translated again when one of them arrives."""

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
"""The things that messages of another system name by id, as that system last sent them; '' is no name."""

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
"""The delivery of each outbox message to each sink. `receipt` is the receiver's own id of the message."""

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
"""Webhook subscriptions. A subscription is disabled when its receiver answers that it is gone."""

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
"""Activities of students; `message_id` is that of the message in the inbox. `notified_at`: a mentor was notified."""

lms_notified_daily = Table(
    "lms_notified_daily",
    metadata,
    Column("day", Date, nullable=False),
    Column("type", Name, nullable=False),
    Column("shard", Integer, nullable=False),
    Column("activities", Integer, nullable=False),
    PrimaryKeyConstraint("day", "type", "shard"),
)
"""The number of activities of which a mentor was first notified on a UTC day, as a sum over shards."""

lms_cursor = Table(
    "lms_cursor",
    metadata,
    Column("name", Name, nullable=False),
    Column("position", JsonText, nullable=False),
    Column("moved_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("name"),
)
"""How far another system's data has been read, advanced in the transaction that stores it."""

lms_lease = Table(
    "lms_lease",
    metadata,
    Column("name", Name, nullable=False),
    Column("holder", Name, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("name"),
)
"""Which process does the work that only one may do at a time, and until when it counts as alive."""
