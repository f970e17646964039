"""One batch to one sink: which announcements it took, which it did not, and which were not tried.

A fault of ours in one announcement costs that one, and no other.
"""

import logging
from collections.abc import Iterator, Sequence

from eventstore.errors import Unavailable
from integrations.attempt import Due
from integrations.fault import fault
from integrations.sink import NOT_TRIED, Announcement, Result, Sink

log = logging.getLogger(__name__)


async def send(sink: Sink, announcements: Sequence[Announcement]) -> Sequence[Result]:
    """What the sink says of each. Of several on which it fails for a fault of ours, each is sent by itself."""
    try:
        return await sink.send(announcements)
    except Unavailable:
        raise
    except Exception as error:
        if len(announcements) == 1:
            log.error("announcement %s cannot be sent to %s: %s", announcements[0].message_id, sink.name, fault(error))
            return [Result(fault(error))]
    return await send_singly(sink, announcements)


async def send_singly(sink: Sink, announcements: Sequence[Announcement]) -> Sequence[Result]:
    """The same, one by one."""
    said: list[Result] = []
    failed: set[str] = set()
    for one in announcements:
        result = NOT_TRIED if one.user_id in failed else (await send(sink, [one]))[0]
        said.append(result)
        if result.holds_back:
            failed.add(one.user_id)
    return said


def tried(due: Sequence[Due], results: Sequence[Result]) -> Iterator[tuple[Due, Result]]:
    """Those that were sent, up to the first of each learner that holds back the others, and what became of them."""
    failed: set[str] = set()
    for one, result in zip(due, results, strict=True):
        if one.announcement.user_id not in failed and result is not NOT_TRIED:
            yield one, result
        if result.holds_back:
            failed.add(one.announcement.user_id)
