"""What is asked of the platform's database, in the words of its layout: names are quoted, values are parameters.

Whatever types its columns have, they are read as text, numbers, and instants with their offset from UTC.
"""

from typing import Any, NamedTuple

from sqlalchemy import (
    ARRAY,
    BigInteger,
    DateTime,
    Double,
    Label,
    Select,
    TableClause,
    Text,
    any_,
    bindparam,
    cast,
    column,
    extract,
    func,
    select,
    table,
    tuple_,
)
from sqlalchemy.sql.elements import ColumnElement

from integrations.platform_monitor.layout import Layout
from integrations.platform_monitor.relations import Changing, Contents, Exams, Relation
from integrations.platform_monitor.schema_check import IDS, INTERVAL, NAIVE, NUMBERED, NUMBERS, WHOLE, Types

INSTANT = DateTime(timezone=True)
PAGE = 1_000
"""How many rows are read at once."""

_c = table(
    "columns", *map(column, ("table_schema", "table_name", "column_name", "data_type")), schema="information_schema"
)
SELECT_COLUMNS = select(
    *(cast(_c.c[name], Text).label(name) for name in ("table_name", "column_name", "data_type"))
).where(_c.c.table_schema == bindparam("schema", type_=Text))
"""The columns of a schema that we may read, and their types."""

_snapshot = func.pg_current_snapshot()
SELECT_MOMENT = select(
    func.clock_timestamp(type_=INSTANT).label("at"),
    cast(cast(func.pg_snapshot_xmin(_snapshot), Text), BigInteger).label("oldest"),
    cast(cast(func.pg_snapshot_xmax(_snapshot), Text), BigInteger).label("next"),
)
"""What time it is there, the oldest transaction that has not ended, and the first that has not begun."""


class Feed(NamedTuple):
    """How the rows of a table that changes are read, in the order of their changes: from an instant on, after a row."""

    since: Select[Any]
    after: Select[Any]


class Reader:
    """Makes the statements for a platform of this layout, whose columns are of these types."""

    def __init__(self, layout: Layout, types: Types) -> None:
        self._layout = layout
        self._types = types
        self._tables = {relation: table_of(layout, relation) for _, relation in layout.relations()}

    def exam_attempts(self) -> Feed:
        """Attempts with what is known of the student and the exam."""
        return self._feed(self._layout.exam_attempts, "exam_id", self._layout.exams)

    def content_progress(self) -> Feed:
        """Progress with what is known of the student and the content."""
        return self._feed(self._layout.content_progress, "content_id", self._layout.contents)

    def mentors(self) -> Select[Any] | None:
        """The mentors of some students, a row for each pair; None for a platform that has none."""
        layout = self._layout
        if layout.mentors is None or layout.student_mentors is None:
            return None
        mentors, pairs = self._tables[layout.mentors], self._tables[layout.student_mentors]
        student_id = pairs.c[layout.student_mentors.student_id]
        students = cast(
            bindparam("students", type_=ARRAY(Text)), ARRAY(IDS[self._type(layout.student_mentors, "student_id")])
        )
        mentor_id = mentors.c[layout.mentors.id]
        return (
            select(cast(student_id, Text).label("student_id"), *self._values(layout.mentors))
            .join_from(pairs, mentors, mentor_id == pairs.c[layout.student_mentors.mentor_id])
            .where(student_id == any_(students))
            .order_by(mentor_id)
        )

    def _feed(self, changing: Changing, subject_id: str, subject: Exams | Contents) -> Feed:
        rows, about, students = (self._tables[each] for each in (changing, subject, self._layout.students))
        changed_at, row_id = rows.c[changing.changed_at], rows.c[changing.id]
        query = (
            select(
                *self._values(changing),
                *self._values(subject, "subject_"),
                *self._values(self._layout.students, "student_"),
            )
            .outerjoin_from(rows, about, rows.c[getattr(changing, subject_id)] == about.c[subject.id])
            .outerjoin(students, rows.c[changing.student_id] == students.c[self._layout.students.id])
            .order_by(changed_at, row_id)
            .limit(PAGE)
        )
        instant = self._instant(changing, bindparam("changed_at", type_=INSTANT))
        last = cast(bindparam("row_id", type_=Text), IDS[self._type(changing, "id")])
        return Feed(query.where(changed_at >= instant), query.where(tuple_(changed_at, row_id) > tuple_(instant, last)))

    def _instant(self, changing: Changing, value: ColumnElement[Any]) -> ColumnElement[Any]:
        """A time as the column has it, so that its index serves."""
        return cast(value, DateTime()) if self._type(changing, "changed_at") == NAIVE else value

    def _values(self, relation: Relation, prefix: str = "") -> list[Label[Any]]:
        source = self._tables[relation]
        return [
            value(source.c[said], name, self._types[relation.table, said]).label(prefix + name)
            for name, said in relation.columns()
            if not (prefix and name == "id")
        ]

    def _type(self, relation: Relation, name: str) -> str:
        return self._types[relation.table, getattr(relation, name)]


def table_of(layout: Layout, relation: Relation) -> TableClause:
    names = {said for _, said in relation.columns()}
    return table(relation.table, *map(column, sorted(names)), schema=layout.schema_)


def value(said: ColumnElement[Any], name: str, kind: str) -> ColumnElement[Any]:
    """A column as it is read, whatever its type."""
    if name in WHOLE:
        return cast(said, BigInteger)
    if name in NUMBERED or (name == "time_taken" and kind in NUMBERS):
        return cast(said, Double)
    if name.endswith("_at"):
        return cast(said, INSTANT)
    return cast(extract("epoch", said), Double) if kind == INTERVAL else cast(said, Text)
