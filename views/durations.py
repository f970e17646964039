"""The lengths of classes' videos, as other systems sent them."""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from eventstore.db.json_rows import json_rows
from signals.tables import lms_media

_m = lms_media.c
_classes = json_rows("classes", _m.class_id)

SELECT_DURATIONS = select(_m.class_id, _m.duration_sec).join(_classes, _m.class_id == _classes.c.class_id)
"""The lengths of the videos of some classes."""


async def read(connection: AsyncConnection, class_ids: Iterable[str]) -> dict[str, int]:
    """Return the lengths in seconds, of the classes for which one is known."""
    classes = [(class_id,) for class_id in class_ids]
    if not classes:
        return {}
    rows = (await connection.execute(SELECT_DURATIONS, {"classes": classes})).all()
    return dict(rows)
