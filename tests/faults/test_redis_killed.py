"""20,000 messages through Redis, while its consumer and Redis itself are killed: each takes effect once, none waits."""

import asyncio
import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as NoRedis
from redis.retry import Retry
from sqlalchemy import func, make_url, select

from eventstore.tables import lms_event, lms_inbox, lms_message_daily, lms_profile, lms_progress
from tests.api.support import accepted
from tests.conftest import opened
from tests.faults.traffic import until
from tests.support.consuming import consuming
from tests.support.redis import RedisServer, required_redis
from tests.support.serving import command, serving

MESSAGES = 20_000
CHUNK = 100
LEARNERS = 500
KILLS = 10
REDIS_KILLS = {3, 7}
"""Of these lives of the consumer, Redis shares the end."""

LIFE_SEC = (0.1, 1.0)
PRODUCE_SEC = 15
LOOK_EVERY_SEC = 0.2
CLAIM_SEC = 0.5

COURSE = {"title": "Algebra", "steps": [{"class_id": "algebra", "title": "Algebra", "quiz_id": "exam"}]}
MAPPING = '[redis.class.1]\nclass_id = "algebra"\npass_score = 50\n'


class Entry(NamedTuple):
    """A message, where it belongs."""

    stream: str
    event: str
    payload: dict[str, object]


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    """A Redis of this test's own, to be killed."""
    with required_redis() as server:
        yield server


def test_ten_kills_of_the_consumer_and_two_of_redis_lose_nothing_and_count_nothing_twice(
    new_database: Callable[[], str], redis: RedisServer, tmp_path: Path, tell: Callable[[str], None]
) -> None:
    url, chance = new_database(), random.Random()
    mapping = tmp_path / "mapping.toml"
    mapping.write_text(MAPPING)
    settings = {"LMS_REDIS_URL": redis.url, "LMS_REDIS_CLAIM_SEC": str(CLAIM_SEC), "LMS_MAPPING_FILE": str(mapping)}
    publish(url)
    entries = list(messages(chance))

    with ThreadPoolExecutor(1) as pool:
        producing = pool.submit(produce, redis, entries)
        hits = 0
        for life in range(KILLS):
            with consuming("redis", url, **settings) as consumer:
                time.sleep(chance.uniform(*LIFE_SEC))
                hits += redis.pending() > 0
                consumer.kill()
            if life in REDIS_KILLS:
                redis.kill()
                time.sleep(chance.uniform(*LIFE_SEC))
                redis.start()
        with consuming("redis", url, **settings):
            producing.result()
            until(lambda: redis.open_entries() == 0, LOOK_EVERY_SEC)

    assert hits > 0, "the kills hit nothing"
    assert redis.cli("XLEN", "lms_progress_dead") == "0"
    asyncio.run(check(url, entries))
    verified = command("verify", LMS_DATABASE_URL=url)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    kind = make_url(url).get_backend_name()
    tell(f"{kind}: consumer killed {KILLS} times, {hits} amid a batch, redis twice: {MESSAGES:,} messages, 0 lost")


def messages(chance: random.Random) -> Iterator[Entry]:
    """Learners are named, and named anew, and sit exams; each exam's result is told by one message."""
    for number in range(MESSAGES):
        user_id = chance.randrange(LEARNERS)
        if number % 4 == 0:
            yield Entry("lms_events", "user_upsert", {"id": user_id, "name": f"name {number}", "role": "siswa"})
        else:
            result = {"assignment_id": number, "user_id": user_id, "lms_class_id": 1, "score": chance.randrange(101)}
            yield Entry("cbt_events", "exam_result_completed", result | {"completed_at": "2026-02-06T10:45:00Z"})


def produce(redis: RedisServer, entries: Sequence[Entry]) -> None:
    """Adds all entries, each once: by ids of its own, since Redis may be killed before it answers."""
    client = Redis.from_url(redis.url, retry=Retry(NoBackoff(), 0))
    first_ms = time.time_ns() // 1_000_000 - MESSAGES
    for start in range(0, MESSAGES, CHUNK):
        chunk = list(enumerate(entries[start : start + CHUNK], first_ms + start))
        while not add(client, chunk):
            time.sleep(LOOK_EVERY_SEC)
        time.sleep(PRODUCE_SEC * CHUNK / MESSAGES)
    client.close()


def add(client: Redis, chunk: Sequence[tuple[int, Entry]]) -> bool:
    """Whether the entries are there. They are added all at once, unless they are there already."""
    try:
        with client.pipeline(transaction=True) as pipe:
            for number, entry in chunk:
                fields = {"event": entry.event, "payload": json.dumps(entry.payload)}
                pipe.xadd(entry.stream, fields, id=f"{number}-0")  # type: ignore[arg-type]
            said = pipe.execute(raise_on_error=False)
    except NoRedis:
        return False
    there = [f"{number}-0".encode() for number, _ in chunk]
    assert said == there or all("equal or smaller" in str(each) for each in said), said
    return True


def publish(url: str) -> None:
    with serving(url, "--dev") as server, httpx.Client(base_url=server.url, trust_env=False) as client:
        accepted(client.put("/v1/courses/algebra", json=COURSE))


async def check(url: str, entries: Sequence[Entry]) -> None:
    """Every message is kept and counted once, every result is one event, and the last name of each learner stays."""
    i, e, d, p, v = lms_inbox.c, lms_event.c, lms_message_daily.c, lms_profile.c, lms_progress.c
    async with opened(url) as database, database.read() as connection:
        statuses = (await connection.execute(select(i.status, func.count()).group_by(i.status))).all()
        counted = (await connection.execute(select(d.type, func.sum(d.messages)).group_by(d.type))).all()
        results = (await connection.execute(select(func.count(), func.count(e.event_id.distinct())))).one()
        names = (await connection.execute(select(p.user_id, p.value).where(p.field == "name"))).all()
        scores = (await connection.execute(select(v.user_id, v.quiz_score))).all()
    submissions = [entry.payload for entry in entries if entry.stream == "cbt_events"]
    upserts = [entry.payload for entry in entries if entry.stream == "lms_events"]
    best: dict[str, int] = {}
    for each in submissions:
        best[str(each["user_id"])] = max(best.get(str(each["user_id"]), 0), int(str(each["score"])))
    assert list(map(tuple, statuses)) == [("done", MESSAGES)]
    assert dict(map(tuple, counted)) == {"user_upsert": len(upserts), "exam_result_completed": len(submissions)}
    assert tuple(results) == (len(submissions), len(submissions))
    assert dict(map(tuple, names)) == {str(each["id"]): each["name"] for each in upserts}
    assert dict(map(tuple, scores)) == best
