"""What learners got to, as events on a topic of ours in the learning platform's envelope.

Pure: an announcement gives the same event however often it is sent.
"""

from integrations.contracts.kafka import PROGRESS_EVENTS, Progress, ProgressEvent
from integrations.contracts.signal import AnnouncedSignal
from integrations.inbound.mapping import SystemMapping
from integrations.kafka.translate import EXAM
from integrations.outbound.sink import OutboundMessage, Outgoing
from signals.signal import SignalType

EVENT_TYPES = {each.value: each.value.lower().replace("_", ".") for each in SignalType}
"""Signals in the platform's spelling: `course.completed`."""

TYPES = frozenset(EVENT_TYPES)
"""The signals that are announced."""


def encode(announcement: OutboundMessage, mapping: SystemMapping) -> Outgoing:
    """The event to produce, for the partition of its learner."""
    signal = AnnouncedSignal.model_validate(announcement.body)
    event = ProgressEvent(
        event_id=announcement.message_id,
        event_type=EVENT_TYPES[signal.type],
        timestamp=announcement.created_at,
        user_id=signal.user_id,
        payload=Progress(
            class_id=signal.class_id,
            course_id=signal.course_id,
            exam_id=signal.class_id and mapping.external_id(EXAM, signal.class_id),
            percent=signal.percent,
            occurred_at=signal.occurred_at,
        ),
    )
    return Outgoing(PROGRESS_EVENTS, event.event_type, event.model_dump_json().encode())
