"""The log on some learners in the database: the evidence from which all that is derived of them follows."""

from collections.abc import Iterable

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.derived import Evidence, gather
from engine.park import EVERY_RULE
from eventstore.batch import batch
from eventstore.event import Event
from eventstore.read import STREAM_ROWS
from eventstore.tables import lms_event, lms_retry

_e, _r = lms_event.c, lms_retry.c
_users = batch("users", _e.user_id)

SELECT_EVENTS = select(*(_e[name] for name in Event._fields)).join(_users, _e.user_id == _users.c.user_id)
"""All events of some learners."""

SELECT_REFUSED = (
    select(_r.user_id, _r.event_id).join(_users, _r.user_id == _users.c.user_id).where(_r.rule == EVERY_RULE)
)
"""The events of some learners that the database refused to have projected, and that wait for a retry."""

COUNT_EVENTS = (
    select(_e.user_id, func.count().label("events")).join(_users, _e.user_id == _users.c.user_id).group_by(_e.user_id)
)
"""How many events some learners have: the log only grows, so the same number is the same events."""


async def read_evidence(connection: AsyncConnection, user_ids: Iterable[str]) -> dict[str, Evidence]:
    """What the log has on these learners, a bounded number of events at a time. Those without events are left out."""
    evidence: dict[str, Evidence] = {}
    users = {"users": [(user_id,) for user_id in user_ids]}
    refused = {tuple(key) for key in await connection.execute(SELECT_REFUSED, users)}
    result = await connection.stream(SELECT_EVENTS, users, execution_options={"yield_per": STREAM_ROWS})
    async for rows in result.partitions():
        gather(evidence, [Event(*row) for row in rows], refused)
    return evidence


async def count_events(connection: AsyncConnection, user_ids: Iterable[str]) -> dict[str, int]:
    """How many events these learners have. Those without any are left out."""
    rows = await connection.execute(COUNT_EVENTS, {"users": [(user_id,) for user_id in user_ids]})
    return {row.user_id: row.events for row in rows}
