"""Repairing the derived rows of some learners: only rows that differ from the log are written.

The log is read before the learners are locked; under the locks it is read again for those with newer events.
"""

import logging
from collections.abc import Sequence

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.courses.backfill import SELECT_UNFINISHED, run_pending_backfills
from engine.projecting.context import Context
from engine.verify.derived_rows import read_derived, repair_tables
from engine.verify.expected_rows import LEARNER, SIGNAL, XP, Derived, DerivedTable, LearnerState, Rows, expected_rows
from engine.verify.learner_log import count_events, read_learner_states
from engine.verify.placeholder_rows import lock_with_placeholders
from engine.verify.repair_result import RepairResult, count_changes, gained_signals, histogram_changes
from engine.verify.table_diff import TableDiff, compare
from eventstore.concurrency import shielded
from eventstore.db.database import Database
from eventstore.errors import TransactionConflictError
from eventstore.times import Clock
from projections.rollups import xp_histogram
from projections.rule import Rule
from signals import outbox

log = logging.getLogger(__name__)


async def repair_learners(
    database: Database, user_ids: Sequence[str], context: Context, clock: Clock, *, announce: bool
) -> RepairResult:
    """Rebuild what is derived of these learners from the log. Gained signals are announced only if `announce`.

    Each chunk is one transaction. Raise UnavailableError where the database interrupts it; finished chunks stay.
    """
    context = context._replace(announces=announce)
    total = RepairResult()
    size = context.limits.verify_learners
    for start in range(0, len(user_ids), size):
        total = total.plus(await _repair_bisecting(database, user_ids[start : start + size], context, clock))
    return total


async def _repair_bisecting(
    database: Database, user_ids: Sequence[str], context: Context, clock: Clock
) -> RepairResult:
    """Repair a chunk; if the database rejects it, bisect it down to the learners whose rows it rejects."""
    try:
        return await _repair_with_retry(database, user_ids, context, clock)
    except DBAPIError as error:
        if len(user_ids) == 1:
            log.warning("the rows of learner %r were not repaired: %s", user_ids[0], error.orig)
            return RepairResult(refused=(user_ids[0],))
    half = len(user_ids) // 2
    first = await _repair_bisecting(database, user_ids[:half], context, clock)
    return first.plus(await _repair_bisecting(database, user_ids[half:], context, clock))


async def _repair_with_retry(
    database: Database, user_ids: Sequence[str], context: Context, clock: Clock
) -> RepairResult:
    """Repair a chunk after all backfills are complete: their signals are announced by the backfill."""
    conflicts = 0
    while True:
        await run_pending_backfills(database, context._replace(announces=True), clock)
        try:
            result = await shielded(_repair_once(database, user_ids, context, clock))
        except TransactionConflictError:
            conflicts += 1
            if conflicts == context.limits.conflict_attempts:
                raise
        else:
            if result is not None:
                return result


async def _repair_once(
    database: Database, user_ids: Sequence[str], context: Context, clock: Clock
) -> RepairResult | None:
    """Repair a chunk in one transaction. Return None if a version was published meanwhile and is not backfilled yet."""
    async with database.read() as connection:
        states = await read_learner_states(connection, user_ids, context.rules)
    async with database.write() as connection:
        if (await connection.execute(SELECT_UNFINISHED)).first() is not None:
            return None
        placeholders = await lock_with_placeholders(connection, user_ids)
        await _refresh(connection, user_ids, states, context.rules)
        expected = expected_rows(states, await context.courses.courses(connection), context.xp_values)
        diffs = await _diff_tables(connection, user_ids, expected, placeholders)
        result = count_changes(diffs, expected)
        diffs[LEARNER].surplus.update({key: row for key, row in placeholders.items() if key not in expected[LEARNER]})
        await repair_tables(connection, diffs, context.rules, clock())
        await xp_histogram.add(connection, histogram_changes(diffs[XP]), context.shard)
        if context.announces:
            await outbox.enqueue_signals(connection, gained_signals(diffs[SIGNAL]), clock())
    return result


async def _refresh(
    connection: AsyncConnection, user_ids: Sequence[str], states: dict[str, LearnerState], rules: Sequence[Rule]
) -> None:
    """Read the log again for learners whose number of events has changed."""
    events = await count_events(connection, user_ids)
    before = {user_id: theirs.events for user_id, theirs in states.items()}
    behind = [user_id for user_id in user_ids if events.get(user_id) != before.get(user_id)]
    if behind:
        for user_id in behind:
            states.pop(user_id, None)
        states.update(await read_learner_states(connection, behind, rules))


async def _diff_tables(
    connection: AsyncConnection, user_ids: Sequence[str], expected: Derived, placeholders: Rows
) -> dict[DerivedTable, TableDiff]:
    """Return the diff of each derived table, without the placeholder rows."""
    found = await read_derived(connection, user_ids)
    found[LEARNER] = {key: row for key, row in found[LEARNER].items() if key not in placeholders}
    return {shape: compare(expected[shape], found[shape]) for shape in expected}
