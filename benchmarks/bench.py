"""What a run of benchmarks has in hand: its scale, its databases, and what rows share because it takes long to make."""

import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar, cast

from benchmarks.data import Shape
from benchmarks.databases import Databases

Made = TypeVar("Made")


class Bench:
    """Sizes are those of the table at `scale` 1, else that share of them."""

    def __init__(self, databases: Databases, scale: float = 1.0) -> None:
        self.databases = databases
        self.folder = databases.folder
        self.scale = scale
        self._until = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
        self._started = time.monotonic()
        self._made: dict[tuple[object, ...], object] = {}

    @property
    def million(self) -> Shape:
        """Many events a learner, in no order: what is written and replayed."""
        return Shape(self.count(1_000_000), self.count(5_000), self._until)

    @property
    def large(self) -> Shape:
        """Many learners, for reading and for memory: the events of each follow each other."""
        return Shape(self.count(10_000_000), self.count(1_000_000), self._until, by_learner=True)

    @property
    def tenth(self) -> Shape:
        """A tenth of that."""
        return Shape(self.count(1_000_000), self.count(100_000), self._until, by_learner=True)

    def count(self, full: int) -> int:
        """So many at full scale."""
        return max(100, round(full * self.scale))

    def seconds(self, full: float) -> float:
        """How long to measure what takes so long at full scale."""
        return max(0.1, full * self.scale)

    def say(self, what: str) -> None:
        """Says on stderr what is going on, and how long after the start."""
        minutes, seconds = divmod(round(time.monotonic() - self._started), 60)
        print(f"{minutes:5}:{seconds:02}  {what}", file=sys.stderr, flush=True)

    def calm(self) -> None:
        """Has the system write out what it still holds of earlier rows, which commits would else wait for."""
        os.sync()

    def once(self, key: tuple[object, ...], make: Callable[[], Made]) -> Made:
        """What `make` makes, made once in a run."""
        if key not in self._made:
            self._made[key] = make()
        return cast("Made", self._made[key])
