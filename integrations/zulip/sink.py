"""Zulip as a sink: each notification is a direct message of the bot to its mentor, who gets it once.

What may have been sent, by this process or one that was killed, is looked for before it is sent.
"""

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from eventstore.errors import UnavailableError
from eventstore.redaction import fault
from integrations.notifications.recipient import Recipient, recipient_of
from integrations.notifications.render import message
from integrations.outbound.batch_sender import send_in_order
from integrations.outbound.sink import NOT_ATTEMPTED, OutboundMessage, Result
from integrations.zulip import SYSTEM
from integrations.zulip.client import AT_ONCE, Bot, ZulipClient
from integrations.zulip.rate_limiter import RateLimiter
from integrations.zulip.response import OutcomeUnknownError, RateLimitedError, RejectedError
from integrations.zulip.sent_index import SentBefore
from integrations.zulip.tag import tag, with_tag

BATCH_SEC = 20.0
"""After so long, no more of a batch is sent: what has arrived by then is to be noted."""

NO_ADDRESS = "expected a Zulip id or an e-mail address of the mentor, found neither"


class ZulipSink:
    """A bot, while it is open. All sinks of a process keep to one `pace`."""

    name = SYSTEM

    def __init__(self, bot: Bot, pace: RateLimiter) -> None:
        self._pace = pace
        self._client = ZulipClient(bot, pace)
        self._sent_before = SentBefore(self._client)
        self._ids: dict[str, int] = {}
        self._trouble: UnavailableError | None = None

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.__aexit__(kind, error, trace)

    async def send(self, announcements: Sequence[OutboundMessage]) -> Sequence[Result]:
        """A few mentors at once. What there is no time for, or may not go yet, is not tried."""
        until = asyncio.get_running_loop().time() + BATCH_SEC
        free = asyncio.Semaphore(AT_ONCE)

        async def send_one(one: OutboundMessage) -> Result:
            async with free:
                if self._trouble or self._pace.is_paused or asyncio.get_running_loop().time() > until:
                    return NOT_ATTEMPTED
                return await self._try(one)

        said = await send_in_order(announcements, send_one)
        if self._trouble and all(result is NOT_ATTEMPTED for result in said):
            raise self._trouble
        return said

    async def _try(self, announcement: OutboundMessage) -> Result:
        """What becomes of it. Trouble of the whole is kept, so that what has arrived of the batch can be told first."""
        try:
            return Result(receipt=str(await self._send_once(announcement)))
        except RateLimitedError:
            return NOT_ATTEMPTED
        except RejectedError as error:
            return Result(str(error), error.details, is_final=True)
        except OutcomeUnknownError as error:
            return Result(str(error), error.details)
        except UnavailableError as error:
            self._trouble = error
            return NOT_ATTEMPTED
        except Exception as error:
            return Result(fault(error))  # raised, it would have others sent again that are under way

    async def _send_once(self, announcement: OutboundMessage) -> int:
        """The id of the message: of the one that was sent before, if there is one."""
        recipient = recipient_of(announcement.body)
        user_id = await self._id_of(recipient)
        message_id = announcement.message_id
        before = await self._sent_before.find(user_id, tag(message_id), announcement.created_at)
        if before is not None:
            return before
        try:
            text = message(announcement.type, announcement.body)
            return await self._client.send(user_id, with_tag(text, message_id))
        except RejectedError:
            self._ids.pop(recipient.email or "", None)  # whoever had the address may have another id by now
            raise
        except Exception:
            self._sent_before.mark_uncertain(user_id)  # whatever else was answered, it may have been kept
            raise

    async def _id_of(self, recipient: Recipient) -> int:
        """By which Zulip knows a mentor."""
        if recipient.zulip_user_id is not None:
            return recipient.zulip_user_id
        if recipient.email is None:
            raise RejectedError(NO_ADDRESS)
        if recipient.email not in self._ids:
            self._ids[recipient.email] = await self._client.id_of(recipient.email)
        return self._ids[recipient.email]
