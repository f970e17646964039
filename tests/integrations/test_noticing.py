"""Rows of the platform: which activities they tell of, by which ids, and in which words."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic_core import from_json

from integrations.notifications.recipient import Recipient
from integrations.platform_monitor.change_detection import DetectedActivity, of_attempt, of_progress
from integrations.platform_monitor.decode import CONTRACT
from integrations.platform_monitor.encode import delivery, format_duration
from integrations.platform_monitor.layout import Layout
from tests.support.platform import LAYOUT

AT = datetime(2026, 3, 1, 10, tzinfo=UTC)
LATER = AT + timedelta(minutes=45)
EXAMPLE = Layout.load(LAYOUT)
NO_TIMES = EXAMPLE.model_copy(
    update={"content_progress": EXAMPLE.content_progress.model_copy(update={"watched_at": None, "completed_at": None})}
)

ATTEMPT: dict[str, Any] = {
    "id": "981", "student_id": "123", "student_username": "ada", "exam_id": "15",
    "subject_title": "Algebra", "subject_max_score": 20.0, "changed_at": LATER,
    "started_at": AT, "completed_at": None, "result": None, "score": None, "percentage": None,
    "time_taken": None, "correct_answers": None, "incorrect_answers": None, "unanswered": None,
    "percentile": None, "speed": None,
}  # fmt: skip
MARKED = ATTEMPT | {
    "completed_at": LATER, "result": "PASS", "score": 17.0, "percentage": 85.0, "time_taken": 2700.0,
    "correct_answers": 17, "incorrect_answers": 3, "unanswered": 0, "percentile": 78.5, "speed": 1.2,
}  # fmt: skip
PROGRESS: dict[str, Any] = {
    "id": "77", "student_id": "123", "student_username": "ada", "content_id": "7", "changed_at": LATER,
    "subject_title": "Loops", "subject_content_type": "Video", "subject_course_title": "Python 101",
    "subject_chapter_name": "Loops", "subject_duration_sec": 300.0, "started_at": AT, "watched_at": None,
    "completed_at": None, "state": "started", "correct_answers": None, "incorrect_answers": None,
}  # fmt: skip
GRACE = Recipient("4", "grace", "Grace", "grace@example.org")
LINUS = Recipient("5", "linus", "Linus")


def attempt(row: Mapping[str, Any]) -> list[DetectedActivity]:
    return list(of_attempt(row, EXAMPLE.exam_attempts))


def progress(row: Mapping[str, Any], layout: Layout = EXAMPLE) -> list[DetectedActivity]:
    return list(of_progress(row, layout.content_progress))


def ids(noticed: list[DetectedActivity]) -> list[str]:
    return [each.event_id for each in noticed]


def test_a_row_tells_of_all_that_was_done_by_now() -> None:
    assert ids(attempt(ATTEMPT)) == ["exam_started/981/2026-03-01T10:00:00.000000Z"]
    assert ids(attempt(ATTEMPT | {"completed_at": LATER})) == [
        "exam_started/981/2026-03-01T10:00:00.000000Z",
        "exam_completed/981/2026-03-01T10:45:00.000000Z",
    ]
    assert ids(attempt(MARKED)) == [
        "exam_started/981/2026-03-01T10:00:00.000000Z",
        "exam_completed/981/2026-03-01T10:45:00.000000Z",
        "exam_passed/981/2026-03-01T10:45:00.000000Z/17",
    ]
    assert [each.at for each in attempt(MARKED)] == [AT, LATER, LATER]


@pytest.mark.parametrize(
    ("changed", "last"),
    [
        ({"result": "fail"}, "exam_failed/981/2026-03-01T10:45:00.000000Z/17"),
        ({"result": "annulled"}, "exam_completed/981/2026-03-01T10:45:00.000000Z"),
        ({"score": 18.25}, "exam_passed/981/2026-03-01T10:45:00.000000Z/18.25"),
        ({"score": None}, "exam_passed/981/2026-03-01T10:45:00.000000Z/85"),
        ({"score": None, "percentage": None}, "exam_passed/981/2026-03-01T10:45:00.000000Z/unmarked"),
        ({"completed_at": None}, "exam_passed/981/17"),
        ({"graded_at": LATER + timedelta(days=1)}, "exam_passed/981/2026-03-01T10:45:00.000000Z/17"),
    ],
)
def test_an_exam_ends_as_the_platform_says(changed: dict[str, Any], last: str) -> None:
    assert ids(attempt(MARKED | changed))[-1] == last


def test_a_mark_was_given_when_it_was_given() -> None:
    graded_at = LATER + timedelta(days=1)
    assert attempt(MARKED | {"graded_at": graded_at})[-1].at == graded_at


def test_who_begins_again_in_the_same_row_does_another_thing() -> None:
    again = {"started_at": LATER, "completed_at": LATER + timedelta(hours=1)}
    assert not set(ids(attempt(MARKED))) & set(ids(attempt(MARKED | again)))


def test_content_is_started_watched_and_completed() -> None:
    assert ids(progress(PROGRESS)) == ["content_started/77/2026-03-01T10:00:00.000000Z"]
    assert ids(progress(PROGRESS | {"watched_at": LATER, "completed_at": LATER})) == [
        "content_started/77/2026-03-01T10:00:00.000000Z",
        "content_watched/77/2026-03-01T10:45:00.000000Z",
        "content_completed/77/2026-03-01T10:45:00.000000Z",
    ]


@pytest.mark.parametrize(
    ("state", "noticed"),
    [("started", []), ("Watched", ["content_watched/77"]), ("completed", ["content_completed/77"]), (None, [])],
)
def test_where_there_are_no_times_the_state_says_it_once(state: str | None, noticed: list[str]) -> None:
    found = progress(PROGRESS | {"state": state}, NO_TIMES)
    assert ids(found)[1:] == noticed
    assert [each.at for each in found[1:]] == [LATER] * len(noticed)


def told(noticed: DetectedActivity, *mentors: Recipient) -> Any:
    sent = delivery("a table", noticed, EXAMPLE, {"123": mentors})
    CONTRACT.check(sent.body.decode())
    assert (sent.topic, sent.position, sent.sent_at) == ("a table", noticed.event_id, noticed.at)
    return from_json(sent.body)


def test_an_exam_is_told_with_how_it_went() -> None:
    started, completed, passed = attempt(MARKED)

    assert told(passed, GRACE, LINUS) == {
        "event_type": "exam_passed",
        "event_id": passed.event_id,
        "student_id": "123",
        "student_username": "ada",
        "mentor_id": "4",
        "mentor_username": "grace",
        "activity_id": "15",
        "activity_title": "Algebra",
        "metadata": {
            "score": 17,
            "max_score": 20,
            "percentage": 85,
            "percentile": 78.5,
            "speed": 1.2,
            "time_taken": "45 minutes",
            "result": "pass",
            "correct_answers": 17,
            "incorrect_answers": 3,
            "unanswered": 0,
        },
        "timestamp": "2026-03-01T10:45:00.000000Z",
    }
    assert "result" not in told(completed)["metadata"]
    assert told(started)["metadata"] == {}
    assert "mentor_id" not in told(started)


def test_content_is_told_with_what_it_is_and_how_far_it_went() -> None:
    row = PROGRESS | {"watched_at": AT, "completed_at": LATER, "state": "completed", "correct_answers": 5}
    started, watched, completed = progress(row)

    about = {"content_type": "video", "course_title": "Python 101", "chapter_name": "Loops", "duration_sec": 300}
    assert told(started)["metadata"] == about | {"state": "started"}
    assert told(watched)["metadata"] == about | {"state": "watched", "correct_answers": 5}
    completed_on = {"completed_on": "2026-03-01T10:45:00.000000Z"}
    assert told(completed)["metadata"] == about | {"state": "completed", "correct_answers": 5} | completed_on
    assert told(completed)["activity_id"] == "7"


@pytest.mark.parametrize(
    ("taken", "words"),
    [
        (2700.0, "45 minutes"),
        (3661.0, "1 hour 1 minute 1 second"),
        (7200.4, "2 hours"),
        (0.0, "0 seconds"),
        ("half an hour", "half an hour"),
        (None, None),
    ],
)
def test_how_long_something_took_is_said_in_words(taken: float | str | None, words: str | None) -> None:
    assert format_duration(taken) == words


def test_what_is_no_number_is_told_so_that_it_can_be_parked() -> None:
    sent = delivery("a table", attempt(MARKED | {"score": float("nan")})[-1], EXAMPLE, {})
    assert from_json(sent.body)["metadata"]["score"] == "NaN"
