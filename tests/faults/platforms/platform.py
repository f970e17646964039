"""A platform that speaks to us over its broker, as the test needs it that kills both ends of that."""

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from eventstore.tables import lms_event
from projections.tables import lms_progress
from tests.support.private_server import PrivateServer

MESSAGES = 20_000
LEARNERS = 500
AGAIN_SEC = 0.2
"""What has not arrived is sent again after so long."""

CLASS_ID = "algebra"
QUIZ_ID = "exam"
PASS_SCORE = 50

Json = dict[str, Any]
Part = TypeVar("Part")


class Message(NamedTuple):
    """What the platform says of a learner, and how it puts that."""

    number: int
    user_id: str
    type: str
    said: Json


class Platform(ABC):
    """Says `messages` over its broker, which is the test's own `server`; `settings` tell the consumer of it."""

    system: str
    chunk = 200
    """So many messages are sent at once."""

    server: PrivateServer
    settings: Mapping[str, str]
    messages: Sequence[Message]

    def send(self, messages: Sequence[Message]) -> None:
        """Sends all of them, and again those of which the broker was killed before it had said that it has them."""
        for start in range(0, len(messages), self.chunk):
            while not self.arrive(messages[start : start + self.chunk]):
                time.sleep(AGAIN_SEC)

    @abstractmethod
    def arrive(self, messages: Sequence[Message]) -> bool:
        """Sends them. Whether the broker says that it has them all."""

    @abstractmethod
    def waiting(self) -> int:
        """How many messages the broker has that nobody has settled, and how many dead letters. It has to be up."""

    @abstractmethod
    def expected(self) -> Json:
        """What all messages amount to."""

    @abstractmethod
    async def found(self, connection: AsyncConnection) -> Json:
        """What the database says that they amount to."""


def expected_results(results: Sequence[Message]) -> Json:
    """What results amount to: an event each, and the best score of each learner."""
    best: dict[str, int] = {}
    for result in results:
        best[result.user_id] = max(best.get(result.user_id, 0), result.said["score"])
    return {"events": len(results), "event ids": len(results), "scores": best}


async def found_results(connection: AsyncConnection) -> Json:
    """What the database says of that."""
    e, p = lms_event.c, lms_progress.c
    events, ids = (await connection.execute(select(func.count(), func.count(e.event_id.distinct())))).one()
    scores = {row.user_id: row.quiz_score for row in await connection.execute(select(p.user_id, p.quiz_score))}
    return {"events": events, "event ids": ids, "scores": scores}
