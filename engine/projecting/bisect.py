"""Narrowing down: when the database refuses a whole, its halves are tried, down to the events that it refuses."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from eventstore.db import is_transient
from eventstore.event import Event

Part = TypeVar("Part")


async def bisect_failures(
    connection: AsyncConnection,
    events: Sequence[Event],
    attempt: Callable[[Sequence[Event]], Awaitable[Part]],
    give_up: Callable[[Event, DBAPIError], Awaitable[Part]],
) -> list[Part]:
    """Attempts all events, or else by halves; gives up on each that is refused by itself. What came of the parts.

    Raises DBAPIError for trouble that will pass, and for an event that even giving up on is refused.
    """
    try:
        async with connection.begin_nested():
            return [await attempt(events)]
    except DBAPIError as error:
        if is_transient(error):
            raise
        if len(events) == 1:
            return [await give_up(events[0], error)]
    half = len(events) // 2
    first = await bisect_failures(connection, events[:half], attempt, give_up)
    return first + await bisect_failures(connection, events[half:], attempt, give_up)
