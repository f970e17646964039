"""What a replay changes: the shadow's rows beside the live ones, compared where they know of the same events."""

from collections.abc import AsyncIterator, Collection, Iterable
from typing import NamedTuple

from sqlalchemy import Select, Table, select
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.sides import COMPARED, Sides, Those, among, count_here, count_live, read_roll_up, same_key
from eventstore.dialects import unindexed
from eventstore.tables import lms_event, lms_event_daily, lms_signal, on_side
from signals.signal import Signal, SignalType


class Changes(NamedTuple):
    """Signals that are new, and that are no more; and rows of any derived table that are new, other, or no more."""

    signals_gained: int = 0
    signals_lost: int = 0
    rows_differing: int = 0

    def plus(self, more: "Changes") -> "Changes":
        return Changes(*map(sum, zip(self, more, strict=True)))


class Compared(NamedTuple):
    """What changes, and of which learners. Of those who are `late` it says nothing yet."""

    changes: Changes
    user_ids: set[str]
    late: set[str]


def total(parts: Iterable[Compared]) -> Compared:
    """What was compared in parts."""
    changes, user_ids, late = Changes(), set[str](), set[str]()
    for part in parts:
        changes = changes.plus(part.changes)
        user_ids |= part.user_ids
        late |= part.late
    return Compared(changes, user_ids, late)


async def compare(
    connection: AsyncConnection, sides: Sides, those: Those, position: int, tables: Collection[Table] = COMPARED
) -> Compared:
    """What changes for those learners, but the late: of whom the log has events after the seq `position`."""
    late = set(await connection.scalars(select_lagging(those, position), those.parameters))
    return await _compare(connection, sides, those, late, tables)


async def compare_some(connection: AsyncConnection, sides: Sides, user_ids: Collection[str]) -> Compared:
    """What changes for these learners, none of whom is late."""
    return await _compare(connection, sides, among(user_ids), set(), COMPARED) if user_ids else total([])


async def _compare(
    connection: AsyncConnection, sides: Sides, those: Those, late: set[str], tables: Collection[Table]
) -> Compared:
    changes, user_ids = Changes(), set[str]()
    for table in tables:
        async for user_id, changed in table_changes(connection, table, sides, those):
            if user_id not in late:
                changes = changes.plus(changed)
                user_ids.add(user_id)
    return Compared(changes, user_ids, late)


async def table_changes(
    connection: AsyncConnection, table: Table, sides: Sides, those: Those
) -> AsyncIterator[tuple[str, Changes]]:
    """What changes in one table, by learner."""
    rows = await connection.execute(count_live(table, sides, those), those.parameters)
    live = dict(rows.all())
    for user_id, here, known, same in await connection.execute(count_here(table, sides, those), those.parameters):
        lost = live.pop(user_id, 0) - known
        if lost or here > same:
            yield user_id, of_learner(table, here - known, lost, known - same)
    for user_id, lost in live.items():
        yield user_id, of_learner(table, 0, lost, 0)


def of_learner(table: Table, gained: int, lost: int, other: int) -> Changes:
    signals = (gained, lost) if table is lms_signal else (0, 0)
    return Changes(*signals, gained + lost + other)


def select_lagging(those: Those, position: int) -> Select[str]:
    """Of whom of those learners the log has events after `position`."""
    e = lms_event.c
    return select(e.user_id).where(e.seq > position, those.condition(unindexed(e.user_id))).distinct()


async def changed_days(connection: AsyncConnection, sides: Sides) -> Changes:
    """The same of the counts of events by day and type."""
    mine, theirs = [await read_roll_up(connection, lms_event_daily, schema) for schema in sides]
    return Changes(rows_differing=len({(day, kind) for day, kind, _ in mine ^ theirs}))


async def gained_signals(connection: AsyncConnection, sides: Sides) -> list[Signal]:
    """The signals that are new."""
    new, old = on_side(lms_signal, sides.here), on_side(lms_signal, sides.live)
    columns = [new.c[name] for name in Signal._fields]
    query = select(*columns).outerjoin_from(new, old, same_key(lms_signal, new, old)).where(old.c.user_id.is_(None))
    return [Signal(SignalType(kind), *rest) for kind, *rest in await connection.execute(query)]
