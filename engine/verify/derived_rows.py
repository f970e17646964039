"""The rows of some learners in the derived tables: reading and repairing them.

Times are read as they are written: a text that is no time is a difference like any other, not an error.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Delete,
    Dialect,
    Insert,
    Row,
    Select,
    Update,
    delete,
    select,
    true,
    tuple_,
    type_coerce,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.selectable import TableValuedAlias

from engine.parking.park import park, retry_id
from engine.verify.expected_rows import RETRY, SHAPES, Derived, DerivedTable, Rows
from engine.verify.table_diff import TableDiff
from eventstore.db import UtcTime, insert
from eventstore.db.json_rows import json_rows
from eventstore.event import Event
from eventstore.read import STREAM_ROWS
from eventstore.tables import lms_event
from eventstore.times import from_text, to_text
from projections.fold import fold
from projections.rule import Rule

_e = lms_event.c
_users = json_rows("users", _e.user_id)
_keys = json_rows("keys", _e.user_id, _e.event_id)

SELECT_EVENTS_BY_KEY = select(*(_e[name] for name in Event._fields)).join(
    _keys, (_e.user_id == _keys.c.user_id) & (_e.event_id == _keys.c.event_id)
)
"""Some events by their keys."""


class _AsWritten(UtcTime):
    """An instant, or the stored text where `to_text` would not have written it."""

    cache_ok = True

    def process_result_value(self, value: Any, _: Dialect) -> Any:
        if not isinstance(value, str):
            return value
        try:
            instant = from_text(value)
        except ValueError:
            return value
        return instant if to_text(instant) == value else value


def select_rows(shape: DerivedTable) -> Select[Any]:
    """Select all rows of some learners in a derived table."""
    columns: list[ColumnElement[Any]] = [shape.table.c[name] for name in (*shape.key, *shape.values)]
    read = [type_coerce(c, _AsWritten()).label(c.name) if isinstance(c.type, UtcTime) else c for c in columns]
    return select(*read).join(_users, shape.table.c.user_id == _users.c.user_id)


def upsert_rows(shape: DerivedTable) -> Insert:
    """Insert rows into a derived table, or overwrite those with the same key."""
    statement = insert(shape.table).from_select([*shape.key, *shape.values], select(*_batch(shape).c).where(true()))
    values = {name: statement.excluded[name] for name in shape.values}
    return statement.on_conflict_do_update(index_elements=shape.key, set_=values)


def update_rows(shape: DerivedTable) -> Update:
    """Update, in rows of a derived table, only the columns that follow from the log."""
    rows, table = _batch(shape), shape.table
    same = [table.c[name] == rows.c[name] for name in shape.key]
    return update(table).where(*same).values({name: rows.c[name] for name in shape.values})


def delete_rows(shape: DerivedTable) -> Delete:
    """Delete rows of a derived table, found by learner (by an index) and then by key."""
    rows, table = _batch(shape), shape.table
    key = tuple_(*(table.c[name] for name in shape.key))
    wanted = select(*(rows.c[name] for name in shape.key))
    return delete(table).where(table.c.user_id.in_(select(rows.c.user_id)), key.in_(wanted))


def _batch(shape: DerivedTable) -> TableValuedAlias:
    return json_rows("rows", *(shape.table.c[name] for name in (*shape.key, *shape.values)))


SELECT_ROWS = {shape: select_rows(shape) for shape in SHAPES}
PUT = {shape: upsert_rows(shape) for shape in SHAPES}
CORRECT = {shape: update_rows(shape) for shape in SHAPES}
REMOVE = {shape: delete_rows(shape) for shape in SHAPES}


async def read_derived(connection: AsyncConnection, user_ids: Iterable[str]) -> Derived:
    """Return the rows of these learners in all derived tables."""
    users = {"users": [(user_id,) for user_id in user_ids]}
    return {shape: _by_key(shape, await connection.execute(SELECT_ROWS[shape], users)) for shape in SHAPES}


def _by_key(shape: DerivedTable, rows: Iterable[Row[Any]]) -> Rows:
    length = len(shape.key)
    return {tuple(row[:length]): tuple(row[length:]) for row in rows}


async def repair_tables(
    connection: AsyncConnection, diffs: Mapping[DerivedTable, TableDiff], rules: Sequence[Rule], now: datetime
) -> None:
    """Write only the rows that differ. The caller holds the learners' locks."""
    for shape, diff in diffs.items():
        await _write(connection, REMOVE[shape], diff.surplus)
        await _write(connection, CORRECT[shape], {key: expected for key, (expected, _) in diff.changed.items()})
        if shape is RETRY:
            await _park(connection, diff.missing, rules, now)
        else:
            await _write(connection, PUT[shape], diff.missing)


async def _write(connection: AsyncConnection, statement: Insert | Update | Delete, rows: Rows) -> None:
    if rows:
        await connection.execute(statement, {"rows": [(*key, *values) for key, values in rows.items()]})


async def _park(connection: AsyncConnection, missing: Rows, rules: Sequence[Rule], now: datetime) -> None:
    """Park events that should be parked. The rules run again, so that the stored errors are theirs."""
    keys = sorted({(user_id, str(event_id)) for (user_id, _), (event_id, _) in missing.items()})
    for start in range(0, len(keys), STREAM_ROWS):
        some: Collection[tuple[str, str]] = keys[start : start + STREAM_ROWS]
        events = [Event(*row) for row in await connection.execute(SELECT_EVENTS_BY_KEY, {"keys": some})]
        failures = [(retry_id(f.event.user_id, f.event.event_id, f.rule), f) for f in fold(events, rules).failures]
        await park(connection, [f for parked, f in failures if (f.event.user_id, parked) in missing], now)
