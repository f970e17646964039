"""Sweeps: whatever transactions write, and whenever they end, each row is read; and not for ever again."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from integrations.platform_monitor.watermark import LONGEST, MARGIN, Scan, Snapshot, next_sweep

BEGIN = datetime(2026, 3, 1, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class Change(NamedTuple):
    """A row that a transaction writes: by the time that it sets, when it first wrote, and when it ended."""

    changed_at: datetime
    writes_at: datetime
    ends_at: datetime


class Poll(NamedTuple):
    """When the table is swept, and after how many rows that is broken off; None if it is not."""

    at: datetime
    breaks_off_after: int | None


@st.composite
def changes(draw: st.DrawFn) -> Change:
    writes_at = BEGIN + draw(st.timedeltas(timedelta(0), 90 * MINUTE))
    changed_at = writes_at - draw(st.timedeltas(timedelta(0), MARGIN))
    return Change(changed_at, writes_at, writes_at + draw(st.timedeltas(timedelta(0), LONGEST - MARGIN)))


polls = st.builds(Poll, st.timedeltas(timedelta(0), 150 * MINUTE).map(BEGIN.__add__), st.none() | st.integers(0, 5))


def moment(at: datetime, changes: list[Change]) -> Snapshot:
    """Transactions are numbered in the order in which they first write."""
    begun = [number for number, change in enumerate(changes) if change.writes_at <= at]
    running = [number for number in begun if changes[number].ends_at > at]
    return Snapshot(at, min(running, default=len(begun)), len(begun))


def sweep_once(last: Scan | None, poll: Poll, changes: list[Change], read: list[Change]) -> Scan:
    """Reads what can be seen then, in order, from where the sweep is; notes it in `read`."""
    sweep = next_sweep(last, moment(poll.at, changes), poll.at)
    ids = {change: f"{number:04}" for number, change in enumerate(changes)}
    seen = sorted((c.changed_at, ids[c], c) for c in changes if c.ends_at <= poll.at and c.changed_at >= sweep.since)
    if sweep.changed_at is not None and sweep.row_id is not None:
        seen = [each for each in seen if each[:2] > (sweep.changed_at, sweep.row_id)]
    for changed_at, row_id, change in seen[: poll.breaks_off_after]:
        read.append(change)
        sweep = sweep.moved(changed_at, row_id)
    return Scan.model_validate_json(sweep.model_dump_json()) if poll.breaks_off_after is not None else sweep.ended()


@given(written=st.lists(changes(), max_size=12, unique=True), polled=st.lists(polls, max_size=8))
def test_every_row_is_read_whenever_its_transaction_ends(written: list[Change], polled: list[Poll]) -> None:
    written.sort(key=lambda change: change.writes_at)
    read: list[Change] = []
    sweep: Scan | None = None
    end = BEGIN + timedelta(hours=4)
    for poll in [*sorted(polled, key=lambda poll: poll.at), Poll(end, None), Poll(end + MINUTE, None)]:
        sweep = sweep_once(sweep, poll, written, read)
    assert set(read) == set(written)


def test_the_first_sweep_reads_everything_and_the_next_ones_little() -> None:
    old = Change(BEGIN - timedelta(days=3000), BEGIN, BEGIN)
    read: list[Change] = []
    sweep: Scan | None = None
    for minute in range(5):
        sweep = sweep_once(sweep, Poll(BEGIN + minute * MINUTE, None), [old], read)
    assert read == [old]
    assert sweep is not None
    assert sweep.since == BEGIN + 2 * MINUTE - MARGIN
    assert sweep.began_at == BEGIN


def test_what_a_transaction_under_way_may_still_write_is_read_again() -> None:
    slow = Change(BEGIN + 2 * MINUTE, BEGIN + 2 * MINUTE, BEGIN + 50 * MINUTE)
    others = [Change(at := BEGIN + minute * MINUTE, at, at) for minute in range(60)]
    written = sorted([slow, *others], key=lambda change: change.writes_at)
    read: list[Change] = []
    sweep: Scan | None = None
    for minute in range(60):
        sweep = sweep_once(sweep, Poll(BEGIN + minute * MINUTE, None), written, read)
    assert read.count(slow) >= 1
    assert all(read.count(other) <= 4 for other in others[-5:])


def test_no_transaction_is_waited_for_for_ever() -> None:
    endless = Change(BEGIN, BEGIN, BEGIN + timedelta(days=365))
    sweep: Scan | None = None
    for hour in range(10):
        sweep = sweep_once(sweep, Poll(BEGIN + timedelta(hours=hour), None), [endless], [])
    assert sweep is not None
    assert sweep.then_since == BEGIN + timedelta(hours=9) - LONGEST
