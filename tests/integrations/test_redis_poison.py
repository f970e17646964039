"""Messages that can never be taken go to the dead letters with the reason, and those around them are taken."""

import json
from collections.abc import Callable
from typing import NamedTuple

from sqlalchemy import select

from signals.tables import lms_profile
from tests.conftest import opened
from tests.faults.traffic import until
from tests.support.processes import consuming
from tests.support.redis import RedisServer

LARGEST = 2_000


class Poison(NamedTuple):
    """The fields of an entry of `lms_events`, and what the reason says of it."""

    fields: tuple[str | bytes, ...]
    reason: str


POISON = {
    "no payload": Poison(("event", "user_upsert"), "payload: expected a value, found nothing"),
    "no event": Poison(("payload", "{}"), "event: expected a value, found nothing"),
    "no JSON": Poison(("event", "user_upsert", "payload", "{id: 42}"), "payload: expected"),
    "no object": Poison(("event", "user_upsert", "payload", "42"), "payload: expected an object, found"),
    "no id": Poison(
        ("event", "user_upsert", "payload", '{"name": "Ada"}'), "payload.id: expected a value, found nothing"
    ),
    "unknown event": Poison(("event", "user_renamed", "payload", "{}"), "found 'user_renamed'"),
    "unknown version": Poison(
        ("event", "user_upsert", "payload", '{"id": 1}', "version", "9.0"), "known here (1.0), found 9.0"
    ),
    "oversized": Poison(
        ("event", "user_upsert", "payload", json.dumps({"id": 1, "name": "x" * LARGEST})),
        f"expected at most {LARGEST} bytes, found ",
    ),
    "no text": Poison(("event", "user_upsert", "payload", b'{"id": 1, "name": "\xff"}'), "body: expected JSON, found"),
}


async def test_each_is_buried_with_what_was_expected_and_found_and_the_rest_is_taken(
    redis: RedisServer, new_sqlite: Callable[[], str]
) -> None:
    url, settings = new_sqlite(), {"LMS_REDIS_URL": redis.url, "LMS_MAX_MESSAGE_BYTES": str(LARGEST)}
    say_name(redis, 0)
    kinds: dict[str, str] = {}
    for number, (kind, poison) in enumerate(POISON.items(), 1):
        kinds[add(redis, poison)] = kind
        say_name(redis, number)

    with consuming("redis", url, **settings) as consumer:
        until(lambda: redis.open_entries() == 0)
        consumer.stop()
        log = consumer.log

    letters = {kinds[letter["id"]]: letter for letter in redis.dead_letters()}
    assert letters.keys() == POISON.keys()
    assert [kind for kind, letter in letters.items() if POISON[kind].reason not in letter["reason"]] == []
    assert json.loads(letters["unknown event"]["fields"]) == {"event": "user_renamed", "payload": "{}"}
    assert await learners(url) == set(map(str, range(len(POISON) + 1)))
    assert log.count("is buried as a dead letter") == len(POISON)
    assert "Ada" not in log


def add(redis: RedisServer, poison: Poison) -> str:
    """The id of the entry."""
    *words, last = poison.fields
    said = last if isinstance(last, bytes) else last.encode()
    return redis.cli("-x", "XADD", "lms_events", "*", *map(str, words), said=said)


def say_name(redis: RedisServer, user_id: int) -> None:
    payload = json.dumps({"id": user_id, "name": "Ada", "role": "siswa"})
    redis.cli("XADD", "lms_events", "*", "event", "user_upsert", "payload", payload)


async def learners(url: str) -> set[str]:
    """Whose name is known."""
    async with opened(url) as database, database.read() as connection:
        return set(await connection.scalars(select(lms_profile.c.user_id).where(lms_profile.c.field == "name")))
