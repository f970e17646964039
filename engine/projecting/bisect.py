"""Bisecting a batch that the database rejected, down to the events that it rejects alone."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from eventstore.db import is_transient
from eventstore.event import Event

Result = TypeVar("Result")


async def bisect_failures(
    connection: AsyncConnection,
    events: Sequence[Event],
    attempt: Callable[[Sequence[Event]], Awaitable[Result]],
    give_up: Callable[[Event, DBAPIError], Awaitable[Result]],
) -> list[Result]:
    """Attempt all events, else each half, and give up on each event that is rejected alone. Return all results.

    Raise DBAPIError for a transient error, and when even giving up on an event is rejected.
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
