"""Which messages are taken and not done with: a group may commit up to the first of those, and no further.

Kafka knows no acknowledgement of a single message, only how far a group has come in each partition.
"""

from collections.abc import Iterable
from typing import NamedTuple, Self


class RecordOffset(NamedTuple):
    """Where a message lies."""

    topic: str
    partition: int
    offset: int

    @classmethod
    def read(cls, topic: str, position: str) -> Self:
        """The place that `position` names in that topic."""
        partition, _, offset = position.partition(":")
        return cls(topic, int(partition), int(offset))

    @property
    def position(self) -> str:
        return f"{self.partition}:{self.offset}"

    @property
    def split(self) -> tuple[str, int]:
        """The partition of the topic in which it lies."""
        return self.topic, self.partition


class OffsetTracker:
    """What one member of a group has taken, by partition."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, int], set[int]] = {}
        self._next: dict[tuple[str, int], int] = {}

    def track(self, place: RecordOffset) -> None:
        self._open.setdefault(place.split, set()).add(place.offset)
        self._next[place.split] = max(place.offset + 1, self._next.get(place.split, 0))

    def done(self, places: Iterable[RecordOffset]) -> dict[tuple[str, int], int]:
        """Ends them. How far the group has come with that, in the partitions that are still this member's."""
        ended = [place for place in places if place.offset in self._open.get(place.split, ())]
        for place in ended:
            self._open[place.split].discard(place.offset)
        return {split: min(self._open[split], default=self._next[split]) for split in {p.split for p in ended}}

    def drop(self, splits: Iterable[tuple[str, int]]) -> None:
        """Forgets partitions that another member goes on with."""
        for split in splits:
            self._open.pop(split, None)
            self._next.pop(split, None)

    def holds(self, place: RecordOffset) -> bool:
        return place.offset in self._open.get(place.split, ())
