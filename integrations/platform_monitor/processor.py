"""Taking in the platform's rows: what they tell of goes into the inbox, with all that belongs to it."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from engine.ingest.submission import TransactionHook
from eventstore.errors import RequestError, UnavailableError
from eventstore.redaction import fault
from integrations.contracts.activity import SOURCE
from integrations.inbound.inbox import Inbox
from integrations.inbound.message import MessageKey
from integrations.notifications.notification import Notifier
from integrations.platform_monitor.activity_batch import Batch, Item, save_batch
from integrations.platform_monitor.change_detection import DetectedActivity, Row, of_attempt, of_progress
from integrations.platform_monitor.decode import decode
from integrations.platform_monitor.encode import delivery
from integrations.platform_monitor.layout import Layout
from integrations.platform_monitor.mentor_cache import Mentors, TheirMentors
from integrations.platform_monitor.notify import with_news
from integrations.runtime.metrics import FAILED, REFUSED, UNREAD, count_error, count_recorded

log = logging.getLogger(__name__)

FEEDS: Mapping[str, Callable[[Row, Layout], Iterable[DetectedActivity]]] = {
    "exam_attempts": lambda row, layout: of_attempt(row, layout.exam_attempts),
    "content_progress": lambda row, layout: of_progress(row, layout.content_progress),
}
"""The tables that are read, by what the layout calls them, and what a row of each tells of."""


async def nothing(_connection: AsyncConnection) -> None:
    """For what is kept without anything beside it."""


class ActivityIntake:
    """Takes in activities of these types, and has `notifier` tell mentors of them, if there is one."""

    def __init__(
        self, inbox: Inbox, layout: Layout, mentors: Mentors, types: frozenset[str], notifier: Notifier | None
    ) -> None:
        self._inbox = inbox
        self._layout = layout
        self._mentors = mentors
        self._types = types
        self._notifier = notifier

    async def prepare(self, feed: str, rows: Sequence[Row], began_at: datetime) -> Batch:
        """What rows of that table tell of, ready to be kept.

        Mentors are told of what was done since the platform was first read, `began_at`, or little before.
        """
        seen = [each for row in rows for each in FEEDS[feed](row, self._layout) if each.event_type in self._types]
        mentors = await self._mentors.of({each.row["student_id"] for each in seen})
        now = self._inbox.engine.clock()
        items = [item for each in seen for item in self._try_to_read(feed, each, mentors, now)]
        if self._notifier is None:
            return items
        return await asyncio.to_thread(
            with_news, items, mentors, self._notifier, began_at
        )  # an operator's code is slow

    async def keep(self, batch: Batch, also: TransactionHook) -> int:
        """Keeps them; `also` is done in the same transaction. How many were new.

        Raises Unavailable if nothing can be kept now.
        """
        try:
            return await self._receive(batch, also)
        except UnavailableError:
            raise
        except Exception:  # one of them cannot be kept, whatever it is: the others are
            new = await self._receive_halves(batch)
        return new + await self._receive([], also)

    def _try_to_read(self, feed: str, seen: DetectedActivity, mentors: TheirMentors, now: datetime) -> Iterator[Item]:
        try:
            yield Item(seen, decode(delivery(feed, seen, self._layout, mentors), now))
        except RequestError:
            log.error("activity: a row of %s is passed over: expected an id that a message can have", feed)
            count_error(SOURCE, UNREAD, REFUSED)

    async def _receive(self, batch: Batch, also: TransactionHook = nothing) -> int:
        began = time.monotonic()

        async def beside(connection: AsyncConnection, new: Set[MessageKey]) -> None:
            await save_batch(connection, batch, new)
            await also(connection)

        outcomes = await self._inbox.receive([item.message for item in batch], beside)
        seconds = time.monotonic() - began
        pairs = zip(batch, outcomes, strict=True)
        new = Counter((item.message.type, outcome.label) for item, outcome in pairs if not outcome.is_repeat)
        for (kind, word), number in new.items():
            count_recorded(SOURCE, kind, word, seconds, number)
        return new.total()

    async def _receive_halves(self, batch: Batch) -> int:
        """Keeps what can be kept of a batch that as a whole cannot, and passes the rest over."""
        new, middle = 0, len(batch) // 2
        for half in (batch[:middle], batch[middle:]):
            try:
                new += await self._receive(half)
            except UnavailableError:
                raise
            except Exception as error:
                if len(half) > 1:
                    new += await self._receive_halves(half)
                else:
                    message = half[0].message
                    log.error("activity: message %s is passed over: %s", message.message_id, fault(error))
                    count_error(SOURCE, message.type, FAILED)
        return new
