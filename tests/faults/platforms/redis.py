"""The exam system over Redis Streams: learners are named, and named anew, and sit exams."""

import json
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as NoRedis
from redis.retry import Retry
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from signals.tables import lms_profile
from tests.faults.platforms.platform import (
    CLASS_ID,
    LEARNERS,
    MESSAGES,
    PASS_SCORE,
    Json,
    Message,
    Platform,
    expected_results,
    found_results,
)
from tests.support.redis import RedisServer, required_redis

CLAIM_SEC = 0.5
STREAMS = {"user_upsert": "lms_events", "exam_result_completed": "cbt_events"}
MAPPING = f'[redis.class.1]\nclass_id = "{CLASS_ID}"\npass_score = {PASS_SCORE}\n'


class ExamSystem(Platform):
    """Its entries have ids of its own: one that is added again, since Redis was killed, is the same one."""

    system = "redis"
    server: RedisServer

    def __init__(self, server: RedisServer, mapping: Path, chance: random.Random) -> None:
        mapping.write_text(MAPPING)
        self.server = server
        self.settings = {
            "LMS_REDIS_URL": server.url,
            "LMS_REDIS_CLAIM_SEC": str(CLAIM_SEC),
            "LMS_MAPPING_FILE": str(mapping),
        }
        self.messages = [draw(number, chance) for number in range(MESSAGES)]
        self._first_ms = time.time_ns() // 1_000_000 - MESSAGES

    def arrive(self, messages: Sequence[Message]) -> bool:
        ids = [f"{self._first_ms + message.number}-0" for message in messages]
        client = Redis.from_url(self.server.url, retry=Retry(NoBackoff(), 0))
        try:
            with client.pipeline(transaction=True) as pipe:
                for message, entry_id in zip(messages, ids, strict=True):
                    fields = {"event": message.type, "payload": json.dumps(message.said)}
                    pipe.xadd(STREAMS[message.type], fields, id=entry_id)  # type: ignore[arg-type]
                said = pipe.execute(raise_on_error=False)
        except NoRedis:
            return False
        finally:
            client.close()
        are_there = all("equal or smaller" in str(each) for each in said)
        assert are_there or said == [entry_id.encode() for entry_id in ids], said
        return True

    def waiting(self) -> int:
        return self.server.open_entries() + int(self.server.cli("XLEN", "lms_progress_dead"))

    def expected(self) -> Json:
        results = [message for message in self.messages if message.type == "exam_result_completed"]
        names = {message.user_id: message.said["name"] for message in self.messages if message.type == "user_upsert"}
        return {**expected_results(results), "names": names}

    async def found(self, connection: AsyncConnection) -> Json:
        p = lms_profile.c
        rows = await connection.execute(select(p.user_id, p.value).where(p.field == "name"))
        return {**await found_results(connection), "names": {row.user_id: row.value for row in rows}}


def draw(number: int, chance: random.Random) -> Message:
    learner = chance.randrange(LEARNERS)
    if number % 4 == 0:
        return Message(number, str(learner), "user_upsert", {"id": learner, "name": f"name {number}", "role": "siswa"})
    result: Json = {"assignment_id": number, "user_id": learner, "lms_class_id": 1, "score": chance.randrange(101)}
    result |= {"completed_at": "2026-02-06T10:45:00Z"}
    return Message(number, str(learner), "exam_result_completed", result)


@contextmanager
def exam_system(mapping: Path) -> Iterator[ExamSystem]:
    """It, with a Redis to be killed. It writes the `mapping` file by which it is understood."""
    with required_redis() as server:
        yield ExamSystem(server, mapping, random.Random())
