"""Row 5: a full replay of a million events by two processes, against the GROUP BY of one's own that folds them.

Measured twice: where every derived row is new, so that all of it is swapped in, and where nothing is other than before.
"""

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from typing import NamedTuple

import asyncpg

from benchmarks import program
from benchmarks.bench import Bench
from benchmarks.check import check_all
from benchmarks.databases import Kind, Store
from benchmarks.datasets import filled
from benchmarks.result import Figure, Goal, Result, between, same

GOAL = Goal("x", 0.5, 1.0, at_least=True)

FOLD = """
    CREATE TEMP TABLE folded AS
    SELECT user_id, class_id,
           min(course_id) AS course_id,
           coalesce(max(CASE WHEN type = 'VIDEO_PING' THEN {position} END), 0) AS video_max_position_sec,
           min(CASE WHEN type = 'VIDEO_PING' AND {position} >= 0.9 * {duration} THEN occurred_at END)
               AS video_completed_at,
           max(CASE WHEN type = 'QUIZ_SUBMIT' THEN {score} END) AS quiz_score,
           min(CASE WHEN type = 'QUIZ_SUBMIT' AND {passed} THEN occurred_at END) AS quiz_passed_at
    FROM lms_event {hint}
    GROUP BY user_id, class_id
"""
"""What somebody who needs only progress would write by hand. Its rows are kept, in a table that no crash survives."""

FOLD_SQLITE = FOLD.format(
    position="(payload ->> 'position')",
    duration="(payload ->> 'duration')",
    score="(payload ->> 'score')",
    passed="payload ->> 'passed'",
    hint="NOT INDEXED",  # else SQLite reads the log in the order of an index, row by row
)
FOLD_POSTGRESQL = FOLD.format(
    position="(payload ->> 'position')::float8",
    duration="(payload ->> 'duration')::float8",
    score="(payload ->> 'score')::float8",
    passed="(payload ->> 'passed')::boolean",
    hint="",
)

SUMS = """
    SELECT count(*), cast(sum(floor(video_max_position_sec)) AS BIGINT), cast(sum(floor(quiz_score)) AS BIGINT),
           count(video_completed_at), count(quiz_passed_at), count(course_id) FROM folded
"""
"""By which the hand-written fold and the product's can be told apart."""

SUMS_OF_PRODUCT = SUMS.replace("course_id", "named_course_id").replace("folded", "lms_progress")


class Replayed(NamedTuple):
    """Seconds: of the replay, of the program around it, of the GROUP BY; `differing` is what the replay reported."""

    seconds: float
    program: float
    group_by: float
    differing: int


def run(bench: Bench, number: str) -> Iterator[Result]:
    events = bench.million.events
    for kind in Kind:
        for what, done in zip(("everything differs", "nothing differs"), measured(bench, kind), strict=True):
            yield Result(
                number,
                f"replay of {events:,} events, {kind}, {what}",
                f"{events / done.seconds:,.0f}/s",
                f"{events / done.group_by:,.0f}/s, GROUP BY",
                (Figure(done.group_by / done.seconds, GOAL),),
                (f"{done.program:.1f} s from the start of the process to its end; {done.differing:,} rows differing",),
            )


def measured(bench: Bench, kind: Kind) -> tuple[Replayed, Replayed]:
    """A replay of a log of which nothing is derived yet, and another after it; each beside the GROUP BY."""
    return bench.once(("replay", kind), lambda: _measure(bench, kind))


def _measure(bench: Bench, kind: Kind) -> tuple[Replayed, Replayed]:
    store = filled(bench, kind, bench.million)
    first, second = replay(bench, store), replay(bench, store)
    same("rows differing from those of the same replay", second.differing, 0)
    between("rows differing from none", first.differing, 1, sys.maxsize)
    return first, second


def replay(bench: Bench, store: Store) -> Replayed:
    """A replay in a process of its own, checked, and the GROUP BY, checked against it."""
    bench.say(f"GROUP BY and replay, {store.kind}")
    group_by, sums = fold_sqlite(store) if store.kind is Kind.SQLITE else asyncio.run(fold_postgresql(store))
    done = program.run([sys.executable, "-m", "benchmarks.replay_once"], store.url)
    said = json.loads(done.output)
    same("sums of the GROUP BY", sums, store.rows(SUMS_OF_PRODUCT)[0])
    check_all(store, bench.million)
    return Replayed(said["seconds"], done.seconds, group_by, said["rows_differing"])


def fold_sqlite(store: Store) -> tuple[float, tuple[int, ...]]:
    """The seconds that the GROUP BY takes, and what it adds up to."""
    with closing(store.connect()) as connection:
        started = time.perf_counter()
        connection.execute(FOLD_SQLITE)
        return time.perf_counter() - started, connection.execute(SUMS).fetchone()


async def fold_postgresql(store: Store) -> tuple[float, tuple[int, ...]]:
    connection = await asyncpg.connect(store.url)
    try:
        started = time.perf_counter()
        await connection.execute(FOLD_POSTGRESQL)
        return time.perf_counter() - started, tuple((await connection.fetch(SUMS))[0])
    finally:
        await connection.close()
