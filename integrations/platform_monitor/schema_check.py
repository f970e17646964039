"""The columns of the platform's tables: whether they are there, and of types that can be read. Pure."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from sqlalchemy import BigInteger, Numeric, Text, Uuid
from sqlalchemy.types import TypeEngine

from eventstore.errors import FieldError, InvalidInputError
from integrations.platform_monitor.layout import Layout

IDS: Mapping[str, TypeEngine[Any]] = {
    **dict.fromkeys(("smallint", "integer", "bigint"), BigInteger()),
    "numeric": Numeric(),
    "uuid": Uuid(),
    **dict.fromkeys(("text", "character varying", "character"), Text()),
}
"""The types that an id may have, and what it is compared as."""

NUMBERS = ("smallint", "integer", "bigint", "numeric", "real", "double precision")
NAIVE = "timestamp without time zone"
TIMES = ("timestamp with time zone", NAIVE, "date")
INTERVAL = "interval"

NAMES = {"student_id": "students", "mentor_id": "mentors", "exam_id": "exams", "content_id": "contents"}
"""Of which table's row a column is the id."""

WHOLE = frozenset(("correct_answers", "incorrect_answers", "unanswered", "zulip_user_id"))
NUMBERED = WHOLE | {"max_score", "score", "percentage", "percentile", "speed", "duration_sec"}
"""What is a number, a whole one or any. `…_at` is a time, `id` and `…_id` an id; the rest is text, of any type."""

Types = Mapping[tuple[str, str], str]
"""The type of each column that may be read, by the names of its table and itself, as information_schema calls it."""


def check(layout: Layout, types: Types) -> None:
    """Holds the platform's columns to the layout. Raises InvalidInput with all that is missing, or of another type."""
    wrong = list(schema_errors(layout, types)) or list(mismatched_ids(layout, types))
    if wrong:
        raise InvalidInputError(wrong)


def schema_errors(layout: Layout, types: Types) -> Iterator[FieldError]:
    tables = {table for table, _ in types}
    for relation_name, relation in layout.relations():
        if relation.table not in tables:
            expected = f"a table of schema {layout.schema_!r} that LMS_DB_USER may read"
            yield FieldError(layout.where(relation_name, "table"), expected, f"no {relation.table!r} there")
            continue
        for name, column in relation.columns():
            found = types.get((relation.table, column))
            allowed = allowed_for(name)
            if found is None:
                expected = f"a column of {relation.table!r} that LMS_DB_USER may read"
                yield FieldError(layout.where(relation_name, name), expected, f"no {column!r} there")
            elif allowed and found not in allowed:
                expected = f"a column of {relation.table!r} of type {' or '.join(allowed)}"
                yield FieldError(layout.where(relation_name, name), expected, found)


def mismatched_ids(layout: Layout, types: Types) -> Iterator[FieldError]:
    """Ids that name a row by an id of another sort than that row has."""
    kinds = {
        (relation_name, name): types[relation.table, column]
        for relation_name, relation in layout.relations()
        for name, column in relation.columns()
    }
    for (relation_name, name), kind in kinds.items():
        named = NAMES.get(name)
        if named is not None and type_family(kind) != type_family(kinds[named, "id"]):
            expected = f"a column whose type goes with that of {named}.id, which is {kinds[named, 'id']}"
            yield FieldError(layout.where(relation_name, name), expected, kind)


def type_family(kind: str) -> str:
    return "a number" if kind in NUMBERS else "a text" if isinstance(IDS[kind], Text) else kind


def allowed_for(name: str) -> Collection[str]:
    """The types that a column may have of which we read this; none if any may be."""
    if name in NUMBERED:
        return NUMBERS
    if name.endswith("_at"):
        return TIMES
    return tuple(IDS) if name == "id" or name.endswith("_id") else ()
