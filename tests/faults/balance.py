"""The balance after a fault: the database against what clients were told, and against one that never saw a fault."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC
from typing import Any

from sqlalchemy import insert, select

from engine.engine import Engine
from eventstore.db.database import Database
from eventstore.event import Event
from eventstore.read import SELECT_LOG, stream
from projections.tables import lms_retry
from signals.tables import lms_course_version, lms_outbox, lms_signal
from signals.xp import DEFAULT_XP_VALUES, XpValues
from tests.conftest import opened
from tests.faults.ledger import Ledger
from tests.support.derived import derived
from tests.support.processes import command
from views.event_daily_stats import v_event_daily_stats

SHOWN = 5
"""So many differing rows of a table are named."""


async def balance(url: str, fresh_url: str, ledger: Ledger) -> str:
    """The counts, once they balance: nothing lost, nothing counted twice, all derived as from the log at once.

    That is so by a database that gets the log's events once, and by `lms-progress verify`.
    `fresh_url` is an empty database, which is filled for the comparison.
    """
    async with opened(url) as database, opened(fresh_url) as fresh:
        log = await read_log(database)
        kept = Counter(event.key for event in log)
        counted, occurred = await daily(database), days(log)
        lost = [key for key in ledger.acknowledged if key not in kept]
        twice = kept.total() - len(kept) + (counted - occurred).total()
        assert lost == []
        assert twice == 0
        assert counted == occurred
        assert set(kept) <= ledger.sent, "there is an event that nobody sent"
        assert ledger.accepted <= len(log), "more was accepted than there is"
        await check_signals(database, ledger)
        await feed_once(database, fresh, log)
        assert await differences(database, fresh) == []
    verified = command("verify", LMS_DATABASE_URL=url)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    return f"{len(ledger.acknowledged):,} events acknowledged, {len(lost)} lost, {twice} counted twice"


async def read_log(database: Database) -> list[Event]:
    """All events of the log."""
    return [
        Event(*(getattr(row, name) for name in Event._fields))
        async for rows in stream(database, SELECT_LOG)
        for row in rows
    ]


async def daily(database: Database) -> Counter[Any]:
    """How many events were counted, by day and type."""
    async with database.read() as connection:
        rows = await connection.execute(select(v_event_daily_stats))
        return Counter({(day, kind): number for day, kind, number in rows})


def days(log: list[Event]) -> Counter[Any]:
    """How many events there are, by day and type."""
    return Counter((event.occurred_at.astimezone(UTC).date(), event.type) for event in log)


async def check_signals(database: Database, ledger: Ledger) -> None:
    """Each signal was told to one caller at most, is there if it was, and is announced once."""
    s, o = lms_signal.c, lms_outbox.c
    async with database.read() as connection:
        signals = (await connection.execute(select(s.type, s.user_id, s.class_id, s.course_id))).all()
        kept = Counter(await connection.scalars(select(s.signal_id)))
        announced = Counter(await connection.scalars(select(o.message_id)))
    assert [told for told, times in ledger.signals.items() if times > 1] == []
    assert set(ledger.signals) <= {tuple(map(str, signal)) for signal in signals}
    assert [kept - announced, announced - kept] == [Counter(), Counter()], "not every signal was announced once"


async def feed_once(
    database: Database, fresh: Database, log: list[Event], xp_values: XpValues = DEFAULT_XP_VALUES
) -> None:
    """Gives `fresh` the course history of `database`, then the log at once."""
    async with database.read() as connection:
        versions = [row._asdict() for row in await connection.execute(select(lms_course_version))]
    if versions:
        async with fresh.write_exclusive() as connection:
            await connection.execute(insert(lms_course_version), versions)
    async with Engine(fresh, xp_values) as engine:
        assert (await engine.ingest.submit(log)).accepted == len(log)


async def differences(one: Database, other: Database) -> list[str]:
    """In which rows of what is derived two databases differ: some of each table."""
    here, there = await everything(one), await everything(other)
    return [line for name in here for line in unlike(name, here[name], there[name])]


async def everything(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """All derived rows, and which are parked."""
    r = lms_retry.c
    async with database.read() as connection:
        parked = sorted(map(tuple, await connection.execute(select(r.user_id, r.event_id, r.rule))))
    return {**await derived(database), "lms_retry": parked}


def unlike(name: str, rows: list[tuple[Any, ...]], others: list[tuple[Any, ...]]) -> Iterator[str]:
    only_here, only_there = Counter(rows) - Counter(others), Counter(others) - Counter(rows)
    for where, differing in (("here", only_here), ("there", only_there)):
        for row in list(differing.elements())[:SHOWN]:
            yield f"{name}: only {where}, of {differing.total()}: {row}"
