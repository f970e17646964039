"""Every message on the exam system's page, sent by redis-cli as the page says, and what each has done here by then.

The page's learner 42, John Doe, sits the exam of assignment 100, which is on module 15. Here that module is the class
`algebra-basics` of a course, and 70 percent pass its quiz: the mapping file says so.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from integrations.tables import lms_reference
from tests.api.support import accepted
from tests.conftest import opened
from tests.faults.traffic import until
from tests.support.redis import RedisServer
from tests.support.serving import Server, serving

MAPPING = """
[redis.module.15]
class_id = "algebra-basics"
pass_score = 70
"""

COURSE = {
    "title": "Algebra",
    "steps": [{"class_id": "algebra-basics", "title": "Algebra Basics", "quiz_id": "algebra-exam"}],
}

FROM_THE_LEARNING_PLATFORM = {
    "class_upsert": '{"id":1,"school_id":100,"name":"Class 10A","is_active":true}',
    "class_deleted": '{"id":1}',
    "subject_upsert": '{"id":5,"name":"Mathematics"}',
    "level_upsert": '{"id":10,"name":"Grade 10"}',
    "module_upsert": '{"id":15,"subject_id":5,"level_id":10,"name":"Algebra Basics"}',
    "user_upsert": '{"id":42,"email":"student@school.com","name":"John Doe","role":"siswa"}',
    "exam_assignment_created": '{"id":100,"user_id":42,"module_id":15,"scheduled_time":"2026-02-07T09:00:00Z",'
    '"duration_mins":60,"question_count":20}',
}
"""What the page prints for the stream `lms_events`: payloads by event."""

FROM_THE_EXAM_SYSTEM = {
    "exam_result_completed": '{"assignment_id":100,"user_id":42,"lms_class_id":1,"score":85.5,"correct_count":17,'
    '"total_count":20,"completed_at":"2026-02-06T10:45:00Z"}'
}
"""What it prints for the stream `cbt_events`."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With the database and the mapping file."""
    return tmp_path_factory.mktemp("reference")


@pytest.fixture(scope="module")
def api(redis_server: RedisServer, folder: Path) -> Iterator[Server]:
    """`lms-progress serve`, which consumes from Redis since it is told where that is, once it has consumed the page."""
    redis_server.cli("FLUSHALL")
    mapping = folder / "mapping.toml"
    mapping.write_text(MAPPING)
    settings = {"LMS_REDIS_URL": redis_server.url, "LMS_MAPPING_FILE": str(mapping)}
    with serving(url_in(folder), "--dev", **settings) as server:
        accepted(server.client.put("/v1/courses/algebra", json=COURSE))
        for event, payload in FROM_THE_LEARNING_PLATFORM.items():
            redis_server.cli("XADD", "lms_events", "*", "event", event, "payload", payload)
        for event, payload in FROM_THE_EXAM_SYSTEM.items():
            redis_server.cli("XADD", "cbt_events", "*", "event", event, "payload", payload)
        until(lambda: redis_server.open_entries() == 0)
        yield server


def url_in(folder: Path) -> str:
    return f"sqlite:///{folder / 'lms.db'}"


def get(api: Server, path: str, **parameters: Any) -> Any:
    return accepted(api.client.get(path, params=parameters))


def test_an_exam_result_is_a_quiz_submission_in_the_class_that_its_module_means(api: Server) -> None:
    (event,) = get(api, "/v1/events", user_id="42")["items"]

    assert event["type"] == "QUIZ_SUBMIT"
    assert event["class_id"] == "algebra-basics"
    assert event["occurred_at"].startswith("2026-02-06T10:45:00")
    assert event["source"] == "redis"
    payload = event["payload"] if isinstance(event["payload"], dict) else json.loads(event["payload"])
    assert payload == {"quiz_id": "algebra-exam", "score": 85.5, "max_score": 100, "passed": True}


def test_the_learner_has_a_name_and_has_completed_the_course(api: Server) -> None:
    progress = get(api, "/v1/users/42/progress")

    assert progress["name"] == "John Doe"
    (course,) = progress["courses"]
    assert (course["course_id"], course["percent"], course["completed"]) == ("algebra", 100, True)
    assert course["steps"][0]["quiz_score"] == 85


def test_the_leaderboard_shows_the_name(api: Server) -> None:
    (entry,) = get(api, "/v1/leaderboard")["entries"]

    assert (entry["user_id"], entry["name"]) == ("42", "John Doe")


def test_what_the_learner_completed_is_announced_in_a_stream_of_ours(api: Server, redis_server: RedisServer) -> None:
    until(lambda: redis_server.cli("XLEN", "progress_events") == "3")

    entries = json.loads(redis_server.cli("--json", "XRANGE", "progress_events", "-", "+"))

    assert [fields[1] for _, fields in entries] == ["quiz_passed", "step_completed", "course_completed"]
    completed = json.loads(entries[-1][1][3])
    assert (completed["user_id"], completed["course_id"], completed["percent"]) == ("42", "algebra", 100)
    assert len(get(api, "/v1/signals", user_id="42")["items"]) == 3


def test_every_message_is_kept_and_counted_by_type(api: Server) -> None:
    expected = dict.fromkeys((*FROM_THE_LEARNING_PLATFORM, *FROM_THE_EXAM_SYSTEM), 1)

    kept = get(api, "/v1/inbox", source="redis")["items"]
    counted = get(api, "/v1/stats/messages")["items"]

    assert {item["type"]: item["status"] for item in kept} == dict.fromkeys(expected, "done")
    assert {item["type"]: item["messages"] for item in counted} == expected


@pytest.mark.usefixtures("api")
async def test_classes_subjects_levels_modules_and_assignments_are_known_by_their_ids(folder: Path) -> None:
    assert await references(folder) == {
        ("class", "1"): ("", True),
        ("subject", "5"): ("Mathematics", False),
        ("level", "10"): ("Grade 10", False),
        ("module", "15"): ("Algebra Basics", False),
        ("assignment", "100"): ("", False),
    }


def test_a_result_that_is_added_again_is_no_second_submission(api: Server, redis_server: RedisServer) -> None:
    before = get(api, "/v1/stats/daily")

    for event, payload in FROM_THE_EXAM_SYSTEM.items():
        redis_server.cli("XADD", "cbt_events", "*", "event", event, "payload", payload)
    until(lambda: redis_server.open_entries() == 0)

    assert get(api, "/v1/stats/daily") == before
    assert len(get(api, "/v1/events", user_id="42")["items"]) == 1


def test_the_metrics_tell_what_came(api: Server) -> None:
    metrics = api.client.get("/metrics").text

    assert 'events_consumed_total{outcome="done",source="redis",type="user_upsert"} 1.0' in metrics
    assert 'event_processing_duration_seconds_count{source="redis",type="user_upsert"} 1.0' in metrics
    assert 'dlq_message_count{source="redis"} 0.0' in metrics


def test_a_class_without_a_mapping_waits_in_the_inbox_and_says_what_is_missing(
    api: Server, redis_server: RedisServer
) -> None:
    payload = json.loads(FROM_THE_EXAM_SYSTEM["exam_result_completed"]) | {"assignment_id": 101, "user_id": 43}

    redis_server.cli("XADD", "cbt_events", "*", "event", "exam_result_completed", "payload", json.dumps(payload))
    until(lambda: redis_server.open_entries() == 0)

    (parked,) = get(api, "/v1/inbox", status="parked")["items"]
    assert parked["type"] == "exam_result_completed"
    assert "assignment 101" in parked["reason"]


async def references(folder: Path) -> dict[tuple[str, str], tuple[str, bool]]:
    """The name of each, and whether it is deleted, by kind and id."""
    r = lms_reference.c
    async with opened(url_in(folder)) as database, database.read() as connection:
        rows = await connection.execute(select(r.kind, r.external_id, r.name, r.is_deleted))
        return {(kind, external_id): (name, is_deleted) for kind, external_id, name, is_deleted in rows}
