"""E-mail to a real SMTP server: the e-mails of mentors, and which failures are final."""

from collections.abc import Iterator, Sequence
from urllib.parse import quote

import pytest

from eventstore.errors import UnavailableError
from integrations.outbound.sink import NOT_ATTEMPTED, OutboundMessage, Result
from integrations.smtp.client import server_of
from integrations.smtp.sink import NO_ADDRESS, SmtpSink
from tests.integrations.notices import JONES, NOBODY, SMITH, content, exam, message_to
from tests.support.smtp import PASSWORD, USER, SmtpServer, smtp_serving

SENDER = "progress@school.example.org"


@pytest.fixture
def smtp() -> Iterator[SmtpServer]:
    with smtp_serving() as smtp:
        yield smtp


async def send(url: str, *messages: OutboundMessage) -> Sequence[Result]:
    async with SmtpSink(server_of(url), SENDER) as sink:
        return await sink.send(messages)


async def test_a_mentor_gets_plain_text_with_the_id_of_the_message(smtp: SmtpServer) -> None:
    one = message_to(exam(student_username="jürgen.doe*", activity_title="x" * 150))

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
async def test_an_invalid_address_is_final(smtp: SmtpServer, address: str | None) -> None:
    assert await send(smtp.url, message_to(exam(), NOBODY._replace(email=address))) == [NO_ADDRESS]
    assert smtp.mails == []


async def test_a_final_refusal_blocks_nothing_and_another_one_blocks_its_mentor(
    smtp: SmtpServer,
) -> None:
    smtp.refuses = {str(SMITH.email): "550 5.1.1 no such user smith", str(JONES.email): "450 4.2.1 busy"}

    results = await send(
        smtp.url,
        message_to(exam("a")),
        message_to(exam("b")),
        message_to(exam("a"), JONES),
        message_to(exam("b"), JONES),
        message_to(exam(), NOBODY._replace(email="other@school.example.org")),
    )

    gone = Result("the SMTP server did not accept the e-mail: 550", "5.1.1 no such user smith", is_final=True)
    busy = Result("the SMTP server did not accept the e-mail: 450", "4.2.1 busy")
    assert results[:4] == [gone, gone, busy, NOT_ATTEMPTED]
    assert results[4].error is None
    assert [mail.recipient for mail in smtp.mails] == ["other@school.example.org"]


async def test_a_session_that_ends_early_fails_the_message_that_is_under_way(smtp: SmtpServer) -> None:
    smtp.drops = 2

    results = await send(smtp.url, *(message_to(exam(f"exam {number}"), JONES) for number in range(4)))

    assert results[0].error is None
    assert results[1:] == [
        Result("the SMTP server did not accept the e-mail: SMTPServerDisconnected"),
        NOT_ATTEMPTED,
        NOT_ATTEMPTED,
    ]


async def test_a_server_that_requires_a_login_gets_one(smtp: SmtpServer) -> None:
    smtp.needs_login = True
    url = f"smtp://{USER}:{quote(PASSWORD)}@127.0.0.1:{smtp.port}"

    assert (await send(url, message_to(content())))[0].error is None


async def test_a_refused_login_is_unavailable(smtp: SmtpServer) -> None:
    smtp.needs_login = True
    with pytest.raises(UnavailableError, match=r"^cannot open a session with .* at 127.0.0.1:[0-9]+: .*Error 535$"):
        await send(f"smtp://{USER}:another@127.0.0.1:{smtp.port}", message_to(exam()))


async def test_an_unreachable_server_is_unavailable() -> None:
    unreachable = r"^cannot open a session with the SMTP server at 127.0.0.1:9: ConnectionRefusedError$"
    with pytest.raises(UnavailableError, match=unreachable):
        await send("smtp://127.0.0.1:9", message_to(exam()))


async def test_a_password_is_not_sent_in_plain_text_to_another_machine(smtp: SmtpServer) -> None:
    """The host 127.1 is this machine, but not by a name that the client recognizes."""
    with pytest.raises(UnavailableError, match=r"^the SMTP server at 127.1 does not offer STARTTLS"):
        await send(f"smtp://{USER}:{quote(PASSWORD)}@127.1:{smtp.port}", message_to(exam()))


async def test_a_refused_sender_is_not_final(smtp: SmtpServer) -> None:
    smtp.refuses_senders = True
    [result] = await send(smtp.url, message_to(exam()))
    assert (result.error, result.is_final) == (
        "the SMTP server did not accept the e-mail: SMTPSenderRefused 550",
        False,
    )


def test_the_default_port_is_that_of_the_scheme() -> None:
    assert [server_of(f"{scheme}://mail.example.org").port for scheme in ("smtps", "smtp")] == [465, 587]
