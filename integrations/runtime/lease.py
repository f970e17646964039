"""Leases: what only one process may do at a time, one process does, for as long as it says that it lives.

A lease that is not renewed expires, so that another process takes over from one that was killed.
"""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar
from uuid import uuid4

from sqlalchemy import bindparam, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from eventstore.concurrency import shielded
from eventstore.db import UtcTime, insert
from eventstore.db.database import Database
from eventstore.errors import UnavailableError
from eventstore.times import Clock
from integrations.runtime.limits import DEFAULT_LIMITS, Limits
from integrations.tables import lms_lease

Result = TypeVar("Result")

_l = lms_lease.c

SELECT = select(_l.holder, _l.expires_at).where(_l.name == bindparam("lease"))
"""Who has a lease, and until when."""

_insert = insert(lms_lease).values(name=bindparam("name"), holder=bindparam("holder"), expires_at=bindparam("until"))
TAKE = _insert.on_conflict_do_update(
    index_elements=[_l.name],
    set_={"holder": _insert.excluded.holder, "expires_at": _insert.excluded.expires_at},
    where=(_l.holder == _insert.excluded.holder) | (_l.expires_at <= bindparam("now", type_=UtcTime)),
).returning(_l.holder)
"""Takes a lease that nobody has any more, or renews one's own; returns a row if it did."""

GIVE_UP = delete(lms_lease).where(_l.name == bindparam("lease"), _l.holder == bindparam("by"))
"""Ends one's own lease, so that nobody has to wait until it expires."""


class Lease:
    """One process's part in the lease of that name. Processes have to agree on the time within a second or so."""

    def __init__(self, database: Database, name: str, clock: Clock, limits: Limits = DEFAULT_LIMITS) -> None:
        self._database = database
        self._name = name
        self._clock = clock
        self._limits = limits
        self._holder = uuid4().hex

    async def acquire(self) -> bool:
        """Takes or renews the lease. Whether this process has it."""
        return await self._is_to_be_had() and await shielded(self._try_acquire())

    async def hold(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Does the work as long as the lease, which was taken, is kept; gives it up in the end.

        Raises Unavailable if another process has taken it, or it could not be renewed; the work is broken off then.
        """
        tasks = (asyncio.create_task(work), asyncio.create_task(self._renew()))
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if tasks[0].done():
                return await tasks[0]
            raise UnavailableError(f"expected to keep the lease {self._name!r}, found that it expired")
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            with suppress(UnavailableError):
                await shielded(self._release())

    async def _renew(self) -> None:
        """Renews the lease, until that fails for as long as it lasts, or another process has it."""
        renewed_at = self._clock()
        while self._clock() - renewed_at < self._limits.lease_duration:
            await asyncio.sleep(self._limits.lease_renewal_sec)
            with suppress(UnavailableError):
                if not await self.acquire():
                    return
                renewed_at = self._clock()

    async def _is_to_be_had(self) -> bool:
        """Looks before it writes: whoever waits for a lease looks often."""

        async def look(connection: AsyncConnection) -> bool:
            found = (await connection.execute(SELECT, {"lease": self._name})).one_or_none()
            return found is None or found.holder == self._holder or found.expires_at <= self._clock()

        return await shielded(self._database.run_read(look))

    async def _try_acquire(self) -> bool:
        now = self._clock()
        until = now + self._limits.lease_duration
        wanted = {"name": self._name, "holder": self._holder, "until": until, "now": now}
        async with self._database.write_without_course_lock() as connection:
            return (await connection.execute(TAKE, wanted)).first() is not None

    async def _release(self) -> None:
        async with self._database.write_without_course_lock() as connection:
            await connection.execute(GIVE_UP, {"lease": self._name, "by": self._holder})
