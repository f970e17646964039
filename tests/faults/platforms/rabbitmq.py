"""The course platform over RabbitMQ: learners are named, and named anew, and buy a course."""

import asyncio
import json
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from integrations.contracts.rabbitmq import EXCHANGE
from integrations.rabbitmq.client import BROKEN
from integrations.rabbitmq.source import RabbitmqSource
from integrations.rabbitmq.topology import DEAD_LETTERS, DELAYS_SEC, QUEUE, queued
from signals.tables import lms_enrolment, lms_profile
from tests.faults.platforms.platform import CLASS_ID, LEARNERS, MESSAGES, Json, Message, Platform
from tests.support.rabbitmq import RabbitmqServer, required_rabbitmq

QUEUES = (QUEUE, DEAD_LETTERS, *map(queued, DELAYS_SEC))
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


class CoursePlatform(Platform):
    """It says everything a second after what it said before."""

    system = "rabbitmq"
    server: RabbitmqServer

    def __init__(self, server: RabbitmqServer, chance: random.Random) -> None:
        self.server = server
        self.settings = {"LMS_RABBITMQ_URL": server.url}
        self.messages = [draw(number, f"learner {chance.randrange(LEARNERS)}") for number in range(MESSAGES)]

    def arrive(self, messages: Sequence[Message]) -> bool:
        try:
            self.server.publish(EXCHANGE, [(message.type, body(message)) for message in messages])
        except BROKEN:
            return False
        return True

    def waiting(self) -> int:
        return sum(self.server.count(QUEUES).values())

    def expected(self) -> Json:
        namings = [message for message in self.messages if message.type == "user.created"]
        orders = [message for message in self.messages if message.type == "order.completed"]
        return {
            "names": {message.user_id: message.said["firstName"] for message in namings},
            "enrolled": {message.user_id: said_at(message) for message in reversed(orders)},
        }

    async def found(self, connection: AsyncConnection) -> Json:
        p, e = lms_profile.c, lms_enrolment.c
        names = await connection.execute(select(p.user_id, p.value))
        enrolled = await connection.execute(select(e.user_id, e.enrolled_at))
        return {
            "names": {row.user_id: row.value for row in names},
            "enrolled": {row.user_id: row.enrolled_at for row in enrolled},
        }


def draw(number: int, user_id: str) -> Message:
    if number % 2:
        return Message(number, user_id, "order.completed", {"orderId": str(number), "courseIds": [CLASS_ID]})
    return Message(number, user_id, "user.created", {"firstName": f"name {number}"})


def body(message: Message) -> bytes:
    at = said_at(message).isoformat()
    completed = {"completedAt": at} if message.type == "order.completed" else {}
    envelope = {
        "eventId": f"event {message.number}",
        "eventType": message.type,
        "timestamp": at,
        "version": "1.0",
        "source": "payment-service",
        "data": {"userId": message.user_id} | message.said | completed,
    }
    return json.dumps(envelope).encode()


def said_at(message: Message) -> datetime:
    return BEGIN + timedelta(seconds=message.number)


@contextmanager
def course_platform(_: Path) -> Iterator[CoursePlatform]:
    """It, with a RabbitMQ to be killed."""
    with required_rabbitmq() as server:
        asyncio.run(make_queue(server))
        yield CoursePlatform(server, random.Random())


async def make_queue(server: RabbitmqServer) -> None:
    """As any consumer does when it starts: what is published before, the platform has nobody for."""
    async with RabbitmqSource(server.url):
        pass
