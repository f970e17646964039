"""The first schema: the log, the course history, what is derived from them, and what goes in and out."""

from alembic import op
from sqlalchemy import Boolean, Column, Date, Index, Integer, PrimaryKeyConstraint, Text, text

from eventstore.db import Id, JsonText, Name, Seq, UtcTime, append_only, partial_index, seq_keys

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_log()
    create_course_history()
    create_derived()
    create_rollups()
    create_operations()
    create_inbox()
    create_outbox()
    create_facts()
    create_activity()
    dialect = op.get_bind().dialect
    log = append_only(dialect, "lms_event", ("user_id", "event_id"), erasable=True)
    for statement in log + append_only(dialect, "lms_course_version", ("course_id", "version")):
        op.execute(statement)


def create_log() -> None:
    keys = seq_keys(op.get_bind().dialect, ("user_id", "event_id"), Index("lms_event_by_seq", "seq"))
    op.create_table(
        "lms_event",
        Column("seq", Seq, *keys.seq, nullable=False),
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
        *keys.constraints,
    )
    op.create_index("lms_event_by_user", "lms_event", ["user_id", "occurred_at"])
    op.create_index("lms_event_by_time", "lms_event", ["occurred_at"])
    op.create_index("lms_event_by_type", "lms_event", ["type", "occurred_at"])
    op.create_table(
        "lms_erasure",
        Column("user_id", Name, nullable=False),
        Column("erased_at", UtcTime, nullable=False),
        PrimaryKeyConstraint("user_id"),
    )


def create_course_history() -> None:
    op.create_table(
        "lms_course_version",
        Column("course_id", Name, nullable=False),
        Column("version", Integer, nullable=False),
        Column("title", Text, nullable=False),
        Column("steps", JsonText, nullable=False),
        Column("published_at", UtcTime, nullable=False),
        PrimaryKeyConstraint("course_id", "version"),
    )
    op.create_table(
        "lms_grant",
        Column("course_id", Name, nullable=False),
        Column("version", Integer, nullable=False),
        Column("after_user_id", Name, nullable=False),
        Column("finished_at", UtcTime),
        PrimaryKeyConstraint("course_id", "version"),
    )


def create_derived() -> None:
    op.create_table(
        "lms_progress",
        Column("user_id", Name, nullable=False),
        Column("class_id", Name, nullable=False),
        Column("course_id", Name),
        Column("named_course_id", Name),
        Column("video_max_position_sec", Integer, nullable=False),
        Column("video_completed_at", UtcTime),
        Column("quiz_score", Integer),
        Column("quiz_passed_at", UtcTime),
        PrimaryKeyConstraint("user_id", "class_id"),
    )
    op.create_index("lms_progress_by_class", "lms_progress", ["class_id", "user_id"])
    op.create_index("lms_progress_by_course", "lms_progress", ["course_id", "user_id"])
    op.create_table(
        "lms_signal",
        Column("signal_id", Id, nullable=False),
        Column("type", Name, nullable=False),
        Column("user_id", Name, nullable=False),
        Column("class_id", Name),
        Column("course_id", Name),
        Column("occurred_at", UtcTime, nullable=False),
        Column("xp", Integer, nullable=False),
        PrimaryKeyConstraint("user_id", "signal_id"),
    )
    op.create_index("lms_signal_by_user", "lms_signal", ["user_id", "type"])
    op.create_index("lms_signal_by_time", "lms_signal", ["occurred_at"])
    op.create_index("lms_signal_by_type", "lms_signal", ["type", "occurred_at"])
    op.create_index("lms_signal_by_class", "lms_signal", ["class_id", "occurred_at"])
    op.create_index(
        "lms_signal_by_course", "lms_signal", ["course_id", "occurred_at"], **partial_index("course_id IS NOT NULL")
    )


def create_rollups() -> None:
    op.create_table(
        "lms_learner",
        Column("user_id", Name, nullable=False),
        Column("last_activity_at", UtcTime, nullable=False),
        PrimaryKeyConstraint("user_id"),
    )
    op.create_table(
        "lms_xp",
        Column("user_id", Name, nullable=False),
        Column("course_id", Name, nullable=False),
        Column("period", Name, nullable=False),
        Column("xp", Integer, nullable=False),
        PrimaryKeyConstraint("user_id", "course_id", "period"),
    )
    op.create_index("lms_xp_by_rank", "lms_xp", ["course_id", "period", text("xp DESC"), "user_id"])
    op.create_table(
        "lms_xp_histogram",
        Column("course_id", Name, nullable=False),
        Column("period", Name, nullable=False),
        Column("xp", Integer, nullable=False),
        Column("shard", Integer, nullable=False),
        Column("learners", Integer, nullable=False),
        PrimaryKeyConstraint("course_id", "period", "xp", "shard"),
    )
    op.create_table(
        "lms_event_daily",
        Column("day", Date, nullable=False),
        Column("type", Name, nullable=False),
        Column("shard", Integer, nullable=False),
        Column("events", Integer, nullable=False),
        PrimaryKeyConstraint("day", "type", "shard"),
    )


def create_operations() -> None:
    op.create_table(
        "lms_retry",
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
    )
    op.create_index("lms_retry_by_due", "lms_retry", ["status", "next_attempt_at"])
    op.create_index("lms_retry_by_status", "lms_retry", ["status", "parked_at"])
    op.create_index("lms_retry_by_age", "lms_retry", ["parked_at"])
    op.create_table(
        "lms_key",
        Column("key_id", Name, nullable=False),
        Column("name", Text, nullable=False),
        Column("hash", Text, nullable=False),
        Column("scopes", Text, nullable=False),
        Column("created_at", UtcTime, nullable=False),
        Column("revoked_at", UtcTime),
        PrimaryKeyConstraint("key_id"),
    )
    op.create_index("lms_key_by_hash", "lms_key", ["hash"], unique=True)
    op.create_table(
        "lms_replay",
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
    )
    op.create_index("lms_replay_by_status", "lms_replay", ["status"])


def create_inbox() -> None:
    op.create_table(
        "lms_inbox",
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
    )
    op.create_index("lms_inbox_parked", "lms_inbox", ["source", "message_id"], **partial_index("status = 'parked'"))
    op.create_table(
        "lms_inbox_reference",
        Column("source", Name, nullable=False),
        Column("kind", Name, nullable=False),
        Column("external_id", Name, nullable=False),
        Column("message_id", Name, nullable=False),
        PrimaryKeyConstraint("source", "kind", "external_id", "message_id"),
    )
    op.create_table(
        "lms_message_daily",
        Column("day", Date, nullable=False),
        Column("source", Name, nullable=False),
        Column("topic", Name, nullable=False),
        Column("type", Name, nullable=False),
        Column("shard", Integer, nullable=False),
        Column("messages", Integer, nullable=False),
        PrimaryKeyConstraint("day", "source", "topic", "type", "shard"),
    )


def create_outbox() -> None:
    keys = seq_keys(op.get_bind().dialect, ("user_id", "message_id"))
    op.create_table(
        "lms_outbox",
        Column("seq", Seq, *keys.seq, nullable=False),
        Column("user_id", Name, nullable=False),
        Column("message_id", Id, nullable=False),
        Column("type", Name, nullable=False),
        Column("body", JsonText, nullable=False),
        Column("created_at", UtcTime, nullable=False),
        Column("percent", Integer),
        Column("relayed_at", UtcTime),
        *keys.constraints,
    )
    op.create_index("lms_outbox_to_relay", "lms_outbox", ["seq"], **partial_index("relayed_at IS NULL"))
    told_of = "type IN ('exam_passed', 'exam_failed', 'content_completed')"
    op.create_index("lms_outbox_for_mentors", "lms_outbox", ["created_at"], **partial_index(told_of))
    op.create_table(
        "lms_delivery",
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
    )
    op.create_index("lms_delivery_by_status", "lms_delivery", ["status", "sink", "seq"])
    in_order = partial_index("status = 'pending'")
    op.create_index("lms_delivery_in_order", "lms_delivery", ["sink", "user_id", "seq"], **in_order)
    op.create_table(
        "lms_subscription",
        Column("subscription_id", Name, nullable=False),
        Column("url", Text, nullable=False),
        Column("types", Text, nullable=False),
        Column("secret", Text, nullable=False),
        Column("created_at", UtcTime, nullable=False),
        Column("disabled_at", UtcTime),
        PrimaryKeyConstraint("subscription_id"),
    )
    op.create_index("lms_subscription_by_age", "lms_subscription", ["created_at", "subscription_id"])
    op.create_table(
        "lms_lease",
        Column("name", Name, nullable=False),
        Column("holder", Name, nullable=False),
        Column("expires_at", UtcTime, nullable=False),
        PrimaryKeyConstraint("name"),
    )


def create_facts() -> None:
    op.create_table(
        "lms_profile",
        Column("user_id", Name, nullable=False),
        Column("field", Name, nullable=False),
        Column("value", Name, nullable=False),
        Column("said_at", UtcTime, nullable=False),
        PrimaryKeyConstraint("user_id", "field"),
    )
    op.create_table(
        "lms_enrolment",
        Column("user_id", Name, nullable=False),
        Column("course_id", Name, nullable=False),
        Column("enrolled_at", UtcTime, nullable=False),
        PrimaryKeyConstraint("user_id", "course_id"),
    )
    op.create_table(
        "lms_media",
        Column("class_id", Name, nullable=False),
        Column("media_id", Name, nullable=False),
        Column("duration_sec", Integer, nullable=False),
        Column("said_at", UtcTime, nullable=False),
        PrimaryKeyConstraint("class_id"),
    )
    op.create_table(
        "lms_reference",
        Column("source", Name, nullable=False),
        Column("kind", Name, nullable=False),
        Column("external_id", Name, nullable=False),
        Column("name", Name, nullable=False),
        Column("details", Name, nullable=False),
        Column("said_at", UtcTime, nullable=False),
        Column("is_deleted", Boolean, nullable=False),
        PrimaryKeyConstraint("source", "kind", "external_id"),
    )


def create_activity() -> None:
    op.create_table(
        "lms_activity",
        Column("user_id", Name, nullable=False),
        Column("message_id", Name, nullable=False),
        Column("type", Name, nullable=False),
        Column("occurred_at", UtcTime, nullable=False),
        Column("noticed_at", UtcTime, nullable=False),
        Column("notified_at", UtcTime),
        PrimaryKeyConstraint("user_id", "message_id"),
    )
    op.create_index("lms_activity_by_time", "lms_activity", ["occurred_at"])
    op.create_table(
        "lms_notified_daily",
        Column("day", Date, nullable=False),
        Column("type", Name, nullable=False),
        Column("shard", Integer, nullable=False),
        Column("activities", Integer, nullable=False),
        PrimaryKeyConstraint("day", "type", "shard"),
    )
    op.create_table(
        "lms_cursor",
        Column("name", Name, nullable=False),
        Column("position", JsonText, nullable=False),
        Column("moved_at", UtcTime, nullable=False),
        PrimaryKeyConstraint("name"),
    )
