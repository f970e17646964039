"""E-mail to a real SMTP server: what mentors get, what is given up, and what is tried again under the same id."""

from collections.abc import Iterator, Sequence
from urllib.parse import quote

import pytest

from eventstore.errors import UnavailableError
from integrations.outbound.sink import NOT_ATTEMPTED, OutboundMessage, Result
from integrations.smtp.client import server_of
from integrations.smtp.sink import NO_ADDRESS, SmtpSink
from tests.integrations.notices import JONES, NOBODY, SMITH, announcement, content, exam
from tests.support.smtp import PASSWORD, USER, SmtpServer, smtp_serving

SENDER = "progress@school.example.org"


@pytest.fixture
def smtp() -> Iterator[SmtpServer]:
    with smtp_serving() as smtp:
        yield smtp


async def send(url: str, *announcements: OutboundMessage) -> Sequence[Result]:
    async with SmtpSink(server_of(url), SENDER) as sink:
        return await sink.send(announcements)


async def test_a_mentor_gets_the_message_as_plain_text_under_its_id(smtp: SmtpServer) -> None:
    one = announcement(exam(student_username="jürgen.doe*", activity_title="x" * 150))

    assert await send(smtp.url, one) == [Result(receipt=f"<{one.message_id}@school.example.org>")]

    [mail] = smtp.mails
    assert (mail.sender, mail.recipient) == (SENDER, SMITH.email)
    assert (mail.content["From"], mail.content["To"], mail.content["Subject"]) == (SENDER, SMITH.email, "Exam passed")
    assert mail.content["Message-ID"] == f"<{one.message_id}@school.example.org>"
    assert mail.content["Date"] == "Sun, 29 Nov 2026 00:00:00 +0000"
    assert mail.content["Auto-Submitted"] == "auto-generated"
    assert mail.content.get_content_type() == "text/plain"
    assert mail.content.get_content().splitlines()[:2] == ["**Exam passed**", f"**jürgen.doe*** passed **{'x' * 150}**"]


@pytest.mark.parametrize(
    "address", [None, "", "nobody", "a@b@c", "a b@example.org", "a@example.org\r\nBcc: all@example.org", "a@"]
)
async def test_who_has_no_address_is_given_up_at_once(smtp: SmtpServer, address: str | None) -> None:
    assert await send(smtp.url, announcement(exam(), NOBODY._replace(email=address))) == [NO_ADDRESS]
    assert smtp.mails == []


async def test_what_is_refused_for_good_holds_back_nothing_and_what_is_not_holds_back_its_mentors(
    smtp: SmtpServer,
) -> None:
    smtp.refuses = {str(SMITH.email): "550 5.1.1 no such user smith", str(JONES.email): "450 4.2.1 busy"}

    told = await send(
        smtp.url,
        announcement(exam("a")),
        announcement(exam("b")),
        announcement(exam("a"), JONES),
        announcement(exam("b"), JONES),
        announcement(exam(), NOBODY._replace(email="other@school.example.org")),
    )

    gone = Result("expected the server to take an e-mail, found 550", "5.1.1 no such user smith", is_final=True)
    busy = Result("expected the server to take an e-mail, found 450", "4.2.1 busy")
    assert told[:4] == [gone, gone, busy, NOT_ATTEMPTED]
    assert told[4].error is None
    assert [mail.recipient for mail in smtp.mails] == ["other@school.example.org"]


async def test_a_session_that_ends_early_costs_the_one_that_was_under_way(smtp: SmtpServer) -> None:
    smtp.drops = 2

    told = await send(smtp.url, *(announcement(exam(f"exam {number}"), JONES) for number in range(4)))

    assert told[0].error is None
    assert told[1:] == [
        Result("expected the server to take an e-mail, found SMTPServerDisconnected"),
        NOT_ATTEMPTED,
        NOT_ATTEMPTED,
    ]


async def test_who_asks_for_a_login_gets_one(smtp: SmtpServer) -> None:
    smtp.needs_login = True
    url = f"smtp://{USER}:{quote(PASSWORD)}@127.0.0.1:{smtp.port}"

    assert (await send(url, announcement(content())))[0].error is None


async def test_a_server_that_does_not_let_us_in_counts_no_attempt(smtp: SmtpServer) -> None:
    smtp.needs_login = True
    with pytest.raises(UnavailableError, match=r"^expected an SMTP server at 127.0.0.1:[0-9]+, found .*Error 535$"):
        await send(f"smtp://{USER}:another@127.0.0.1:{smtp.port}", announcement(exam()))


async def test_a_server_that_is_away_counts_no_attempt() -> None:
    with pytest.raises(
        UnavailableError, match=r"^expected an SMTP server at 127.0.0.1:9, found ConnectionRefusedError$"
    ):
        await send("smtp://127.0.0.1:9", announcement(exam()))


async def test_a_password_does_not_go_over_the_network_in_the_clear(
    smtp: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("integrations.smtp.client.LOOPBACK", set())
    with pytest.raises(
        UnavailableError, match=r"^expected STARTTLS at 127.0.0.1 before a password is sent, found none$"
    ):
        await send(f"smtp://{USER}:{quote(PASSWORD)}@127.0.0.1:{smtp.port}", announcement(exam()))


async def test_a_sender_that_is_refused_is_tried_again(smtp: SmtpServer) -> None:
    smtp.refuses_senders = True
    [told] = await send(smtp.url, announcement(exam()))
    assert (told.error, told.is_final) == ("expected the server to take an e-mail, found SMTPSenderRefused 550", False)


def test_the_port_is_the_schemes_own_where_none_is_given() -> None:
    assert [server_of(f"{scheme}://mail.example.org").port for scheme in ("smtps", "smtp")] == [465, 587]
