"""The client of an SMTP server. It blocks, as the standard library's client does, so it runs in a thread.

A password is sent over TLS only, unless the server is on this machine.
"""

import smtplib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from eventstore.errors import UnavailableError
from integrations.runtime.tls import default_tls_context

TLS, PLAIN = "smtps", "smtp"
PORTS = {TLS: 465, PLAIN: 587}
LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class MailServer(NamedTuple):
    """The address of a server, and the account to log in with, if any."""

    scheme: str
    host: str
    port: int
    user: str | None
    password: str | None


def server_of(url: str) -> MailServer:
    """Parse `smtps://USER:PASSWORD@HOST:PORT`, or `smtp://…`, which uses STARTTLS if the server offers it."""
    parts = urlsplit(url)
    user, password = (part and unquote(part) for part in (parts.username, parts.password))
    return MailServer(parts.scheme, parts.hostname or "", parts.port or PORTS[parts.scheme], user, password)


@contextmanager
def open_session(server: MailServer, timeout_sec: float) -> Iterator[smtplib.SMTP]:
    """Open a session for a batch. Raise UnavailableError if the server cannot be reached or refuses the login."""
    try:
        session = connect(server, timeout_sec)
    except (smtplib.SMTPException, OSError) as error:
        raise UnavailableError(
            f"cannot open a session with the SMTP server at {server.host}:{server.port}: {error_label(error)}"
        ) from error
    try:
        yield session
    finally:
        with suppress(smtplib.SMTPException, OSError):
            session.quit()


def connect(server: MailServer, timeout_sec: float) -> smtplib.SMTP:
    context = default_tls_context()
    if server.scheme == TLS:
        session: smtplib.SMTP = smtplib.SMTP_SSL(server.host, server.port, timeout=timeout_sec, context=context)
    else:
        session = smtplib.SMTP(server.host, server.port, timeout=timeout_sec)
    try:
        starttls_and_login(session, server)
    except BaseException:
        session.close()
        raise
    return session


def starttls_and_login(session: smtplib.SMTP, server: MailServer) -> None:
    """Switch to TLS if the server offers it, and log in."""
    session.ehlo()
    is_safe = server.scheme == TLS or server.host in LOOPBACK
    if server.scheme == PLAIN and session.has_extn("starttls"):
        session.starttls(context=default_tls_context())
        session.ehlo()
        is_safe = True
    if server.user is not None:
        if not is_safe:
            raise UnavailableError(
                f"the SMTP server at {server.host} does not offer STARTTLS, so the password cannot be sent to it"
            )
        session.login(server.user, server.password or "")


def error_label(error: BaseException) -> str:
    """Return the kind of error and the server's code, without the server's words."""
    code = f" {error.smtp_code}" if isinstance(error, smtplib.SMTPResponseException) else ""
    return f"{type(error).__name__}{code}"
