"""One poison event in a hundred: all are parked, all others count, and all count once what was broken is mended."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import pytest
from sqlalchemy import make_url, select

from engine.engine import Engine
from engine.parking.retry import RetryResult, retry_due
from eventstore.db.database import Database
from eventstore.event import Event
from projections.progress import Progress
from projections.rules import RULES
from projections.rules.video_progress import video_progress
from projections.tables import lms_progress, lms_retry, lms_xp
from signals.tables import lms_signal
from tests.engine.rows import change, is_sqlite, refuse_class
from tests.engine.support import DAY_0, HandClock, at, ping, quiz, running, step
from tests.faults.balance import days
from tests.support.derived import derived
from tests.support.rules import use_rules

NOW = at(1)
ONE_IN = 100
LEARNERS = 400
CLASSES = ("intro", "loops", "functions", "files")
LARGEST_SUBMISSION = 400

POISON_POSITION = 97.125
"""The position on which the broken rule raises. It would complete the video."""

POISON_CLASS = "poison"
"""The class of which the database refuses progress."""

NewDatabase = Callable[[], str]


class Trouble(NamedTuple):
    """What is broken for a while: how a harmless event is made poison, and how its row in lms_retry shows it."""

    poison: Callable[[Event], Event]
    begin: Callable[[Database], Awaitable[None]]
    mend: Callable[[Database], Awaitable[None]]
    parked_as: str
    says: tuple[str, ...]


@pytest.fixture
def raising_rule(monkeypatch: pytest.MonkeyPatch) -> Trouble:
    """video_progress raises on one position."""
    broken = False

    def prove(payload: object, occurred_at: datetime) -> Progress:
        if broken and getattr(payload, "position", None) == POISON_POSITION:
            raise ArithmeticError("poison")
        return video_progress(payload, occurred_at)  # type: ignore[arg-type]

    async def begin(_: Database) -> None:
        nonlocal broken
        broken = True

    async def mend(_: Database) -> None:
        nonlocal broken
        broken = False

    rules = tuple(rule._replace(apply=prove) if rule.apply == video_progress else rule for rule in RULES)
    use_rules(monkeypatch, rules)
    return Trouble(poison_position, begin, mend, "video_progress", ("Traceback", "in prove", "ArithmeticError: poison"))


@pytest.fixture
def refusing_database() -> Trouble:
    """The database refuses the progress of one class."""

    async def begin(database: Database) -> None:
        await refuse_class(database, "lms_progress", POISON_CLASS)

    async def mend(database: Database) -> None:
        drop = "DROP TRIGGER" if is_sqlite(database) else "ALTER TABLE lms_progress DROP CONSTRAINT"
        await change(database, f"{drop} refuse")

    return Trouble(poison_class, begin, mend, "*", ("refuse", "Traceback"))


def poison_position(event: Event) -> Event:
    return ping(event.occurred_at, POISON_POSITION, user_id=event.user_id, class_id=event.class_id)


def poison_class(event: Event) -> Event:
    return ping(event.occurred_at, user_id=event.user_id, class_id=POISON_CLASS)


@pytest.mark.parametrize(("name", "number"), [("raising_rule", 20_000), ("refusing_database", 2_000)])
def test_poison_is_parked_takes_nothing_down_and_counts_once_it_is_mended(
    new_database: NewDatabase,
    request: pytest.FixtureRequest,
    name: str,
    number: int,
    report: Callable[[str], None],
) -> None:
    trouble: Trouble = request.getfixturevalue(name)
    harmless = draw(number - number // ONE_IN)
    poison = [trouble.poison(event) for event in harmless[:: ONE_IN - 1]]
    assert (len(poison), len(poison) + len(harmless)) == (number // ONE_IN, number)

    counts = asyncio.run(survive(trouble, harmless, poison, new_database))

    kind = make_url(new_database()).get_backend_name()
    report(f"{kind}: {len(poison)} poison events among {number:,} ({name.replace('_', ' ')}): {counts}")


async def survive(trouble: Trouble, harmless: list[Event], poison: list[Event], new_database: NewDatabase) -> str:
    """Takes all in with the trouble on, then mends it and retries, and holds each to a database without trouble."""
    clock, url = HandClock(NOW), new_database()
    everything = harmless + poison
    random.Random(2).shuffle(everything)
    async with running(url, clock) as engine:
        await trouble.begin(engine.database)
        await take_in(engine, everything)

        parked = await read_parked(engine.database)
        assert parked.keys() == {event.key for event in poison}
        for rule, error in parked.values():
            assert rule == trouble.parked_as
            assert all(words in error for words in trouble.says)
        without = await fed(new_database(), harmless)
        tables = await derived(engine.database)
        for table in (lms_progress, lms_signal, lms_xp):
            assert tables[table.name] == without[table.name]
        assert tables["lms_learner"] == last_activities(everything)
        assert {(day, kind): number for day, kind, number in tables["v_event_daily_stats"]} == days(everything)

        await trouble.mend(engine.database)
        clock.now += timedelta(seconds=10)
        done = await retry_due(engine.database, engine.context, clock)
        assert done == RetryResult(len(poison), 0)
        assert await read_parked(engine.database) == {}
        assert await derived(engine.database) == await fed(new_database(), everything)
    return f"{len(parked)} parked, {done.succeeded} recovered"


def draw(number: int) -> list[Event]:
    """Harmless events of many learners, some of which complete something."""
    chance = random.Random(1)
    return [draw_one(chance) for _ in range(number)]


def draw_one(chance: random.Random) -> Event:
    who: dict[str, Any] = {"user_id": f"learner {chance.randrange(LEARNERS)}", "class_id": chance.choice(CLASSES)}
    when = DAY_0 + timedelta(microseconds=chance.randrange(86_400_000_000))
    if chance.random() < 1 / 2:
        return ping(when, chance.uniform(0, 95), **who)
    return quiz(when, chance.uniform(0, 10), passed=chance.random() < 1 / 10, **who)


async def take_in(engine: Engine, events: Sequence[Event]) -> None:
    """Publishes two courses, and submits the events from many sides at once: each is told that all were taken."""
    await engine.publish("whole", "Whole", tuple(step(class_id, "both") for class_id in CLASSES))
    await engine.publish("poisoned", "Poisoned", (step(CLASSES[0]), step(POISON_CLASS)))
    submissions = list(cut(events))
    receipts = await asyncio.gather(*map(engine.ingest.submit, submissions))
    assert [receipt.accepted for receipt in receipts] == list(map(len, submissions))


def cut(events: Sequence[Event]) -> list[Sequence[Event]]:
    """The events in their order, in submissions of one to many."""
    chance, pieces, start = random.Random(3), [], 0
    while start < len(events):
        end = start + chance.choice([1, chance.randint(2, LARGEST_SUBMISSION)])
        pieces.append(events[start:end])
        start = end
    return pieces


async def fed(url: str, events: Sequence[Event]) -> dict[str, list[tuple[object, ...]]]:
    """What is derived of those events where nothing is broken."""
    async with running(url, HandClock(NOW)) as engine:
        await take_in(engine, events)
        assert await read_parked(engine.database) == {}
        return await derived(engine.database)


async def read_parked(database: Database) -> dict[tuple[str, str], tuple[str, str]]:
    """The rule and the error of each parked event."""
    r = lms_retry.c
    async with database.read() as connection:
        rows = await connection.execute(select(r.user_id, r.event_id, r.rule, r.last_error))
        return {(user_id, event_id): (rule, error) for user_id, event_id, rule, error in rows}


def last_activities(events: Sequence[Event]) -> list[tuple[object, ...]]:
    """The rows of lms_learner."""
    last: dict[str, datetime] = {}
    for event in events:
        last[event.user_id] = max(last.get(event.user_id, event.occurred_at), event.occurred_at)
    return sorted(last.items(), key=repr)
