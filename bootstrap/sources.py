"""The sources that messages are consumed from: those of the systems that the settings configure."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from bootstrap.settings import Settings
from eventstore.errors import LmsError
from integrations.inbound.consumer import Consumer
from integrations.inbound.handler import InboxHandler
from integrations.inbound.inbox import Inbox
from integrations.inbound.message import Message
from integrations.inbound.source import Source
from integrations.system import System, Systems
from integrations.systems import SYSTEMS


def source_of(name: str, settings: Settings, systems: Systems = SYSTEMS) -> Source:
    """Return the source of a system's messages. Raise LmsError if it is no broker, or not configured."""
    sources = {system.name: system.source for system in systems.values() if system.source is not None}
    if name not in sources:
        raise LmsError(f"expected {' or '.join(sources)}, found {name}")
    source = sources[name](settings.of(systems[name].settings))
    if source is None:
        raise not_configured(systems[name])
    return source


def not_configured(system: System[Any]) -> LmsError:
    return LmsError(f"{system.address_setting}: expected where {system.name} is, found nothing")


def consumer_of(name: str, settings: Settings, inbox: Inbox, systems: Systems = SYSTEMS) -> Consumer[Message]:
    """Return a consumer of a system's messages, for the inbox. Raise LmsError like `source_of`."""
    source = source_of(name, settings, systems)
    return Consumer(source, InboxHandler(systems[name], inbox, inbox.engine.clock), settings.max_message_bytes)


@asynccontextmanager
async def background_consumers(settings: Settings, inbox: Inbox, systems: Systems = SYSTEMS) -> AsyncIterator[None]:
    """Consume from every broker that is configured while the block runs. Any number of processes may do so."""
    configured = [
        system.name
        for system in systems.values()
        if system.source is not None and system.source(settings.of(system.settings)) is not None
    ]
    stopping = asyncio.Event()
    running = [asyncio.create_task(consumer_of(name, settings, inbox, systems).run(stopping)) for name in configured]
    try:
        yield
    finally:
        stopping.set()
        await asyncio.gather(*running)
