"""The tasks of a relay at work: one a sink, so that none waits for another."""

import asyncio
from collections.abc import Sequence

from eventstore.db.database import Database
from eventstore.times import Clock
from integrations.outbound.sender import SinkSender
from integrations.outbound.sink import SinkSpec


class SinkTasks:
    """What is sent to each sink that there is, by a task of its own."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._at_work: dict[str, tuple[SinkSender, asyncio.Task[None]]] = {}

    def reconcile(self, sinks: Sequence[SinkSpec]) -> None:
        """Has a task for each of these sinks; those of others end after their batch."""
        names = {sink.name for sink in sinks}
        for name, (sending, task) in list(self._at_work.items()):
            if name not in names:
                sending.stopping.set()
                sending.news.set()
            if task.done():
                del self._at_work[name]
        for sink in sinks:
            if sink.name not in self._at_work:
                sending = SinkSender(self._database, sink, self._clock)
                self._at_work[sink.name] = sending, asyncio.create_task(sending.run())

    def wake(self) -> None:
        """Has all of them look for what is due."""
        for sending, _ in self._at_work.values():
            sending.news.set()

    async def end(self) -> None:
        """Ends all of them after their batches."""
        self.reconcile([])
        if self._at_work:
            await asyncio.wait(self._tasks())

    async def cancel(self) -> None:
        """Ends all of them at once."""
        tasks = self._tasks()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _tasks(self) -> list[asyncio.Task[None]]:
        return [task for _, task in self._at_work.values()]
