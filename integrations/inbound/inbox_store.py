"""The inbox in the database: messages as they came, what became of each, and which references the parked ones name."""

from collections.abc import Collection, Iterable, Sequence, Set
from typing import NamedTuple

from sqlalchemy import bindparam, delete, select, true, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from eventstore.db import insert
from eventstore.db.json_rows import json_rows
from integrations.inbound.message import Message, MessageKey
from integrations.inbound.reference_data import Key
from integrations.tables import InboxStatus, lms_inbox, lms_inbox_reference
from integrations.views.inbox_list import IS_PARKED
from views.page import keyset_after

PAGE = 500

_i, _r = lms_inbox.c, lms_inbox_reference.c
_message = [_i[name] for name in Message._fields]
_keys = json_rows("keys", _i.source, _i.message_id)
_rows = json_rows("rows", *_i)
_references = json_rows("references", _r.source, _r.kind, _r.external_id)
_naming = json_rows("naming", *_r)
_this_one = (_i.source == _keys.c.source) & (_i.message_id == _keys.c.message_id)

SELECT_KNOWN = select(_i.source, _i.message_id, _i.status, _i.reason).join(_keys, _this_one)
"""What became of those of some messages that were kept before."""

_insert = insert(lms_inbox).from_select(
    [c.name for c in _i], select(*_rows.c).where(true()).order_by(_rows.c.source, _rows.c.message_id)
)
INSERT_NEW = _insert.on_conflict_do_nothing().returning(_i.source, _i.message_id)
"""Keeps those of some messages that are new, and says which; in one order everywhere, so that nobody deadlocks."""

UPDATE_PARKED = _insert.on_conflict_do_update(
    index_elements=[_i.source, _i.message_id],
    set_={name: _insert.excluded[name] for name in ("status", "reason", "user_id", "event_id")},
    where=IS_PARKED,
).returning(_i.source, _i.message_id)
"""Notes what became of messages that were parked, and says of which; what is done stays done."""

INSERT_NAMING = (
    insert(lms_inbox_reference)
    .from_select([c.name for c in _r], select(*_naming.c).where(true()).order_by(*_naming.c))
    .on_conflict_do_nothing()
)
"""Notes which references parked messages name."""

DELETE_NAMING = delete(lms_inbox_reference).where(tuple_(*_r).in_(select(*_naming.c)))
"""Forgets which references messages named that are done by now."""

SELECT_NAMING = select(_r.source, _r.message_id).join(
    _references,
    (_r.source == _references.c.source)
    & (_r.kind == _references.c.kind)
    & (_r.external_id == _references.c.external_id),
)
"""The parked messages that name one of some references."""

SELECT_MESSAGES = select(*_message).join(_keys, _this_one)
"""Some messages, by their keys."""

SELECT_PARKED = (
    select(*_message)
    .where(IS_PARKED, keyset_after((_i.source, bindparam("source")), (_i.message_id, bindparam("message_id"))))
    .order_by(_i.source, _i.message_id)
    .limit(PAGE)
)
"""The next parked messages, by source and id."""


class Row(NamedTuple):
    """A message with what became of it, as a row of `lms_inbox`; and the references that it names."""

    message: Message
    status: InboxStatus
    names: Collection[Key] = ()
    reason: str | None = None
    user_id: str | None = None
    event_id: str | None = None


class InsertResult(NamedTuple):
    """Messages that are there for the first time, and all that are not as they were before."""

    new: Set[MessageKey]
    changed: Set[MessageKey]


class StoredMessage(NamedTuple):
    """What became of a message."""

    status: InboxStatus
    reason: str | None


async def existing(connection: AsyncConnection, keys: Iterable[MessageKey]) -> dict[MessageKey, StoredMessage]:
    """What became of those of these messages that were kept before."""
    rows = await connection.execute(SELECT_KNOWN, {"keys": list(keys)})
    return {
        (source, message_id): StoredMessage(InboxStatus(status), reason) for source, message_id, status, reason in rows
    }


async def save_messages(connection: AsyncConnection, rows: Sequence[Row]) -> InsertResult:
    """Keeps messages with what became of them; what is done stays done. Their keys differ among themselves."""
    written = {row.message.key: (*row.message, row.status, row.reason, row.user_id, row.event_id) for row in rows}
    result = await connection.execute(INSERT_NEW, {"rows": list(written.values())})
    new = {(source, message_id) for source, message_id in result}
    changed = set(new)
    there = [row for key, row in written.items() if key not in new]
    if there:
        changed |= {
            (source, message_id) for source, message_id in await connection.execute(UPDATE_PARKED, {"rows": there})
        }
    await _save_references(connection, [row for row in rows if row.message.key in changed], new)
    return InsertResult(new, changed)


async def _save_references(connection: AsyncConnection, rows: Sequence[Row], new: Set[MessageKey]) -> None:
    parked = [named for row in rows if row.status == InboxStatus.PARKED for named in _reference_rows(row)]
    done = [
        named
        for row in rows
        if row.status == InboxStatus.DONE and row.message.key not in new
        for named in _reference_rows(row)
    ]
    if parked:
        await connection.execute(INSERT_NAMING, {"naming": parked})
    if done:
        await connection.execute(DELETE_NAMING, {"naming": done})


def _reference_rows(row: Row) -> list[tuple[str, ...]]:
    return [(*reference, row.message.message_id) for reference in row.names]


async def select_waiting_for(connection: AsyncConnection, references: Iterable[Key]) -> list[MessageKey]:
    """The parked messages that name one of these references."""
    rows = await connection.execute(SELECT_NAMING, {"references": list(references)})
    return sorted({(source, message_id) for source, message_id in rows})


async def messages(connection: AsyncConnection, keys: Iterable[MessageKey]) -> list[Message]:
    """These messages."""
    return [Message(*row) for row in await connection.execute(SELECT_MESSAGES, {"keys": list(keys)})]


async def parked_after(connection: AsyncConnection, last: MessageKey) -> list[Message]:
    """The next page of the parked messages, by source and id."""
    rows = await connection.execute(SELECT_PARKED, {"source": last[0], "message_id": last[1]})
    return [Message(*row) for row in rows]
