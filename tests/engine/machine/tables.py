"""What the database holds, table by table, and where it differs from what it must hold."""

import json
from typing import Any

from sqlalchemy import Select, case, null, select

from eventstore.db.database import Database
from eventstore.tables import lms_event
from projections.tables import lms_retry
from signals.tables import lms_outbox
from tests.engine.expected import Rows
from tests.support.derived import derived

_e, _r, _o = lms_event.c, lms_retry.c, lms_outbox.c

LOG = select(_e.user_id, _e.event_id, _e.type, _e.version, _e.class_id, _e.course_id, _e.payload, _e.occurred_at)
DUE_AT = case((_r.status == "pending", _r.next_attempt_at), else_=null())
PARKED = select(_r.user_id, _r.event_id, _r.rule, _r.attempts, _r.parked_at, DUE_AT, _r.status)
"""What is dead is not due, whatever stands there."""

ANNOUNCED = select(_o.user_id, _o.message_id)


async def found(database: Database) -> dict[str, Rows]:
    """All that the machine compares: the log, what is derived from it, what is parked, what is announced."""
    tables = await derived(database)
    async with database.read() as connection:

        async def read(query: Select[Any]) -> Rows:
            return [tuple(row) for row in await connection.execute(query)]

        tables["lms_event"] = [(*row[:6], json.loads(row[6]), row[7]) for row in await read(LOG)]
        tables["lms_retry"] = await read(PARKED)
        tables["lms_outbox"] = await read(ANNOUNCED)
    return tables


def differences(found: dict[str, Rows], expected: dict[str, Rows]) -> str:
    """A line for each row that is there and must not be (+), or must be there and is not (-). Empty if all is well."""
    lines = []
    for name, rows in expected.items():
        there = found[name]
        lines += [f"{name} + {row}" for row in there if there.count(row) > rows.count(row)]
        lines += [f"{name} - {row}" for row in rows if rows.count(row) > there.count(row)]
    return "\n".join(lines)


KEYS = {
    "lms_progress": 2,
    "lms_signal": 1,
    "lms_xp": 3,
    "lms_learner": 1,
    "v_event_daily_stats": 2,
    "lms_retry": 3,
}
"""How many columns of each derived table are its key; they come first."""


def differing(before: dict[str, Rows], after: dict[str, Rows]) -> set[tuple[str, tuple[Any, ...]]]:
    """The rows, by table and key, that there are only before or only after, or that are otherwise."""
    old, new = keyed(before), keyed(after)
    return {row for row in old.keys() | new.keys() if row not in old or row not in new or old[row] != new[row]}


def keyed(tables: dict[str, Rows]) -> dict[tuple[str, tuple[Any, ...]], tuple[Any, ...]]:
    """All derived rows. How often a parked event was retried is its history, and not derived."""
    return {
        (name, row[:length]): row[length:] if name != "lms_retry" else ()
        for name, length in KEYS.items()
        for row in tables[name]
    }
