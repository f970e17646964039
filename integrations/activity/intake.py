"""Taking in the platform's rows: what they tell of goes into the inbox, with all that belongs to it."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from engine.submission import Alongside
from eventstore.errors import Refused, Unavailable
from integrations.activity.batch import NEWS, Batch, Item, Tell, keep
from integrations.activity.layout import Layout
from integrations.activity.mentors import Mentors, TheirMentors
from integrations.activity.noticing import Noticed, Row, of_attempt, of_progress
from integrations.activity.read import read
from integrations.activity.telling import delivery
from integrations.contracts.activity import SOURCE
from integrations.fault import fault
from integrations.inbox import Inbox
from integrations.message import MessageKey
from integrations.metrics import FAILED, REFUSED, UNREAD, count_error, count_recorded

log = logging.getLogger(__name__)

FEEDS: Mapping[str, Callable[[Row, Layout], Iterable[Noticed]]] = {
    "exam_attempts": lambda row, layout: of_attempt(row, layout.exam_attempts),
    "content_progress": lambda row, layout: of_progress(row, layout.content_progress),
}
"""The tables that are read, by what the layout calls them, and what a row of each tells of."""


async def nothing(_connection: AsyncConnection) -> None:
    """For what is kept without anything beside it."""


class ActivityIntake:
    """Takes in activities of these types, and announces them by `tell`, if there is one."""

    def __init__(
        self, inbox: Inbox, layout: Layout, mentors: Mentors, types: frozenset[str], tell: Tell | None
    ) -> None:
        self._inbox = inbox
        self._layout = layout
        self._mentors = mentors
        self._types = types
        self._tell = tell

    async def take_in(self, feed: str, rows: Sequence[Row], began_at: datetime, also: Alongside) -> int:
        """Keeps what rows of that table tell of; `also` is done in the same transaction. How many were new.

        Mentors are told of what was done since the platform was first read, `began_at`, or little before. Raises
        Unavailable if nothing can be kept now.
        """
        batch = await self._batch(feed, rows, began_at)
        try:
            return await self._receive(batch, also)
        except Unavailable:
            raise
        except Exception:  # one of them cannot be kept, whatever it is: the others are
            new = await self._receive_halves(batch)
        return new + await self._receive(batch._replace(items=()), also)

    async def _batch(self, feed: str, rows: Sequence[Row], began_at: datetime) -> Batch:
        seen = [each for row in rows for each in FEEDS[feed](row, self._layout) if each.event_type in self._types]
        mentors = await self._mentors.of({each.row["student_id"] for each in seen})
        now = self._inbox.engine.clock()
        items = [item for each in seen for item in self._try_to_read(feed, each, mentors, now)]
        return Batch(items, mentors, began_at - NEWS)

    def _try_to_read(self, feed: str, seen: Noticed, mentors: TheirMentors, now: datetime) -> Iterator[Item]:
        try:
            yield Item(seen, read(delivery(feed, seen, self._layout, mentors), now))
        except Refused:
            log.error("activity: a row of %s is passed over: expected an id that a message can have", feed)
            count_error(SOURCE, UNREAD, REFUSED)

    async def _receive(self, batch: Batch, also: Alongside = nothing) -> int:
        began = time.monotonic()

        async def beside(connection: AsyncConnection, new: Set[MessageKey]) -> None:
            await keep(connection, batch, new, self._tell)
            await also(connection)

        outcomes = await self._inbox.receive([item.message for item in batch.items], beside)
        seconds = time.monotonic() - began
        new = [
            (item.message.type, each.word)
            for item, each in zip(batch.items, outcomes, strict=True)
            if not each.is_repeat
        ]
        for kind, word in new:
            count_recorded(SOURCE, kind, word, seconds)
        return len(new)

    async def _receive_halves(self, batch: Batch) -> int:
        """Keeps what can be kept of a batch that as a whole cannot, and passes the rest over."""
        new = 0
        for half in batch.halves():
            try:
                new += await self._receive(half)
            except Unavailable:
                raise
            except Exception as error:
                if len(half.items) > 1:
                    new += await self._receive_halves(half)
                else:
                    message = half.items[0].message
                    log.error("activity: message %s is passed over: %s", message.message_id, fault(error))
                    count_error(SOURCE, message.type, FAILED)
        return new
