"""What a replay changes: the shadow's rows beside the live ones, compared where they know of the same events."""

from collections.abc import AsyncIterator, Collection, Mapping
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Integer, Select, Table, and_, case, cast, func, literal, or_, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from eventstore.batch import batch
from eventstore.tables import (
    DERIVED_BY_LEARNER,
    lms_event,
    lms_event_daily,
    lms_learner,
    lms_retry,
    lms_signal,
    on_side,
)
from signals.signal import Signal, SignalType

COMPARED = (*DERIVED_BY_LEARNER, lms_retry)

RANGE_LEARNERS = 20_000


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


class Compared(NamedTuple):
    """What changes, and of which learners."""

    changes: Changes
    user_ids: set[str]

    def plus(self, more: "Compared") -> "Compared":
        return Compared(self.changes.plus(more.changes), self.user_ids | more.user_ids)


async def compare(connection: AsyncConnection, sides: Sides, but: Collection[str]) -> Compared:
    """What changes for all learners `but` some. Reads each side once, unless much differs."""
    total = Compared(Changes(), set())
    async for learners in ranges(connection, sides):
        for table in COMPARED:
            differing = await differ(connection, table, sides, learners) - set(but)
            total = total.plus(await compare_table(connection, table, sides, differing))
    return total


async def compare_some(connection: AsyncConnection, sides: Sides, user_ids: Collection[str]) -> Compared:
    """The same for some learners."""
    total = Compared(Changes(), set())
    for table in COMPARED:
        total = total.plus(await compare_table(connection, table, sides, user_ids))
    return total


async def compare_table(connection: AsyncConnection, table: Table, sides: Sides, user_ids: Collection[str]) -> Compared:
    """The same of one table."""
    changes, users = Changes(), [(user_id,) for user_id in user_ids]
    rows = await connection.execute(select_changes(table, sides), {"users": users}) if users else ()
    changing = set[str]()
    for user_id, gained, lost, other in rows:
        changing.add(user_id)
        changes = changes.plus(of_learner(table, gained, lost, other))
    return Compared(changes, changing)


async def ranges(connection: AsyncConnection, sides: Sides) -> AsyncIterator[dict[str, str | None]]:
    """All learners by so many of the shadow's, and with the last of them all that the live tables have beyond."""
    after: str | None = ""
    while after is not None:
        until = await connection.scalar(select_boundary(sides.here, after))
        yield {"after": after, "until": until}
        after = until


def select_boundary(schema: str, after: str) -> Select[str]:
    """The last of the next so many learners `after` that one, if there are so many of them."""
    learner = on_side(lms_learner, schema).c.user_id
    return select(learner).where(learner > after).order_by(learner).offset(RANGE_LEARNERS - 1).limit(1)


async def differ(
    connection: AsyncConnection, table: Table, sides: Sides, learners: Mapping[str, str | None]
) -> set[str]:
    """The learners of whom the two sides do not have equally many rows, all of them the same."""
    here, live, same = [
        dict((await connection.execute(within(statement, learners))).all())
        for statement in (count_rows(table, sides.here), count_rows(table, sides.live), count_same(table, sides))
    ]
    return {u for u in here.keys() | live.keys() if not here.get(u) == live.get(u) == same.get(u)}


def within(statement: Select[str, int], learners: Mapping[str, str | None]) -> Select[str, int]:
    """The statement for a range of learners; its first column is theirs."""
    user_id = statement.selected_columns[0]
    statement = statement.where(user_id > learners["after"])
    return statement if learners["until"] is None else statement.where(user_id <= learners["until"])


def count_rows(table: Table, schema: str) -> Select[str, int]:
    """How many rows of the table each learner has on one side."""
    user_id = on_side(table, schema).c.user_id
    return select(user_id, func.count()).group_by(user_id)


def count_same(table: Table, sides: Sides) -> Select[str, int]:
    """How many rows of the table each learner has that are the same on both sides."""
    new, old = on_side(table, sides.here), on_side(table, sides.live)
    equal = [new.c[name].is_not_distinct_from(old.c[name]) for name in values(table)]
    same = select(new.c.user_id, func.count()).join_from(new, old, same_key(table, new, old)).where(*equal)
    return same.group_by(new.c.user_id)


def of_learner(table: Table, gained: int, lost: int, other: int) -> Changes:
    signals = (gained, lost) if table is lms_signal else (0, 0)
    return Changes(*signals, gained + lost + other)


def select_changes(table: Table, sides: Sides) -> Select[Any]:
    """By learner, of some, how many rows are new, no more, and other; of parked events only whether they are."""
    new, old = on_side(table, sides.here), on_side(table, sides.live)
    same = same_key(table, new, old)
    differs = or_(old.c.user_id.is_(None), *(new.c[name].is_distinct_from(old.c[name]) for name in values(table)))
    is_new = case((old.c.user_id.is_(None), 1), else_=0)
    there = select(new.c.user_id, is_new.label("gained"), literal(0).label("lost"), (1 - is_new).label("other"))
    gone = select(old.c.user_id, literal(0), literal(1), literal(0))
    both = union_all(
        of_some(there.outerjoin_from(new, old, same).where(differs), new),
        of_some(gone.outerjoin_from(old, new, same).where(new.c.user_id.is_(None)), old),
    ).subquery()
    sums = (cast(func.sum(both.c[name]), Integer) for name in ("gained", "lost", "other"))
    return select(both.c.user_id, *sums).group_by(both.c.user_id)


def of_some(query: Select[Any], table: Table) -> Select[Any]:
    users = batch("users", table.c.user_id)
    return query.where(table.c.user_id.in_(select(users.c.user_id)))


def same_key(table: Table, new: Table, old: Table) -> ColumnElement[bool]:
    return and_(*(new.c[column.name] == old.c[column.name] for column in table.primary_key))


def values(table: Table) -> list[str]:
    """The columns that are compared besides the key. What else a parked event's row says is its history."""
    return [c.name for c in table.c if not c.primary_key] if table is not lms_retry else []


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
