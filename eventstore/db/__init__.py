"""The differences between SQLite and PostgreSQL. No other package knows which database it uses.

Other layers write each statement once, in SQLAlchemy Core, and use the functions below where the databases differ.
"""

from eventstore.db.append_only import append_only, seq_keys
from eventstore.db.bulk import insert_rows, time_encoder
from eventstore.db.columns import Id, JsonText, Name, Seq, UtcTime, times_are_text
from eventstore.db.connect import WRITES, create_engine, import_driver
from eventstore.db.daily_counts import daily_counts
from eventstore.db.error_classification import is_serialization_failure, is_transient
from eventstore.db.functions import decimal_ge, greatest, no_index, trunc_int, utc_day
from eventstore.db.indexes import partial_index
from eventstore.db.json_functions import json_field, json_text, plain_number
from eventstore.db.postgresql.fast_path import DirectConnection
from eventstore.db.prepared import PreparedStatements
from eventstore.db.sqlite.writer_marker import WriterMarker, writer_marker_of
from eventstore.db.sqlite.writer_thread import Work, reader_thread, writer_thread
from eventstore.db.statements import hours_ago, insert, optimization_fence, postgresql_fence, unnest_json
from eventstore.db.transactions import (
    begin_batch,
    has_one_writer,
    lock_courses,
    lock_fallback_shard,
    repeatable_read_options,
)

__all__ = [
    "WRITES",
    "DirectConnection",
    "Id",
    "JsonText",
    "Name",
    "PreparedStatements",
    "Seq",
    "UtcTime",
    "Work",
    "WriterMarker",
    "append_only",
    "begin_batch",
    "create_engine",
    "daily_counts",
    "decimal_ge",
    "greatest",
    "has_one_writer",
    "hours_ago",
    "import_driver",
    "insert",
    "insert_rows",
    "is_serialization_failure",
    "is_transient",
    "json_field",
    "json_text",
    "lock_courses",
    "lock_fallback_shard",
    "no_index",
    "optimization_fence",
    "partial_index",
    "plain_number",
    "postgresql_fence",
    "reader_thread",
    "repeatable_read_options",
    "seq_keys",
    "time_encoder",
    "times_are_text",
    "trunc_int",
    "unnest_json",
    "utc_day",
    "writer_marker_of",
    "writer_thread",
]
