"""Storing signals: derived signals are inserted if they are new, and moved if they are earlier.

The caller holds the learners' locks. Stored signals are never removed: progress and history only grow.
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
"""The stored rows for a batch of signals, with their time and XP."""

_insert = insert(lms_signal).from_select([c.name for c in _COLUMNS], select(*_rows.c).where(true()))
UPSERT = _insert.on_conflict_do_update(
    index_elements=[_s.user_id, _s.signal_id], set_={"occurred_at": _insert.excluded.occurred_at}
)
"""Inserts signals, or moves them to an earlier time."""


class SaveResult(NamedTuple):
    """The result of `save_signals`: new signals, and the changes of XP."""

    new: list[Signal]
    deltas: list[XpDelta]


class StoredSignal(NamedTuple):
    """A stored signal."""

    occurred_at: datetime
    xp: int


async def save_signals(connection: AsyncConnection, derived: Collection[Signal], xp_values: XpValues) -> SaveResult:
    """Save derived signals, each of which is given once."""
    result = SaveResult([], [])
    if not derived:
        return result
    by_id = {signal.signal_id: signal for signal in derived}
    stored = await _existing(connection, by_id)
    rows = [row for key, signal in by_id.items() for row in _row(key, signal, stored.get(key), xp_values, result)]
    if rows:
        await connection.execute(UPSERT, {"rows": rows})
    return result


async def _existing(connection: AsyncConnection, by_id: Mapping[str, Signal]) -> dict[str, StoredSignal]:
    keys = [(signal.user_id, signal_id) for signal_id, signal in by_id.items()]
    rows = await connection.execute(SELECT_KNOWN, {"keys": keys})
    return {signal_id: StoredSignal(occurred_at, xp) for _, signal_id, occurred_at, xp in rows}


def _row(
    signal_id: str, signal: Signal, stored: StoredSignal | None, xp_values: XpValues, result: SaveResult
) -> Iterable[tuple[object, ...]]:
    if stored is None:
        result.new.append(signal)
        result.deltas.append(XpDelta(signal, xp_values[signal.type]))
        yield (signal_id, *signal, xp_values[signal.type])
    elif signal.occurred_at < stored.occurred_at:
        before = signal._replace(occurred_at=stored.occurred_at)
        result.deltas.extend([XpDelta(before, stored.xp, -1), XpDelta(signal, stored.xp)])
        yield (signal_id, *signal, stored.xp)


def to_rows(
    derived: Iterable[Signal], xp_values: XpValues, encode_time: Callable[[datetime], Any]
) -> list[tuple[Any, ...]]:
    """Return signals as rows, with times encoded by `encode_time`, in the order of the key: the fastest to write."""
    texts = {kind: kind.value for kind in SignalType}  # the driver would inspect an enum's member more closely
    rows = [
        (signal.signal_id, texts[signal.type], *signal[1:4], encode_time(signal.occurred_at), xp_values[signal.type])
        for signal in derived
    ]
    return sorted(rows, key=itemgetter(2, 0))
