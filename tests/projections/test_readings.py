"""The two readings of the rules are one: what the database folds, and Python after it, is what Python folds alone.

Events of every version, as the gate lets them in, and such as never passed it; numbers on both sides of every bound.
"""

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eventstore.append import append
from eventstore.db.database import Database
from eventstore.event import Event
from eventstore.registry import EVENT_TYPES
from projections.fold import ProgressKey, fold
from projections.progress import EMPTY, Progress, merge
from projections.rules import RULES
from projections.sql_fold.expressions import is_sql_translatable
from projections.sql_fold.fold import select_fold
from tests.conftest import opened
from tests.engine.support import at

many = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])

NUMBERS = st.one_of(
    st.integers(0, 400),
    st.integers(0, 4000).map(lambda tenths: tenths / 10),
    st.floats(0, 2**31 - 1, allow_nan=False),
    st.sampled_from([0.99, 1.1, 269.999999999999, 41.99999999999999, 236.916, 263.24, 2**31 - 1, 1e-300, 5e-324]),
)
READ = ("position", "duration", "score", "passed")
"""The fields that rules read. The others of a first version the gate alone has held to its model."""

JUNK: st.SearchStrategy[Any] = st.sampled_from([None, True, False, "12", "", "true", [], {}, -1, 1e300, 2**53 + 1])
VERSIONS = ["1.0", "1.1", "1.2", "1.9", "2.0", "0.1"]


@st.composite
def pings(draw: st.DrawFn) -> dict[str, Any]:
    """Around 90 % of a duration, exactly there in decimals, or anywhere."""
    tenths = draw(st.integers(1, 40_000))
    near = st.sampled_from([9 * tenths / 100, 9 * tenths / 100 + 1e-9, 9 * tenths / 100 - 1e-9, tenths / 10])
    payload = {"video_id": "v", "position": draw(near), "duration": tenths / 10}
    if draw(st.booleans()):
        payload["position"], payload["duration"] = draw(NUMBERS), draw(NUMBERS)
    return payload | draw(
        st.fixed_dictionaries(
            {}, optional={"playback_rate": NUMBERS | JUNK, "played_segments": st.just([[0, 1]]) | JUNK}
        )
    )


def submissions() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {"quiz_id": st.just("q"), "score": NUMBERS, "max_score": st.just(2**31 - 1), "passed": st.booleans()}
    )


@st.composite
def hostile(draw: st.DrawFn, payloads: st.SearchStrategy[dict[str, Any]]) -> object:
    """A payload with one field that is missing or junk, or something else altogether."""
    payload = draw(payloads)
    name = draw(st.sampled_from(sorted(payload)))
    broken = {k: v for k, v in payload.items() if k != name} | draw(st.fixed_dictionaries({}, optional={name: JUNK}))
    return draw(st.just(broken) | JUNK)


def is_let_in(event: Event) -> bool:
    """Whether the gate let the event in when it came, or what the rules read of it is not even of the right kind."""
    kind = EVENT_TYPES.get(event.type)
    if kind is None or event.version not in kind.versions:
        return True
    first = next(iter(kind.versions))
    payload = json.loads(event.payload)
    shaped = isinstance(payload, dict) and all(
        type(payload.get(name)) in ((bool,) if name == "passed" else (int, float))
        for name in READ
        if name in kind.versions[first].model_fields
    )
    try:
        kind.versions[first].model_validate_json(event.payload)
    except ValueError:
        return not shaped
    return True


@st.composite
def logs(draw: st.DrawFn) -> list[Event]:
    def event(number: int) -> Event:
        kind = draw(st.sampled_from(sorted(EVENT_TYPES)))
        payloads = pings() if kind == "VIDEO_PING" else submissions()
        payload = draw(payloads if draw(st.integers(0, 3)) else hostile(payloads))
        return Event(
            event_id=f"00000000-0000-4000-8000-{number:012}",
            type=draw(st.sampled_from([kind] * 20 + ["UNKNOWN"])),
            version=draw(st.sampled_from(VERSIONS)),
            user_id=draw(st.sampled_from(["ada", "bob", "zoë"])),
            class_id=draw(st.sampled_from(["a", "b", "c", "d"])),
            course_id=draw(st.none() | st.sampled_from(["x", "y"])),
            payload=json.dumps(payload),
            occurred_at=at(0) + timedelta(seconds=draw(st.integers(0, 10**6))),
            recorded_at=at(0),
            source="test",
            correlation_id=None,
        )

    return [one for one in (event(number) for number in range(draw(st.integers(1, 30)))) if is_let_in(one)]


def expected(events: Sequence[Event]) -> dict[ProgressKey, Progress]:
    return fold(events).progress


async def both(database: Database, events: Sequence[Event]) -> tuple[dict[ProgressKey, Progress], int]:
    """What the database folds, merged with what Python folds of the classes that it left; how many events it left.

    Nothing of it is kept.
    """
    async with database.engine.connect() as connection:
        await append(connection, events)
        everybody = {"after": "", "until": None, "last": 10**9}
        rows = (await connection.execute(select_fold(RULES), everybody)).all()
        await connection.rollback()
    unsaid = {(row[0], row[1]) for row in rows if row[-1]}
    left = fold([event for event in events if (event.user_id, event.class_id) in unsaid])
    said = {(row[0], row[1]): Progress(*row[2:-2]) for row in rows}
    together = {key: merge(proved, left.progress.get(key, EMPTY)) for key, proved in said.items()}
    return together, sum(row[-1] for row in rows)


def test_every_rule_has_both_readings() -> None:
    assert [rule.name for rule in RULES if not is_sql_translatable(rule.apply)] == []


@many
@given(logs())
async def test_both_readings_are_equal(database_url: str, events: list[Event]) -> None:
    async with opened(database_url) as database:
        found, _ = await both(database, events)
        assert found == expected(events)


@pytest.mark.parametrize("version", ["1.0", "1.1"])
async def test_the_database_leaves_nothing_of_plain_events_to_python(database: Database, version: str) -> None:
    numbers = [(0, 300), (269.9, 300), (270, 300), (236.915, 263.24), (12, 13.5)]
    events = [
        Event(f"00000000-0000-4000-8000-{n:012}", "VIDEO_PING", version, "ada", str(n), None,
              json.dumps({"video_id": "v", "position": p, "duration": d}), at(0), at(0), "test", None)
        for n, (p, d) in enumerate(numbers)
    ]  # fmt: skip

    found, unsaid = await both(database, events)
    assert unsaid == 0
    assert found == expected(events)


@pytest.mark.parametrize("number", ["1e2", "27E1", "1e-999999", "-0", "235.99999999999999", "269.9999999999999999"])
async def test_a_number_says_the_same_however_it_is_written(database: Database, number: str) -> None:
    payload = f'{{"video_id": "v", "position": {number}, "duration": 300}}'
    event_id = "00000000-0000-4000-8000-000000000001"
    events = [Event(event_id, "VIDEO_PING", "1.0", "ada", "a", None, payload, at(0), at(0), "test", None)]

    found, _ = await both(database, events)
    assert found == expected(events)
