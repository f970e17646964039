"""Who may write when: turns that are shared, and those who want one of their own."""

import asyncio
from contextlib import AbstractAsyncContextManager

from eventstore.db.sqlite.writer_lock import WriterLock


async def test_those_who_share_are_in_it_together() -> None:
    turn = WriterLock(None)
    async with turn.shared(), turn.shared():
        pass


async def test_one_of_ones_own_begins_when_nobody_is_left_in_the_shared_one() -> None:
    turn = WriterLock(None)
    said: list[str] = []
    first, second = asyncio.Event(), asyncio.Event()
    tasks = [
        asyncio.create_task(during(turn.shared(), first, "first", said)),
        asyncio.create_task(during(turn.shared(), second, "second", said)),
        asyncio.create_task(during(turn.exclusive(), None, "alone", said)),
    ]
    await settled()
    first.set()
    await settled()
    assert said == ["first"]
    second.set()
    await asyncio.gather(*tasks)
    assert said == ["first", "second", "alone"]


async def test_nobody_joins_while_another_waits() -> None:
    turn = WriterLock(None)
    said: list[str] = []
    first = asyncio.Event()
    tasks = [asyncio.create_task(during(turn.shared(), first, "first", said))]
    await settled()
    tasks.append(asyncio.create_task(during(turn.exclusive(), None, "alone", said)))
    await settled()
    tasks.append(asyncio.create_task(during(turn.shared(), None, "late", said)))
    await settled()
    first.set()
    await asyncio.gather(*tasks)
    assert said == ["first", "alone", "late"]


async def test_whoever_gives_up_waiting_keeps_nobody_from_it() -> None:
    turn = WriterLock(None)
    async with turn.shared():
        waits = asyncio.create_task(during(turn.exclusive(), None, "alone", []))
        await settled()
        waits.cancel()
        await settled()
        async with turn.shared():
            pass
    async with turn.exclusive():
        pass


async def during(
    turn: AbstractAsyncContextManager[None], until: asyncio.Event | None, name: str, said: list[str]
) -> None:
    """Has a turn until then, and says so at its end."""
    async with turn:
        if until is not None:
            await until.wait()
        said.append(name)


async def settled() -> None:
    """Lets every task come to where it waits."""
    for _ in range(10):
        await asyncio.sleep(0)
