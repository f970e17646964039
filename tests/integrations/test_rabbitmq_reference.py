"""The page of the course platform, message by message: what happens here when it is published on `edu.events`.

A server consumes and announces, as in production. The platform's course123 is our course "web", its lecture456 our
class "html"; the mapping file says so. It has no course456, which is published under that id.
"""

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import pytest
from aio_pika.abc import AbstractIncomingMessage
from sqlalchemy import select

from integrations.contracts.rabbitmq import EXCHANGE
from integrations.rabbitmq.topology import DEAD_LETTERS, QUEUE
from integrations.tables import lms_reference
from tests.api.support import accepted, ping
from tests.conftest import opened
from tests.integrations import rabbitmq_events as page
from tests.integrations.rabbitmq_events import envelope
from tests.support.rabbitmq import RabbitmqServer
from tests.support.serving import Server, serving

MAPPING = """
[rabbitmq.course.course123]
course_id = "web"

[rabbitmq.lecture.lecture456]
class_id = "html"
"""
WEB = {"title": "The web", "steps": [{"class_id": "html", "title": "HTML", "video_id": "html-video"}]}
OTHER = {"title": "Another", "steps": [{"class_id": "other", "title": "Other", "video_id": "other-video"}]}

LARGEST = 20_000
PATIENCE_SEC = 60
RECEIVER = "notification-service"


class Platform(NamedTuple):
    """The broker with the platform's services, and our server."""

    rabbitmq: RabbitmqServer
    server: Server
    database_url: str

    def publish(self, event_type: str, data: object, **fields: object) -> Any:
        """What the inbox has of the event, once it has it."""
        event_id = str(uuid4())
        self.publish_body(event_type, json.dumps(envelope(event_type, data, eventId=event_id, **fields)).encode())
        return until(lambda: next((item for item in self.inbox() if item["message_id"] == event_id), None))

    def publish_body(self, routing_key: str, body: bytes) -> None:
        self.rabbitmq.publish(EXCHANGE, [(routing_key, body)], content_type="application/json")

    def inbox(self) -> list[Any]:
        items: list[Any] = self.get("/v1/inbox?source=rabbitmq&limit=200")["items"]
        return items

    def get(self, path: str) -> Any:
        return accepted(self.server.client.get(path))

    def dead_letter(self) -> AbstractIncomingMessage:
        """The one that comes, once it is there."""
        until(lambda: self.rabbitmq.count([DEAD_LETTERS])[DEAD_LETTERS])
        (letter,) = self.rabbitmq.drain(DEAD_LETTERS)
        return letter


def until(found: Any) -> Any:
    """What will be found soon."""
    deadline = time.monotonic() + PATIENCE_SEC
    while not (answer := found()):
        assert time.monotonic() < deadline, "expected it to come, found it does not"
        time.sleep(0.05)
    return answer


@pytest.fixture(scope="module")
def platform(
    rabbitmq_server: RabbitmqServer, migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Platform]:
    folder = tmp_path_factory.mktemp("platform")
    (folder / "lms.db").write_bytes(migrated_sqlite.read_bytes())
    (folder / "mapping.toml").write_text(MAPPING)
    url = f"sqlite:///{folder / 'lms.db'}"
    settings = {
        "LMS_RABBITMQ_URL": rabbitmq_server.url,
        "LMS_MAPPING_FILE": str(folder / "mapping.toml"),
        "LMS_MAX_MESSAGE_BYTES": str(LARGEST),
    }
    rabbitmq_server.delete([QUEUE, DEAD_LETTERS], [EXCHANGE])
    with serving(url, "--dev", **settings) as server:
        for course_id, course in {"web": WEB, "course456": OTHER}.items():
            accepted(server.client.put(f"/v1/courses/{course_id}", json=course))
        until(lambda: rabbitmq_server.has(QUEUE))
        yield Platform(rabbitmq_server, server, url)


def progress(platform: Platform, user_id: str) -> Any:
    return platform.get(f"/v1/users/{user_id}/progress")


def course(platform: Platform, user_id: str, course_id: str) -> Any:
    return next(each for each in progress(platform, user_id)["courses"] if each["course_id"] == course_id)


def test_user_created_gives_the_learner_a_name(platform: Platform) -> None:
    kept = platform.publish("user.created", {**page.USER_CREATED, "userId": "john"})

    assert (kept["type"], kept["topic"], kept["status"]) == ("user.created", "user.created", "done")
    assert progress(platform, "john")["name"] == "John Doe"


def test_user_updated_changes_what_it_names_and_leaves_the_rest(platform: Platform) -> None:
    platform.publish("user.created", {**page.USER_CREATED, "userId": "jane"})
    changes = {"userId": "jane", "changes": page.USER_UPDATED["changes"]}
    platform.publish("user.updated", changes, timestamp="2023-11-20T10:31:00Z")

    assert progress(platform, "jane")["name"] == "Jane Doe"


def test_course_published_is_kept_by_its_title(platform: Platform) -> None:
    platform.publish("course.created", page.COURSE_CREATED)
    platform.publish("course.published", page.COURSE_PUBLISHED)

    assert references(platform) == [("course", "course123", "Complete Web Development")]


def references(platform: Platform) -> list[tuple[str, str, str | None]]:
    async def read() -> list[tuple[str, str, str | None]]:
        r = lms_reference.c
        async with opened(platform.database_url) as database, database.read() as connection:
            rows = await connection.execute(select(r.kind, r.external_id, r.name).where(r.source == "rabbitmq"))
            return [tuple(row) for row in rows]

    return asyncio.run(read())


def test_order_created_is_kept_and_enrols_nobody(platform: Platform) -> None:
    kept = platform.publish("order.created", {**page.ORDER_CREATED, "userId": "hesitant"})

    assert kept["status"] == "done"
    assert progress(platform, "hesitant")["courses"] == []


def test_order_completed_enrols_the_learner_in_each_of_its_courses(platform: Platform) -> None:
    platform.publish("order.completed", {**page.ORDER_COMPLETED, "userId": "enrolled"})

    enrolled = {each["course_id"]: each for each in progress(platform, "enrolled")["courses"]}
    assert set(enrolled) == {"web", "course456"}
    assert {each["enrolled_at"] for each in enrolled.values()} == {"2023-11-20T10:30:00Z"}
    assert {each["percent"] for each in enrolled.values()} == {0}


def test_order_completed_of_an_unknown_course_waits_until_that_is_published(platform: Platform) -> None:
    order = {**page.ORDER_COMPLETED, "userId": "early", "courseIds": ["course789"]}
    kept = platform.publish("order.completed", order)

    assert kept["status"] == "parked"
    assert "[rabbitmq.course.course789]" in kept["reason"]

    accepted(platform.server.client.put("/v1/courses/course789", json=OTHER))
    until(lambda: progress(platform, "early")["courses"])
    assert course(platform, "early", "course789")["percent"] == 0


def test_media_processed_tells_how_long_the_lecture_takes(platform: Platform) -> None:
    platform.publish("media.processed", page.MEDIA_PROCESSED)
    platform.publish("order.completed", {**page.ORDER_COMPLETED, "userId": "viewer"})

    assert course(platform, "viewer", "web")["steps"][0]["duration_sec"] == 1200


def test_review_created_is_kept_as_activity(platform: Platform) -> None:
    assert platform.publish("review.created", page.REVIEW_CREATED)["status"] == "done"

    counted = platform.get("/v1/stats/messages?source=rabbitmq")["items"]
    assert any(each["type"] == "review.created" and each["messages"] == 1 for each in counted)


def test_completing_a_lecture_and_a_course_is_announced_as_the_page_prints_it(platform: Platform) -> None:
    platform.rabbitmq.bind(RECEIVER, EXCHANGE, ["progress.updated", "certificate.issued"])
    done = ping(class_id="html", user_id="graduate", occurred_at="2026-02-20T10:30:00Z")
    accepted(platform.server.client.post("/v1/events", json=done))

    until(lambda: platform.rabbitmq.count([RECEIVER])[RECEIVER] == 2)
    updated, issued = platform.rabbitmq.drain(RECEIVER)
    signals = {each["type"]: each for each in platform.get("/v1/signals?user_id=graduate")["items"]}
    assert [updated.routing_key, issued.routing_key] == ["progress.updated", "certificate.issued"]
    assert json.loads(updated.body) | {"timestamp": ""} == {
        "eventId": updated.message_id,
        "eventType": "progress.updated",
        "timestamp": "",
        "version": "1.0",
        "source": "progress-service",
        "data": {
            "userId": "graduate",
            "courseId": "course123",
            "lectureId": "lecture456",
            "progressPercentage": 100.0,
            "completedAt": "2026-02-20T10:30:00Z",
        },
    }
    assert json.loads(issued.body)["data"] == {
        "certificateId": signals["COURSE_COMPLETED"]["signal_id"],
        "userId": "graduate",
        "courseId": "course123",
        "issuedAt": "2026-02-20T10:30:00Z",
    }


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"{", "body: expected JSON"),
        (json.dumps(envelope("user.exploded", page.USER_CREATED)).encode(), "eventType: expected user.created or"),
        (
            json.dumps(envelope("user.created", page.USER_CREATED, version="9.0")).encode(),
            "version: expected a version of user.created that is known here (1.0), found 9.0",
        ),
        (
            json.dumps(envelope("user.created", page.USER_CREATED, padding="x" * LARGEST)).encode(),
            f"expected at most {LARGEST} bytes",
        ),
    ],
    ids=["malformed", "unknown type", "unknown version", "too large"],
)
def test_what_can_never_be_taken_is_a_dead_letter_with_the_reason_and_the_queue_goes_on(
    platform: Platform, body: bytes, reason: str
) -> None:
    platform.publish_body("user.created", body)
    after = platform.publish("user.created", {**page.USER_CREATED, "userId": "after"})

    letter = platform.dead_letter()
    assert letter.body == body
    assert reason in str(letter.headers["lms-reason"])
    assert letter.headers["lms-routing-key"] == "user.created"
    assert after["status"] == "done"
    assert platform.rabbitmq.count([QUEUE]) == {QUEUE: 0}
