"""Instants: always UTC, always with microseconds, and as text always of one width.

Text of one width sorts as the instants do, which SQLite relies on.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache

Clock = Callable[[], datetime]
"""Says what time it is, in UTC. Passed in wherever time matters, so that tests can set it."""


WITH_MICROSECONDS = len("2026-11-21T09:30:00.123456+00:00")
"""isoformat leaves them out if they are 0; asking it not to takes longer."""


def system_clock() -> datetime:
    return datetime.now(UTC)


KNOWN_TEXTS = 1_024
"""How many are kept: events name the same few instants again and again, and isoformat is slow."""


def to_text(instant: datetime) -> str:
    """`2026-11-21T09:30:00.000000Z`: 27 characters, in UTC. `instant` must know its offset."""
    return _known_text(in_utc(instant))


def to_text_uncached(instant: datetime) -> str:
    """The same of one that is in UTC already, among many that differ, of which none is worth keeping."""
    text = instant.isoformat()
    return text[:26] + "Z" if len(text) == WITH_MICROSECONDS else text[:19] + ".000000Z"


def in_utc(instant: datetime) -> datetime:
    """The same instant in UTC: at no cost if it is already, as most are."""
    return instant if instant.tzinfo is UTC else instant.astimezone(UTC)


_known_text = lru_cache(KNOWN_TEXTS)(to_text_uncached)


def from_text(text: str) -> datetime:
    """The instant of any ISO 8601 text that carries an offset, in UTC."""
    return in_utc(datetime.fromisoformat(text))
