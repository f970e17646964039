"""The inbox: every integration message is kept as it came, and all that it amounts to in the same transaction.

What cannot be translated yet is parked, with the reason, and tried again when what is missing may have arrived.
"""

import logging
from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from engine.engine import Engine
from eventstore.concurrency import shielded
from eventstore.errors import UnavailableError
from eventstore.redaction import fault
from integrations.inbound import inbox_store
from integrations.inbound.inbox_store import PAGE
from integrations.inbound.mapping import Mappings
from integrations.inbound.message import Message, MessageKey
from integrations.inbound.outcome import Outcome
from integrations.inbound.processor import InboxProcessor, TransactionHook
from integrations.inbound.reference_data import Key, Reference
from integrations.inbound.translation import Translation, TranslationInputs
from integrations.system import Systems
from integrations.systems import SYSTEMS
from integrations.tables import InboxStatus

log = logging.getLogger(__name__)


class RetryResult(NamedTuple):
    """How many parked messages could be translated by now, and how many still wait."""

    done: int
    parked: int


class Inbox:
    """Takes messages in, and has the engine record what they prove.

    `mappings` may be replaced; `retry_parked` has to follow. `owes_retry`: one was due, and was broken off.
    """

    def __init__(self, engine: Engine, mappings: Mappings, systems: Systems = SYSTEMS) -> None:
        self.engine = engine
        self.mappings = mappings
        self.has_retry_pending = False
        self._intake = InboxProcessor(engine, systems)

    async def receive(self, messages: Sequence[Message], beside: TransactionHook | None = None) -> list[Outcome]:
        """Keeps messages, with the events and the facts that they amount to, in one transaction. What became of each.

        Whatever `beside` writes is written in that transaction, too.
        Raises Unavailable if nothing could be kept now: whoever sent them has to send them again. Any other error
        is the fault of one of them, and nothing is kept either.
        """
        distinct: dict[MessageKey, Message] = {}
        for message in messages:
            distinct.setdefault(message.key, message)
        became = await self._receive(list(distinct.values()), beside)
        outcomes = []
        for message in messages:
            outcomes.append(became[message.key])
            became[message.key] = became[message.key]._replace(is_repeat=True, signals=())
        return outcomes

    async def retry_parked(self, source: str | None = None) -> RetryResult:
        """Tries everything that is parked once more, or that of one source. Raises Unavailable where it breaks off."""
        counts = Counter[InboxStatus]()
        last = (source or "", "")
        self.has_retry_pending = self.has_retry_pending and source is not None
        try:
            while messages := await self._parked_after(last, source):
                counts += await shielded(self._retry(messages))
                last = messages[-1].key
        except UnavailableError:
            self.has_retry_pending = True
            raise
        return RetryResult(counts[InboxStatus.DONE], counts[InboxStatus.PARKED])

    async def _parked_after(self, last: MessageKey, source: str | None) -> list[Message]:
        """The next parked messages, which are in the order of their sources."""
        found = await shielded(self.engine.database.run_read(partial(inbox_store.parked_after, last=last)))
        return [message for message in found if source in (None, message.source)]

    async def _receive(
        self, messages: Sequence[Message], beside: TransactionHook | None = None
    ) -> dict[MessageKey, Outcome]:
        """As `receive`, of messages whose keys differ."""
        taken = await self._intake.process(messages, self.mappings, beside)
        return taken.outcomes | await self._follow_up(taken.changes, taken.knowledge)

    async def _follow_up(
        self, changes: Sequence[Translation], knowledge: TranslationInputs
    ) -> dict[MessageKey, Outcome]:
        """What is to be tried again for messages that are kept by now. If it cannot be done now, it is owed."""
        try:
            again = await self._receive_again([each.message for each in changes if each.reason], knowledge)
            told = [fact.key for each in changes for fact in each.facts if isinstance(fact, Reference)]
            await self._retry_waiting_for(told)
        except BaseException as error:
            self.has_retry_pending = True
            if not isinstance(error, UnavailableError):
                raise
            log.warning("parked messages are tried again later: %s", error)
            return {}
        return again

    async def _receive_again(
        self, parked: Sequence[Message], knowledge: TranslationInputs
    ) -> dict[MessageKey, Outcome]:
        """Tries messages once more that were parked just now, if more is known by now than when they were translated.

        Whoever brought that may have looked for what waits for it just before they were parked.
        """
        if not parked:
            return {}
        if (await self._intake.knowledge(parked, self.mappings)).is_within(knowledge):
            return {}
        return {key: outcome for key, outcome in (await self._receive(parked)).items() if not outcome.is_repeat}

    async def _retry_waiting_for(self, references: Sequence[Key]) -> None:
        """Tries what is parked and names one of these references."""
        query = self.engine.database.run_read
        keys = await query(partial(inbox_store.select_waiting_for, references=references)) if references else []
        for start in range(0, len(keys), PAGE):
            await self._retry(await query(partial(inbox_store.messages, keys=keys[start : start + PAGE])))

    async def _retry(self, messages: Sequence[Message]) -> Counter[InboxStatus]:
        """Tries parked messages. One that is refused for itself stays parked, and the others go on."""
        try:
            outcomes = await self._receive(messages)
        except UnavailableError:
            raise
        except Exception as error:
            if len(messages) == 1:
                log.error("%s: message %s stays parked: %s", *messages[0].key, fault(error))
                return Counter({InboxStatus.PARKED: 1})
            half = len(messages) // 2
            return await self._retry(messages[:half]) + await self._retry(messages[half:])
        return Counter(outcome.status for outcome in outcomes.values())
