"""Mending: what is derived of some learners is brought to what the log says, and only rows that differ are written.

The log is read before the learners are locked; under their locks, only that of those who did something meanwhile.
"""

import logging
from collections.abc import Sequence

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.courses.publish import SELECT_UNFINISHED, run_pending_backfills
from engine.projecting.project import Context
from engine.verify.derived_rows import read_derived, repair_tables
from engine.verify.expected_rows import LEARNER, SIGNAL, XP, Derived, DerivedTable, LearnerState, Rows, expected_rows
from engine.verify.learner_log import count_events, read_learner_states
from engine.verify.learners import CHUNK_LEARNERS
from engine.verify.placeholder_rows import lock_with_placeholders
from engine.verify.repair_result import RepairResult, count_changes, gained, moves
from engine.verify.table_diff import TableDiff, compare
from eventstore.concurrency import shielded
from eventstore.db.database import Database
from eventstore.errors import TransactionConflictError
from eventstore.times import Clock
from signals import outbox
from views import xp_histogram

CLASH_ATTEMPTS = 5

log = logging.getLogger(__name__)


async def repair_learners(
    database: Database, user_ids: Sequence[str], context: Context, clock: Clock, *, announce: bool
) -> RepairResult:
    """Rebuilds what is derived of these learners from the log. Signals that are gained go out only if `announce`.

    Each chunk is a transaction. Raises Unavailable where it must stop; what was done by then is kept.
    """
    context = context._replace(announces=announce)
    total = RepairResult()
    for start in range(0, len(user_ids), CHUNK_LEARNERS):
        total = total.plus(await _rebuild_or_narrow(database, user_ids[start : start + CHUNK_LEARNERS], context, clock))
    return total


async def _rebuild_or_narrow(
    database: Database, user_ids: Sequence[str], context: Context, clock: Clock
) -> RepairResult:
    """A chunk whole; if the database refuses that, by halves, down to the learners whose rows it refuses."""
    try:
        return await _rebuild_patiently(database, user_ids, context, clock)
    except DBAPIError as error:
        if len(user_ids) == 1:
            log.warning("what is derived of learner %r was not mended: %s", user_ids[0], error.orig)
            return RepairResult(refused=(user_ids[0],))
    half = len(user_ids) // 2
    first = await _rebuild_or_narrow(database, user_ids[:half], context, clock)
    return first.plus(await _rebuild_or_narrow(database, user_ids[half:], context, clock))


async def _rebuild_patiently(
    database: Database, user_ids: Sequence[str], context: Context, clock: Clock
) -> RepairResult:
    """A chunk, once all that was published is granted: what a grant gives is the grant's to announce."""
    clashes = 0
    while True:
        await run_pending_backfills(database, context._replace(announces=True), clock)
        try:
            rebuilt = await shielded(_rebuild(database, user_ids, context, clock))
        except TransactionConflictError:
            clashes += 1
            if clashes == CLASH_ATTEMPTS:
                raise
        else:
            if rebuilt is not None:
                return rebuilt


async def _rebuild(database: Database, user_ids: Sequence[str], context: Context, clock: Clock) -> RepairResult | None:
    """A chunk in one transaction. None if a version was published meanwhile that is not granted to everyone yet."""
    async with database.read() as connection:
        evidence = await read_learner_states(connection, user_ids)
    async with database.write() as connection:
        if (await connection.execute(SELECT_UNFINISHED)).first() is not None:
            return None
        stand_ins = await lock_with_placeholders(connection, user_ids)
        await _refresh(connection, user_ids, evidence)
        expected = expected_rows(evidence, await context.courses.courses(connection), context.worth)
        drifts = await _drifts(connection, user_ids, expected, stand_ins)
        rebuilt = count_changes(drifts, expected)
        drifts[LEARNER].surplus.update({key: row for key, row in stand_ins.items() if key not in expected[LEARNER]})
        await repair_tables(connection, drifts, clock())
        await xp_histogram.record(connection, moves(drifts[XP]), context.shard)
        if context.announces:
            await outbox.enqueue_signals(connection, gained(drifts[SIGNAL]), clock())
    return rebuilt


async def _refresh(connection: AsyncConnection, user_ids: Sequence[str], evidence: dict[str, LearnerState]) -> None:
    """Reads the log again of those learners of whom it has another number of events by now."""
    events = await count_events(connection, user_ids)
    before = {user_id: theirs.events for user_id, theirs in evidence.items()}
    behind = [user_id for user_id in user_ids if events.get(user_id) != before.get(user_id)]
    if behind:
        for user_id in behind:
            evidence.pop(user_id, None)
        evidence.update(await read_learner_states(connection, behind))


async def _drifts(
    connection: AsyncConnection, user_ids: Sequence[str], expected: Derived, stand_ins: Rows
) -> dict[DerivedTable, TableDiff]:
    """How each derived table differs, stand-ins not counted as rows of it."""
    found = await read_derived(connection, user_ids)
    found[LEARNER] = {key: row for key, row in found[LEARNER].items() if key not in stand_ins}
    return {shape: compare(expected[shape], found[shape]) for shape in expected}
