"""The supervisor of a relay's senders: one task for each sink, so that a slow sink delays no other."""

import asyncio
from collections.abc import Sequence

from eventstore.db.database import Database
from eventstore.times import Clock
from integrations.outbound.sender import SinkSender
from integrations.outbound.sink import SinkSpec
from integrations.runtime.limits import DEFAULT_LIMITS, Limits


class SinkTasks:
    """The running tasks, by the names of their sinks."""

    def __init__(self, database: Database, clock: Clock, limits: Limits = DEFAULT_LIMITS) -> None:
        self._database = database
        self._clock = clock
        self._limits = limits
        self._running: dict[str, tuple[SinkSender, asyncio.Task[None]]] = {}

    def reconcile(self, sinks: Sequence[SinkSpec]) -> None:
        """Start a task for each new sink. Tasks of sinks that are gone end after their batch."""
        names = {sink.name for sink in sinks}
        for name, (sender, task) in list(self._running.items()):
            if name not in names:
                sender.stopping.set()
                sender.wake.set()
            if task.done():
                del self._running[name]
        for sink in sinks:
            if sink.name not in self._running:
                sender = SinkSender(self._database, sink, self._clock, self._limits)
                self._running[sink.name] = sender, asyncio.create_task(sender.run())

    def wake(self) -> None:
        """Make all senders look for due deliveries now."""
        for sender, _ in self._running.values():
            sender.wake.set()

    async def end(self) -> None:
        """Wait until all tasks have ended after their batches."""
        self.reconcile([])
        if self._running:
            await asyncio.wait(self._tasks())

    async def cancel(self) -> None:
        """Cancel all tasks."""
        tasks = self._tasks()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _tasks(self) -> list[asyncio.Task[None]]:
        return [task for _, task in self._running.values()]
