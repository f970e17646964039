"""Instants: always UTC, always with microseconds, and as text always of one width.

Text of one width sorts as the instants do, which SQLite relies on.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache

Clock = Callable[[], datetime]
"""Returns the time in UTC. It is passed in wherever time matters, so that tests can set it."""


WITH_MICROSECONDS = len("2026-11-21T09:30:00.123456+00:00")
"""The length of isoformat's text with microseconds, which it leaves out if they are 0."""


def system_clock() -> datetime:
    return datetime.now(UTC)


KNOWN_TEXTS = 1_024
"""The size of the cache: events repeat the same few instants, and isoformat is slow."""


def to_text(instant: datetime) -> str:
    """Format an instant as `2026-11-21T09:30:00.000000Z`: 27 characters, in UTC. `instant` must have an offset."""
    return _known_text(in_utc(instant))


def to_text_uncached(instant: datetime) -> str:
    """Format a UTC instant without the cache: for bulk writes, where instants rarely repeat."""
    text = instant.isoformat()
    return text[:26] + "Z" if len(text) == WITH_MICROSECONDS else text[:19] + ".000000Z"


def in_utc(instant: datetime) -> datetime:
    """Return the same instant in UTC, at no cost if it is in UTC already."""
    return instant if instant.tzinfo is UTC else instant.astimezone(UTC)


_known_text = lru_cache(KNOWN_TEXTS)(to_text_uncached)


def from_text(text: str) -> datetime:
    """Return the instant, in UTC, of an ISO 8601 text with an offset."""
    return in_utc(datetime.fromisoformat(text))
