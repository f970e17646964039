"""Receivers: who the messages of a source are for. That is the inbox, for messages of another system."""

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

from eventstore.times import Clock
from integrations.inbound.inbox import Inbox
from integrations.inbound.message import Message
from integrations.inbound.source import Delivery
from integrations.system import System


class Typed(Protocol):
    """A message that was read."""

    @property
    def type(self) -> str: ...


Item = TypeVar("Item", bound=Typed)


class Handler(Protocol[Item]):
    """Reads a source's messages, and records them."""

    def decode(self, delivery: Delivery) -> Item:
        """What a delivery says. Raises Refused for what can never be taken."""
        ...

    async def handle(self, items: Sequence[Item]) -> Sequence[str]:
        """Records messages in one transaction, and has committed it when it says, in a word, what became of each.

        Raises Unavailable if the same will do later, anything else if not.
        """
        ...


class InboxHandler:
    """Reads what `system` sends, and hands it to the inbox."""

    def __init__(self, system: System[Any], inbox: Inbox, clock: Clock) -> None:
        if system.decode is None:
            raise ValueError(f"{system.name} sends no messages")
        self._decode = system.decode
        self._inbox = inbox
        self._clock = clock

    def decode(self, delivery: Delivery) -> Message:
        """The message that a delivery is. Raises Refused."""
        return self._decode(delivery, self._clock())

    async def handle(self, messages: Sequence[Message]) -> list[str]:
        """Keeps them, and says of each whether it is done, parked or a duplicate."""
        return [outcome.label for outcome in await self._inbox.receive(messages)]
