"""How far a table of the platform has been read. Pure.

A table is swept: read from an instant on, in the order of changes, to its end. What was changed before that instant can
still come to light, when a transaction ends that was under way: so the next sweep begins before the end of this one, at
the last moment of which it is known that whatever was under way then has ended.
"""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict

FIRST = datetime(1900, 1, 1, tzinfo=UTC)
"""Before anything was changed."""

MARGIN = timedelta(minutes=1)
"""How much later than the time that it sets a transaction may begin to write, and the platform's clocks may differ."""

LONGEST = timedelta(hours=1)
"""How long a transaction may write: what was changed before that is not read again."""


class Snapshot(NamedTuple):
    """A time at the platform; the oldest transaction there that has not ended, and the first that has not begun."""

    at: datetime
    oldest: int
    next: int


class Watermark(BaseModel):
    """A moment that is waited for: until all transactions before `next` have ended."""

    model_config = ConfigDict(frozen=True)

    at: AwareDatetime
    next: int


class Scan(BaseModel):
    """One sweep. `since` is where it begins, `row_id` the row that was read last, which was changed at `changed_at`.

    The next one begins at `then_since`, or at `mark` if that is over by then. `began_at` is when the first one did, by
    our clock.
    """

    model_config = ConfigDict(frozen=True)

    began_at: AwareDatetime
    since: AwareDatetime
    then_since: AwareDatetime
    mark: Watermark
    changed_at: AwareDatetime | None = None
    row_id: str | None = None
    is_over: bool = False

    def moved(self, changed_at: datetime, row_id: str) -> Self:
        """Gone on to that row."""
        return self.model_copy(update={"changed_at": changed_at, "row_id": row_id})

    def ended(self) -> Self:
        """All is read."""
        return self.model_copy(update={"is_over": True})


def next_sweep(last: Scan | None, moment: Snapshot, now: datetime) -> Scan:
    """The sweep that follows the last one, or that one, if it is not over."""
    mark = Watermark(at=moment.at, next=moment.next)
    if last is None:
        return Scan(began_at=now, since=FIRST, then_since=moment.at - LONGEST, mark=mark)
    if not last.is_over:
        return last
    is_past = moment.oldest >= last.mark.next
    since = last.mark.at if is_past else last.then_since
    return Scan(
        began_at=last.began_at,
        since=last.then_since - MARGIN,
        then_since=max(since, moment.at - LONGEST),
        mark=mark if is_past else last.mark,
    )
