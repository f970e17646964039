"""What learners got to, in the course platform's words: a step is progress in a course, a course is a certificate.

Pure: an announcement gives the same event however often it is sent.
"""

from integrations.contracts.rabbitmq import (
    CERTIFICATE_ISSUED,
    PROGRESS_UPDATED,
    CertificateIssued,
    Envelope,
    ProgressUpdated,
)
from integrations.contracts.signal import AnnouncedSignal
from integrations.inbound.mapping import COURSE, SystemMapping
from integrations.outbound.sink import OutboundMessage, Outgoing
from integrations.rabbitmq.translate import LECTURE
from signals.signal import SignalType

SERVICE = "progress-service"
"""What the platform calls the service that sends these events."""

TYPES = frozenset({SignalType.STEP_COMPLETED.value, SignalType.COURSE_COMPLETED.value})
"""The signals that are announced."""


def encode(announcement: OutboundMessage, mapping: SystemMapping) -> Outgoing:
    """The event to publish; its routing key is `topic`. Ids are theirs where the mapping file says so, else ours."""
    signal = AnnouncedSignal.model_validate(announcement.body)
    data = certificate(signal, mapping) if signal.type is SignalType.COURSE_COMPLETED else progress(signal, mapping)
    event_type = CERTIFICATE_ISSUED if isinstance(data, CertificateIssued) else PROGRESS_UPDATED
    envelope = Envelope[ProgressUpdated | CertificateIssued](
        event_id=announcement.message_id,
        event_type=event_type,
        timestamp=announcement.created_at,
        version="1.0",
        source=SERVICE,
        data=data,
    )
    return Outgoing(event_type, event_type, envelope.model_dump_json(by_alias=True).encode())


def progress(signal: AnnouncedSignal, mapping: SystemMapping) -> ProgressUpdated:
    return ProgressUpdated(
        user_id=signal.user_id,
        course_id=external_id(COURSE, signal.course_id, mapping),
        lecture_id=external_id(LECTURE, signal.class_id, mapping),
        progress_percentage=signal.percent or 0,
        completed_at=signal.occurred_at,
    )


def certificate(signal: AnnouncedSignal, mapping: SystemMapping) -> CertificateIssued:
    return CertificateIssued(
        certificate_id=signal.signal_id,
        user_id=signal.user_id,
        course_id=external_id(COURSE, signal.course_id, mapping),
        issued_at=signal.occurred_at,
    )


def external_id(kind: str, our_id: str | None, mapping: SystemMapping) -> str:
    """What the platform calls a class or a course. A step's signal names both, a course's its course."""
    return mapping.external_id(kind, our_id or "") or our_id or ""
