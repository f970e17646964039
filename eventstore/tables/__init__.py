"""Every table, for statements to be written against. `migrations/` makes them; a test holds the two equal.

Tables of learners are keyed by user_id first, so that PostgreSQL can distribute them by it (Citus).
"""

from eventstore.tables.activity import lms_activity, lms_cursor, lms_notified_daily
from eventstore.tables.base import in_schema, metadata
from eventstore.tables.derived import (
    DERIVED,
    DERIVED_BY_LEARNER,
    lms_event_daily,
    lms_learner,
    lms_progress,
    lms_retry,
    lms_signal,
    lms_xp,
    lms_xp_histogram,
)
from eventstore.tables.history import lms_course_version, lms_erasure, lms_event
from eventstore.tables.inbox import lms_inbox, lms_inbox_reference, lms_message_daily
from eventstore.tables.operations import lms_grant, lms_key, lms_lease, lms_replay
from eventstore.tables.outbox import FOR_MENTORS, lms_delivery, lms_outbox, lms_subscription
from eventstore.tables.reference_data import lms_enrolment, lms_media, lms_profile, lms_reference

__all__ = [
    "DERIVED",
    "DERIVED_BY_LEARNER",
    "FOR_MENTORS",
    "in_schema",
    "lms_activity",
    "lms_course_version",
    "lms_cursor",
    "lms_delivery",
    "lms_enrolment",
    "lms_erasure",
    "lms_event",
    "lms_event_daily",
    "lms_grant",
    "lms_inbox",
    "lms_inbox_reference",
    "lms_key",
    "lms_learner",
    "lms_lease",
    "lms_media",
    "lms_message_daily",
    "lms_notified_daily",
    "lms_outbox",
    "lms_profile",
    "lms_progress",
    "lms_reference",
    "lms_replay",
    "lms_retry",
    "lms_signal",
    "lms_subscription",
    "lms_xp",
    "lms_xp_histogram",
    "metadata",
]
