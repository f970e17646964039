"""Signals in the database: those that are derived and not there yet go in, those that prove earlier move.

Callers hold the learners' locks. What is there never goes: progress only grows, and history with it.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from eventstore.db import insert
from eventstore.db.json_rows import json_rows
from signals.signal import Signal, SignalType
from signals.tables import lms_signal
from signals.xp import XpDelta, XpValues

_s = lms_signal.c
_COLUMNS = (_s.signal_id, _s.type, _s.user_id, _s.class_id, _s.course_id, _s.occurred_at, _s.xp)
_keys = json_rows("keys", _s.user_id, _s.signal_id)
_rows = json_rows("rows", *_COLUMNS)

SELECT_KNOWN = select(_s.user_id, _s.signal_id, _s.occurred_at, _s.xp).join(
    _keys, (_s.user_id == _keys.c.user_id) & (_s.signal_id == _keys.c.signal_id)
)
"""Those of some signals that are there, with their time and worth."""

_insert = insert(lms_signal).from_select([c.name for c in _COLUMNS], select(*_rows.c).where(true()))
UPSERT = _insert.on_conflict_do_update(
    index_elements=[_s.user_id, _s.signal_id], set_={"occurred_at": _insert.excluded.occurred_at}
)
"""Adds signals, or moves them to an earlier time."""


class SaveResult(NamedTuple):
    """What `keep` did: signals that are new, and what all changes mean for XP."""

    new: list[Signal]
    earnings: list[XpDelta]


class Known(NamedTuple):
    """A signal that is there already."""

    occurred_at: datetime
    xp: int


async def save_signals(connection: AsyncConnection, derived: Collection[Signal], worth: XpValues) -> SaveResult:
    """Brings `lms_signal` to what was derived, which names each signal once."""
    change = SaveResult([], [])
    if not derived:
        return change
    by_id = {signal.signal_id: signal for signal in derived}
    known = await _existing(connection, by_id)
    rows = [row for key, signal in by_id.items() for row in _row(key, signal, known.get(key), worth, change)]
    if rows:
        await connection.execute(UPSERT, {"rows": rows})
    return change


async def _existing(connection: AsyncConnection, by_id: Mapping[str, Signal]) -> dict[str, Known]:
    keys = [(signal.user_id, signal_id) for signal_id, signal in by_id.items()]
    rows = await connection.execute(SELECT_KNOWN, {"keys": keys})
    return {signal_id: Known(occurred_at, xp) for _, signal_id, occurred_at, xp in rows}


def _row(
    signal_id: str, signal: Signal, known: Known | None, worth: XpValues, change: SaveResult
) -> Iterable[tuple[object, ...]]:
    if known is None:
        change.new.append(signal)
        change.earnings.append(XpDelta(signal, worth[signal.type]))
        yield (signal_id, *signal, worth[signal.type])
    elif signal.occurred_at < known.occurred_at:
        before = signal._replace(occurred_at=known.occurred_at)
        change.earnings.extend([XpDelta(before, known.xp, -1), XpDelta(signal, known.xp)])
        yield (signal_id, *signal, known.xp)


def to_rows(derived: Iterable[Signal], worth: XpValues, as_kept: Callable[[datetime], Any]) -> list[tuple[Any, ...]]:
    """The rows of signals, with their times `as_kept`, in the order of the key, which is the cheapest to write."""
    texts = {kind: kind.value for kind in SignalType}  # an enum's member, the driver would look at more closely
    rows = [
        (signal.signal_id, texts[signal.type], *signal[1:4], as_kept(signal.occurred_at), worth[signal.type])
        for signal in derived
    ]
    return sorted(rows, key=itemgetter(2, 0))
