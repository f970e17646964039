"""Progress, and the one way to combine it: a join, so that order, batching and repetition do not matter.

`merge` is associative, commutative and idempotent, with `EMPTY` as its identity. A field is declared once, here: its
join, the column of `lms_progress`, the fold in SQL and the description in docs/sql.md follow from its annotation.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any, NamedTuple, get_args, get_type_hints

from projections.joins import Join, Max, Min


class Doc(NamedTuple):
    """The description of a field, for people."""

    text: str


class Stored(NamedTuple):
    """The name of a field's column, where it is not the field's own."""

    name: str


class Progress(NamedTuple):
    """The progress of one learner in one class. None (or 0 s) stands for what no event has proved. Times are UTC."""

    course_id: Annotated[str | None, Min(), Stored("named_course_id"), Doc("The course that events named.")] = None
    video_max_position_sec: Annotated[int, Max(), Doc("The furthest position, in whole seconds.")] = 0
    video_completed_at: Annotated[datetime | None, Min(), Doc("When the video was first completed.")] = None
    quiz_score: Annotated[int | None, Max(), Doc("The best score, in whole points.")] = None
    quiz_passed_at: Annotated[datetime | None, Min(), Doc("When the quiz was first passed.")] = None


class ProgressField(NamedTuple):
    """A field of progress as it was declared. `value_type` is its Python type without None."""

    name: str
    column: str
    value_type: type
    join: Join
    default: object
    doc: str


def fields_of(empty: tuple[Any, ...]) -> tuple[ProgressField, ...]:
    """Return the fields that a NamedTuple declares, in their order; the values of `empty` are the defaults.

    Raise TypeError for a field without a join.
    """
    hints = get_type_hints(type(empty), include_extras=True)
    return tuple(_field(name, hint, default) for (name, hint), default in zip(hints.items(), empty, strict=True))


def _field(name: str, hint: Any, default: object) -> ProgressField:
    value, *more = get_args(hint) if hasattr(hint, "__metadata__") else (hint,)
    joins = [each for each in more if isinstance(each, Join)]
    if len(joins) != 1:
        raise TypeError(f"Progress.{name}: expected one join in its annotation, found {len(joins)}")
    value_type = next(each for each in get_args(value) or (value,) if each is not type(None))
    column = next((each.name for each in more if isinstance(each, Stored)), name)
    doc = next((each.text for each in more if isinstance(each, Doc)), "")
    return ProgressField(name, column, value_type, joins[0], default, doc)


EMPTY = Progress()
FIELDS = fields_of(EMPTY)

_IS_LEAST = tuple(isinstance(field.join, Min) for field in FIELDS)
_HAS_OTHER_JOINS = not all(isinstance(field.join, Min | Max) for field in FIELDS)


def merge(a: Progress, b: Progress) -> Progress:
    """Return everything that either proves: the furthest position, the best score, the earliest times."""
    if _HAS_OTHER_JOINS:
        return Progress._make(map(_join, a, b, FIELDS))
    pairs: Iterable[tuple[Any, Any, bool]] = zip(a, b, _IS_LEAST, strict=False)
    return Progress._make([y if x is None else x if y is None or (x < y) is least else y for x, y, least in pairs])


def _join(a: Any, b: Any, field: ProgressField) -> Any:
    return b if a is None else a if b is None else field.join.merge(a, b)


def encode(progress: Progress) -> Iterable[Any]:
    """Return the values as they are stored, in the order of the fields."""
    if not _HAS_OTHER_JOINS:
        return progress
    return [None if value is None else field.join.encode(value) for value, field in zip(progress, FIELDS, strict=True)]


def decode(stored: Iterable[Any]) -> Progress:
    """Return the progress of stored values."""
    if not _HAS_OTHER_JOINS:
        return Progress._make(stored)
    values = zip(stored, FIELDS, strict=True)
    return Progress._make([None if value is None else field.join.decode(value) for value, field in values])
