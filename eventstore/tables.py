"""Every table, for statements to be written against. `migrations/` makes them; a test holds the two equal.

Tables of learners are keyed by user_id first, so that PostgreSQL can distribute them by it (Citus).
"""

from sqlalchemy import Boolean, Column, Date, Index, Integer, MetaData, PrimaryKeyConstraint, Table, Text, text

from eventstore.dialects import Id, JsonText, Name, Seq, UtcTime, only_rows

metadata = MetaData()

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

lms_progress = Table(
    "lms_progress",
    metadata,
    Column("user_id", Name, nullable=False),
    Column("class_id", Name, nullable=False),
    Column("course_id", Name),
    Column("named_course_id", Name),
    Column("video_max_position_sec", Integer, nullable=False),
    Column("video_completed_at", UtcTime),
    Column("quiz_score", Integer),
    Column("quiz_passed_at", UtcTime),
    PrimaryKeyConstraint("user_id", "class_id"),
    Index("lms_progress_by_class", "class_id", "user_id"),
    Index("lms_progress_by_course", "course_id", "user_id"),
)
"""What events add up to. `v_user_progress` shows it; `named_course_id` is the course that events name."""

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
    Index("lms_signal_by_user", "user_id", "type", "occurred_at"),
    Index("lms_signal_by_time", "occurred_at"),
    Index("lms_signal_by_type", "type", "occurred_at"),
    Index("lms_signal_by_class", "class_id", "occurred_at"),
    Index("lms_signal_by_course", "course_id", "occurred_at"),
)
"""What progress means: facts that others act on."""

lms_learner = Table(
    "lms_learner",
    metadata,
    Column("user_id", Name, nullable=False),
    Column("last_activity_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("user_id"),
)
"""One row a learner: the roll-up of activity, and the lock that serialises what is written for that learner."""

lms_xp = Table(
    "lms_xp",
    metadata,
    Column("user_id", Name, nullable=False),
    Column("course_id", Name, nullable=False),
    Column("period", Name, nullable=False),
    Column("xp", Integer, nullable=False),
    PrimaryKeyConstraint("user_id", "course_id", "period"),
    Index("lms_xp_by_rank", "course_id", "period", text("xp DESC"), "user_id"),
)
"""The roll-up behind leaderboards: XP a learner, a course ('' for all) and a period ('all', a week, a month)."""

lms_xp_histogram = Table(
    "lms_xp_histogram",
    metadata,
    Column("course_id", Name, nullable=False),
    Column("period", Name, nullable=False),
    Column("xp", Integer, nullable=False),
    Column("shard", Integer, nullable=False),
    Column("learners", Integer, nullable=False),
    PrimaryKeyConstraint("course_id", "period", "xp", "shard"),
)
"""The roll-up behind ranks: how many learners have so much XP on a leaderboard, as a sum over shards."""

lms_event_daily = Table(
    "lms_event_daily",
    metadata,
    Column("day", Date, nullable=False),
    Column("type", Name, nullable=False),
    Column("shard", Integer, nullable=False),
    Column("events", Integer, nullable=False),
    PrimaryKeyConstraint("day", "type", "shard"),
)
"""The roll-up behind v_event_daily_stats. A shard a process, so that writers do not wait for each other."""

lms_retry = Table(
    "lms_retry",
    metadata,
    Column("retry_id", Id, nullable=False),
    Column("user_id", Name, nullable=False),
    Column("event_id", Id, nullable=False),
    Column("rule", Name, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("parked_at", UtcTime, nullable=False),
    Column("next_attempt_at", UtcTime, nullable=False),
    Column("last_error", Text, nullable=False),
    Column("status", Name, nullable=False),
    PrimaryKeyConstraint("user_id", "retry_id"),
    Index("lms_retry_by_due", "status", "next_attempt_at"),
    Index("lms_retry_by_status", "status", "parked_at"),
    Index("lms_retry_by_age", "parked_at"),
)
"""Events that a rule could not take yet."""

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
    Index("lms_inbox_parked", "source", "message_id", **only_rows("status = 'parked'")),
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
    Index("lms_outbox_to_relay", "seq", **only_rows("relayed_at IS NULL")),
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
    Column("sent_at", UtcTime),
    PrimaryKeyConstraint("user_id", "sink", "message_id"),
    Index("lms_delivery_by_status", "status", "sink", "seq"),
    Index("lms_delivery_in_order", "sink", "user_id", "seq", **only_rows("status = 'pending'")),
)
"""What becomes of each announcement at each sink that takes its type."""

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

lms_erasure = Table(
    "lms_erasure",
    metadata,
    Column("user_id", Name, nullable=False),
    Column("erased_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("user_id"),
)
"""Learners whose records were erased on request: for them alone the log gives way to DELETE."""

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

DERIVED_BY_LEARNER = (lms_progress, lms_signal, lms_xp, lms_learner)
DERIVED = (*DERIVED_BY_LEARNER, lms_xp_histogram, lms_event_daily, lms_retry)
"""What a replay builds anew, from the log and the course history alone."""


def on_side(table: Table, schema: str) -> Table:
    """The same table in a schema: a statement that sees both a shadow and the live tables tells them apart by it."""
    return table.to_metadata(MetaData(), schema=schema)
