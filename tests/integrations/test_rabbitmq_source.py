"""RabbitMQ as a source, on a real RabbitMQ: nothing is lost, what fails waits longer each time, poison goes alone."""

import asyncio
import struct
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import pairwise
from typing import Any

import pamqp.encode
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventstore.errors import UnavailableError
from integrations.contracts.rabbitmq import EXCHANGE, TYPES
from integrations.inbound.source import BATCH, Delivery
from integrations.rabbitmq import source
from integrations.rabbitmq.source import RabbitmqSource, acknowledgements
from integrations.rabbitmq.topology import DEAD_LETTERS, QUEUE, queued
from tests.support.rabbitmq import RabbitmqServer

DELAYS_SEC = (0.1, 0.4, 1.6)
PATIENCE_SEC = 60


@pytest.fixture(autouse=True)
def delays(rabbitmq: RabbitmqServer) -> Iterator[None]:
    """Messages wait for a moment only."""
    yield
    rabbitmq.delete(map(queued, DELAYS_SEC))


@asynccontextmanager
async def opened(rabbitmq: RabbitmqServer) -> AsyncIterator[RabbitmqSource]:
    async with asyncio.timeout(PATIENCE_SEC), RabbitmqSource(rabbitmq.url, DELAYS_SEC) as broker:
        yield broker


async def some(broker: RabbitmqSource) -> Sequence[Delivery]:
    """The next that come, however long that takes."""
    while not (taken := await broker.receive()):
        pass
    return taken


async def publish(rabbitmq: RabbitmqServer, *bodies: str, key: str = "order.completed", **properties: Any) -> None:
    await rabbitmq.publish_all(EXCHANGE, [(key, body.encode()) for body in bodies], properties)


async def warm_up(rabbitmq: RabbitmqServer, broker: RabbitmqSource) -> None:
    """Has it take several messages at a time, as it does once it has settled some."""
    await publish(rabbitmq, *"warming")
    settled = 0
    while settled < len("warming"):
        taken = await some(broker)
        await broker.ack(taken)
        settled += len(taken)


def bodies(deliveries: Sequence[Delivery]) -> list[str]:
    return [delivery.body.decode() for delivery in deliveries]


async def left(rabbitmq: RabbitmqServer) -> dict[str, int]:
    """Where messages are, once nobody has any in hand."""
    queues = [QUEUE, DEAD_LETTERS, *map(queued, DELAYS_SEC)]
    counts = await asyncio.to_thread(rabbitmq.count, queues)
    return {queue: number for queue, number in counts.items() if number}


async def test_what_we_read_is_taken_in_order_and_settled_and_nothing_else_comes(rabbitmq: RabbitmqServer) -> None:
    number = 2 * BATCH

    async with opened(rabbitmq) as broker:
        for event_type in TYPES:
            await publish(rabbitmq, "{}", key=event_type.name)
        topics: list[str] = []
        while len(topics) < len(TYPES):
            taken = await some(broker)
            topics += [each.topic for each in taken]
            await broker.ack(taken)
        assert topics == [event_type.name for event_type in TYPES]

        await publish(rabbitmq, *map(str, range(number)))
        read: list[str] = []
        while len(read) < number:
            taken = await some(broker)
            assert len(taken) <= BATCH
            read += bodies(taken)
            await broker.ack(taken)
        assert read == list(map(str, range(number)))
        assert await broker.receive() == []

    assert await left(rabbitmq) == {}


async def test_what_is_not_settled_comes_again(rabbitmq: RabbitmqServer) -> None:
    async with opened(rabbitmq) as broker:
        await warm_up(rabbitmq, broker)
        await publish(rabbitmq, *"abcd")
        in_hand: list[Delivery] = []
        while len(in_hand) < len("abcd"):
            in_hand += await some(broker)
        await broker.ack([in_hand[0], in_hand[2]])
    async with opened(rabbitmq) as broker:
        again: list[str] = []
        while len(again) < len("bd"):
            taken = await some(broker)
            again += bodies(taken)
            await broker.ack(taken)
        assert again == ["b", "d"]

    assert await left(rabbitmq) == {}


async def test_a_dead_letter_says_what_it_was_and_why_it_is_there(rabbitmq: RabbitmqServer) -> None:
    sent_on = {"message_id": "m1", "correlation_id": "c1", "content_type": "application/json", "type": "user.created"}
    acted_on = {
        "expiration": 60,
        "reply_to": "amq.rabbitmq.reply-to.none",
        "headers": {"CC": [DEAD_LETTERS], "tenant": "t", "n": 7, "list": [1]},
    }

    async with opened(rabbitmq) as broker:
        await publish(rabbitmq, "poison", key="user.created", **sent_on, **acted_on)
        (poison,) = await some(broker)
        assert poison.correlation_id == "c1"
        await broker.dead_letter(poison, "expected JSON, found poison")
        assert await broker.dead_letter_count() == 1

    (letter,) = await asyncio.to_thread(rabbitmq.drain, DEAD_LETTERS)
    assert letter.body == b"poison"
    assert {name: getattr(letter, name) for name in sent_on} == sent_on
    assert (letter.delivery_mode, letter.expiration, letter.reply_to) == (2, None, None)
    assert {name: value for name, value in letter.headers.items() if name != "x-delivery-count"} == {
        "tenant": "t",
        "n": 7,
        "lms-routing-key": "user.created",
        "lms-failures": 1,
        "lms-reason": "expected JSON, found poison",
    }
    assert await left(rabbitmq) == {}


async def test_what_is_given_back_comes_again_later_each_time_and_is_buried_after_three_retries(
    rabbitmq: RabbitmqServer,
) -> None:
    came: list[tuple[int, float]] = []
    others: list[str] = []

    async with opened(rabbitmq) as broker:
        await publish(rabbitmq, "fails", key="media.processed", correlation_id="c1")
        while await broker.dead_letter_count() == 0 or len(others) < len(came):
            for each in await broker.receive():
                if each.topic == "media.processed":
                    came.append((each.attempts, time.monotonic()))
                    await publish(rabbitmq, f"after {each.attempts}")
                    await broker.retry_later(each, f"failed {each.attempts}")
                else:
                    others.append(each.body.decode())
                    await broker.ack([each])

    assert [attempts for attempts, _ in came] == [0, 1, 2, 3]
    waited = [after - before for (_, before), (_, after) in pairwise(came)]
    assert all(pause >= delay for pause, delay in zip(waited, DELAYS_SEC, strict=True))
    assert others == ["after 0", "after 1", "after 2", "after 3"]
    (letter,) = await asyncio.to_thread(rabbitmq.drain, DEAD_LETTERS)
    assert (letter.body, letter.correlation_id) == (b"fails", "c1")
    assert letter.headers["lms-routing-key"] == "media.processed"
    assert (letter.headers["lms-failures"], letter.headers["lms-reason"]) == (4, "failed 3")
    assert await left(rabbitmq) == {}


async def test_a_message_that_no_client_can_read_is_buried_by_the_broker_and_alone(
    rabbitmq: RabbitmqServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "WAIT_SEC", 0.1)

    async with opened(rabbitmq):
        pass
    await publish(rabbitmq, *map(str, range(20)))
    with monkeypatch.context() as patch:
        patch.setitem(pamqp.encode.METHODS, "timestamp", lambda _: struct.pack(">Q", 2**62))  # beyond the calendar
        await publish(rabbitmq, "poison", timestamp=1)
    await publish(rabbitmq, *map(str, range(20, 40)))

    read: set[str] = set()
    async with asyncio.timeout(PATIENCE_SEC):
        while await left(rabbitmq) != {DEAD_LETTERS: 1}:
            with suppress(UnavailableError):
                async with opened(rabbitmq) as broker:
                    while taken := await broker.receive():
                        read |= set(bodies(taken))
                        await broker.ack(taken)  # may reach the broker, and find the connection broken off
    assert read == set(map(str, range(40)))


async def test_the_dead_letters_of_the_platform_are_taken_as_they_are_found(rabbitmq: RabbitmqServer) -> None:
    async with rabbitmq.channel() as channel:
        await channel.declare_queue(DEAD_LETTERS, durable=True)
    async with opened(rabbitmq) as broker:
        await publish(rabbitmq, "poison")
        (poison,) = await some(broker)
        await broker.dead_letter(poison, "a reason")

    assert await left(rabbitmq) == {DEAD_LETTERS: 1}


@pytest.mark.parametrize("queue", [QUEUE, DEAD_LETTERS])
async def test_a_queue_that_is_deleted_makes_the_source_unavailable_until_it_is_entered_again(
    rabbitmq: RabbitmqServer, queue: str
) -> None:
    async with opened(rabbitmq) as broker:
        await publish(rabbitmq, "poison")
        (poison,) = await some(broker)
        await asyncio.to_thread(rabbitmq.delete, [queue])
        with pytest.raises(UnavailableError):
            await broker.dead_letter(poison, "a reason") if queue == DEAD_LETTERS else await forever(broker)
    async with opened(rabbitmq) as broker:
        await publish(rabbitmq, "after")
        read: list[str] = []
        while "after" not in read:
            taken = await some(broker)
            read += bodies(taken)
            await broker.ack(taken)
        assert read == (["poison", "after"] if queue == DEAD_LETTERS else ["after"])


async def forever(broker: RabbitmqSource) -> None:
    while True:
        await broker.receive()


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("amqp://127.0.0.1:1/", "Connect call failed"),
        ("amqp://guest:wrong@127.0.0.1:{port}/", "ACCESS_REFUSED"),
        ("amqp://127.0.0.1:{port}/nowhere", "no virtual host nowhere"),
    ],
)
async def test_a_broker_that_cannot_be_had_is_unavailable_and_says_why(
    rabbitmq: RabbitmqServer, url: str, found: str
) -> None:
    with pytest.raises(UnavailableError, match=f"rabbitmq: expected a broker at 127.0.0.1:.*{found}") as raised:
        async with RabbitmqSource(url.format(port=rabbitmq.port)):
            pass
    assert "wrong" not in str(raised.value)


@given(st.sets(st.integers(1, 50)), st.data())
def test_acknowledgements_settle_what_is_done_and_nothing_else(in_hand: set[int], data: st.DataObject) -> None:
    unsettled = sorted(in_hand)
    done = data.draw(st.sets(st.sampled_from(unsettled))) if unsettled else set()

    told = acknowledgements(unsettled, done)

    settled = {tag for each in told for tag in unsettled if tag == each.tag or (each.multiple and tag < each.tag)}
    assert settled == done
    assert done < in_hand or len(told) <= 1
