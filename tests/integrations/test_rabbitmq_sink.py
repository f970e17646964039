"""RabbitMQ as a sink, on a real RabbitMQ: what nobody takes is told, and holds up its own learner alone."""

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from aio_pika.abc import AbstractIncomingMessage

from eventstore.errors import UnavailableError
from integrations.contracts.rabbitmq import CERTIFICATE_ISSUED, EXCHANGE, PROGRESS_UPDATED, SOURCE
from integrations.inbound.mapping import SystemMapping
from integrations.outbound.sink import DELIVERED, NOT_ATTEMPTED, OutboundMessage, Result
from integrations.rabbitmq.sink import RabbitmqSink
from signals.signal import SignalType
from tests.support.rabbitmq import RabbitmqServer

RECEIVER = "analytics-service"
AT = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


def announcement(
    message_id: str, user_id: str = "ada", kind: SignalType = SignalType.STEP_COMPLETED
) -> OutboundMessage:
    class_id = "loops" if kind is SignalType.STEP_COMPLETED else None
    body = {
        "signal_id": message_id,
        "type": kind.value,
        "user_id": user_id,
        "class_id": class_id,
        "course_id": "python-101",
        "occurred_at": AT.isoformat(),
        "percent": 50.0,
    }
    return OutboundMessage(message_id, user_id, kind.value, body, AT)


async def send(rabbitmq: RabbitmqServer, *announcements: OutboundMessage) -> Sequence[Result]:
    async with RabbitmqSink(rabbitmq.url, lambda: SystemMapping(SOURCE, {})) as sink:
        return await sink.send(announcements)


async def bind(rabbitmq: RabbitmqServer, *keys: str, **arguments: int | str) -> None:
    await asyncio.to_thread(rabbitmq.bind, RECEIVER, EXCHANGE, keys, **arguments)


async def received(rabbitmq: RabbitmqServer) -> list[AbstractIncomingMessage]:
    return await asyncio.to_thread(rabbitmq.drain, RECEIVER)


async def test_announcements_arrive_as_events_of_the_platform_in_order_and_under_their_ids(
    rabbitmq: RabbitmqServer,
) -> None:
    await bind(rabbitmq, "progress.*", "certificate.*")
    steps = [announcement(f"step {number}") for number in range(20)]
    course = announcement("course", kind=SignalType.COURSE_COMPLETED)

    assert await send(rabbitmq, *steps, announcement("another's", "grace"), course) == [DELIVERED] * 22

    letters = await received(rabbitmq)
    of_ada = [each.message_id for each in letters if json.loads(each.body)["data"]["userId"] == "ada"]
    assert of_ada == [*(step.message_id for step in steps), "course"]
    first, last = letters[0], next(each for each in letters if each.message_id == "course")
    assert (first.routing_key, last.routing_key) == (PROGRESS_UPDATED, CERTIFICATE_ISSUED)
    assert (last.delivery_mode, last.content_type, last.type) == (2, "application/json", CERTIFICATE_ISSUED)
    assert (last.correlation_id, last.app_id, last.timestamp) == ("course", "lms-progress", AT)
    assert json.loads(last.body)["eventId"] == "course"


async def test_an_announcement_that_no_queue_is_bound_for_is_told_and_holds_up_its_own_learner_alone(
    rabbitmq: RabbitmqServer,
) -> None:
    await bind(rabbitmq, PROGRESS_UPDATED)
    course = announcement("course", kind=SignalType.COURSE_COMPLETED)

    told = await send(rabbitmq, announcement("a"), course, announcement("b"), announcement("c", "grace"))

    unbound = Result("expected a queue that is bound to edu.events for certificate.issued, found none")
    assert told == [DELIVERED, unbound, NOT_ATTEMPTED, DELIVERED]
    assert {each.message_id for each in await received(rabbitmq)} == {"a", "c"}


async def test_a_receiver_whose_queue_is_full_is_told_of(rabbitmq: RabbitmqServer) -> None:
    full: dict[str, int | str] = {"x-max-length": 1, "x-overflow": "reject-publish"}
    await bind(rabbitmq, PROGRESS_UPDATED, **full)

    told = await send(rabbitmq, *(announcement(str(number)) for number in range(5)))

    assert told[0] is DELIVERED
    assert NOT_ATTEMPTED in told
    assert any("found that one refuses" in str(each.error) for each in told)


async def test_a_broker_that_goes_away_is_unavailable_and_what_it_confirmed_it_has(rabbitmq: RabbitmqServer) -> None:
    await bind(rabbitmq, PROGRESS_UPDATED)

    try:
        async with RabbitmqSink(rabbitmq.url, lambda: SystemMapping(SOURCE, {})) as sink:
            assert await sink.send([announcement("before")]) == [DELIVERED]
            rabbitmq.kill()
            with pytest.raises(UnavailableError):
                await sink.send([announcement("meanwhile")])

        with pytest.raises(UnavailableError):
            await send(rabbitmq, announcement("away"))
    finally:
        rabbitmq.start()
    await asyncio.to_thread(rabbitmq.bind_again, RECEIVER, EXCHANGE, [PROGRESS_UPDATED])
    assert await send(rabbitmq, announcement("after")) == [DELIVERED]
    assert [each.message_id for each in await received(rabbitmq)] == ["before", "after"]
