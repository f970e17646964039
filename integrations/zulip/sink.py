"""Zulip as a sink: each notification is a direct message of the bot to its mentor, delivered once.

Before a message is sent, the sink looks whether this or another process has sent it already.
"""

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from eventstore.errors import UnavailableError
from eventstore.redaction import fault
from integrations.notifications.recipient import Recipient, recipient_of
from integrations.outbound.batch_sender import send_in_order
from integrations.outbound.sink import NOT_ATTEMPTED, OutboundMessage, Result
from integrations.runtime.limits import DEFAULT_LIMITS, Limits
from integrations.zulip import SYSTEM
from integrations.zulip.client import Bot, ZulipClient
from integrations.zulip.encode import encode, tag
from integrations.zulip.rate_limiter import RateLimiter
from integrations.zulip.response import OutcomeUnknownError, RateLimitedError, RejectedError
from integrations.zulip.sent_index import SentIndex

NO_ADDRESS = "the mentor has neither a Zulip id nor an e-mail address"


class ZulipSink:
    """A bot's connection to Zulip. All sinks of a process share one rate limiter."""

    name = SYSTEM

    def __init__(self, bot: Bot, rate_limiter: RateLimiter, limits: Limits = DEFAULT_LIMITS) -> None:
        self._rate_limiter = rate_limiter
        self._limits = limits
        self._client = ZulipClient(bot, rate_limiter, limits)
        self._sent = SentIndex(self._client)
        self._ids: dict[str, int] = {}
        self._unavailable: UnavailableError | None = None

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.__aexit__(kind, error, trace)

    async def send(self, messages: Sequence[OutboundMessage]) -> Sequence[Result]:
        """Send to a few mentors at once. Attempt no more after the batch's time, or while Zulip asks for a pause."""
        until = asyncio.get_running_loop().time() + self._limits.receiver_batch_sec
        slots = asyncio.Semaphore(self._limits.receiver_requests)

        async def send_one(message: OutboundMessage) -> Result:
            async with slots:
                is_late = asyncio.get_running_loop().time() > until
                if self._unavailable or self._rate_limiter.is_paused or is_late:
                    return NOT_ATTEMPTED
                return await self._attempt(message)

        results = await send_in_order(messages, send_one)
        if self._unavailable and all(result is NOT_ATTEMPTED for result in results):
            raise self._unavailable
        return results

    async def _attempt(self, message: OutboundMessage) -> Result:
        """Send a message. An UnavailableError is stored, so that the results of the batch are returned first."""
        try:
            return Result(receipt=str(await self._send_once(message)))
        except RateLimitedError:
            return NOT_ATTEMPTED
        except RejectedError as error:
            return Result(str(error), error.details, is_final=True)
        except OutcomeUnknownError as error:
            return Result(str(error), error.details)
        except UnavailableError as error:
            self._unavailable = error
            return NOT_ATTEMPTED
        except Exception as error:
            return Result(fault(error))  # if it were raised, messages that are under way would be sent again

    async def _send_once(self, message: OutboundMessage) -> int:
        """Send a message, unless it was sent before. Return its id at Zulip."""
        recipient = recipient_of(message.body)
        user_id = await self._id_of(recipient)
        sent_id = await self._sent.find(user_id, tag(message.message_id), message.created_at)
        if sent_id is not None:
            return sent_id
        try:
            return await self._client.send(user_id, encode(message))
        except RejectedError:
            self._ids.pop(recipient.email or "", None)  # the user may have another id by now
            raise
        except Exception:
            self._sent.mark_uncertain(user_id)  # after any other error the message may have been stored
            raise

    async def _id_of(self, recipient: Recipient) -> int:
        """Return the mentor's id at Zulip."""
        if recipient.zulip_user_id is not None:
            return recipient.zulip_user_id
        if recipient.email is None:
            raise RejectedError(NO_ADDRESS)
        if recipient.email not in self._ids:
            self._ids[recipient.email] = await self._client.id_of(recipient.email)
        return self._ids[recipient.email]
