"""An index of the messages that the bot has sent, read from Zulip, so that no message is sent twice.

Each conversation is read once while a sink is open, and again after an attempt whose outcome is unknown.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from integrations.zulip.client import NEWEST, ZulipClient
from integrations.zulip.encode import tag_of

MARGIN = timedelta(hours=1)
"""How far Zulip's clock may be behind ours."""


class Conversation(NamedTuple):
    """The ids of the messages in a conversation since `since` (UTC), by their tags."""

    since: datetime
    ids: dict[str, int]


class SentIndex:
    """The messages that were sent by any process, found by user and tag."""

    def __init__(self, client: ZulipClient) -> None:
        self._client = client
        self._own_id: int | None = None
        self._conversations: dict[int, Conversation] = {}

    async def find(self, user_id: int, tag: str, since: datetime) -> int | None:
        """Return the id of the message with this tag to a user, or None. It was not sent before `since`."""
        found = self._conversations.get(user_id)
        if found is None or found.since > since:
            found = self._conversations[user_id] = Conversation(since, await self._read(user_id, since - MARGIN))
        return found.ids.get(tag)

    def mark_uncertain(self, user_id: int) -> None:
        """Read the conversation again at the next `find`: a message may have been sent meanwhile."""
        self._conversations.pop(user_id, None)

    async def _read(self, user_id: int, since: datetime) -> dict[str, int]:
        """Read pages, newest first, until messages are older than `since`."""
        if self._own_id is None:
            self._own_id = await self._client.own_id()
        ids: dict[str, int] = {}
        before: int | str = NEWEST
        while True:
            page = await self._client.search_sent(self._own_id, user_id, before)
            for message in page.messages:
                if found := tag_of(message.content):
                    ids[found] = message.id
            oldest = min(page.messages, key=lambda message: message.id, default=None)
            if oldest is None or page.found_oldest or oldest.timestamp < since.timestamp() or oldest.id == before:
                return ids
            before = oldest.id
