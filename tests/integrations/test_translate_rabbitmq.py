"""The course platform's events: what each amounts to, and which are refused."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventstore.errors import RequestError, UnresolvedReferenceError
from integrations.inbound.mapping import ClassMapping, SystemMapping
from integrations.inbound.reference_data import Enrolment, Fact, Media, Profile, ProfileField, Reference
from integrations.inbound.translator import TranslationResult
from integrations.rabbitmq.translate import translate
from signals.course import Step
from tests.integrations.rabbitmq_events import (
    COURSE_CREATED,
    COURSE_PUBLISHED,
    MEDIA_PROCESSED,
    ORDER_COMPLETED,
    ORDER_CREATED,
    REVIEW_CREATED,
    USER_CREATED,
    USER_UPDATED,
    Data,
    envelope,
    message,
    message_of,
)
from tests.integrations.worlds import course, unknown_fields, world

SAID_AT = datetime(2023, 11, 20, 10, 30, tzinfo=UTC)
NO_FILE = SystemMapping("rabbitmq")
FILE = SystemMapping(
    "rabbitmq",
    {"lecture": {"lecture456": ClassMapping("loops")}},
    {"course123": "python-101", "course456": "databases"},
)

law = settings(deadline=None)


def facts(event_type: str, data: Data, mapping: SystemMapping = FILE) -> list[Fact]:
    effects = translate(message(event_type, data), world(mapping))
    assert effects.envelope is None
    return list(effects.facts)


def reason(event_type: str, data: Data, mapping: SystemMapping = NO_FILE) -> str:
    with pytest.raises(UnresolvedReferenceError) as caught:
        facts(event_type, data, mapping)
    return str(caught.value)


def test_when_a_user_is_created_then_we_know_their_names_address_and_role() -> None:
    assert facts("user.created", USER_CREATED) == [
        Profile("user123", ProfileField.EMAIL, "user@example.com", SAID_AT),
        Profile("user123", ProfileField.FIRST_NAME, "John", SAID_AT),
        Profile("user123", ProfileField.LAST_NAME, "Doe", SAID_AT),
        Profile("user123", ProfileField.ROLE, "student", SAID_AT),
    ]


def test_when_a_user_is_updated_then_only_what_changed_is_told() -> None:
    assert facts("user.updated", USER_UPDATED) == [Profile("user123", ProfileField.FIRST_NAME, "Jane", SAID_AT)]


@pytest.mark.parametrize(
    ("event_type", "data", "details"),
    [
        (
            "course.created",
            COURSE_CREATED,
            {"instructorId": "instructor123", "category": "Web Development", "price": 99.99},
        ),
        (
            "course.published",
            COURSE_PUBLISHED,
            {"instructorId": "instructor123", "publishedAt": "2023-11-20T10:30:00Z"},
        ),
    ],
)
def test_when_a_course_is_told_of_then_it_is_a_reference(event_type: str, data: Data, details: Data) -> None:
    (told,) = facts(event_type, data)
    assert isinstance(told, Reference)
    assert told._replace(details="") == Reference(
        "rabbitmq", "course", "course123", "Complete Web Development", "", SAID_AT
    )
    assert json.loads(told.details) == details


def test_given_mapped_courses_when_an_order_is_completed_then_its_learner_is_enrolled_in_each() -> None:
    assert facts("order.completed", ORDER_COMPLETED) == [
        Enrolment("user123", "databases", SAID_AT),
        Enrolment("user123", "python-101", SAID_AT),
    ]


def test_given_no_mapping_when_a_published_course_has_that_id_then_it_is_meant() -> None:
    assert facts("order.completed", {**ORDER_COMPLETED, "courseIds": ["python-101"]}, NO_FILE) == [
        Enrolment("user123", "python-101", SAID_AT)
    ]


def test_given_a_course_that_means_nothing_when_an_order_is_completed_then_the_whole_order_waits() -> None:
    some = SystemMapping("rabbitmq", courses={"course123": "python-101"})
    assert reason("order.completed", ORDER_COMPLETED, some) == (
        "rabbitmq.course.course456: expected the table [rabbitmq.course.course456] in the mapping file, or a published "
        "course of this id, found neither"
    )


@pytest.mark.parametrize("mapping", [FILE, NO_FILE])
def test_when_a_lectures_video_is_ready_then_its_class_has_a_duration(mapping: SystemMapping) -> None:
    lecture = course("c", [Step("lecture456", "Lecture", video_id="v"), Step("loops", "Loops", video_id="v")])
    told = translate(message("media.processed", MEDIA_PROCESSED), world(mapping, lecture))
    class_id = "loops" if mapping is FILE else "lecture456"
    assert told == TranslationResult(facts=(Media(class_id, "media123", 1200, SAID_AT),))


def test_given_a_lecture_that_means_nothing_when_its_video_is_ready_then_the_reason_says_what_to_add() -> None:
    assert "the table [rabbitmq.lecture.lecture456] in the mapping file" in reason("media.processed", MEDIA_PROCESSED)


def test_the_reason_quotes_an_id_as_the_file_has_to() -> None:
    odd = {**MEDIA_PROCESSED, "lectureId": 'week 1 "intro"'}
    assert '[rabbitmq.lecture."week 1 \\"intro\\""]' in reason("media.processed", odd)


@pytest.mark.parametrize(
    ("event_type", "data"),
    [
        ("media.processed", {**MEDIA_PROCESSED, "status": "failed"}),
        ("media.processed", {**MEDIA_PROCESSED, "duration": None}),
        ("order.created", ORDER_CREATED),
        ("review.created", REVIEW_CREATED),
    ],
)
def test_what_proves_and_tells_nothing_is_kept_as_activity(event_type: str, data: Data) -> None:
    assert translate(message(event_type, data), world(NO_FILE)) == TranslationResult()


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (b"{", "body: expected JSON"),
        (b'{"eventId": "\xff"}', "body: expected JSON"),
        (b"[]", "the value: expected an object, found []"),
        (envelope("user.created", USER_CREATED, eventId=None), "eventId: expected a value, found nothing"),
        (envelope("user.created", USER_CREATED, timestamp="yesterday"), "timestamp: expected a valid datetime"),
        (envelope("user.created", USER_CREATED, timestamp="2023-11-20T10:30:00"), "a time with its offset from UTC"),
        (envelope("user.created", USER_CREATED, timestamp="0001-01-01T00:00:00+01:00"), "within the years 1 to 9999"),
        (envelope("user.created", USER_CREATED, timestamp="2026-03-01T12:05:01Z"), "at most 5 minutes after"),
        (envelope("user.created", USER_CREATED, version=None), "version: expected a value, found nothing"),
        (envelope("user.created", USER_CREATED, version="2.0"), "a version of user.created that is known here (1.0)"),
        (envelope("user.deleted", USER_CREATED), "eventType: expected user.created or user.updated or"),
        (envelope("user.created", {"email": "a@b.c"}), "data.userId: expected a value, found nothing"),
        (
            envelope("order.completed", {**ORDER_COMPLETED, "courseIds": "course123"}),
            "data.courseIds: expected an array",
        ),
        (envelope("media.processed", {**MEDIA_PROCESSED, "duration": 1e300}), "data.duration: expected less than"),
    ],
)
def test_what_breaks_the_contract_is_refused_with_the_reason(sent: bytes | dict[str, object], expected: str) -> None:
    with pytest.raises(RequestError) as caught:
        message_of(sent if isinstance(sent, bytes) else json.dumps(sent).encode())
    assert expected in str(caught.value)


def test_the_type_is_what_the_event_says_however_it_was_routed() -> None:
    returned = message_of(json.dumps(envelope("user.created", USER_CREATED)).encode(), "retry.1")
    assert (returned.type, returned.topic) == ("user.created", "retry.1")


@law
@given(
    others=unknown_fields,
    order=st.permutations(list(envelope("order.completed", ORDER_COMPLETED))),
    indent=st.none() | st.integers(0, 4),
    minor=st.integers(0, 9),
    zone=st.sampled_from(["2023-11-20T10:30:00Z", "2023-11-20T11:30:00.000+01:00"]),
)
def test_an_event_that_comes_again_in_whatever_writing_is_the_same_message_and_tells_the_same(
    others: dict[str, object], order: list[str], indent: int | None, minor: int, zone: str
) -> None:
    data = {**ORDER_COMPLETED, "completedAt": zone} | others
    sent = envelope("order.completed", data, version=f"1.{minor}", timestamp=zone)
    again = message_of(json.dumps({name: sent[name] for name in order} | others, indent=indent).encode())
    first = message("order.completed", ORDER_COMPLETED)
    assert again.key == first.key
    assert translate(again, world(FILE)) == translate(first, world(FILE))
