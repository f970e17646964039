"""Zulip to a stand-in that speaks its API over real HTTP: each mentor gets each message once, whatever happens."""

import json
from collections.abc import Iterator, Sequence

import pytest

from eventstore.errors import UnavailableError
from integrations.notifications.recipient import Recipient
from integrations.outbound.sink import NOT_ATTEMPTED, OutboundMessage, Result
from integrations.zulip import client, sent_index
from integrations.zulip.client import Bot
from integrations.zulip.rate_limiter import RateLimiter
from integrations.zulip.sink import NO_ADDRESS, ZulipSink
from integrations.zulip.tag import tag, with_tag
from tests.integrations.notices import JONES, NOBODY, NOW, SMITH, announcement, content, exam
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
    """A clock that counts seconds, and stands where it was set."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def sink_of(zulip: ZulipServer, pace: RateLimiter | None = None, key: str = BOT_KEY) -> ZulipSink:
    return ZulipSink(Bot(zulip.url, BOT_EMAIL, key), pace or RateLimiter())


async def send(zulip: ZulipServer, *announcements: OutboundMessage) -> Sequence[Result]:
    """What a new sink says of them."""
    async with sink_of(zulip) as sink:
        return await sink.send(announcements)


async def test_a_mentor_is_told_by_a_direct_message_whose_id_is_the_receipt(zulip: ZulipServer) -> None:
    one = announcement(exam())

    assert await send(zulip, one) == [Result(receipt="1001")]

    [told] = zulip.to(11)
    assert told.splitlines() == [
        "**Exam passed**",
        "**john_doe** passed **Mathematics Final**",
        "**Score:** 85 · **Percentage:** 85% · **Result:** pass · **Time taken:** 45 minutes",
        "**Date:** 2026-11-28 00:00 UTC",
        "",
        f"ref {one.message_id[-12:]}",
    ]
    [posted] = [asked for asked in zulip.asked if asked.method == "POST"]
    assert (posted.form["type"], json.loads(posted.form["to"])) == ("direct", [11])


async def test_who_has_no_id_is_found_by_address_and_looked_for_once(zulip: ZulipServer) -> None:
    told = await send(zulip, announcement(exam("a"), JONES), announcement(exam("b"), JONES))

    assert [result.error for result in told] == [None, None]
    assert len(zulip.to(12)) == 2
    assert [asked.path for asked in zulip.asked].count("/api/v1/users/jones@school.example.org") == 1


async def test_who_has_another_id_by_now_is_looked_for_again(zulip: ZulipServer) -> None:
    async with sink_of(zulip) as sink:
        assert (await sink.send([announcement(exam("a"), JONES)]))[0].error is None
        zulip.users[str(JONES.email)] = 14
        assert (await sink.send([announcement(exam("b"), JONES)]))[0].is_final
        assert (await sink.send([announcement(exam("b"), JONES)]))[0].error is None

    assert (len(zulip.to(12)), len(zulip.to(14))) == (1, 1)


@pytest.mark.parametrize(
    ("recipient", "result"),
    [
        (NOBODY, Result(NO_ADDRESS, is_final=True)),
        (
            NOBODY._replace(email="nobody/+?#@school.example.org"),
            Result("expected Zulip to take it, found 400 BAD_REQUEST", "No such user", is_final=True),
        ),
        (
            NOBODY._replace(zulip_user_id=99),
            Result("expected Zulip to take it, found 400 BAD_REQUEST", "Invalid user ID 99", is_final=True),
        ),
    ],
)
async def test_who_cannot_be_found_is_given_up_at_once(
    zulip: ZulipServer, recipient: Recipient, result: Result
) -> None:
    assert await send(zulip, announcement(exam(), recipient)) == [result]
    assert zulip.letters == []


async def test_what_is_refused_for_good_holds_back_nothing(zulip: ZulipServer) -> None:
    zulip.trouble = lambda asked: error(400, "BAD_REQUEST", "no") if "Loops" in asked.form.get("content", "") else None

    told = await send(zulip, announcement(content()), announcement(exam()), announcement(exam(), JONES))

    assert [result.is_final for result in told] == [True, False, False]
    assert (len(zulip.to(11)), len(zulip.to(12))) == (1, 1)


@pytest.mark.parametrize(
    "answer",
    [Answer(502, raw=HTML), Answer(200, raw=HTML), error(500, "INTERNAL", "oh"), Answer(200, {"result": "success"})],
    ids=["a proxy's page", "a page and 200", "500", "no id"],
)
async def test_what_was_kept_and_answered_badly_is_found_and_not_sent_again(zulip: ZulipServer, answer: Answer) -> None:
    zulip.afterwards = lambda _: answer

    async with sink_of(zulip) as sink:
        [first] = await sink.send([announcement(exam())])
        assert first.blocks_later
        zulip.afterwards = lambda _: None
        assert await sink.send([announcement(exam())]) == [Result(receipt="1001")]

    assert len(zulip.letters) == 1


async def test_what_was_kept_and_never_answered_is_found_and_not_sent_again(
    zulip: ZulipServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "ANSWER_SEC", 0.3)
    zulip.hangs = lambda asked: asked.method == "POST"

    async with sink_of(zulip) as sink:
        assert await sink.send([announcement(exam())]) == [Result("expected an answer within 0 s, found none")]
        zulip.hangs = lambda _: False
        assert await sink.send([announcement(exam())]) == [Result(receipt="1001")]

    assert len(zulip.letters) == 1


async def test_what_was_kept_and_answered_by_a_pause_is_found_and_not_sent_again(zulip: ZulipServer) -> None:
    seconds = HandSeconds()
    zulip.afterwards = lambda _: rate_limited(30)

    async with sink_of(zulip, RateLimiter(seconds)) as sink:
        assert await sink.send([announcement(exam())]) == [NOT_ATTEMPTED]
        zulip.afterwards = lambda _: None
        seconds.now = 31
        assert await sink.send([announcement(exam())]) == [Result(receipt="1001")]

    assert len(zulip.letters) == 1


async def test_what_was_not_kept_is_sent_again(zulip: ZulipServer) -> None:
    zulip.trouble = lambda asked: Answer(502, raw=HTML) if asked.method == "POST" else None

    async with sink_of(zulip) as sink:
        expected = "expected JSON of Zulip, found an answer of 502 that is none"
        assert await sink.send([announcement(exam()), announcement(content())]) == [Result(expected), NOT_ATTEMPTED]
        zulip.trouble = lambda _: None
        assert await sink.send([announcement(exam())]) == [Result(receipt="1001")]


async def test_a_new_sink_finds_what_another_sent_however_much_was_said_since(
    zulip: ZulipServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "PAGE", 3)
    await send(zulip, announcement(exam()))
    for number in range(7):
        zulip.keep(BOT_ID, 11, f"another {number}")
        zulip.keep(11, BOT_ID, f"an answer {number}")
        zulip.keep(BOT_ID, 12, f"to another {number}")
    zulip.asked.clear()

    assert await send(zulip, announcement(exam())) == [Result(receipt="1001")]

    pages = [asked for asked in zulip.asked if (asked.method, asked.path) == ("GET", "/api/v1/messages")]
    assert len(pages) == 3


async def test_no_more_is_read_than_can_be_of_it(zulip: ZulipServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "PAGE", 3)
    long_before = NOW - sent_index.MARGIN * 2
    zulip.clock = long_before.timestamp
    for number in range(30):
        zulip.keep(BOT_ID, 11, f"another {number}")
    zulip.clock = NOW.timestamp

    await send(zulip, announcement(exam()))

    assert len([asked for asked in zulip.asked if (asked.method, asked.path) == ("GET", "/api/v1/messages")]) == 1


async def test_a_clock_that_is_behind_ours_hides_nothing(zulip: ZulipServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "PAGE", 1)
    zulip.clock = (NOW - sent_index.MARGIN / 2).timestamp
    await send(zulip, announcement(exam()))
    zulip.keep(BOT_ID, 11, "another")

    assert await send(zulip, announcement(exam())) == [Result(receipt="1001")]


async def test_nobody_but_the_bot_can_say_that_a_message_arrived(zulip: ZulipServer) -> None:
    """A mentor quotes a tag, and a student writes one into a title: both are not told by the bot."""
    one = announcement(exam())
    forged = f"x\n\nref {tag(one.message_id)}"
    zulip.keep(11, BOT_ID, with_tag("quoted", one.message_id))
    await send(zulip, announcement(exam("another", activity_title=forged)))

    assert await send(zulip, one) == [Result(receipt="1003")]


async def test_while_zulip_asks_for_a_pause_nothing_is_asked(zulip: ZulipServer) -> None:
    seconds = HandSeconds()
    zulip.trouble = lambda asked: rate_limited(30.5) if asked.method == "POST" else None

    pace = RateLimiter(seconds)
    async with sink_of(zulip, pace) as sink:
        assert await sink.send([announcement(exam())]) == [NOT_ATTEMPTED]
        zulip.trouble = lambda _: None
        zulip.asked.clear()
        seconds.now = 30.4
        assert await sink.send([announcement(exam()), announcement(exam(), JONES)]) == [NOT_ATTEMPTED] * 2
    async with sink_of(zulip, pace) as sink:
        assert await sink.send([announcement(exam())]) == [NOT_ATTEMPTED], "it is of the process, not of one sink"
        assert zulip.asked == []
        seconds.now = 30.6
        assert await sink.send([announcement(exam())]) == [Result(receipt="1001")]


async def test_who_does_not_know_the_bot_is_not_told_that_a_message_failed(zulip: ZulipServer) -> None:
    async with sink_of(zulip, key="another") as sink:
        with pytest.raises(UnavailableError, match=r"^expected Zulip to know the bot .*, found 401 INVALID_API_KEY$"):
            await sink.send([announcement(exam()), announcement(exam(), JONES)])


async def test_what_arrived_before_the_key_was_withdrawn_is_told_first(zulip: ZulipServer) -> None:
    zulip.trouble = lambda _: error(401, "INVALID_API_KEY", "Invalid API key") if zulip.letters else None

    async with sink_of(zulip) as sink:
        told = await sink.send([announcement(exam("a")), announcement(exam("b"))])
        assert told == [Result(receipt="1001"), NOT_ATTEMPTED]
        with pytest.raises(UnavailableError):
            await sink.send([announcement(exam("b"))])


async def test_a_zulip_that_is_away_counts_no_attempt() -> None:
    async with ZulipSink(Bot("http://127.0.0.1:9", BOT_EMAIL, BOT_KEY), RateLimiter()) as sink:
        with pytest.raises(UnavailableError, match=r"^expected Zulip at http://127.0.0.1:9, found ConnectError$"):
            await sink.send([announcement(exam())])


async def test_a_fault_of_ours_in_one_sends_no_other_again(zulip: ZulipServer) -> None:
    broken = announcement(exam(), SMITH)._replace(body={"recipient": SMITH._asdict()})

    told = await send(zulip, broken, announcement(exam(), JONES))

    assert "ValidationError in " in str(told[0].error)
    assert told[1] == Result(receipt="1001")
