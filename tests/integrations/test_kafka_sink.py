"""Kafka as a sink, where there is no Kafka. What it does where there is one, `test_course_completed` sees."""

import asyncio
import gc

import pytest

from eventstore.errors import UnavailableError
from integrations.inbound.mapping import SystemMapping
from integrations.kafka.sink import KafkaSink


async def test_a_broker_that_is_away_is_unavailable_and_leaves_nothing_open() -> None:
    said: list[object] = []

    asyncio.get_running_loop().set_exception_handler(lambda _, context: said.append(context))
    with pytest.raises(UnavailableError, match=r"kafka: expected a broker at 127\.0\.0\.1:1, found"):
        async with KafkaSink("127.0.0.1:1", lambda: SystemMapping("kafka")):
            pass
    gc.collect()

    assert said == []
