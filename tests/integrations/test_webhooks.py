"""Webhooks to a real HTTP receiver: signed, in order, a few at a time, and whatever it does, others get theirs."""

import asyncio
import json
from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest

from engine.engine import Engine
from eventstore.errors import InvalidInputError, NotFoundError
from integrations.outbound.relay import Relay
from integrations.outbound.sender import BATCH
from integrations.outbound.sinks import Sinks
from integrations.runtime import backoff
from integrations.runtime.leader import in_background
from integrations.tables import DeliveryStatus
from integrations.webhook import sink, subscriptions
from integrations.webhook.signature import sign
from integrations.webhook.sink import AT_ONCE
from integrations.webhook.ssrf import PrivateAddressError, PublicTransport, check_url, public_address
from integrations.webhook.subscriptions import Subscription
from integrations.webhook.webhooks import GONE, webhooks
from signals.signal import SignalType
from tests.engine.rows import value
from tests.engine.support import HandClock, at, running
from tests.integrations.http_receiver import Receiver, receiving
from tests.integrations.sinks import complete, deliveries, publish, until

NOW = at(1)


@pytest.fixture
def clock() -> HandClock:
    return HandClock(NOW)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backoff, "SHORTEST_SEC", 0.001)
    monkeypatch.setattr(backoff, "LONGEST_SEC", 0.01)


def relay_of(engine: Engine, *, private: bool = True) -> Relay:
    sinks = Sinks([], webhooks(engine.database, engine.clock, private=private))
    return Relay(engine.database, sinks, engine.clock)


async def subscribe(engine: Engine, url: str, *types: SignalType) -> Subscription:
    async with engine.database.write() as connection:
        return await subscriptions.create(connection, url, types or tuple(SignalType), engine.clock())


async def test_a_subscriber_is_told_of_its_types_and_can_tell_that_it_was_we(
    engine: Engine, clock: HandClock, receiver: Receiver
) -> None:
    await publish(engine, "x", "a")
    subscription = await subscribe(engine, f"{receiver.url}/hook?key=1", SignalType.COURSE_COMPLETED)
    await complete(engine, "a")
    clock.now += timedelta(seconds=90)
    assert await relay_of(engine).once() == (1, 0)
    assert await relay_of(engine).once() == (0, 0)

    [hook] = receiver.hooks
    assert hook.path == "/hook?key=1"
    assert hook.headers["content-type"] == "application/json"
    assert int(hook.headers["webhook-timestamp"]) == int((NOW + timedelta(seconds=90)).timestamp())
    signed = sign(subscription.secret, hook.message_id, int(hook.headers["webhook-timestamp"]), hook.body)
    assert hook.headers["webhook-signature"] == signed
    assert json.loads(hook.body) == {
        "type": "COURSE_COMPLETED",
        "timestamp": "2026-11-28T00:00:00Z",
        "data": {
            "signal_id": hook.message_id,
            "type": "COURSE_COMPLETED",
            "user_id": "ada",
            "class_id": None,
            "course_id": "x",
            "occurred_at": "2026-11-28T00:00:00Z",
            "percent": 100,
        },
    }


async def test_what_was_announced_before_is_not_sent(engine: Engine, clock: HandClock, receiver: Receiver) -> None:
    await complete(engine, "a")
    clock.now += timedelta(seconds=1)
    await subscribe(engine, receiver.url)
    await complete(engine, "b")
    assert await relay_of(engine).once() == (1, 0)

    assert [hook.data["class_id"] for hook in receiver.hooks] == ["b"]


async def test_a_failing_receiver_is_sent_the_same_again(engine: Engine, clock: HandClock, receiver: Receiver) -> None:
    receiver.answers = {"/": 500}

    await subscribe(engine, f"{receiver.url}/")
    await complete(engine, "a", "b")
    assert await relay_of(engine).once() == (0, 1)
    clock.now += timedelta(seconds=10)
    receiver.answers = {}
    assert await relay_of(engine).once() == (2, 0)
    assert [item.attempts for item in await deliveries(engine)] == [2, 1]

    failed, again, following = receiver.hooks
    assert (failed.message_id, failed.body) == (again.message_id, again.body)
    assert failed.headers["webhook-signature"] != again.headers["webhook-signature"], "of another time"
    assert following.data["class_id"] == "b"


async def test_a_redirect_is_not_followed(database_url: str, clock: HandClock, receiver: Receiver) -> None:
    receiver.answers = {"/": 307}
    assert await last_error(database_url, clock, f"{receiver.url}/") == "expected an answer of 2xx, found 307"
    assert [hook.path for hook in receiver.hooks] == ["/"]


async def test_a_hanging_receiver_is_given_up_after_a_while(
    database_url: str, clock: HandClock, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sink, "ANSWER_SEC", 0.3)
    receiver.hangs = {"/"}
    assert await last_error(database_url, clock, f"{receiver.url}/") == "expected an answer within 0 s, found none"


async def test_who_does_not_listen_is_tried_again(database_url: str, clock: HandClock) -> None:
    assert "expected an answer, found ConnectError" in await last_error(database_url, clock, "http://127.0.0.1:9/")


async def last_error(database_url: str, clock: HandClock, url: str) -> str:
    """Why a delivery to that URL failed."""
    async with running(database_url, clock) as engine:
        await subscribe(engine, url)
        await complete(engine, "a")
        assert await relay_of(engine).once() == (0, 1)
        [item] = await deliveries(engine)
        assert (item.status, item.attempts) == (DeliveryStatus.PENDING, 1)
        return str(item.last_error)


async def test_an_answer_without_end_is_not_read_to_the_end(engine: Engine, receiver: Receiver) -> None:
    receiver.endless = {"/"}

    await subscribe(engine, f"{receiver.url}/")
    await complete(engine, "a", "b")
    assert await relay_of(engine).once() == (2, 0)


async def test_a_receiver_that_is_gone_is_sent_nothing_more_and_the_log_says_so(
    engine: Engine, clock: HandClock, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.answers = {"/gone": 410}

    gone = await subscribe(engine, f"{receiver.url}/gone")
    await subscribe(engine, f"{receiver.url}/there")
    for user_id in ("ada", "bob", "cyd", "dot", "eve", "fay"):
        await complete(engine, "a", user_id=user_id)
    await relay_of(engine).once()
    await complete(engine, "b")
    clock.now += timedelta(days=1)
    await relay_of(engine).once()

    theirs = [item for item in await deliveries(engine) if item.sink == gone.subscription_id]
    assert {(item.status, item.last_error) for item in theirs} == {(DeliveryStatus.DEAD, GONE)}
    assert len(theirs) == 6, "of what is announced later, nothing is meant for it"
    assert await value(engine.database, "SELECT count(*) FROM lms_subscription WHERE disabled_at IS NULL") == 1
    assert f"{gone.subscription_id} is disabled: {GONE}" in caplog.messages

    assert len(receiver.to("/gone")) <= AT_ONCE
    assert len(receiver.to("/there")) == 7


async def test_a_slow_receiver_is_asked_a_few_at_a_time_and_holds_up_nobody_else(
    engine: Engine, receiver: Receiver
) -> None:
    receiver.hangs = {"/slow"}
    learners = 5 * AT_ONCE

    await subscribe(engine, f"{receiver.url}/slow")
    await subscribe(engine, f"{receiver.url}/fast")
    for number in range(learners):
        await complete(engine, "a", user_id=f"learner-{number}")
    async with in_background(relay_of(engine).run):
        await until(lambda: len(receiver.to("/fast")) == learners)
        await until(lambda: len(receiver.to("/slow")) == AT_ONCE)
        receiver.hangs.clear()
        receiver.ended.set()
        await until(lambda: len(receiver.to("/slow")) == learners)

    assert receiver.most_at_once <= 2 * AT_ONCE


async def test_what_there_is_no_time_for_is_sent_later_and_counts_no_attempt(
    engine: Engine, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sink, "BATCH_SEC", 0.01)
    receiver.slow_sec = {"/": 0.02}
    learners = 4 * AT_ONCE

    await subscribe(engine, f"{receiver.url}/")
    for number in range(learners):
        await complete(engine, "a", user_id=f"learner-{number}")
    async with in_background(relay_of(engine).run):
        await until(lambda: len(receiver.hooks) == learners)
    assert {item.attempts for item in await deliveries(engine)} == {1}

    assert len(receiver.hooks) == learners < BATCH


async def test_who_unsubscribes_is_sent_nothing_more(engine: Engine, clock: HandClock, receiver: Receiver) -> None:
    receiver.answers = {"/": 500}

    await complete(engine, "a")
    subscription = await subscribe(engine, f"{receiver.url}/")
    await complete(engine, "b")
    await relay_of(engine).once()
    async with engine.database.write() as connection:
        await subscriptions.remove(connection, subscription.subscription_id)
    clock.now += timedelta(days=1)
    await complete(engine, "c")
    await relay_of(engine).once()
    assert await deliveries(engine) == []
    with pytest.raises(NotFoundError, match=f"expected the id of a subscription, found '{subscription[0]}'"):
        async with engine.database.write() as connection:
            await subscriptions.remove(connection, subscription.subscription_id)

    assert len(receiver.hooks) == 1


async def test_a_url_that_has_moved_into_a_private_network_is_not_called(engine: Engine, receiver: Receiver) -> None:
    await subscribe(engine, receiver.url)
    await complete(engine, "a")
    assert await relay_of(engine, private=False).once() == (0, 1)
    [item] = await deliveries(engine)
    assert item.last_error == "expected a host at a public address, found 127.0.0.1 at 127.0.0.1"

    assert receiver.hooks == []


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://localhost:8000/",
        "http://0.0.0.0/",
        "http://10.1.2.3/",
        "https://172.16.0.1/",
        "https://192.168.1.1/",
        "http://169.254.169.254/latest/meta-data",
        "http://100.64.0.1/",
        "http://224.0.0.1/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://[::1]/",
        "http://[::]/",
        "http://[fe80::1]/",
        "http://[fd00::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[2002:7f00:1::]/",
        "http://[64:ff9b::a00:1]/",
    ],
)
async def test_what_is_not_public_is_refused_unless_that_is_allowed(url: str) -> None:
    with pytest.raises(InvalidInputError, match=r"^url: expected a host at a public address, found "):
        await check_url(url, private=False)
    await check_url(url, private=True)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hooks.example.org",
        "ftp://hooks.example.org/",
        "file:///etc/passwd",
        "http://",
        "http:///path",
        "http://user:password@hooks.example.org/",
        "http://user@hooks.example.org/",
        "http://hooks.example.org:0/",
        "http://hooks.example.org:65536/",
        "http://hooks.example.org:port/",
        "http://[::1/",
        "http://hooks.example.org/\x00",
    ],
)
async def test_what_is_no_url_of_a_receiver_is_refused(url: str) -> None:
    for private in (True, False):
        with pytest.raises(InvalidInputError, match=r"^url: expected a URL http://"):
            await check_url(url, private=private)


@pytest.mark.parametrize("url", ["https://93.184.216.34/", "http://[2606:2800:220:1::1]:8080/x?y=z", "https://1.1.1.1"])
async def test_what_is_public_is_taken(url: str) -> None:
    await check_url(url, private=False)


async def test_a_name_leads_to_the_address_that_was_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    async def looked_up(*_: object, **__: object) -> list[tuple[object, ...]]:
        return [(0, 0, 0, "", ("93.184.216.34", 443)), (0, 0, 0, "", ("10.0.0.1", 443))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", looked_up)
    with pytest.raises(PrivateAddressError, match=r"^hooks.example.org at 10.0.0.1$"):
        await public_address("hooks.example.org", 443)


async def test_what_is_called_is_that_address_under_the_hosts_name(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[httpx.Request] = []

    async def handle(_: httpx.AsyncHTTPTransport, request: httpx.Request) -> httpx.Response:
        calls.append(request)
        return httpx.Response(200)

    async def looked_up(*_: object, **__: object) -> list[tuple[object, ...]]:
        return [(0, 0, 0, "", ("2606:2800:220:1::1", 443, 0, 0))]

    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", handle)
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", looked_up)
    async with httpx.AsyncClient(transport=PublicTransport()) as client:
        await client.post("https://hooks.example.org/x")

    [request] = calls
    assert str(request.url) == "https://[2606:2800:220:1::1]/x"
    assert request.headers["host"] == "hooks.example.org"
    assert request.extensions["sni_hostname"] == "hooks.example.org"
