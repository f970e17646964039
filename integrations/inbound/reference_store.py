"""Facts in the database: each table keeps the last word on each thing, whatever order the words arrive in."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from sqlalchemy import Insert, Table, select, true, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from eventstore.db import insert
from eventstore.db.json_rows import json_rows
from integrations.inbound.reference_data import Enrolment, Fact, Key, Media, Profile, Reference, latest
from integrations.tables import lms_reference
from signals.tables import lms_enrolment, lms_media, lms_profile


def upsert(table: Table, *rank: str, lowest: bool = False) -> Insert:
    """Keeps rows, each unless one is there that ranks as high by these columns in turn.

    As low, if the `lowest` counts.
    """
    rows = json_rows("rows", *table.c)
    key = list(table.primary_key.columns)
    statement = insert(table).from_select(
        [c.name for c in table.c], select(*rows.c).where(true()).order_by(*(rows.c[c.name] for c in key))
    )
    new = tuple_(*(statement.excluded[name] for name in rank))
    known = tuple_(*(table.c[name] for name in rank))
    return statement.on_conflict_do_update(
        index_elements=key,
        set_={c.name: statement.excluded[c.name] for c in table.c if not c.primary_key},
        where=new < known if lowest else new > known,
    )


UPSERT_PROFILES = upsert(lms_profile, "said_at", "value")
"""Keeps what was said of learners last."""

UPSERT_ENROLMENTS = upsert(lms_enrolment, "enrolled_at", lowest=True)
"""Keeps who was enrolled in which course, and when first."""

UPSERT_MEDIA = upsert(lms_media, "said_at", "media_id", "duration_sec")
"""Keeps what was said of the videos of classes last."""

UPSERT_REFERENCES = upsert(lms_reference, "said_at", "is_deleted", "name", "details")
"""Keeps what was said last of things of other systems."""

UPSERTS: Mapping[type[Fact], Insert] = {
    Profile: UPSERT_PROFILES,
    Enrolment: UPSERT_ENROLMENTS,
    Media: UPSERT_MEDIA,
    Reference: UPSERT_REFERENCES,
}
"""By the sort of fact, in the order in which every transaction writes them."""

_r = lms_reference.c
_keys = json_rows("keys", _r.source, _r.kind, _r.external_id)

SELECT_REFERENCES = select(*_r).join(
    _keys, (_r.source == _keys.c.source) & (_r.kind == _keys.c.kind) & (_r.external_id == _keys.c.external_id)
)
"""Those of some references that are known."""


async def save_reference_data(connection: AsyncConnection, facts: Collection[Fact]) -> None:
    """Keeps facts, each unless something was said later of the same thing."""
    for sort, statement in UPSERTS.items():
        last = latest(fact for fact in facts if isinstance(fact, sort))
        if last:
            await connection.execute(statement, {"rows": [row(fact) for fact in last.values()]})


def row(fact: Fact) -> Sequence[object]:
    return fact._replace(name=fact.name or "") if isinstance(fact, Reference) else fact


async def references(connection: AsyncConnection, keys: Iterable[Key]) -> dict[Key, Reference]:
    """Those of these references that are known, by their keys."""
    wanted = sorted(set(keys))
    if not wanted:
        return {}
    found = [Reference(*row) for row in await connection.execute(SELECT_REFERENCES, {"keys": wanted})]
    return {known.key: known._replace(name=known.name or None) for known in found}
