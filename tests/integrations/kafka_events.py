"""Events of the learning platform, as the page of its platform prints them, with ids in the places of "uuid"."""

import json
import uuid
from collections.abc import Mapping

from integrations.inbound.message import Message
from integrations.inbound.source import Delivery
from integrations.kafka.decode import decode
from tests.integrations.worlds import NOW
from tests.support.kafka import KafkaServer

Event = Mapping[str, object]

EXAM = "5f0c7a52-6f9c-4f0e-8d43-0d0cf6b1a001"
SESSION = "6f0c7a52-6f9c-4f0e-8d43-0d0cf6b1a002"
USER = "7f0c7a52-6f9c-4f0e-8d43-0d0cf6b1a003"

DOCUMENT: Event = {
    "document_id": "8f0c7a52-6f9c-4f0e-8d43-0d0cf6b1a004",
    "classroom_id": "9f0c7a52-6f9c-4f0e-8d43-0d0cf6b1a005",
    "user_id": USER,
    "payload": {"filename": "notes.pdf", "file_size": 1024000, "status": "uploaded"},
}
MEETING: Event = {
    "meeting_id": "af0c7a52-6f9c-4f0e-8d43-0d0cf6b1a006",
    "payload": {"participant_id": USER, "participant_name": "John Doe"},
}
QUERY: Event = {
    "session_id": "bf0c7a52-6f9c-4f0e-8d43-0d0cf6b1a007",
    "user_id": USER,
    "payload": {
        "question": "What is photosynthesis?",
        "answer_latency_ms": 1250,
        "sources_count": 3,
        "related_to_previous": True,
    },
}
ASSESSMENT: Event = {
    "exam_session_id": SESSION,
    "user_id": USER,
    "payload": {"exam_id": EXAM, "score": 85.5, "violations": []},
}
ANALYTICS: Event = {"user_id": USER, "payload": {"page": "/dashboard", "duration_ms": 5000, "metadata": {}}}

ACTIVITY: Mapping[str, tuple[Event, list[str]]] = {
    "document-events": (DOCUMENT, ["document.uploaded", "document.processing", "document.indexed", "document.error"]),
    "meeting-events": (
        MEETING,
        ["meeting.started", "meeting.ended", "participant.joined", "participant.left", "recording.started"],
    ),
    "tutor-queries": (QUERY, ["query.submitted", "query.answered", "query.error"]),
    "assessment-events": (ASSESSMENT, ["exam.started", "exam.submitted", "proctor.violation"]),
    "analytics-events": (ANALYTICS, ["page.view", "feature.used", "error.occurred"]),
}
"""Topic by topic what is sent there, and the types of it that prove nothing."""


def event(event_type: str, said: Event, **fields: object) -> dict[str, object]:
    """An event in its envelope, whose fields may be told otherwise."""
    head = {
        "event_id": "0f0f7a52-6f9c-4f0e-8d43-0d0cf6b1a001",
        "event_type": event_type,
        "timestamp": "2024-01-01T10:00:00Z",
    }
    return {name: value for name, value in (head | dict(said) | fields).items() if value is not None}


def graded(**fields: object) -> dict[str, object]:
    """The grading of an exam, by default 85.5 percent."""
    return event("exam.graded", ASSESSMENT, **fields)


def message(sent: Event, topic: str = "assessment-events") -> Message:
    """The message that an event is read as. Raises Refused."""
    return message_of(json.dumps(sent).encode(), topic)


def message_of(body: bytes, topic: str = "assessment-events") -> Message:
    return decode(Delivery(topic, "0/7", body, NOW), NOW)


def send(kafka: KafkaServer, topic: str, *events: Mapping[str, object] | str) -> None:
    """What `kafka-console-producer --topic TOPIC` does with a line each."""
    lines = [each if isinstance(each, str) else json.dumps(each) for each in events]
    options = ("--bootstrap-server", kafka.servers, "--topic", topic, "--producer-property", "max.request.size=3000000")
    kafka.tool("org.apache.kafka.tools.ConsoleProducer", *options, said="\n".join(lines) + "\n")


def new_id() -> str:
    return str(uuid.uuid4())
