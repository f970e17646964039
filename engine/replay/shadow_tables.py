"""The shadow of the derived tables: filled while the live ones serve, swapped in, and always removed."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from engine.tables import DERIVED, DERIVED_BY_LEARNER
from eventstore.db.database import Database
from eventstore.db.shadow import Shadow, shadow_of
from eventstore.db.transactions import ConnectionRole

CLEARING_PAUSE_SEC = 0.01


class ShadowTables(NamedTuple):
    """An open shadow. Transactions of `building` change only the shadow, those of `swapping` the live tables, too.

    Those of `copying` change the staging tables, and let others fill the shadow.
    """

    shadow: Shadow
    building: Database
    copying: Database
    swapping: Database


@asynccontextmanager
async def open_shadow(database: Database, name: str) -> AsyncIterator[ShadowTables]:
    """Open an empty shadow of that name. Remains of earlier replays are removed."""
    shadow = shadow_of(database.url, name, DERIVED, DERIVED_BY_LEARNER)
    await clear(database, shadow)
    async with database.write() as live:
        await shadow.prepare(live)
    tables = ShadowTables(shadow, *(Database(database.url, engine=shadow.engine(2, use)) for use in ConnectionRole))
    try:
        async with tables.building.write_without_course_lock() as connection:
            await shadow.make_tables(connection)
        yield tables
    finally:
        for way in (tables.building, tables.copying, tables.swapping):
            await way.close()
        await clear(database, shadow)


def open_builder(url: str, name: str) -> Database:
    """Return a database whose connections write to the shadow of that name."""
    return Database(url, engine=shadow_of(url, name, DERIVED, DERIVED_BY_LEARNER).engine(2, ConnectionRole.BUILD))


async def clear(database: Database, shadow: Shadow) -> None:
    """Remove the shadow in small steps, between which others can write."""
    more = True
    while more:
        began = time.monotonic()
        async with database.write() as live:
            more = await shadow.clear(live)
        if more:
            await asyncio.sleep(max(CLEARING_PAUSE_SEC, time.monotonic() - began))
