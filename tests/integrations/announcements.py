"""Announcements as the relay hands them to a sink, one of each type of signal."""

from datetime import UTC, datetime

from eventstore.times import to_text
from integrations.outbound.sink import OutboundMessage
from signals.signal import Signal, SignalType

OCCURRED_AT = datetime(2026, 2, 6, 10, 45, tzinfo=UTC)
CREATED_AT = datetime(2026, 2, 6, 10, 45, 1, 500000, tzinfo=UTC)
SIGNALS = {
    SignalType.VIDEO_COMPLETED: Signal(SignalType.VIDEO_COMPLETED, "ada", "loops", None, OCCURRED_AT),
    SignalType.QUIZ_PASSED: Signal(SignalType.QUIZ_PASSED, "ada", "loops", None, OCCURRED_AT),
    SignalType.STEP_COMPLETED: Signal(SignalType.STEP_COMPLETED, "ada", "loops", "python-101", OCCURRED_AT),
    SignalType.COURSE_COMPLETED: Signal(SignalType.COURSE_COMPLETED, "ada", None, "python-101", OCCURRED_AT),
}
PERCENT = {SignalType.STEP_COMPLETED: 75, SignalType.COURSE_COMPLETED: 100}


def announcement(signal_type: SignalType) -> OutboundMessage:
    """An announcement as the relay hands it over."""
    signal = SIGNALS[signal_type]
    body = signal._asdict() | {"signal_id": signal.signal_id, "occurred_at": to_text(signal.occurred_at)}
    percent = {"percent": PERCENT[signal_type]} if signal_type in PERCENT else {}
    return OutboundMessage(signal.signal_id, signal.user_id, signal_type, body | percent, CREATED_AT)
