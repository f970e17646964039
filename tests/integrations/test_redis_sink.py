"""Redis Streams as a sink, on a real Redis: an announcement is an entry, told from its repeats by its signal's id."""

import json
from datetime import UTC, datetime

import pytest

from eventstore.errors import UnavailableError
from integrations.inbound.mapping import ClassMapping, SystemMapping
from integrations.outbound.sink import DELIVERED, OutboundMessage, Result
from integrations.redis.sink import RedisSink
from tests.integrations.worlds import mapped
from tests.support.redis import RedisServer

SAID = "2026-02-06T10:45:00.000000Z"


def announcement(message_id: str, kind: str = "QUIZ_PASSED", user_id: str = "42", **body: object) -> OutboundMessage:
    told = {"type": kind, "signal_id": message_id, "user_id": user_id, "class_id": None, "course_id": None}
    return OutboundMessage(message_id, user_id, kind, told | {"occurred_at": SAID} | body, datetime.now(UTC))


async def send(redis: RedisServer, mapping: SystemMapping, *announcements: OutboundMessage) -> list[Result]:
    async with RedisSink(redis.url, lambda: mapping) as sink:
        return await sink.send(announcements)


def entries(redis: RedisServer) -> list[tuple[str, dict[str, object]]]:
    found = json.loads(redis.cli("--json", "XRANGE", "progress_events", "-", "+"))
    return [(fields[1], json.loads(fields[3])) for _, fields in found if fields[::2] == ["event", "payload"]]


async def test_an_announcement_is_an_entry_in_the_exam_system_s_form_and_ids(redis: RedisServer) -> None:
    mapping = mapped("redis", "class", "1", ClassMapping("algebra"))

    assert await send(redis, mapping, announcement("id 1", class_id="algebra", course_id="maths")) == [DELIVERED]

    ((event, payload),) = entries(redis)
    assert event == "quiz_passed"
    assert payload == {
        "signal_id": "id 1",
        "user_id": "42",
        "class_id": "algebra",
        "course_id": "maths",
        "lms_class_id": "1",
        "module_id": None,
        "percent": None,
        "occurred_at": "2026-02-06T10:45:00Z",
    }


async def test_announcements_arrive_in_the_order_given(redis: RedisServer) -> None:
    ids = [f"id {number}" for number in range(50)]

    assert await send(redis, SystemMapping("redis"), *map(announcement, ids)) == [DELIVERED] * len(ids)

    assert [payload["signal_id"] for _, payload in entries(redis)] == ids


async def test_while_redis_refuses_them_none_arrives_and_none_is_to_blame(redis: RedisServer) -> None:
    redis.cli("SET", "progress_events", "no stream")

    with pytest.raises(UnavailableError, match=r"expected an answer from Redis, found: .*WRONGTYPE"):
        await send(redis, SystemMapping("redis"), announcement("id 1"), announcement("id 2"))


async def test_a_redis_that_cannot_be_had_is_unavailable() -> None:
    with pytest.raises(UnavailableError):
        async with RedisSink("redis://127.0.0.1:1/0", lambda: SystemMapping("redis")) as sink:
            await sink.send([announcement("id 1")])
