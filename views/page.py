"""Pages: a list is read by key, a page after the other, at the same cost however far one has come.

A cursor is the key of the last row that was shown; callers take it as it is, and hand it back.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, Field, TypeAdapter, ValidationError
from pydantic_core import to_json
from sqlalchemy import ColumnElement, FromClause, Row, Select, and_, or_

from eventstore.db import no_index
from eventstore.errors import FieldError, InvalidInputError, shorten_repr
from eventstore.event_type import Ident

Item = TypeVar("Item")
Found = TypeVar("Found")
Model = TypeVar("Model", bound=BaseModel)

DEFAULT_LIMIT = 100
MAX_LIMIT = 1_000

Limit = Annotated[int, Field(ge=1, le=MAX_LIMIT, description="How many items at most")]
Filter = Annotated[Ident | None, Field(description="Only items with exactly this")]
Cursor = Annotated[str | None, Field(description="`next` of the page before")]


def in_utc(instant: datetime) -> datetime:
    """An offset could take an instant at the calendar's edge out of it."""
    if instant.utcoffset() == UTC.utcoffset(None):
        return instant
    raise ValueError("a time in UTC")


KeyText = Annotated[str, Field(pattern=r"^[^\x00]*$")]
KeyTime = Annotated[AwareDatetime, AfterValidator(in_utc)]
Int32 = Annotated[int, Field(ge=-(2**31), lt=2**31)]
Int64 = Annotated[int, Field(ge=-(2**63), lt=2**63)]
"""What keys are made of: whatever else a cursor is forged of, the database could not compare with."""


class Page(BaseModel, Generic[Item]):
    """Some items of a list, and the cursor of those that follow; null when there are none."""

    items: list[Item]
    next: str | None


def page(
    rows: Sequence[Found], limit: int, show: Callable[[Found], Item], key: Callable[[Found], Sequence[object]]
) -> Page[Item]:
    """The page of `rows`, of which one more than `limit` was asked for to see whether any follow."""
    shown = rows[:limit]
    following = encode(key(shown[-1])) if len(rows) > limit else None
    return Page(items=[show(row) for row in shown], next=following)


def row_to_model(model: type[Model]) -> Callable[[Row[Any]], Model]:
    """Makes items of rows. A model takes a dict of the columns in half of the time that it takes for the row itself."""
    return lambda row: model.model_validate(row._asdict())


def encode(key: Sequence[object]) -> str:
    return urlsafe_b64encode(to_json(list(key))).decode().rstrip("=")


def decode(cursor: str, *types: Any) -> list[Any]:
    """The key that `encode` made this cursor of. Raises InvalidInput for any other text."""
    try:
        text = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        return list(TypeAdapter(tuple[types]).validate_json(text))  # type: ignore[valid-type]
    except (ValueError, ValidationError) as error:
        raise InvalidInputError(
            [FieldError("cursor", "the `next` of an earlier page of this list", shorten_repr(cursor))]
        ) from error


def apply_filters(query: Select[Any], source: FromClause, filters: Mapping[str, str]) -> Select[Any]:
    """The rows with those column values. A learner's are few: they are found as such, whatever else is asked."""
    by_learner = "user_id" in filters
    for name, value in filters.items():
        column = source.c[name]
        query = query.where((no_index(column) if by_learner and name != "user_id" else column) == value)
    return query


def keyset_after(*keys: tuple[ColumnElement[Any], Any], descending: bool = False) -> ColumnElement[bool]:
    """The rows that follow those keys in the order of the columns, in a form that indexes serve."""
    (column, value), *rest = keys
    beyond: ColumnElement[bool] = column < value if descending else column > value
    if not rest:
        return beyond
    reached = column <= value if descending else column >= value
    return and_(reached, or_(beyond, keyset_after(*rest, descending=descending)))
