"""What a replay changes: the shadow's rows beside the live ones, compared where they know of the same events."""

from collections.abc import Collection
from typing import Any, NamedTuple

from sqlalchemy import Integer, Select, Table, and_, case, cast, func, literal, or_, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from eventstore.batch import batch
from eventstore.tables import DERIVED_BY_LEARNER, lms_event, lms_event_daily, lms_retry, lms_signal, on_side
from signals.signal import Signal, SignalType


class Changes(NamedTuple):
    """Signals that are new, and that are no more; and rows of any derived table that are new, other, or no more."""

    signals_gained: int = 0
    signals_lost: int = 0
    rows_differing: int = 0

    def plus(self, more: "Changes") -> "Changes":
        return Changes(*map(sum, zip(self, more, strict=True)))


class Sides(NamedTuple):
    """The schemas of the live tables and of those that are to take their place."""

    live: str
    here: str


async def lagging(connection: AsyncConnection, position: int) -> set[str]:
    """The learners of whom the log has events after `position`."""
    return set(await connection.scalars(select(lms_event.c.user_id).where(lms_event.c.seq > position).distinct()))


async def changes(
    connection: AsyncConnection, sides: Sides, *, only: Collection[str] | None = None, but: Collection[str] = ()
) -> Changes:
    """What changes for all learners `but` some, or `only` for some."""
    total = Changes()
    for table in (*DERIVED_BY_LEARNER, lms_retry):
        statement, users = select_changes(table, sides, some=only is not None), [(user_id,) for user_id in only or ()]
        rows = await connection.execute(statement, {"users": users} if only is not None else {})
        for user_id, gained, lost, other in rows:
            if user_id not in but:
                total = total.plus(of_learner(table, gained, lost, other))
    return total


def of_learner(table: Table, gained: int, lost: int, other: int) -> Changes:
    signals = (gained, lost) if table is lms_signal else (0, 0)
    return Changes(*signals, gained + lost + other)


def select_changes(table: Table, sides: Sides, *, some: bool) -> Select[Any]:
    """By learner, how many rows of the table are new, no more, and other; of parked events only whether they are."""
    new, old = on_side(table, sides.here), on_side(table, sides.live)
    keys = [c.name for c in table.primary_key]
    values = [c.name for c in table.c if c.name not in keys] if table is not lms_retry else []
    same = and_(*(new.c[name] == old.c[name] for name in keys))
    differs = or_(old.c.user_id.is_(None), *(new.c[name].is_distinct_from(old.c[name]) for name in values))
    is_new = case((old.c.user_id.is_(None), 1), else_=0)
    there = select(new.c.user_id, is_new.label("gained"), literal(0).label("lost"), (1 - is_new).label("other"))
    gone = select(old.c.user_id, literal(0), literal(1), literal(0))
    both = union_all(
        only_some(there.outerjoin_from(new, old, same).where(differs), new, some=some),
        only_some(gone.outerjoin_from(old, new, same).where(new.c.user_id.is_(None)), old, some=some),
    ).subquery()
    sums = (cast(func.sum(both.c[name]), Integer) for name in ("gained", "lost", "other"))
    return select(both.c.user_id, *sums).group_by(both.c.user_id)


def only_some(query: Select[Any], table: Table, *, some: bool) -> Select[Any]:
    users = batch("users", table.c.user_id)
    return query.where(table.c.user_id.in_(select(users.c.user_id))) if some else query


async def changed_days(connection: AsyncConnection, sides: Sides) -> Changes:
    """The same of the counts of events by day and type."""
    mine, theirs = [{tuple(row) for row in await connection.execute(select_counts(schema))} for schema in sides]
    return Changes(rows_differing=len({(day, kind) for day, kind, _ in mine ^ theirs}))


def select_counts(schema: str) -> Select[Any]:
    """How many events of each type occurred on each day, over all shards."""
    d = on_side(lms_event_daily, schema).c
    return select(d.day, d.type, func.sum(d.events)).group_by(d.day, d.type)


async def gained_signals(connection: AsyncConnection, sides: Sides) -> list[Signal]:
    """The signals that are new."""
    new, old = on_side(lms_signal, sides.here), on_side(lms_signal, sides.live)
    same = (new.c.user_id == old.c.user_id) & (new.c.signal_id == old.c.signal_id)
    columns = [new.c[name] for name in Signal._fields]
    query = select(*columns).outerjoin_from(new, old, same).where(old.c.user_id.is_(None))
    return [Signal(SignalType(kind), *rest) for kind, *rest in await connection.execute(query)]
