"""Sending in order: learners' announcements go beside each other, and each learner's one after the other."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence

from integrations.sink import NOT_TRIED, Announcement, Result

Send = Callable[[Announcement], Awaitable[Result]]
"""Sends one announcement, and says what became of it."""


async def send_in_order(announcements: Sequence[Announcement], send: Send) -> list[Result]:
    """What became of each. Of a learner, nothing is sent after the first that did not arrive, and still may."""
    learners: defaultdict[str, list[Announcement]] = defaultdict(list)
    for one in announcements:
        learners[one.user_id].append(one)
    said: dict[str, Result] = {}

    async def send_theirs(theirs: Sequence[Announcement]) -> None:
        for one in theirs:
            result = said[one.message_id] = await send(one)
            if result.holds_back:
                return

    await asyncio.gather(*map(send_theirs, learners.values()))
    return [said.get(one.message_id, NOT_TRIED) for one in announcements]
