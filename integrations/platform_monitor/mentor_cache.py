"""The mentors of students, as the platform has them: read once for many activities, and kept for a while.

Each process that monitors keeps its own. Whoever has them cleared says so in the database, where all of them look.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from pydantic import BaseModel

from eventstore.times import Clock
from integrations.notifications.recipient import Recipient

KEPT = timedelta(minutes=10)
"""So old what is known may be."""

MOST = 100_000
"""Of so many students it is known at most, or little more."""

TheirMentors = Mapping[str, Sequence[Recipient]]
"""By the student's id, in the order of the mentors' ids."""

Read = Callable[[Sequence[str]], Awaitable[Sequence[tuple[str, Recipient]]]]
"""Reads the mentors of students: a student's id and one of the mentors, as often as there are such pairs."""


class MentorFigures(BaseModel):
    """Whose mentors are known by now, who they are, and how often they were known or had to be read."""

    students: int = 0
    mentors: int = 0
    hits: int = 0
    misses: int = 0


class CachedMentors(NamedTuple):
    """A student's mentors, and when they were read."""

    mentors: Sequence[Recipient]
    read_at: datetime


class Mentors:
    """What is known, by the student's id."""

    def __init__(self, read: Read, clock: Clock) -> None:
        self._read = read
        self._clock = clock
        self._known: dict[str, CachedMentors] = {}
        self._hits = 0
        self._misses = 0

    async def of(self, students: Collection[str]) -> TheirMentors:
        """The mentors of each. Raises whatever keeps them from being read."""
        now = self._clock()
        wanted = set(students)
        if len(self._known) > MOST:
            self.clear()
        missing = sorted(student for student in wanted if not self._is_fresh(student, now))
        self._hits += len(wanted) - len(missing)
        self._misses += len(missing)
        if missing:
            self._store(missing, await self._read(missing), now)
        return {student: self._known[student].mentors for student in wanted}

    def clear(self) -> None:
        """Forgets all of them, so that they are read again."""
        self._known.clear()

    def evict_expired(self) -> None:
        """Forgets those that would be read again anyway."""
        now = self._clock()
        self._known = {student: known for student, known in self._known.items() if now - known.read_at < KEPT}

    @property
    def figures(self) -> MentorFigures:
        """How many are known now, and what came of asking since this process began."""
        mentors = {mentor.user_id for known in self._known.values() for mentor in known.mentors}
        return MentorFigures(students=len(self._known), mentors=len(mentors), hits=self._hits, misses=self._misses)

    def _is_fresh(self, student: str, now: datetime) -> bool:
        known = self._known.get(student)
        return known is not None and now - known.read_at < KEPT

    def _store(self, students: Sequence[str], found: Sequence[tuple[str, Recipient]], now: datetime) -> None:
        theirs: dict[str, list[Recipient]] = {student: [] for student in students}
        for student, mentor in found:
            theirs[student].append(mentor)
        self._known |= {student: CachedMentors(tuple(mentors), now) for student, mentors in theirs.items()}
