"""Fanning out: what the outbox has becomes deliveries, one for each sink that there is by then and that takes it."""

from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from engine.unbroken import unbroken
from eventstore.database import Database
from eventstore.times import Clock
from integrations.fan_out import fan_out, is_waiting, read_waiting
from integrations.sinks import KnownSink, Sinks
from integrations.webhook import subscriptions
from signals.course_store import CourseCache


class Found(NamedTuple):
    """What there is to do: the sinks, and whether the outbox has something for them."""

    sinks: list[KnownSink]
    is_waiting: bool


class FanningOut:
    """Gives these sinks what is announced."""

    def __init__(self, database: Database, sinks: Sinks, clock: Clock) -> None:
        self._database = database
        self._sinks = sinks
        self._clock = clock
        self._courses = CourseCache()

    async def look(self) -> Found:
        """What there is to do now."""

        async def look(connection: AsyncConnection) -> Found:
            sinks = self._sinks.with_webhooks(await subscriptions.enabled(connection))
            return Found(sinks, await is_waiting(connection))

        return await unbroken(self._database.query(look))

    async def next(self) -> int:
        """Fans out what waits longest. How many announcements that was."""
        async with self._database.write_apart() as connection:
            waiting = await read_waiting(connection)
            if waiting:
                sinks = self._sinks.with_webhooks(await subscriptions.enabled_and_locked(connection))
                courses = await self._courses.courses(connection)
                await fan_out(connection, waiting, sinks, courses, self._clock())
        return len(waiting)
