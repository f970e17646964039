"""The Zulip sink with a server that implements Zulip's API: each mentor gets each message once, whatever fails."""

import json
from collections.abc import Iterator, Sequence

import pytest

from eventstore.errors import UnavailableError
from integrations.notifications.recipient import Recipient
from integrations.outbound.sink import NOT_ATTEMPTED, OutboundMessage, Result
from integrations.runtime.limits import DEFAULT_LIMITS, Limits
from integrations.zulip import sent_index
from integrations.zulip.client import Bot
from integrations.zulip.encode import tag, with_tag
from integrations.zulip.rate_limiter import RateLimiter
from integrations.zulip.sink import NO_ADDRESS, ZulipSink
from tests.integrations.notices import JONES, NOBODY, NOW, SMITH, content, exam, message_to
from tests.support.zulip import (
    BOT_EMAIL,
    BOT_ID,
    BOT_KEY,
    HTML,
    Answer,
    ZulipServer,
    error,
    rate_limited,
    zulip_serving,
)


@pytest.fixture
def zulip() -> Iterator[ZulipServer]:
    with zulip_serving() as zulip:
        zulip.users = {"smith@school.example.org": 11, "jones@school.example.org": 12}
        zulip.clock = NOW.timestamp
        yield zulip


class HandSeconds:
    """A clock of seconds that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def sink_of(
    zulip: ZulipServer,
    rate_limiter: RateLimiter | None = None,
    key: str = BOT_KEY,
    limits: Limits = DEFAULT_LIMITS,
) -> ZulipSink:
    return ZulipSink(Bot(zulip.url, BOT_EMAIL, key), rate_limiter or RateLimiter(), limits)


async def send(zulip: ZulipServer, *messages: OutboundMessage, limits: Limits = DEFAULT_LIMITS) -> Sequence[Result]:
    """Send messages with a new sink."""
    async with sink_of(zulip, limits=limits) as sink:
        return await sink.send(messages)


async def test_a_mentor_gets_a_direct_message_whose_id_is_the_receipt(zulip: ZulipServer) -> None:
    one = message_to(exam())

    assert await send(zulip, one) == [Result(receipt="1001")]

    [text] = zulip.to(11)
    assert text.splitlines() == [
        "**Exam passed**",
        "**john_doe** passed **Mathematics Final**",
        "**Score:** 85 · **Percentage:** 85% · **Result:** pass · **Time taken:** 45 minutes",
        "**Date:** 2026-11-28 00:00 UTC",
        "",
        f"ref {one.message_id[-12:]}",
    ]
    [posted] = [asked for asked in zulip.asked if asked.method == "POST"]
    assert (posted.form["type"], json.loads(posted.form["to"])) == ("direct", [11])


async def test_a_mentor_without_an_id_is_looked_up_by_address_once(zulip: ZulipServer) -> None:
    results = await send(zulip, message_to(exam("a"), JONES), message_to(exam("b"), JONES))

    assert [result.error for result in results] == [None, None]
    assert len(zulip.to(12)) == 2
    assert [asked.path for asked in zulip.asked].count("/api/v1/users/jones@school.example.org") == 1


async def test_a_mentor_whose_id_changed_is_looked_up_again(zulip: ZulipServer) -> None:
    async with sink_of(zulip) as sink:
        assert (await sink.send([message_to(exam("a"), JONES)]))[0].error is None
        zulip.users[str(JONES.email)] = 14
        assert (await sink.send([message_to(exam("b"), JONES)]))[0].is_final
        assert (await sink.send([message_to(exam("b"), JONES)]))[0].error is None

    assert (len(zulip.to(12)), len(zulip.to(14))) == (1, 1)


@pytest.mark.parametrize(
    ("recipient", "result"),
    [
        (NOBODY, Result(NO_ADDRESS, is_final=True)),
        (
            NOBODY._replace(email="nobody/+?#@school.example.org"),
            Result("Zulip rejected the request: 400 BAD_REQUEST", "No such user", is_final=True),
        ),
        (
            NOBODY._replace(zulip_user_id=99),
            Result("Zulip rejected the request: 400 BAD_REQUEST", "Invalid user ID 99", is_final=True),
        ),
    ],
)
async def test_an_unknown_mentor_is_final(zulip: ZulipServer, recipient: Recipient, result: Result) -> None:
    assert await send(zulip, message_to(exam(), recipient)) == [result]
    assert zulip.letters == []


async def test_a_final_refusal_blocks_nothing(zulip: ZulipServer) -> None:
    zulip.trouble = lambda asked: error(400, "BAD_REQUEST", "no") if "Loops" in asked.form.get("content", "") else None

    results = await send(zulip, message_to(content()), message_to(exam()), message_to(exam(), JONES))

    assert [result.is_final for result in results] == [True, False, False]
    assert (len(zulip.to(11)), len(zulip.to(12))) == (1, 1)


@pytest.mark.parametrize(
    "answer",
    [Answer(502, raw=HTML), Answer(200, raw=HTML), error(500, "INTERNAL", "oh"), Answer(200, {"result": "success"})],
    ids=["a proxy's page", "a page with 200", "500", "no id"],
)
async def test_a_stored_message_with_a_bad_answer_is_found_and_not_sent_again(
    zulip: ZulipServer, answer: Answer
) -> None:
    zulip.afterwards = lambda _: answer

    async with sink_of(zulip) as sink:
        [first] = await sink.send([message_to(exam())])
        assert first.blocks_later
        zulip.afterwards = lambda _: None
        assert await sink.send([message_to(exam())]) == [Result(receipt="1001")]

    assert len(zulip.letters) == 1


async def test_a_stored_message_without_an_answer_is_found_and_not_sent_again(zulip: ZulipServer) -> None:
    zulip.hangs = lambda asked: asked.method == "POST"

    async with sink_of(zulip, limits=Limits(receiver_answer_sec=0.3)) as sink:
        assert await sink.send([message_to(exam())]) == [Result("Zulip did not answer within 0.3 s")]
        zulip.hangs = lambda _: False
        assert await sink.send([message_to(exam())]) == [Result(receipt="1001")]

    assert len(zulip.letters) == 1


async def test_a_stored_message_that_is_answered_by_a_pause_is_found_and_not_sent_again(
    zulip: ZulipServer,
) -> None:
    seconds = HandSeconds()
    zulip.afterwards = lambda _: rate_limited(30)

    async with sink_of(zulip, RateLimiter(seconds)) as sink:
        assert await sink.send([message_to(exam())]) == [NOT_ATTEMPTED]
        zulip.afterwards = lambda _: None
        seconds.now = 31
        assert await sink.send([message_to(exam())]) == [Result(receipt="1001")]

    assert len(zulip.letters) == 1


async def test_a_message_that_was_not_stored_is_sent_again(zulip: ZulipServer) -> None:
    zulip.trouble = lambda asked: Answer(502, raw=HTML) if asked.method == "POST" else None

    async with sink_of(zulip) as sink:
        expected = "Zulip's response is not JSON: 502"
        assert await sink.send([message_to(exam()), message_to(content())]) == [Result(expected), NOT_ATTEMPTED]
        zulip.trouble = lambda _: None
        assert await sink.send([message_to(exam())]) == [Result(receipt="1001")]


async def test_a_new_sink_finds_an_earlier_message_many_messages_ago(zulip: ZulipServer) -> None:
    await send(zulip, message_to(exam()))
    for number in range(7):
        zulip.keep(BOT_ID, 11, f"another {number}")
        zulip.keep(11, BOT_ID, f"an answer {number}")
        zulip.keep(BOT_ID, 12, f"to another {number}")
    zulip.asked.clear()

    limits = Limits(zulip_page_messages=3)
    assert await send(zulip, message_to(exam()), limits=limits) == [Result(receipt="1001")]

    pages = [asked for asked in zulip.asked if (asked.method, asked.path) == ("GET", "/api/v1/messages")]
    assert len(pages) == 3


async def test_messages_from_before_the_notification_are_not_read(zulip: ZulipServer) -> None:
    long_before = NOW - sent_index.MARGIN * 2
    zulip.clock = long_before.timestamp
    for number in range(30):
        zulip.keep(BOT_ID, 11, f"another {number}")
    zulip.clock = NOW.timestamp

    await send(zulip, message_to(exam()), limits=Limits(zulip_page_messages=3))

    assert len([asked for asked in zulip.asked if (asked.method, asked.path) == ("GET", "/api/v1/messages")]) == 1


async def test_an_earlier_message_is_found_if_zulips_clock_is_behind(zulip: ZulipServer) -> None:
    zulip.clock = (NOW - sent_index.MARGIN / 2).timestamp
    await send(zulip, message_to(exam()))
    zulip.keep(BOT_ID, 11, "another")

    assert await send(zulip, message_to(exam()), limits=Limits(zulip_page_messages=1)) == [Result(receipt="1001")]


async def test_tags_of_other_people_are_ignored(zulip: ZulipServer) -> None:
    """Given a mentor who quotes a tag, and a student who writes one into a title, the bot sends its message."""
    one = message_to(exam())
    forged = f"x\n\nref {tag(one.message_id)}"
    zulip.keep(11, BOT_ID, with_tag("quoted", one.message_id))
    await send(zulip, message_to(exam("another", activity_title=forged)))

    assert await send(zulip, one) == [Result(receipt="1003")]


async def test_during_a_pause_no_request_is_sent(zulip: ZulipServer) -> None:
    seconds = HandSeconds()
    zulip.trouble = lambda asked: rate_limited(30.5) if asked.method == "POST" else None

    rate_limiter = RateLimiter(seconds)
    async with sink_of(zulip, rate_limiter) as sink:
        assert await sink.send([message_to(exam())]) == [NOT_ATTEMPTED]
        zulip.trouble = lambda _: None
        zulip.asked.clear()
        seconds.now = 30.4
        assert await sink.send([message_to(exam()), message_to(exam(), JONES)]) == [NOT_ATTEMPTED] * 2
    async with sink_of(zulip, rate_limiter) as sink:
        assert await sink.send([message_to(exam())]) == [NOT_ATTEMPTED], "the pause is of the process"
        assert zulip.asked == []
        seconds.now = 30.6
        assert await sink.send([message_to(exam())]) == [Result(receipt="1001")]


async def test_an_unknown_bot_is_unavailable(zulip: ZulipServer) -> None:
    async with sink_of(zulip, key="another") as sink:
        with pytest.raises(UnavailableError, match=r"^Zulip does not accept the bot.*: 401 INVALID_API_KEY$"):
            await sink.send([message_to(exam()), message_to(exam(), JONES)])


async def test_results_from_before_the_key_was_revoked_are_returned_first(zulip: ZulipServer) -> None:
    zulip.trouble = lambda _: error(401, "INVALID_API_KEY", "Invalid API key") if zulip.letters else None

    async with sink_of(zulip) as sink:
        results = await sink.send([message_to(exam("a")), message_to(exam("b"))])
        assert results == [Result(receipt="1001"), NOT_ATTEMPTED]
        with pytest.raises(UnavailableError):
            await sink.send([message_to(exam("b"))])


async def test_an_unreachable_zulip_is_unavailable() -> None:
    async with ZulipSink(Bot("http://127.0.0.1:9", BOT_EMAIL, BOT_KEY), RateLimiter()) as sink:
        with pytest.raises(UnavailableError, match=r"^cannot connect to Zulip at http://127.0.0.1:9: ConnectError$"):
            await sink.send([message_to(exam())])


async def test_an_internal_error_in_one_message_sends_no_other_again(zulip: ZulipServer) -> None:
    broken = message_to(exam(), SMITH)._replace(body={"recipient": SMITH._asdict()})

    results = await send(zulip, broken, message_to(exam(), JONES))

    assert "ValidationError in " in str(results[0].error)
    assert results[1] == Result(receipt="1001")
