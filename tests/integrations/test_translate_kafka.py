"""The learning platform's events: what each amounts to, and which are refused."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventstore.envelope import validate
from eventstore.errors import RequestError, UnresolvedReferenceError
from integrations.inbound.mapping import ClassMapping, SystemMapping
from integrations.inbound.message import Message
from integrations.inbound.translator import TranslationContext, TranslationResult
from integrations.kafka.translate import translate
from signals.course import Step
from tests.integrations.kafka_events import ACTIVITY, ASSESSMENT, EXAM, USER, Event, event, graded, message, message_of
from tests.integrations.worlds import NOW, course, mapped, unknown_fields, world

FILE = mapped("kafka", "exam", EXAM, ClassMapping("loops"))

law = settings(deadline=None)


def submitted(sent: Message, known: TranslationContext | None = None) -> dict[str, object]:
    effects = translate(sent, known or world(FILE))
    assert effects.envelope is not None
    assert effects.facts == ()
    return dict(effects.envelope)


def test_given_a_mapped_exam_when_it_is_graded_then_it_is_a_quiz_submit() -> None:
    envelope = submitted(message(graded()))

    assert envelope == {
        "type": "QUIZ_SUBMIT",
        "version": "1.0",
        "event_id": "744a5670-d70b-5f51-8d14-56dd8d522df3",  # frozen: by another, gradings that come again count twice
        "user_id": USER,
        "class_id": "loops",
        "course_id": "python-101",
        "occurred_at": "2024-01-01T10:00:00+00:00",
        "correlation_id": "0f0f7a52-6f9c-4f0e-8d43-0d0cf6b1a001",
        "payload": {"quiz_id": "loops-quiz", "score": 85.5, "max_score": 100.0, "passed": True},
    }
    assert validate(envelope, NOW, "kafka").occurred_at == datetime(2024, 1, 1, 10, tzinfo=UTC)


def test_given_no_mapping_when_one_class_has_a_quiz_of_that_id_then_it_is_meant() -> None:
    known = world(SystemMapping("kafka"), course("c", [Step("a", "A", quiz_id=EXAM, max_score=90, pass_score=86)]))
    envelope = submitted(message(graded()), known)
    assert (envelope["class_id"], envelope["course_id"]) == ("a", "c")
    assert envelope["payload"] == {"quiz_id": EXAM, "score": 85.5, "max_score": 90, "passed": False}


def test_given_no_mapping_when_nothing_has_that_id_then_the_reason_says_what_to_add() -> None:
    with pytest.raises(UnresolvedReferenceError) as caught:
        translate(message(graded()), world(SystemMapping("kafka")))
    assert f"the table [kafka.exam.{EXAM}] in the mapping file" in str(caught.value)


def test_when_a_session_is_graded_again_then_that_is_another_submission() -> None:
    first, second = message(graded()), message(graded(event_id="1f0f7a52-6f9c-4f0e-8d43-0d0cf6b1a001"))
    assert submitted(first)["event_id"] != submitted(second)["event_id"]


@pytest.mark.parametrize(
    ("topic", "event_type", "said"),
    [(topic, event_type, said) for topic, (said, types) in ACTIVITY.items() for event_type in types],
)
def test_every_other_type_is_kept_as_activity(topic: str, event_type: str, said: Event) -> None:
    sent = message(event(event_type, said), topic)
    assert (sent.type, sent.topic) == (event_type, topic)
    assert translate(sent, world(SystemMapping("kafka"))) == TranslationResult()


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (b"", "body: expected JSON"),
        (b"null", "the value: expected an object, found None"),
        (graded(event_id=None), "event_id: expected a value, found nothing"),
        (graded(version="2.0"), "a version of exam.graded that is known here (1.0)"),
        (graded(timestamp="2026-03-01T12:05:01Z"), "timestamp: expected a time at most 5 minutes after"),
        (graded(user_id=None), "user_id: expected a value, found nothing"),
        (graded(payload={"exam_id": EXAM}), "payload.score: expected a value, found nothing"),
        (graded(payload={"exam_id": EXAM, "score": True}), "payload.score: expected a valid number, found True"),
        (event("exam.regraded", ASSESSMENT), "event_type: expected document.uploaded or"),
    ],
)
def test_what_breaks_the_contract_is_refused_with_the_reason(sent: bytes | Event, expected: str) -> None:
    with pytest.raises(RequestError) as caught:
        message_of(sent if isinstance(sent, bytes) else json.dumps(sent).encode())
    assert expected in str(caught.value)


@law
@given(
    others=unknown_fields,
    order=st.permutations(list(graded())),
    indent=st.none() | st.integers(0, 4),
    version=st.none() | st.integers(0, 9).map(lambda minor: f"1.{minor}"),
    zone=st.sampled_from(["2024-01-01T10:00:00Z", "2024-01-01T11:00:00.000+01:00"]),
)
def test_a_grading_that_comes_again_in_whatever_writing_is_the_same_message_and_event(
    others: dict[str, object], order: list[str], indent: int | None, version: str | None, zone: str
) -> None:
    sent = graded(timestamp=zone)
    written = {name: sent[name] for name in order} | others | ({"version": version} if version else {})
    again = message_of(json.dumps(written, indent=indent).encode())
    assert again.key == message(graded()).key
    assert submitted(again) == submitted(message(graded()))
