"""E-mail as a sink: what may have arrived is sent again, under the same Message-ID, by which receivers tell repeats."""

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
from integrations.smtp import SYSTEM
from integrations.smtp.client import MailServer, kind_of, open_session
from integrations.smtp.encode import mail

BATCH_SEC = 20.0
"""After so long, no more of a batch is sent: what has arrived by then is to be noted."""

NO_ADDRESS = Result("expected an e-mail address of the mentor, found none", is_final=True)
FOR_GOOD = range(500, 600)
TAKEN = "expected the server to take an e-mail"


class SmtpSink:
    """A server that takes e-mail from us; there is a session for each batch."""

    name = SYSTEM

    def __init__(self, server: MailServer, sender: str) -> None:
        self._server = server
        self._sender = sender
        self._is_broken_off = threading.Event()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    async def send(self, announcements: Sequence[OutboundMessage]) -> Sequence[Result]:
        """Sends them one after the other. Those that there is no time for are not tried."""
        try:
            return await asyncio.to_thread(self._send, announcements)
        except asyncio.CancelledError:
            self._is_broken_off.set()  # the thread ends after the e-mail that is under way
            raise

    def _send(self, announcements: Sequence[OutboundMessage]) -> Sequence[Result]:
        said: list[Result] = []
        waiting: set[str] = set()
        until = time.monotonic() + BATCH_SEC
        with open_session(self._server) as session:
            for one in announcements:
                may_go = is_open(session) and time.monotonic() < until and not self._is_broken_off.is_set()
                said.append(self._try(session, one) if may_go and one.user_id not in waiting else NOT_ATTEMPTED)
                if said[-1].blocks_later:
                    waiting.add(one.user_id)
        return said

    def _try(self, session: smtplib.SMTP, announcement: OutboundMessage) -> Result:
        """What becomes of it. Nothing is raised: that would have others sent again that have arrived."""
        try:
            return self._deliver(session, announcement)
        except smtplib.SMTPRecipientsRefused as error:
            [(code, words)] = error.recipients.values()
            return refusal(code, words)
        except smtplib.SMTPDataError as error:
            return refusal(error.smtp_code, error.smtp_error)
        except smtplib.SMTPNotSupportedError:
            return Result("expected a server that takes such an address, found one that does not", is_final=True)
        except (smtplib.SMTPException, OSError) as error:
            return Result(f"{TAKEN}, found {kind_of(error)}")
        except Exception as error:
            return Result(fault(error))

    def _deliver(self, session: smtplib.SMTP, announcement: OutboundMessage) -> Result:
        letter = mail(announcement, self._sender, recipient_of(announcement.body).email or "")
        if letter is None:
            return NO_ADDRESS
        session.send_message(letter)
        return Result(receipt=letter["Message-ID"])


def is_open(session: smtplib.SMTP) -> bool:
    """Whether the server has not ended it."""
    return session.sock is not None


def refusal(code: int, words: bytes | str) -> Result:
    """What the server's refusal amounts to: for good, if its code begins with 5."""
    details = words.decode(errors="replace") if isinstance(words, bytes) else words
    return Result(f"{TAKEN}, found {code}", details, is_final=code in FOR_GOOD)
