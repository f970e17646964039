"""All that SQLite and PostgreSQL do differently, as capabilities. No other package knows which of them it talks to.

Statements elsewhere are written once, in SQLAlchemy Core, with the pieces below where the two part ways.
"""

from eventstore.dialects.blocking import Work, reader_thread, writer_thread
from eventstore.dialects.bulk import insert_rows, time_as_kept
from eventstore.dialects.columns import Id, JsonText, Name, Seq, UtcTime, times_are_text
from eventstore.dialects.connect import WRITES, create_engine, import_driver
from eventstore.dialects.days import daily_counts
from eventstore.dialects.direct import DirectConnection
from eventstore.dialects.functions import at_least, later, unindexed, utc_day, whole_part
from eventstore.dialects.indexes import only_rows
from eventstore.dialects.json_functions import json_field, json_text, plain_number
from eventstore.dialects.log import append_only, seq_keys
from eventstore.dialects.prepared import PreparedStatements
from eventstore.dialects.presence import Presence, presence_of
from eventstore.dialects.statements import hours_ago, in_stages, insert, texts_apart, unnest_json
from eventstore.dialects.transactions import begin_batch, has_one_writer, lock_courses, lock_rounds, one_snapshot
from eventstore.dialects.trouble import is_clash, is_transient

__all__ = [
    "WRITES",
    "DirectConnection",
    "Id",
    "JsonText",
    "Name",
    "PreparedStatements",
    "Presence",
    "Seq",
    "UtcTime",
    "Work",
    "append_only",
    "at_least",
    "begin_batch",
    "create_engine",
    "daily_counts",
    "has_one_writer",
    "hours_ago",
    "import_driver",
    "in_stages",
    "insert",
    "insert_rows",
    "is_clash",
    "is_transient",
    "json_field",
    "json_text",
    "later",
    "lock_courses",
    "lock_rounds",
    "one_snapshot",
    "only_rows",
    "plain_number",
    "presence_of",
    "reader_thread",
    "seq_keys",
    "texts_apart",
    "time_as_kept",
    "times_are_text",
    "unindexed",
    "unnest_json",
    "utc_day",
    "whole_part",
    "writer_thread",
]
