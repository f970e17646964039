"""A server that takes e-mail, by SMTP: opened for a batch, in a thread, since the standard library's client waits.

A password goes over TLS alone, unless the server is on this machine.
"""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from eventstore.errors import UnavailableError
from integrations.runtime.tls import default_tls_context

TLS, PLAIN = "smtps", "smtp"
PORTS = {TLS: 465, PLAIN: 587}
ANSWER_SEC = 10.0
LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class MailServer(NamedTuple):
    """Where it is, and as whom to log in, if at all."""

    scheme: str
    host: str
    port: int
    user: str | None
    password: str | None


def server_of(url: str) -> MailServer:
    """`smtp://USER:PASSWORD@HOST:PORT`, which turns to TLS where the server offers it, or `smtps://…`."""
    parts = urlsplit(url)
    user, password = (part and unquote(part) for part in (parts.username, parts.password))
    return MailServer(parts.scheme, parts.hostname or "", parts.port or PORTS[parts.scheme], user, password)


@contextmanager
def open_session(server: MailServer) -> Iterator[smtplib.SMTP]:
    """A session with it. Raises Unavailable where there is none to be had."""
    try:
        session = connected(server)
    except (smtplib.SMTPException, OSError) as error:
        raise UnavailableError(
            f"expected an SMTP server at {server.host}:{server.port}, found {kind_of(error)}"
        ) from error
    try:
        yield session
    finally:
        with suppress(smtplib.SMTPException, OSError):
            session.quit()


def connected(server: MailServer) -> smtplib.SMTP:
    if server.scheme == TLS:
        session: smtplib.SMTP = smtplib.SMTP_SSL(
            server.host, server.port, timeout=ANSWER_SEC, context=default_tls_context()
        )
    else:
        session = smtplib.SMTP(server.host, server.port, timeout=ANSWER_SEC)
    try:
        starttls_and_login(session, server, default_tls_context())
    except BaseException:
        session.close()
        raise
    return session


def starttls_and_login(session: smtplib.SMTP, server: MailServer, context: ssl.SSLContext) -> None:
    """Turns to TLS where that is to be had, and logs in."""
    session.ehlo()
    is_safe = server.scheme == TLS or server.host in LOOPBACK
    if server.scheme == PLAIN and session.has_extn("starttls"):
        session.starttls(context=context)
        session.ehlo()
        is_safe = True
    if server.user is not None:
        if not is_safe:
            raise UnavailableError(f"expected STARTTLS at {server.host} before a password is sent, found none")
        session.login(server.user, server.password or "")


def kind_of(error: BaseException) -> str:
    """What happened, less the server's words."""
    code = f" {error.smtp_code}" if isinstance(error, smtplib.SMTPResponseException) else ""
    return f"{type(error).__name__}{code}"
