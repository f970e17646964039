"""API keys in the database: made once, shown once, kept only as a hash."""

import secrets
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import NamedTuple

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bootstrap.tables import lms_key
from eventstore.errors import NotFoundError

PREFIX = "lms_"
"""By which a key is told from a learner's token, and found by those who search code for leaked keys."""


class Scope(StrEnum):
    """What a key may do."""

    INGEST = "ingest"
    READ = "read"
    PUBLISH = "publish"
    OPERATE = "operate"


class Key(NamedTuple):
    """A key as it is listed; `revoked_at` is None while it is good."""

    key_id: str
    name: str
    scopes: frozenset[Scope]
    created_at: datetime
    revoked_at: datetime | None


_k = lms_key.c
_COLUMNS = (_k.key_id, _k.name, _k.scopes, _k.created_at, _k.revoked_at)

SELECT_ALL = select(*_COLUMNS).order_by(_k.created_at, _k.key_id)
"""All keys, the oldest first."""


async def create(connection: AsyncConnection, name: str, scopes: Iterable[Scope], now: datetime) -> str:
    """Makes a key and returns it: 256 random bits that are never seen again."""
    key = PREFIX + secrets.token_urlsafe(32)
    row = {
        "key_id": secrets.token_hex(4),
        "name": name,
        "hash": hash_of(key),
        "scopes": " ".join(sorted(set(scopes))),
        "created_at": now,
    }
    await connection.execute(insert(lms_key), row)
    return key


async def list_all(connection: AsyncConnection) -> list[Key]:
    """All keys, revoked ones too."""
    return [_key(*row) for row in await connection.execute(SELECT_ALL)]


async def find(connection: AsyncConnection, key: str) -> Key | None:
    """The key, unless there is none such or it is revoked."""
    query = select(*_COLUMNS).where(_k.hash == hash_of(key), _k.revoked_at.is_(None))
    row = (await connection.execute(query)).one_or_none()
    return _key(*row) if row else None


async def revoke(connection: AsyncConnection, key_id: str, now: datetime) -> None:
    """Ends a key. Raises NotFound if there is no good key of that id."""
    statement = update(lms_key).where(_k.key_id == key_id, _k.revoked_at.is_(None)).values(revoked_at=now)
    if (await connection.execute(statement)).rowcount == 0:
        raise NotFoundError(
            f"expected the id of a key that is not revoked, found {key_id!r}: see `lms-progress key list`"
        )


def hash_of(key: str) -> str:
    """Keys are random, so that a plain hash is as good as a slow one."""
    return sha256(key.encode()).hexdigest()


def _key(key_id: str, name: str, scopes: str, created_at: datetime, revoked_at: datetime | None) -> Key:
    return Key(key_id, name, frozenset(map(Scope, scopes.split())), created_at, revoked_at)
