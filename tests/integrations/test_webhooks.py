"""Webhooks to a real HTTP receiver: signed, in order, and a few at a time. No receiver delays another one."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from engine.engine import Engine
from eventstore.errors import InvalidInputError, NotFoundError
from integrations.outbound.relay import Relay
from integrations.outbound.sink import Sinks
from integrations.runtime.leader import in_background
from integrations.runtime.limits import Limits
from integrations.tables import DeliveryStatus
from integrations.webhook import subscriptions
from integrations.webhook.signature import sign
from integrations.webhook.ssrf import PrivateAddressError, PublicTransport, Resolve, check_url, public_address
from integrations.webhook.subscriptions import Subscription
from integrations.webhook.webhooks import GONE, webhooks
from signals.signal import SignalType
from tests.engine.rows import value
from tests.engine.support import HandClock, at
from tests.integrations.http_receiver import Receiver, receiving
from tests.integrations.scripted_sink import SHORT_PAUSES, complete, deliveries, publish, until

NOW = at(1)
AT_ONCE = SHORT_PAUSES.receiver_requests


@pytest.fixture
def clock() -> HandClock:
    return HandClock(NOW)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


def relay_of(engine: Engine, *, private: bool = True, limits: Limits = SHORT_PAUSES) -> Relay:
    sinks = Sinks([], webhooks(engine.database, engine.clock, private=private, limits=limits))
    return Relay(engine.database, sinks, engine.clock, limits)


async def subscribe(engine: Engine, url: str, *types: SignalType) -> Subscription:
    async with engine.database.write() as connection:
        return await subscriptions.create(connection, url, types or tuple(SignalType), engine.clock())


async def test_a_subscriber_gets_its_types_with_a_valid_signature(
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


async def test_earlier_messages_are_not_sent(engine: Engine, clock: HandClock, receiver: Receiver) -> None:
    await complete(engine, "a")
    clock.now += timedelta(seconds=1)
    await subscribe(engine, receiver.url)
    await complete(engine, "b")
    assert await relay_of(engine).once() == (1, 0)

    assert [hook.data["class_id"] for hook in receiver.hooks] == ["b"]


async def test_a_failing_receiver_gets_the_message_again(engine: Engine, clock: HandClock, receiver: Receiver) -> None:
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


async def test_a_redirect_is_not_followed(engine: Engine, receiver: Receiver) -> None:
    receiver.answers = {"/": 307}
    assert await last_error(engine, f"{receiver.url}/") == "the receiver answered 307 instead of 2xx"
    assert [hook.path for hook in receiver.hooks] == ["/"]


async def test_a_hanging_receiver_fails_after_a_while(engine: Engine, receiver: Receiver) -> None:
    receiver.hangs = {"/"}
    limits = replace(SHORT_PAUSES, receiver_answer_sec=0.3)
    assert await last_error(engine, f"{receiver.url}/", limits) == "the receiver did not answer within 0.3 s"


async def test_a_receiver_that_does_not_listen_is_attempted_again(engine: Engine) -> None:
    assert "the request failed: ConnectError: " in await last_error(engine, "http://127.0.0.1:9/")


async def last_error(engine: Engine, url: str, limits: Limits = SHORT_PAUSES) -> str:
    """Return the error of a failed delivery to `url`."""
    await subscribe(engine, url)
    await complete(engine, "a")
    assert await relay_of(engine, limits=limits).once() == (0, 1)
    [item] = await deliveries(engine)
    assert (item.status, item.attempts) == (DeliveryStatus.PENDING, 1)
    return str(item.last_error)


async def test_an_endless_answer_is_not_read_to_its_end(engine: Engine, receiver: Receiver) -> None:
    receiver.endless = {"/"}

    await subscribe(engine, f"{receiver.url}/")
    await complete(engine, "a", "b")
    assert await relay_of(engine).once() == (2, 0)


async def test_a_receiver_that_is_gone_gets_nothing_more_and_is_logged(
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

    to_gone = [item for item in await deliveries(engine) if item.sink == gone.subscription_id]
    assert {(item.status, item.last_error) for item in to_gone} == {(DeliveryStatus.DEAD, GONE)}
    assert len(to_gone) == 6, "later messages are not meant for it"
    assert await value(engine.database, "SELECT count(*) FROM lms_subscription WHERE disabled_at IS NULL") == 1
    assert f"{gone.subscription_id} is disabled: {GONE}" in caplog.messages

    assert len(receiver.to("/gone")) <= AT_ONCE
    assert len(receiver.to("/there")) == 7


async def test_a_slow_receiver_gets_a_few_requests_at_a_time_and_delays_nobody_else(
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


async def test_messages_after_the_time_of_a_batch_are_sent_later_and_count_no_attempt(
    engine: Engine, receiver: Receiver
) -> None:
    limits = replace(SHORT_PAUSES, receiver_batch_sec=0.01)
    receiver.slow_sec = {"/": 0.02}
    learners = 4 * AT_ONCE

    await subscribe(engine, f"{receiver.url}/")
    for number in range(learners):
        await complete(engine, "a", user_id=f"learner-{number}")
    async with in_background(relay_of(engine, limits=limits).run):
        await until(lambda: len(receiver.hooks) == learners)
    assert {item.attempts for item in await deliveries(engine)} == {1}

    assert len(receiver.hooks) == learners < limits.sink_batch_messages


async def test_a_deleted_subscription_gets_nothing_more(engine: Engine, clock: HandClock, receiver: Receiver) -> None:
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
    with pytest.raises(NotFoundError, match=f"there is no subscription with the id '{subscription[0]}'"):
        async with engine.database.write() as connection:
            await subscriptions.remove(connection, subscription.subscription_id)

    assert len(receiver.hooks) == 1


async def test_a_url_that_now_leads_to_a_private_address_is_not_called(engine: Engine, receiver: Receiver) -> None:
    await subscribe(engine, receiver.url)
    await complete(engine, "a")
    assert await relay_of(engine, private=False).once() == (0, 1)
    [item] = await deliveries(engine)
    assert item.last_error == "the URL leads to a private address: 127.0.0.1 at 127.0.0.1"

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
async def test_a_private_address_is_refused_unless_private_is_allowed(url: str) -> None:
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
async def test_an_invalid_url_is_refused(url: str) -> None:
    for private in (True, False):
        with pytest.raises(InvalidInputError, match=r"^url: expected a URL http://"):
            await check_url(url, private=private)


@pytest.mark.parametrize("url", ["https://93.184.216.34/", "http://[2606:2800:220:1::1]:8080/x?y=z", "https://1.1.1.1"])
async def test_a_public_address_is_accepted(url: str) -> None:
    await check_url(url, private=False)


def resolves_to(*addresses: str) -> Resolve:
    async def resolve(host: str, port: int) -> Sequence[str]:
        assert (host, port) == ("hooks.example.org", 443)
        return addresses

    return resolve


async def test_a_host_with_one_private_address_is_refused() -> None:
    with pytest.raises(PrivateAddressError, match=r"^hooks.example.org at 10.0.0.1$"):
        await public_address("hooks.example.org", 443, resolves_to("93.184.216.34", "10.0.0.1"))


async def test_a_request_goes_to_the_checked_address_under_the_hosts_name() -> None:
    calls: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        calls.append(request)
        return httpx.Response(200)

    transport = PublicTransport(httpx.MockTransport(handle), resolves_to("2606:2800:220:1::1"))
    async with httpx.AsyncClient(transport=transport) as client:
        await client.post("https://hooks.example.org/x")

    [request] = calls
    assert str(request.url) == "https://[2606:2800:220:1::1]/x"
    assert request.headers["host"] == "hooks.example.org"
    assert request.extensions["sni_hostname"] == "hooks.example.org"
