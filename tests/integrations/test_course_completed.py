"""A course that is completed over HTTP is a fact everywhere: in the API, at every broker, and at whoever subscribed."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import httpx
from aiokafka import AIOKafkaConsumer

from integrations.contracts.rabbitmq import EXCHANGE
from integrations.kafka.topics import PROGRESS_EVENTS
from tests.api.support import accepted
from tests.faults.traffic import until
from tests.integrations.http_receiver import Hook, receiving
from tests.support.kafka import KafkaServer
from tests.support.rabbitmq import RabbitmqServer
from tests.support.redis import RedisServer
from tests.support.serving import serving

COURSE = {"title": "Python", "steps": [{"class_id": "intro", "title": "Intro", "video_id": "intro-video"}]}
PING = {
    "type": "VIDEO_PING",
    "user_id": "ada",
    "class_id": "intro",
    "occurred_at": "2026-01-15T09:30:00Z",
    "payload": {"video_id": "intro-video", "position": 300, "duration": 300},
}


def test_a_completed_course_is_told_to_everyone(
    new_database: Callable[[], str], rabbitmq: RabbitmqServer, redis: RedisServer, kafka: KafkaServer
) -> None:
    rabbitmq.bind("notifications", EXCHANGE, ["certificate.issued"])
    rabbitmq.bind("recommendations", EXCHANGE, ["progress.updated"])
    brokers = {
        "LMS_RABBITMQ_URL": rabbitmq.url,
        "LMS_REDIS_URL": redis.url,
        "KAFKA_BOOTSTRAP_SERVERS": kafka.servers,
    }
    with receiving() as receiver, serving(new_database(), "--dev", **brokers) as server:
        subscribed = server.client.post(
            "/v1/subscriptions", json={"url": receiver.url + "/certificates", "types": ["COURSE_COMPLETED"]}
        )
        assert subscribed.status_code == httpx.codes.CREATED
        accepted(server.client.put("/v1/courses/python-101", json=COURSE))
        accepted(server.client.post("/v1/events", json=PING))

        [course] = server.client.get("/v1/users/ada/progress").json()["courses"]
        assert (course["percent"], course["completed"]) == (100, True)
        [signal] = server.client.get("/v1/signals?type=COURSE_COMPLETED").json()["items"]
        signal_id = signal["signal_id"]

        until(lambda: list(rabbitmq.count(["notifications", "recommendations"]).values()) == [1, 1])
        until(lambda: len(on_redis(redis)) == 3)
        receiver.await_hooks(1)
    [certificate] = rabbitmq.drain("notifications")
    issued = json.loads(certificate.body)
    assert (certificate.message_id, certificate.routing_key) == (signal_id, "certificate.issued")
    assert (issued["eventId"], issued["eventType"], issued["version"]) == (signal_id, "certificate.issued", "1.0")
    assert issued["data"] | {"certificateId": ""} == {
        "certificateId": "",
        "userId": "ada",
        "courseId": "python-101",
        "issuedAt": "2026-01-15T09:30:00Z",
    }
    [hook] = receiver.hooks
    assert hook.message_id == signal_id
    assert is_signed(hook, subscribed.json()["secret"])
    assert (hook.data["type"], hook.data["course_id"]) == ("COURSE_COMPLETED", "python-101")
    assert [event for event, _ in on_redis(redis)] == ["video_completed", "step_completed", "course_completed"]
    assert on_redis(redis)[-1][1]["signal_id"] == signal_id
    assert [each["event_type"] for each in asyncio.run(on_kafka(kafka, 3))] == [
        "video.completed",
        "step.completed",
        "course.completed",
    ]


def on_redis(redis: RedisServer) -> list[tuple[str, dict[str, Any]]]:
    """What was announced there: events, and their payloads."""
    if redis.cli("EXISTS", "progress_events") == "0":
        return []
    entries = json.loads(redis.cli("--json", "XRANGE", "progress_events", "-", "+"))
    fields = [dict(zip(said[::2], said[1::2], strict=True)) for _, said in entries]
    return [(each["event"], json.loads(each["payload"])) for each in fields]


async def on_kafka(kafka: KafkaServer, number: int) -> list[dict[str, Any]]:
    """The first so many that were announced there."""
    consumer = AIOKafkaConsumer(PROGRESS_EVENTS.name, bootstrap_servers=kafka.servers, auto_offset_reset="earliest")
    await consumer.start()
    try:
        return [json.loads((await consumer.getone()).value) for _ in range(number)]
    finally:
        await consumer.stop()


def is_signed(hook: Hook, secret: str) -> bool:
    """Whether the signature is as Standard Webhooks has it, worked out by its words."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{hook.headers['webhook-id']}.{hook.headers['webhook-timestamp']}.".encode() + hook.body
    expected = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    return hook.headers["webhook-signature"] == f"v1,{expected}"
