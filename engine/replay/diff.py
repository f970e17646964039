"""What a replay changes: the shadow's rows beside the live ones, compared where they know of the same events."""

from collections.abc import AsyncIterator, Collection, Iterable
from typing import NamedTuple

from sqlalchemy import Select, Table, select
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.replay.diff_queries import (
    COMPARED,
    LearnerFilter,
    SchemaPair,
    count_live,
    count_shadow,
    learners_in,
    read_roll_up,
    same_key,
)
from eventstore.db import no_index
from eventstore.tables import in_schema, lms_event, lms_event_daily, lms_signal
from signals.signal import Signal, SignalType


class DiffCounts(NamedTuple):
    """Signals that are new, and that are no more; and rows of any derived table that are new, other, or no more."""

    signals_gained: int = 0
    signals_lost: int = 0
    rows_differing: int = 0

    def plus(self, more: "DiffCounts") -> "DiffCounts":
        return DiffCounts(*map(sum, zip(self, more, strict=True)))


class Diff(NamedTuple):
    """What changes, and of which learners. Of those who are `late` it says nothing yet."""

    changes: DiffCounts
    user_ids: set[str]
    has_newer_events: set[str]


def total(parts: Iterable[Diff]) -> Diff:
    """What was compared in parts."""
    changes, user_ids, late = DiffCounts(), set[str](), set[str]()
    for part in parts:
        changes = changes.plus(part.changes)
        user_ids |= part.user_ids
        late |= part.has_newer_events
    return Diff(changes, user_ids, late)


async def compare(
    connection: AsyncConnection,
    sides: SchemaPair,
    those: LearnerFilter,
    position: int,
    tables: Collection[Table] = COMPARED,
) -> Diff:
    """What changes for those learners, but the late: of whom the log has events after the seq `position`."""
    late = set(await connection.scalars(select_with_newer_events(those, position), those.parameters))
    return await _compare(connection, sides, those, late, tables)


async def compare_learners(connection: AsyncConnection, sides: SchemaPair, user_ids: Collection[str]) -> Diff:
    """What changes for these learners, none of whom is late."""
    return await _compare(connection, sides, learners_in(user_ids), set(), COMPARED) if user_ids else total([])


async def _compare(
    connection: AsyncConnection, sides: SchemaPair, those: LearnerFilter, late: set[str], tables: Collection[Table]
) -> Diff:
    changes, user_ids = DiffCounts(), set[str]()
    for table in tables:
        async for user_id, changed in table_changes(connection, table, sides, those):
            if user_id not in late:
                changes = changes.plus(changed)
                user_ids.add(user_id)
    return Diff(changes, user_ids, late)


async def table_changes(
    connection: AsyncConnection, table: Table, sides: SchemaPair, those: LearnerFilter
) -> AsyncIterator[tuple[str, DiffCounts]]:
    """What changes in one table, by learner."""
    rows = await connection.execute(count_live(table, sides, those), those.parameters)
    live = dict(rows.all())
    for user_id, here, known, same in await connection.execute(count_shadow(table, sides, those), those.parameters):
        lost = live.pop(user_id, 0) - known
        if lost or here > same:
            yield user_id, of_learner(table, here - known, lost, known - same)
    for user_id, lost in live.items():
        yield user_id, of_learner(table, 0, lost, 0)


def of_learner(table: Table, gained: int, lost: int, other: int) -> DiffCounts:
    signals = (gained, lost) if table is lms_signal else (0, 0)
    return DiffCounts(*signals, gained + lost + other)


def select_with_newer_events(those: LearnerFilter, position: int) -> Select[str]:
    """Of whom of those learners the log has events after `position`."""
    e = lms_event.c
    return select(e.user_id).where(e.seq > position, those.condition(no_index(e.user_id))).distinct()


async def changed_days(connection: AsyncConnection, sides: SchemaPair) -> DiffCounts:
    """The same of the counts of events by day and type."""
    mine, theirs = [await read_roll_up(connection, lms_event_daily, schema) for schema in sides]
    return DiffCounts(rows_differing=len({(day, kind) for day, kind, _ in mine ^ theirs}))


async def new_signals(connection: AsyncConnection, sides: SchemaPair) -> list[Signal]:
    """The signals that are new."""
    new, old = in_schema(lms_signal, sides.shadow), in_schema(lms_signal, sides.live)
    columns = [new.c[name] for name in Signal._fields]
    query = select(*columns).outerjoin_from(new, old, same_key(lms_signal, new, old)).where(old.c.user_id.is_(None))
    return [Signal(SignalType(kind), *rest) for kind, *rest in await connection.execute(query)]
