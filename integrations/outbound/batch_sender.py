"""One batch to one sink: which announcements it took, which it did not, and which were not tried.

A fault of ours in one announcement costs that one, and no other.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Sequence

from eventstore.errors import UnavailableError
from eventstore.redaction import fault
from integrations.outbound.retry_policy import DueDelivery
from integrations.outbound.sink import NOT_ATTEMPTED, OutboundMessage, Result, Sink

log = logging.getLogger(__name__)


async def send(sink: Sink, announcements: Sequence[OutboundMessage]) -> Sequence[Result]:
    """What the sink says of each. Of several on which it fails for a fault of ours, each is sent by itself."""
    try:
        return await sink.send(announcements)
    except UnavailableError:
        raise
    except Exception as error:
        if len(announcements) == 1:
            log.error("announcement %s cannot be sent to %s: %s", announcements[0].message_id, sink.name, fault(error))
            return [Result(fault(error))]
    return await send_singly(sink, announcements)


async def send_singly(sink: Sink, announcements: Sequence[OutboundMessage]) -> Sequence[Result]:
    """The same, one by one."""
    said: list[Result] = []
    failed: set[str] = set()
    for one in announcements:
        result = NOT_ATTEMPTED if one.user_id in failed else (await send(sink, [one]))[0]
        said.append(result)
        if result.blocks_later:
            failed.add(one.user_id)
    return said


def attempted(due: Sequence[DueDelivery], results: Sequence[Result]) -> Iterator[tuple[DueDelivery, Result]]:
    """Those that were sent, up to the first of each learner that holds back the others, and what became of them."""
    failed: set[str] = set()
    for one, result in zip(due, results, strict=True):
        if one.announcement.user_id not in failed and result is not NOT_ATTEMPTED:
            yield one, result
        if result.blocks_later:
            failed.add(one.announcement.user_id)


Send = Callable[[OutboundMessage], Awaitable[Result]]
"""Sends one announcement, and says what became of it."""


async def send_in_order(announcements: Sequence[OutboundMessage], send: Send) -> list[Result]:
    """What became of each. Of a learner, nothing is sent after the first that did not arrive, and still may."""
    learners: defaultdict[str, list[OutboundMessage]] = defaultdict(list)
    for one in announcements:
        learners[one.user_id].append(one)
    said: dict[str, Result] = {}

    async def send_theirs(theirs: Sequence[OutboundMessage]) -> None:
        for one in theirs:
            result = said[one.message_id] = await send(one)
            if result.blocks_later:
                return

    await asyncio.gather(*map(send_theirs, learners.values()))
    return [said.get(one.message_id, NOT_ATTEMPTED) for one in announcements]
