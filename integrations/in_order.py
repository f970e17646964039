"""Sending in order: learners' announcements go beside each other, and each learner's one after the other."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence

from integrations.sink import NOT_TRIED, Announcement

Send = Callable[[Announcement], Awaitable[str | None]]
"""Sends one announcement: None if it arrived, else why it did not."""


async def send_in_order(announcements: Sequence[Announcement], send: Send) -> list[str | None]:
    """What became of each. Of a learner, nothing is sent after the first that did not arrive."""
    learners: defaultdict[str, list[Announcement]] = defaultdict(list)
    for one in announcements:
        learners[one.user_id].append(one)
    said: dict[str, str | None] = {}

    async def send_theirs(theirs: Sequence[Announcement]) -> None:
        for one in theirs:
            reason = said[one.message_id] = await send(one)
            if reason is not None:
                return

    await asyncio.gather(*map(send_theirs, learners.values()))
    return [said.get(one.message_id, NOT_TRIED) for one in announcements]
