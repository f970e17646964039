"""Activities of the monitored platform: what each amounts to, and what is parked."""

from datetime import UTC, datetime

import pytest

from eventstore.envelope import validate
from eventstore.errors import InvalidInputError, RequestError, UnresolvedReferenceError
from integrations.contracts.activity import CONTENTS, EXAMS
from integrations.inbound.mapping import ClassMapping, SystemMapping
from integrations.inbound.translator import TranslationContext, TranslationResult
from integrations.platform_monitor.translate import translate
from signals.course import Step
from tests.integrations.activities import Activity, activity, message
from tests.integrations.worlds import NOW, course, mapped, world

EXAM_FILE = mapped("activity", "exam", "15", ClassMapping("loops"))
CONTENT_FILE = mapped("activity", "content", "7", ClassMapping("loops"))
NOTHING = SystemMapping("activity")
UNMARKED = course("c", [Step("loops", "Loops", quiz_id="loops-quiz")])
OF_TEN = course("c", [Step("loops", "Loops", quiz_id="loops-quiz", max_score=10, pass_score=9)])


def proved(said: Activity, known: TranslationContext) -> dict[str, object]:
    effects = translate(message(said), known)
    assert effects.envelope is not None
    assert effects.facts == ()
    return dict(effects.envelope)


def test_given_a_mapped_exam_when_it_is_passed_then_it_is_a_quiz_submit() -> None:
    envelope = proved(activity("exam_passed"), world(EXAM_FILE))

    assert envelope == {
        "type": "QUIZ_SUBMIT",
        "version": "1.0",
        "event_id": "54ba5ab6-8585-574c-b41f-b084b90650fb",  # frozen: by another, repeats count twice
        "user_id": "123",
        "class_id": "loops",
        "course_id": "python-101",
        "occurred_at": "2026-03-01T10:00:00+00:00",
        "correlation_id": "exam_passed/981/2026-03-01T10:00:00.000000Z/17",
        "payload": {"quiz_id": "loops-quiz", "score": 17.0, "max_score": 20.0, "passed": True},
    }
    assert validate(envelope, NOW, "activity").occurred_at == datetime(2026, 3, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize(("kind", "passed"), [("exam_passed", True), ("exam_failed", False)])
@pytest.mark.parametrize("score", [0, 20])
def test_what_passes_is_the_platforms_word(kind: str, passed: bool, score: float) -> None:
    """Python 101 says that 60 are enough."""
    payload = proved(activity(kind, {"score": score, "max_score": 20}), world(EXAM_FILE))["payload"]
    assert isinstance(payload, dict)
    assert (payload["score"], payload["passed"]) == (score, passed)


@pytest.mark.parametrize(
    ("metadata", "known", "mark"),
    [
        ({"score": 17, "max_score": 20, "percentage": 85}, OF_TEN, (17, 20)),
        ({"score": 7, "percentage": 70}, OF_TEN, (7, 10)),
        ({"score": 17, "percentage": 85}, UNMARKED, (85, 100)),
        ({"score": 85}, UNMARKED, (85, 100)),
        ({"percentage": 85}, OF_TEN, (85, 100)),
    ],
)
def test_a_mark_is_of_what_the_platform_or_the_step_says_or_else_in_percent(
    metadata: dict[str, object], known: tuple[object, ...], mark: tuple[float, float]
) -> None:
    payload = proved(activity("exam_passed", metadata), world(EXAM_FILE, known))["payload"]  # type: ignore[arg-type]
    assert isinstance(payload, dict)
    assert (payload["score"], payload["max_score"]) == mark


def test_given_a_mapped_video_when_it_is_completed_then_it_is_a_ping_at_its_end() -> None:
    envelope = proved(activity("content_completed"), world(CONTENT_FILE))

    assert envelope == {
        "type": "VIDEO_PING",
        "version": "1.0",
        "event_id": "57ff94ff-ad6e-5d12-8cc5-dcf8110764f5",  # frozen: by another, repeats count twice
        "user_id": "123",
        "class_id": "loops",
        "course_id": "python-101",
        "occurred_at": "2026-03-01T10:00:00+00:00",
        "correlation_id": "content_completed/77/2026-03-01T10:00:00.000000Z",
        "payload": {"video_id": "7", "position": 300.0, "duration": 300.0},
    }
    validate(envelope, NOW, "activity")


def test_of_a_video_whose_length_nobody_says_it_is_proved_that_it_was_seen_and_of_its_length_the_least() -> None:
    payload = proved(activity("content_completed", {"content_type": "video"}), world(CONTENT_FILE))["payload"]
    assert payload == {"video_id": "7", "position": 1.0, "duration": 1.0}


def test_a_video_that_was_watched_is_seen_if_its_state_says_so() -> None:
    watched = activity("content_watched", {"content_type": "video", "state": "completed"})
    assert proved(watched, world(CONTENT_FILE))["type"] == "VIDEO_PING"


@pytest.mark.parametrize(
    "said",
    [
        *(activity(kind) for kind in EXAMS if kind not in ("exam_passed", "exam_failed")),
        activity("exam_passed", {}),
        activity("exam_failed", {"result": "fail", "correct_answers": 3}),
        activity("content_started"),
        activity("content_watched", {"content_type": "video", "state": "watched"}),
        activity("content_watched", {"content_type": "video"}),
        *(activity(kind, {"content_type": "text", "state": "completed"}) for kind in CONTENTS),
        *(activity(kind, {}) for kind in CONTENTS),
    ],
    ids=str,
)
def test_what_proves_nothing_is_kept_as_activity(said: Activity) -> None:
    assert translate(message(said), world(NOTHING)) == TranslationResult()


@pytest.mark.parametrize(
    ("said", "table", "what"),
    [
        (activity("exam_failed"), "activity.exam.15", "quiz"),
        (activity("content_completed"), "activity.content.7", "video"),
    ],
)
def test_given_no_mapping_when_nothing_has_that_id_then_the_reason_says_what_to_add(
    said: Activity, table: str, what: str
) -> None:
    with pytest.raises(UnresolvedReferenceError) as caught:
        translate(message(said), world(NOTHING))
    assert f"the table [{table}] in the mapping file" in str(caught.value)
    assert f"or one class with a {what}, of this id" in str(caught.value)


def test_an_exam_may_have_the_id_of_a_quiz_and_content_that_of_a_video() -> None:
    both = course("c", [Step("a", "A", quiz_id="7"), Step("b", "B", video_id="7")])
    assert proved(activity("exam_passed", activity_id=7), world(NOTHING, both))["class_id"] == "a"
    assert proved(activity("content_completed"), world(NOTHING, both))["class_id"] == "b"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (activity("exam_passed", {"score": -1}), "metadata.score: expected greater than or equal to 0"),
        (activity("exam_passed", {"score": "NaN"}), "metadata.score: expected a valid number"),
        (activity("exam_passed", {"score": 5, "percentage": 101}), "metadata.percentage: expected less than or equal"),
        (activity("content_completed", activity_id=None), "activity_id: expected a value, found nothing"),
        (activity("exam_started", student_id=None), "student_id: expected a value, found nothing"),
    ],
)
def test_what_breaks_the_contract_is_kept_and_the_reason_says_why(said: Activity, expected: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        translate(message(said), world(EXAM_FILE))
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (activity("exam_passed", event_id=""), "event_id: expected at least 1 character"),
        (activity("exam_passed", version="2.0"), "a version of exam_passed that is known here (1.0)"),
        (activity("exam_eaten"), "event_type: expected exam_started or exam_completed"),
    ],
)
def test_what_cannot_be_told_from_others_is_no_message(said: Activity, expected: str) -> None:
    with pytest.raises(RequestError) as caught:
        message(said)
    assert expected in str(caught.value)
