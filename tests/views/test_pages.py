"""Every list, page by page: all rows exactly once, in the documented order, whatever the size of the pages."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from itertools import cycle, product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncConnection

from eventstore.db.database import Database
from eventstore.errors import InvalidInputError
from eventstore.event import Event
from integrations.inbound.message import Message
from integrations.inbound.processor import save_translations
from integrations.inbound.translation import Translation
from integrations.views import inbox_list
from tests.conftest import opened
from tests.engine.support import HandClock, at, ping, quiz, running, step
from views import (
    event_daily_stats,
    event_list,
    message_daily_stats,
    signal_list,
    signal_summary,
    user_activity,
    user_progress,
)
from views.page import Page, decode, encode

Read = Callable[..., Awaitable[Page[Any]]]

USERS = ["ada", "Ada", "bob", "ß", "é", "z z", "学", "a_b", "a-b"]
"""Ids that a database's collation might order in other ways than by code point."""

LISTS: dict[str, tuple[Read, Callable[[Any], tuple[Any, ...]], bool]] = {
    "events": (event_list.read, lambda item: (item.occurred_at, item.seq), True),
    "signals": (signal_list.read, lambda item: (item.occurred_at, item.signal_id), True),
    "progress": (user_progress.read, lambda item: (item.user_id, item.class_id), False),
    "daily stats": (event_daily_stats.read, lambda item: (item.day, item.type), True),
    "messages": (inbox_list.read, lambda item: (item.source, item.message_id), False),
    "daily messages": (message_daily_stats.read, lambda item: (item.day, item.source, item.topic, item.type), True),
    "signal summary": (signal_summary.read, lambda item: (item.user_id, item.type), False),
    "activity": (user_activity.read, lambda item: (item.user_id,), False),
}
"""Of each list: how it is read, the key of its items, and whether the largest comes first."""


def happenings() -> list[Event]:
    """Events of several learners on several days, some at the same instant."""
    events = []
    for number, user_id in enumerate(USERS):
        for class_id in ("a", "b"):
            instant = at(number // 3) + timedelta(hours=number % 2)
            events += [ping(instant, user_id=user_id, class_id=class_id), quiz(instant, user_id=user_id)]
    return events


async def keep_messages(connection: AsyncConnection) -> None:
    """Messages of several sources and topics on several days, some of them parked."""
    messages = [
        Message(source, f"message {number}", kind, f"topic {number % 2}", "{}", at(number % 3))
        for number, (source, kind) in enumerate(product(["Redis", "kafka", "redis"], ["told", "asked"]))
    ]
    reasons = ["unknown", None]
    translations = [
        Translation(message, reason=reason) for message, reason in zip(messages, cycle(reasons), strict=False)
    ]
    for shard in (0, 1):
        await save_translations(connection, translations[shard::2], {message.key: [] for message in messages}, shard)


@pytest.fixture(scope="module")
async def lived_in(shared_url: str) -> str:
    """The URL of a database in which all that has happened."""
    async with running(shared_url, HandClock(at(9))) as engine:
        await engine.publish("x", "", (step("a"), step("b")))
        await engine.ingest.submit(happenings(), keep_messages)
    return shared_url


async def walk(database: Database, read: Read, limit: int, **filters: str) -> list[BaseModel]:
    """All items, page by page; every page but the last is full."""
    items: list[BaseModel] = []
    cursor = None
    async with database.read() as connection:
        while True:
            page = await read(connection, limit, cursor, **filters)
            items += page.items
            assert page.next != cursor or cursor is None, "the next page would be this one again"
            cursor = page.next
            if cursor is None:
                return items
            assert len(page.items) == limit


@pytest.mark.parametrize("name", LISTS)
async def test_pages_of_every_size_show_all_rows_once_and_in_order(lived_in: str, name: str) -> None:
    read, key, descending = LISTS[name]

    async with opened(lived_in) as database:
        whole = await walk(database, read, 1_000)

        keys = [key(item) for item in whole]
        assert keys == sorted(set(keys), reverse=descending)
        assert len(keys) > 5
        for limit in range(1, len(whole) + 1):
            assert await walk(database, read, limit) == whole


FILTERS = [
    ("events", {"user_id": "bob"}, 4),
    ("events", {"type": "VIDEO_PING"}, 18),
    ("events", {"user_id": "学", "type": "QUIZ_SUBMIT"}, 2),
    ("signals", {"user_id": "bob"}, 6),
    ("signals", {"type": "COURSE_COMPLETED"}, 9),
    ("signals", {"class_id": "b"}, 18),
    ("signals", {"course_id": "x", "user_id": "ada"}, 3),
    ("progress", {"class_id": "b"}, 9),
    ("progress", {"course_id": "x", "user_id": "Ada"}, 2),
    ("progress", {"course_id": "elsewhere"}, 0),
    ("messages", {"source": "redis"}, 2),
    ("messages", {"status": "parked"}, 3),
    ("messages", {"status": "done", "source": "Redis"}, 1),
    ("signal summary", {"user_id": "ß"}, 4),
    ("activity", {"user_id": "z z"}, 1),
]


@pytest.mark.parametrize(("name", "filters", "number"), FILTERS)
async def test_filters_keep_exactly_what_matches(
    lived_in: str, name: str, filters: dict[str, str], number: int
) -> None:
    read, _, _ = LISTS[name]

    async with opened(lived_in) as database:
        everything = await walk(database, read, 1_000)
        matching = [item for item in everything if filters.items() <= item.model_dump().items()]

        assert len(matching) == number
        assert await walk(database, read, 2, **filters) == matching


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("cursor", ["", "elsewhere", "bm9uc2Vuc2U", encode([]), encode([None, None]), "é"])
async def test_a_foreign_cursor_is_refused(lived_in: str, name: str, cursor: str) -> None:
    read, _, _ = LISTS[name]

    async with opened(lived_in) as database, database.read() as connection:
        with pytest.raises(InvalidInputError, match=r"^cursor: expected the `next` of an earlier page of this list"):
            await read(connection, 5, cursor)


@given(st.text(), st.datetimes(timezones=st.timezones()).map(lambda t: t.astimezone(at(0).tzinfo)), st.integers())
def test_a_cursor_gives_back_the_key_it_was_made_of(text: str, instant: Any, number: int) -> None:
    assert decode(encode((text, instant, number)), str, type(instant), int) == [text, instant, number]
