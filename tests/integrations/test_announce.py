"""What brokers are told: in their words, within the contract, and the same however often it is told."""

import json
from collections.abc import Callable, Iterable

import pytest

from eventstore.event_type import EventType
from integrations.contracts import kafka as kafka_contract
from integrations.contracts import rabbitmq as rabbitmq_contract
from integrations.contracts import redis as redis_contract
from integrations.contracts.signal import AnnouncedSignal
from integrations.inbound.mapping import ClassMapping, SystemMapping
from integrations.kafka.encode import TYPES as KAFKA_TYPES
from integrations.kafka.encode import encode as encode_kafka
from integrations.outbound.sink import OutboundMessage, Outgoing
from integrations.rabbitmq.encode import TYPES as RABBITMQ_TYPES
from integrations.rabbitmq.encode import encode as encode_rabbitmq
from integrations.redis.encode import TYPES as REDIS_TYPES
from integrations.redis.encode import encode as encode_redis
from signals.signal import SignalType
from tests.integrations.announcements import PERCENT, SIGNALS, announcement

NO_FILE = SystemMapping("any")
RABBITMQ = SystemMapping("rabbitmq", {"lecture": {"lecture456": ClassMapping("loops")}}, {"course123": "python-101"})
REDIS = SystemMapping("redis", {"class": {"1": ClassMapping("loops")}, "module": {"15": ClassMapping("loops")}})
KAFKA = SystemMapping("kafka", {"exam": {"5f0c": ClassMapping("loops")}})

Announce = Callable[[OutboundMessage, SystemMapping], Outgoing]


def told(announce: Announce, signal_type: SignalType, mapping: SystemMapping = NO_FILE) -> tuple[str, object]:
    outgoing = announce(announcement(signal_type), mapping)
    return outgoing.topic, json.loads(outgoing.body)


def test_given_a_mapping_when_a_step_is_completed_then_rabbitmq_hears_of_progress_in_its_ids() -> None:
    assert told(encode_rabbitmq, SignalType.STEP_COMPLETED, RABBITMQ) == (
        "progress.updated",
        {
            "eventId": SIGNALS[SignalType.STEP_COMPLETED].signal_id,
            "eventType": "progress.updated",
            "timestamp": "2026-02-06T10:45:01.500000Z",
            "version": "1.0",
            "source": "progress-service",
            "data": {
                "userId": "ada",
                "courseId": "course123",
                "lectureId": "lecture456",
                "progressPercentage": 75.0,
                "completedAt": "2026-02-06T10:45:00Z",
            },
        },
    )


def test_given_no_mapping_when_a_course_is_completed_then_rabbitmq_hears_of_a_certificate_in_our_ids() -> None:
    signal_id = SIGNALS[SignalType.COURSE_COMPLETED].signal_id
    assert told(encode_rabbitmq, SignalType.COURSE_COMPLETED) == (
        "certificate.issued",
        {
            "eventId": signal_id,
            "eventType": "certificate.issued",
            "timestamp": "2026-02-06T10:45:01.500000Z",
            "version": "1.0",
            "source": "progress-service",
            "data": {
                "certificateId": signal_id,
                "userId": "ada",
                "courseId": "python-101",
                "issuedAt": "2026-02-06T10:45:00Z",
            },
        },
    )


def test_when_a_step_is_completed_then_kafka_hears_of_it() -> None:
    assert told(encode_kafka, SignalType.STEP_COMPLETED, KAFKA) == (
        "progress-events",
        {
            "event_type": "step.completed",
            "version": "1.0",
            "event_id": SIGNALS[SignalType.STEP_COMPLETED].signal_id,
            "timestamp": "2026-02-06T10:45:01.500000Z",
            "user_id": "ada",
            "payload": {
                "class_id": "loops",
                "course_id": "python-101",
                "exam_id": "5f0c",
                "percent": 75.0,
                "occurred_at": "2026-02-06T10:45:00Z",
            },
        },
    )


def test_when_a_quiz_is_passed_then_redis_hears_of_it() -> None:
    stream, entry = told(encode_redis, SignalType.QUIZ_PASSED, REDIS)
    assert stream == "progress_events"
    assert isinstance(entry, dict)
    assert list(entry) == ["event", "payload"]
    assert entry["event"] == "quiz_passed"
    assert json.loads(entry["payload"]) == {
        "signal_id": SIGNALS[SignalType.QUIZ_PASSED].signal_id,
        "user_id": "ada",
        "class_id": "loops",
        "course_id": None,
        "lms_class_id": "1",
        "module_id": "15",
        "percent": None,
        "occurred_at": "2026-02-06T10:45:00Z",
    }


@pytest.mark.parametrize(
    ("announce", "types", "contract"),
    [
        (encode_redis, REDIS_TYPES, redis_contract.ANNOUNCED),
        (encode_rabbitmq, RABBITMQ_TYPES, rabbitmq_contract.ANNOUNCED),
        (encode_kafka, KAFKA_TYPES, kafka_contract.ANNOUNCED),
    ],
)
def test_every_announcement_keeps_to_the_contract_and_is_the_same_each_time(
    announce: Announce, types: Iterable[str], contract: Iterable[EventType]
) -> None:
    agreed = {each.name: each for each in contract}
    outgoing = [announce(announcement(SignalType(each)), NO_FILE) for each in types]
    assert {each.type for each in outgoing} == set(agreed)
    for each in outgoing:
        agreed[each.type].model("1.0").model_validate_json(each.body)
    assert outgoing == [announce(announcement(SignalType(each)), NO_FILE) for each in types]


@pytest.mark.parametrize("signal_type", SignalType)
def test_the_relays_body_is_what_subscribers_are_promised(signal_type: SignalType) -> None:
    said = AnnouncedSignal.model_validate(announcement(signal_type).body)
    assert said.signal_id == SIGNALS[signal_type].signal_id
    assert said.percent == PERCENT.get(signal_type)
