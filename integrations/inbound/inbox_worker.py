"""The inbox's worker: looks for a mapping file that was changed, and for retries that were broken off."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from eventstore.errors import InvalidInputError, UnavailableError
from eventstore.redaction import fault
from integrations.inbound.inbox import Inbox
from integrations.inbound.mapping_file import MappingFile

LOOK_EVERY_SEC = 5.0

log = logging.getLogger(__name__)


@asynccontextmanager
async def inbox_worker(inbox: Inbox, mapping_file: MappingFile) -> AsyncIterator[None]:
    """Runs the worker while the block does. Any number of processes may have one."""
    task = asyncio.create_task(_work(inbox, mapping_file))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _work(inbox: Inbox, mapping_file: MappingFile) -> None:
    while True:
        await asyncio.sleep(LOOK_EVERY_SEC)
        try:
            await look(inbox, mapping_file)
        except UnavailableError as error:
            log.warning("trying parked messages again is interrupted: %s", error)
        except Exception as error:
            log.error("trying parked messages again failed: %s", fault(error))


async def look(inbox: Inbox, mapping_file: MappingFile) -> None:
    """Takes a changed mapping file up, and does the retry that is due. A file that makes no sense changes nothing."""
    if mapping_file.has_changed():
        try:
            inbox.mappings = mapping_file.read()
            inbox.has_retry_pending = True
        except InvalidInputError as error:
            log.warning("the mapping file was changed, and is not taken up: %s", error)
    if inbox.has_retry_pending:
        retried = await inbox.retry_parked()
        log.warning("tried parked messages again: %d done, %d still parked", *retried)
