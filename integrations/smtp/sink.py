"""E-mail as a sink. After an unknown outcome an e-mail is sent again, with the Message-ID that it had before."""

import asyncio
import smtplib
import threading
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from eventstore.redaction import fault
from integrations.notifications.recipient import recipient_of
from integrations.outbound.sink import NOT_ATTEMPTED, OutboundMessage, Result
from integrations.runtime.limits import DEFAULT_LIMITS, Limits
from integrations.smtp import SYSTEM
from integrations.smtp.client import MailServer, error_label, open_session
from integrations.smtp.encode import encode

NO_ADDRESS = Result("the mentor has no valid e-mail address", is_final=True)
NOT_ACCEPTED = "the SMTP server did not accept the e-mail"
PERMANENT = range(500, 600)


class SmtpSink:
    """Sends through an SMTP server, with a session for each batch."""

    name = SYSTEM

    def __init__(self, server: MailServer, sender: str, limits: Limits = DEFAULT_LIMITS) -> None:
        self._server = server
        self._sender = sender
        self._limits = limits
        self._is_cancelled = threading.Event()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    async def send(self, messages: Sequence[OutboundMessage]) -> Sequence[Result]:
        """Send one e-mail after the other. Attempt no more after the batch's time."""
        try:
            return await asyncio.to_thread(self._send, messages)
        except asyncio.CancelledError:
            self._is_cancelled.set()  # the thread ends after the e-mail that is under way
            raise

    def _send(self, messages: Sequence[OutboundMessage]) -> Sequence[Result]:
        results: list[Result] = []
        blocked: set[str] = set()
        until = time.monotonic() + self._limits.receiver_batch_sec
        with open_session(self._server, self._limits.receiver_answer_sec) as session:
            for message in messages:
                may_send = is_open(session) and time.monotonic() < until and not self._is_cancelled.is_set()
                is_next = may_send and message.user_id not in blocked
                results.append(self._attempt(session, message) if is_next else NOT_ATTEMPTED)
                if results[-1].blocks_later:
                    blocked.add(message.user_id)
        return results

    def _attempt(self, session: smtplib.SMTP, message: OutboundMessage) -> Result:
        """Send an e-mail. Raise nothing: after an error, the relay would send delivered e-mails again."""
        try:
            return self._deliver(session, message)
        except smtplib.SMTPRecipientsRefused as error:
            [(code, text)] = error.recipients.values()
            return refusal(code, text)
        except smtplib.SMTPDataError as error:
            return refusal(error.smtp_code, error.smtp_error)
        except smtplib.SMTPNotSupportedError:
            return Result("the SMTP server does not support the characters of this e-mail address", is_final=True)
        except (smtplib.SMTPException, OSError) as error:
            return Result(f"{NOT_ACCEPTED}: {error_label(error)}")
        except Exception as error:
            return Result(fault(error))

    def _deliver(self, session: smtplib.SMTP, message: OutboundMessage) -> Result:
        email = encode(message, self._sender, recipient_of(message.body).email or "")
        if email is None:
            return NO_ADDRESS
        session.send_message(email)
        return Result(receipt=email["Message-ID"])


def is_open(session: smtplib.SMTP) -> bool:
    """Return whether the server has not ended the session."""
    return session.sock is not None


def refusal(code: int, text: bytes | str) -> Result:
    """Return the result of a refusal: final if its code begins with 5."""
    details = text.decode(errors="replace") if isinstance(text, bytes) else text
    return Result(f"{NOT_ACCEPTED}: {code}", details, is_final=code in PERMANENT)
