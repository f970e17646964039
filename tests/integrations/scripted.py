"""A broker in memory that does as it is told, and a receiver that fails where it is told to."""

import asyncio
from collections import Counter, defaultdict, deque
from collections.abc import Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import NamedTuple, Self

from eventstore.errors import RequestError
from integrations.inbound.source import ATTEMPTS, BATCH, Delivery

NOW = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)


class Word(NamedTuple):
    """A message of the tests: one word, which is its type too."""

    type: str


class ScriptedSource:
    """Holds `words`, one a message, and sets `stopping` when it is done with all of them.

    `troubles` are raised by the method of that name, the first one first. What was not settled comes again, as of any
    broker, when it is entered anew.
    """

    def __init__(self, *words: str, batch: int = BATCH) -> None:
        self.name = "scripted"
        self.stopping = asyncio.Event()
        self.troubles: defaultdict[str, deque[BaseException]] = defaultdict(deque)
        self.entered = 0
        self.settled: list[str] = []
        self.buried: list[tuple[str, str]] = []
        self.given_back: list[tuple[str, str]] = []
        self._batch = batch
        self._waiting = [
            Delivery("words", str(place), word.encode(), sent_at=NOW) for place, word in enumerate(words, 1)
        ]
        self._in_hand: list[Delivery] = []

    async def __aenter__(self) -> Self:
        self._fault("enter")
        self.entered += 1
        self._waiting = [again(delivery) for delivery in self._in_hand] + self._waiting
        self._in_hand = []
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    async def receive(self) -> Sequence[Delivery]:
        self._fault("receive")
        if not self._waiting and not self._in_hand:
            self.stopping.set()
        taken, self._waiting = self._waiting[: self._batch], self._waiting[self._batch :]
        self._in_hand += taken
        return taken

    async def ack(self, deliveries: Sequence[Delivery]) -> None:
        self._fault("ack")
        for delivery in deliveries:
            self._in_hand.remove(delivery)
            self.settled.append(delivery.body.decode())

    async def dead_letter(self, delivery: Delivery, reason: str) -> None:
        self._fault("dead_letter")
        self._in_hand.remove(delivery)
        self.buried.append((delivery.body.decode(), reason))

    async def retry_later(self, delivery: Delivery, reason: str) -> None:
        if delivery.attempts + 1 >= ATTEMPTS:
            return await self.dead_letter(delivery, reason)
        self._in_hand.remove(delivery)
        self._waiting.append(again(delivery))
        self.given_back.append((delivery.body.decode(), reason))
        return None

    async def dead_letter_count(self) -> int:
        return len(self.buried)

    def _fault(self, method: str) -> None:
        if self.troubles[method]:
            raise self.troubles[method].popleft()


class WordHandler:
    """Records words, each once. `poison` fails for itself; `troubles` are raised before anything is recorded."""

    def __init__(self, *poison: str) -> None:
        self.recorded: Counter[str] = Counter()
        self.batches: list[int] = []
        self.troubles: deque[BaseException] = deque()
        self._poison = set(poison)

    def decode(self, delivery: Delivery) -> Word:
        word = delivery.body.decode()
        if word.startswith("unreadable"):
            raise RequestError(f"body: expected a word, found {word}")
        return Word(word)

    async def handle(self, words: Sequence[Word]) -> list[str]:
        if self.troubles:
            raise self.troubles.popleft()
        self.batches.append(len(words))
        for word in words:
            if word.type in self._poison:
                raise ArithmeticError(f"{word.type} is poison")
        self.recorded.update(word.type for word in words)
        return ["done"] * len(words)


def again(delivery: Delivery) -> Delivery:
    return delivery._replace(attempts=delivery.attempts + 1)
