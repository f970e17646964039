"""The inbox's worker: a background task that reloads a changed mapping file and retries parked messages.

A publication is a reason to retry, too. It may come from another process, such as `lms-progress course publish`.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from eventstore.concurrency import shielded
from eventstore.errors import InvalidInputError, UnavailableError
from eventstore.redaction import fault
from integrations.inbound.inbox import Inbox
from integrations.inbound.mapping_file import MappingFile

INTERVAL_SEC = 5.0

log = logging.getLogger(__name__)


@asynccontextmanager
async def inbox_worker(
    inbox: Inbox, mapping_file: MappingFile, interval_sec: float = INTERVAL_SEC
) -> AsyncIterator[None]:
    """Run the worker while the block runs. Any number of processes may have one."""
    task = asyncio.create_task(_work(inbox, mapping_file, interval_sec))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _work(inbox: Inbox, mapping_file: MappingFile, interval_sec: float) -> None:
    pending: asyncio.Task[None] | None = None
    while True:
        await asyncio.sleep(interval_sec)
        try:
            if (pending is None or pending.done()) and await shielded(inbox.engine.has_pending_work()):
                pending = inbox.engine.schedule_pending_work()
            await look(inbox, mapping_file)
        except UnavailableError as error:
            log.warning("the retry of parked messages is interrupted: %s", error)
        except Exception as error:
            log.error("the retry of parked messages failed: %s", fault(error))


async def look(inbox: Inbox, mapping_file: MappingFile) -> None:
    """Reload the mapping file if it has changed, and do a retry that is due. An invalid file changes nothing."""
    if mapping_file.has_changed():
        try:
            inbox.mappings = mapping_file.read()
            inbox.has_retry_pending = True
        except InvalidInputError as error:
            log.warning("the changed mapping file is invalid and is ignored: %s", error)
    if inbox.has_retry_pending:
        result = await inbox.retry_parked()
        log.warning("retried parked messages: %d done, %d still parked", *result)
