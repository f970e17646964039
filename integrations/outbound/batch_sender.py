"""Sending one batch to one sink. An unexpected error in one message fails that message alone.

After a learner's first failure that is not final, no later message of that learner is attempted.
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

Send = Callable[[OutboundMessage], Awaitable[Result]]
"""Sends one message, and returns its result."""


async def send_batch(sink: Sink, messages: Sequence[OutboundMessage]) -> Sequence[Result]:
    """Send a batch, and return the result of each message. If the batch raises an error, send them one by one."""
    try:
        return await sink.send(messages)
    except UnavailableError:
        raise
    except Exception as error:
        if len(messages) == 1:
            log.error("message %s cannot be sent to %s: %s", messages[0].message_id, sink.name, fault(error))
            return [Result(fault(error))]
    return await send_one_by_one(sink, messages)


async def send_one_by_one(sink: Sink, messages: Sequence[OutboundMessage]) -> Sequence[Result]:
    """Send each message as a batch of its own."""
    results: list[Result] = []
    blocked: set[str] = set()
    for message in messages:
        result = NOT_ATTEMPTED if message.user_id in blocked else (await send_batch(sink, [message]))[0]
        results.append(result)
        if result.blocks_later:
            blocked.add(message.user_id)
    return results


def attempted(due: Sequence[DueDelivery], results: Sequence[Result]) -> Iterator[tuple[DueDelivery, Result]]:
    """Pair deliveries with their results, without those that were not attempted.

    After a learner's first blocking failure, that learner's later messages are not sent.
    """
    blocked: set[str] = set()
    for delivery, result in zip(due, results, strict=True):
        if delivery.message.user_id not in blocked and result is not NOT_ATTEMPTED:
            yield delivery, result
        if result.blocks_later:
            blocked.add(delivery.message.user_id)


async def send_in_order(messages: Sequence[OutboundMessage], send: Send) -> list[Result]:
    """Send the messages of different learners at once, and each learner's in order, up to the first blocking failure.

    Sinks that send messages singly call this function.
    """
    by_learner: defaultdict[str, list[OutboundMessage]] = defaultdict(list)
    for message in messages:
        by_learner[message.user_id].append(message)
    results: dict[str, Result] = {}

    async def send_sequence(sequence: Sequence[OutboundMessage]) -> None:
        for message in sequence:
            result = results[message.message_id] = await send(message)
            if result.blocks_later:
                return

    await asyncio.gather(*map(send_sequence, by_learner.values()))
    return [results.get(message.message_id, NOT_ATTEMPTED) for message in messages]
