"""What learners got to, as entries of a stream of ours, of the same form as the exam system's.

Pure: an announcement gives the same entry however often it is sent, by whose `signal_id` repeats are told.
"""

from pydantic_core import to_json

from integrations.contracts.redis import PROGRESS_EVENTS, Progress
from integrations.contracts.signal import AnnouncedSignal
from integrations.inbound.mapping import SystemMapping
from integrations.outbound.sink import OutboundMessage, Outgoing
from integrations.redis.translate import CLASS, MODULE
from signals.signal import SignalType

EVENTS = {each.value: each.value.lower() for each in SignalType}
"""Signals in the exam system's spelling: `course_completed`."""

TYPES = frozenset(EVENTS)
"""The signals that are announced."""


def encode(announcement: OutboundMessage, mapping: SystemMapping) -> Outgoing:
    """The entry to add; its body is the entry's fields as a JSON object."""
    signal = AnnouncedSignal.model_validate(announcement.body)
    payload = Progress(
        signal_id=announcement.message_id,
        user_id=signal.user_id,
        class_id=signal.class_id,
        course_id=signal.course_id,
        lms_class_id=signal.class_id and mapping.external_id(CLASS, signal.class_id),
        module_id=signal.class_id and mapping.external_id(MODULE, signal.class_id),
        percent=signal.percent,
        occurred_at=signal.occurred_at,
    )
    fields = {"event": EVENTS[signal.type], "payload": payload.model_dump_json()}
    return Outgoing(PROGRESS_EVENTS, fields["event"], to_json(fields))
