"""Column types: for each kind of value the best type of SQLite and of PostgreSQL."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, Integer, Text, Uuid
from sqlalchemy.dialects.postgresql import JSON
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from eventstore.times import from_text, to_text

Seq = BigInteger().with_variant(Integer(), "sqlite")
"""The number of an event. SQLite fills an INTEGER primary key from its rowid, and no other type."""

Id = Uuid(as_uuid=False).with_variant(Text(), "sqlite")
"""A UUID as text: 16 bytes on PostgreSQL, 36 readable characters on SQLite."""

Name = Text().with_variant(Text(collation="C"), "postgresql")
"""Text by which rows are found and ordered, always in the order of code points, which is Python's too."""

JsonText = JSON().with_variant(Text(), "sqlite")
"""JSON text, stored to the letter. The engine passes it through without parsing."""


def times_are_text(dialect: Dialect) -> bool:
    """Return whether the database stores instants as text, which must be of one width then."""
    return dialect.name == "sqlite"


class UtcTime(TypeDecorator[datetime]):
    """An instant: TIMESTAMP WITH TIME ZONE on PostgreSQL, text of one width on SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Text() if times_are_text(dialect) else DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        return to_text(value) if value is not None and times_are_text(dialect) else value

    def process_result_value(self, value: Any, _: Dialect) -> datetime | None:
        return from_text(value) if isinstance(value, str) else value
