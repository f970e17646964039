"""The diff of a replay: a shadow's rows compared with the live rows, where both have the same events."""

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
from eventstore.tables import in_schema, lms_event
from projections.tables import lms_event_daily
from signals.signal import Signal, SignalType
from signals.tables import lms_signal


class DiffCounts(NamedTuple):
    """Counts of new and lost signals, and of rows of any derived table that are new, changed or lost."""

    signals_gained: int = 0
    signals_lost: int = 0
    rows_differing: int = 0

    def plus(self, more: "DiffCounts") -> "DiffCounts":
        return DiffCounts(*map(sum, zip(self, more, strict=True)))


class Diff(NamedTuple):
    """The counts, and the learners that differ. Learners with newer events are not compared yet."""

    changes: DiffCounts
    user_ids: set[str]
    has_newer_events: set[str]


def total(parts: Iterable[Diff]) -> Diff:
    """Add up the diffs of several ranges."""
    changes, user_ids, late = DiffCounts(), set[str](), set[str]()
    for part in parts:
        changes = changes.plus(part.changes)
        user_ids |= part.user_ids
        late |= part.has_newer_events
    return Diff(changes, user_ids, late)


async def compare(
    connection: AsyncConnection,
    schemas: SchemaPair,
    learners: LearnerFilter,
    position: int,
    tables: Collection[Table] = COMPARED,
) -> Diff:
    """Diff these learners, except for those with events after the seq `position`."""
    late = set(await connection.scalars(select_with_newer_events(learners, position), learners.parameters))
    return await _compare(connection, schemas, learners, late, tables)


async def compare_learners(connection: AsyncConnection, schemas: SchemaPair, user_ids: Collection[str]) -> Diff:
    """Diff these learners, none of whom has newer events."""
    return await _compare(connection, schemas, learners_in(user_ids), set(), COMPARED) if user_ids else total([])


async def _compare(
    connection: AsyncConnection, schemas: SchemaPair, learners: LearnerFilter, late: set[str], tables: Collection[Table]
) -> Diff:
    changes, user_ids = DiffCounts(), set[str]()
    for table in tables:
        async for user_id, changed in table_changes(connection, table, schemas, learners):
            if user_id not in late:
                changes = changes.plus(changed)
                user_ids.add(user_id)
    return Diff(changes, user_ids, late)


async def table_changes(
    connection: AsyncConnection, table: Table, schemas: SchemaPair, learners: LearnerFilter
) -> AsyncIterator[tuple[str, DiffCounts]]:
    """Diff one table, by learner."""
    rows = await connection.execute(count_live(table, schemas, learners), learners.parameters)
    live = dict(rows.all())
    for user_id, here, known, same in await connection.execute(
        count_shadow(table, schemas, learners), learners.parameters
    ):
        lost = live.pop(user_id, 0) - known
        if lost or here > same:
            yield user_id, of_learner(table, here - known, lost, known - same)
    for user_id, lost in live.items():
        yield user_id, of_learner(table, 0, lost, 0)


def of_learner(table: Table, gained_signals: int, lost: int, other: int) -> DiffCounts:
    signals = (gained_signals, lost) if table is lms_signal else (0, 0)
    return DiffCounts(*signals, gained_signals + lost + other)


def select_with_newer_events(learners: LearnerFilter, position: int) -> Select[str]:
    """Select the learners of the filter with events after `position`."""
    e = lms_event.c
    return select(e.user_id).where(e.seq > position, learners.condition(no_index(e.user_id))).distinct()


async def changed_days(connection: AsyncConnection, schemas: SchemaPair) -> DiffCounts:
    """Diff the roll-up of events by day and type."""
    mine, theirs = [await read_roll_up(connection, lms_event_daily, schema) for schema in schemas]
    return DiffCounts(rows_differing=len({(day, kind) for day, kind, _ in mine ^ theirs}))


async def new_signals(connection: AsyncConnection, schemas: SchemaPair) -> list[Signal]:
    """Return the signals that the shadow has and the live table lacks."""
    new, old = in_schema(lms_signal, schemas.shadow), in_schema(lms_signal, schemas.live)
    columns = [new.c[name] for name in Signal._fields]
    query = select(*columns).outerjoin_from(new, old, same_key(lms_signal, new, old)).where(old.c.user_id.is_(None))
    return [Signal(SignalType(kind), *rest) for kind, *rest in await connection.execute(query)]
