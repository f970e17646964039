"""Redis Streams as a source, on a real Redis: nothing is lost with a consumer, a group or a connection."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager

import pytest

from eventstore.errors import UnavailableError
from integrations.inbound import source
from integrations.inbound.source import ATTEMPTS, BATCH, FIRST, Delivery
from integrations.redis import consumer_group
from integrations.redis.source import RedisSource
from tests.support.redis import RedisServer, required_redis

GROUP = "lms-progress"
CLAIM_SEC = 0.2
PATIENCE_SEC = 30


@asynccontextmanager
async def opened(redis: RedisServer, claim_sec: float = CLAIM_SEC) -> AsyncIterator[RedisSource]:
    async with asyncio.timeout(PATIENCE_SEC), RedisSource(redis.url, GROUP, claim_sec) as source:
        yield source


async def some(source: RedisSource) -> Sequence[Delivery]:
    """The next that come, however long that takes."""
    while not (taken := await source.receive()):
        pass
    return taken


def add(redis: RedisServer, *events: str, stream: str = "lms_events") -> list[str]:
    return [redis.cli("XADD", stream, "*", "event", event, "payload", "{}") for event in events]


def add_many(redis: RedisServer, number: int, stream: str) -> None:
    script = "for _ = 1, ARGV[1] do redis.call('XADD', KEYS[1], '*', 'event', 'e', 'payload', '{}') end"
    redis.cli("EVAL", script, "1", stream, str(number))


def events(deliveries: Sequence[Delivery]) -> list[str]:
    return [json.loads(delivery.body)["event"] for delivery in deliveries]


def consumers(redis: RedisServer, stream: str = "lms_events") -> dict[str, int]:
    """How many entries each consumer holds."""
    told = json.loads(redis.cli("--json", "XINFO", "CONSUMERS", stream, GROUP))
    return {consumer["name"]: consumer["pending"] for consumer in told}


def take_and_die(redis: RedisServer, consumer: str = "dead") -> None:
    """What a consumer does that is killed before it settles anything."""
    redis.cli("XREADGROUP", "GROUP", GROUP, consumer, "STREAMS", "lms_events", ">")


async def test_entries_of_both_streams_are_taken_from_the_beginning_and_settled(redis: RedisServer) -> None:
    before = add(redis, "before any group")

    async with opened(redis) as source:
        first = await some(source)
        await source.ack(first)
        add(redis, "result", stream="cbt_events")
        second = await some(source)
        await source.ack(second)
        assert [(each.topic, each.position, each.attempts) for each in first] == [("lms_events", before[0], 0)]
        assert json.loads(first[0].body) == {"event": "before any group", "payload": "{}"}
        assert abs(first[0].sent_at.timestamp() - time.time()) < PATIENCE_SEC
        assert [(each.topic, *events([each])) for each in second] == [("cbt_events", "result")]

    assert redis.open_entries() == 0


async def test_what_is_small_is_soon_taken_a_batch_at_a_time_however_much_both_streams_have(redis: RedisServer) -> None:
    for stream in ("lms_events", "cbt_events"):
        add_many(redis, 3 * BATCH, stream)

    async with opened(redis) as source:
        sizes: list[int] = []
        while sum(sizes) < 6 * BATCH:
            taken = await some(source)
            await source.ack(taken)
            sizes.append(len(taken))
        assert sizes[0] == 2 * FIRST, "of each stream as many"
        assert max(sizes) == BATCH


async def test_what_is_large_is_taken_a_few_at_a_time(redis: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "TAKE_BYTES", 1_000)
    add_many(redis, BATCH, "lms_events")

    async with opened(redis) as stream:
        await some(stream)
        taken = await some(stream)
        assert 0 < sum(len(each.body) for each in taken) <= 1_000


async def test_a_stream_that_has_nothing_gives_nothing_after_a_second(redis: RedisServer) -> None:
    async with opened(redis) as source:
        assert await source.receive() == []


async def test_what_a_dead_consumer_had_in_hand_is_taken_over_with_its_deliveries_counted(redis: RedisServer) -> None:
    async with opened(redis) as source:
        add(redis, "a", "b")
        take_and_die(redis)
        assert await source.receive() == [], "it is not stale yet"
        taken = await some(source)
        assert events(taken) == ["a", "b"]
        assert [each.attempts for each in taken] == [1, 1]
        await source.ack(taken)

    assert redis.open_entries() == 0


async def test_more_stale_entries_than_a_batch_are_all_taken_over(redis: RedisServer) -> None:
    number = 2 * BATCH + 1
    add_many(redis, number, "lms_events")

    async with opened(redis) as source:
        take_and_die(redis)
        taken: set[str] = set()
        while len(taken) < number:
            batch = await some(source)
            taken |= {each.position for each in batch}
            await source.ack(batch)

    assert redis.open_entries() == 0


async def test_what_was_deleted_while_a_dead_consumer_had_it_is_no_longer_waited_for_and_said(
    redis: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(redis) as source:
        add(redis, "a", "b")
        take_and_die(redis)
        redis.cli("XTRIM", "lms_events", "MAXLEN", "1")
        taken = await some(source)
        assert events(taken) == ["b"]
        await source.ack(taken)

    assert redis.open_entries() == 0
    assert "redis: entries of lms_events were deleted before they were recorded: 1" in caplog.text


async def test_what_is_given_back_comes_again_and_is_buried_after_its_last_attempt(redis: RedisServer) -> None:
    async with opened(redis) as source:
        add(redis, "poison")
        attempts = []
        for _ in range(ATTEMPTS):
            taken = await some(source)
            attempts.append(taken[0].attempts)
            await source.retry_later(taken[0], "ArithmeticError: poison")
        assert attempts == list(range(ATTEMPTS))
        assert await source.dead_letter_count() == 1

    assert redis.open_entries() == 0
    assert [letter["reason"] for letter in redis.dead_letters()] == ["ArithmeticError: poison"]


async def test_a_dead_letter_says_where_it_was_what_it_said_and_why_it_is_there(redis: RedisServer) -> None:
    (entry_id,) = add(redis, "poison")

    async with opened(redis) as source:
        taken = await some(source)
        await source.dead_letter(taken[0], "a reason")
        await source.dead_letter(taken[0], "as seen by another that had it in hand")

    (letter,) = redis.dead_letters()
    assert letter.pop("time").endswith("Z")
    assert json.loads(letter.pop("fields")) == {"event": "poison", "payload": "{}"}
    assert letter == {"stream": "lms_events", "id": entry_id, "reason": "a reason"}
    assert redis.open_entries() == 0


@pytest.mark.parametrize("when", ["before", "while it waits"])
async def test_a_stream_that_is_deleted_is_read_again_from_the_beginning(redis: RedisServer, when: str) -> None:
    async with opened(redis) as source:
        await source.receive()  # by then it has looked for stale entries
        if when == "before":
            redis.cli("DEL", "lms_events", "cbt_events")
            add(redis, "a")
            taken = await some(source)
        else:
            waiting = asyncio.create_task(some(source))
            await asyncio.sleep(CLAIM_SEC)
            await asyncio.to_thread(redis.cli, "DEL", "lms_events")
            await asyncio.to_thread(add, redis, "a")
            taken = await waiting
        assert events(taken) == ["a"]


async def test_bytes_that_are_no_text_stay_as_they_are(redis: RedisServer) -> None:
    redis.cli("-x", "XADD", "lms_events", "*", "event", "user_upsert", "payload", said=b'{"name": "\xff"}')

    async with opened(redis) as source:
        taken = await some(source)
        assert b"\xff" in taken[0].body
        with pytest.raises(UnicodeDecodeError):
            taken[0].body.decode()


async def test_a_consumer_leaves_nothing_behind_unless_it_holds_something(redis: RedisServer) -> None:
    async with opened(redis) as source:
        add(redis, "a")
        await source.ack(await some(source))
        assert list(consumers(redis).values()) == [0]
    assert consumers(redis) == {}
    add(redis, "a")
    async with opened(redis) as source:
        await some(source)
    assert list(consumers(redis).values()) == [1]


async def test_consumers_that_are_gone_are_removed_once_they_hold_nothing(
    redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer_group, "GONE_AFTER_MS", 3_000)

    async with opened(redis) as source:
        redis.cli("XGROUP", "CREATECONSUMER", "lms_events", GROUP, "idle")
        add(redis, "a")
        take_and_die(redis, "holds something")
        taken = await some(source)  # what it held, which it holds no more
        assert consumers(redis).keys() > {"idle", "holds something"}
        await source.ack(taken)
        while len(consumers(redis)) > 1:
            await source.receive()
        assert consumers(redis).keys().isdisjoint({"idle", "holds something"})


@pytest.mark.parametrize("where", ["127.0.0.1:1/0", "127.0.0.1:{port}/99"])
async def test_a_redis_that_cannot_be_had_is_unavailable(redis: RedisServer, where: str) -> None:
    with pytest.raises(UnavailableError, match="expected an answer from Redis, found: "):
        async with RedisSource("redis://" + where.format(port=redis.port), GROUP, CLAIM_SEC):
            pass


@pytest.fixture
def own_redis() -> Iterator[RedisServer]:
    """A Redis that a test may kill."""
    with required_redis() as server:
        yield server


async def test_a_redis_that_goes_away_is_unavailable_and_the_source_can_be_entered_again(
    own_redis: RedisServer,
) -> None:
    source = RedisSource(own_redis.url, GROUP, CLAIM_SEC)
    async with source:
        add(own_redis, "a")
        taken = await some(source)
        own_redis.kill()
        with pytest.raises(UnavailableError):
            await source.ack(taken)
    own_redis.start()
    async with asyncio.timeout(PATIENCE_SEC), source:
        again = await some(source)
        assert [each.position for each in again] == [each.position for each in taken]
        await source.ack(again)
    assert own_redis.open_entries() == 0
