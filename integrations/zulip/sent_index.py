"""What the bot has told people already, read from Zulip: a message that may have arrived is not sent again.

Each conversation is read once while a sink is open, and again after an attempt of which nobody knows how it ended.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from integrations.zulip.client import NEWEST, ZulipClient
from integrations.zulip.tag import tag_of

MARGIN = timedelta(hours=1)
"""By so much Zulip's clock may be behind ours."""


class Read(NamedTuple):
    """A conversation, as it was read back to `since` (UTC): the id of each message by its tag."""

    since: datetime
    ids: dict[str, int]


class SentBefore:
    """What was sent before, by whatever process."""

    def __init__(self, client: ZulipClient) -> None:
        self._client = client
        self._own_id: int | None = None
        self._read: dict[int, Read] = {}

    async def find(self, user_id: int, tag: str, since: datetime) -> int | None:
        """The id of the message with that tag to somebody, who was not sent it before `since`."""
        read = self._read.get(user_id)
        if read is None or read.since > since:
            read = self._read[user_id] = Read(since, await self._ids(user_id, since - MARGIN))
        return read.ids.get(tag)

    def mark_uncertain(self, user_id: int) -> None:
        """Something may have been sent by now that was not there when the conversation was read."""
        self._read.pop(user_id, None)

    async def _ids(self, user_id: int, since: datetime) -> dict[str, int]:
        """Reads back, page by page, until the messages are older than that."""
        if self._own_id is None:
            self._own_id = await self._client.own_id()
        ids: dict[str, int] = {}
        before: int | str = NEWEST
        while True:
            page = await self._client.search_sent(self._own_id, user_id, before)
            for one in page.messages:
                if found := tag_of(one.content):
                    ids[found] = one.id
            oldest = min(page.messages, key=lambda one: one.id, default=None)
            if oldest is None or page.found_oldest or oldest.timestamp < since.timestamp() or oldest.id == before:
                return ids
            before = oldest.id
