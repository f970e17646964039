"""All that SQLite and PostgreSQL do differently, as capabilities. No other package knows which of them it talks to.

Statements elsewhere are written once, in SQLAlchemy Core, with the pieces below where the two part ways.
"""

from eventstore.dialects.columns import Id, JsonText, Name, Seq, UtcTime
from eventstore.dialects.connect import WRITES, create_engine
from eventstore.dialects.log import append_only, log_keys
from eventstore.dialects.statements import hours_ago, insert, later, unindexed, unnest_json, utc_day
from eventstore.dialects.transactions import has_one_writer, lock_courses, one_snapshot
from eventstore.dialects.trouble import is_clash, is_transient

__all__ = [
    "WRITES",
    "Id",
    "JsonText",
    "Name",
    "Seq",
    "UtcTime",
    "append_only",
    "create_engine",
    "has_one_writer",
    "hours_ago",
    "insert",
    "is_clash",
    "is_transient",
    "later",
    "lock_courses",
    "log_keys",
    "one_snapshot",
    "unindexed",
    "unnest_json",
    "utc_day",
]
