"""The tasks of a relay at work: one a sink, so that none waits for another."""

import asyncio
from collections.abc import Sequence

from eventstore.database import Database
from eventstore.times import Clock
from integrations.sending import Sending
from integrations.sinks import KnownSink


class SinkTasks:
    """What is sent to each sink that there is, by a task of its own."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._at_work: dict[str, tuple[Sending, asyncio.Task[None]]] = {}

    def see_to(self, sinks: Sequence[KnownSink]) -> None:
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
                sending = Sending(self._database, sink, self._clock)
                self._at_work[sink.name] = sending, asyncio.create_task(sending.run())

    def tell(self) -> None:
        """Has all of them look for what is due."""
        for sending, _ in self._at_work.values():
            sending.news.set()

    async def end(self) -> None:
        """Ends all of them after their batches."""
        self.see_to([])
        if self._at_work:
            await asyncio.wait(self._tasks())

    async def break_off(self) -> None:
        """Ends all of them at once."""
        tasks = self._tasks()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _tasks(self) -> list[asyncio.Task[None]]:
        return [task for _, task in self._at_work.values()]
