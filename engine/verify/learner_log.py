"""Reading the log of some learners, from which everything that is derived of them follows."""

from collections.abc import Iterable, Sequence

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.parking.park import ALL_RULES
from engine.verify.expected_rows import LearnerState, apply_events
from eventstore.db.json_rows import json_rows
from eventstore.event import Event
from eventstore.read import STREAM_ROWS
from eventstore.tables import lms_event
from projections.rule import Rule
from projections.tables import lms_retry

_e, _r = lms_event.c, lms_retry.c
_users = json_rows("users", _e.user_id)

SELECT_EVENTS = select(*(_e[name] for name in Event._fields)).join(_users, _e.user_id == _users.c.user_id)
"""All events of some learners."""

SELECT_REFUSED = (
    select(_r.user_id, _r.event_id).join(_users, _r.user_id == _users.c.user_id).where(_r.rule == ALL_RULES)
)
"""The events of some learners whose projection the database rejected, and that wait for a retry."""

COUNT_EVENTS = (
    select(_e.user_id, func.count().label("events")).join(_users, _e.user_id == _users.c.user_id).group_by(_e.user_id)
)
"""The number of events of some learners. The log only grows, so an equal number means equal events."""


async def read_learner_states(
    connection: AsyncConnection, user_ids: Iterable[str], rules: Sequence[Rule]
) -> dict[str, LearnerState]:
    """Fold the log of these learners, a bounded number of events at a time. Learners without events are left out."""
    states: dict[str, LearnerState] = {}
    users = {"users": [(user_id,) for user_id in user_ids]}
    refused = {tuple(key) for key in await connection.execute(SELECT_REFUSED, users)}
    result = await connection.stream(SELECT_EVENTS, users, execution_options={"yield_per": STREAM_ROWS})
    async for rows in result.partitions():
        apply_events(states, [Event(*row) for row in rows], refused, rules)
    return states


async def count_events(connection: AsyncConnection, user_ids: Iterable[str]) -> dict[str, int]:
    """Return the number of events of these learners. Learners without events are left out."""
    rows = await connection.execute(COUNT_EVENTS, {"users": [(user_id,) for user_id in user_ids]})
    return {row.user_id: row.events for row in rows}
