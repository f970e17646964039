"""Pages: keyset pagination, which costs the same on every page of a list.

A cursor is the encoded key of the last row of a page. Clients pass it back unchanged.
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
    """Return the instant in UTC; an offset could move one at the calendar's edge out of it."""
    if instant.utcoffset() == UTC.utcoffset(None):
        return instant
    raise ValueError("a time in UTC")


KeyText = Annotated[str, Field(pattern=r"^[^\x00]*$")]
KeyTime = Annotated[AwareDatetime, AfterValidator(in_utc)]
Int32 = Annotated[int, Field(ge=-(2**31), lt=2**31)]
Int64 = Annotated[int, Field(ge=-(2**63), lt=2**63)]
"""An integer of a key that the database can compare: a forged cursor could contain a larger one."""


class Page(BaseModel, Generic[Item]):
    """Some items of a list, and the cursor of the next page; null on the last one."""

    items: list[Item]
    next: str | None


def page(
    rows: Sequence[Found], limit: int, to_item: Callable[[Found], Item], key: Callable[[Found], Sequence[object]]
) -> Page[Item]:
    """Return the page of `rows`, which are one more than `limit` if another page follows."""
    page_rows = rows[:limit]
    next_cursor = encode(key(page_rows[-1])) if len(rows) > limit else None
    return Page(items=[to_item(row) for row in page_rows], next=next_cursor)


def row_to_model(model: type[Model]) -> Callable[[Row[Any]], Model]:
    """Return a function that converts rows to models, by a dict, which takes half the time of reading the row's
    attributes.
    """
    return lambda row: model.model_validate(row._asdict())


def encode(key: Sequence[object]) -> str:
    return urlsafe_b64encode(to_json(list(key))).decode().rstrip("=")


def decode(cursor: str, *types: Any) -> list[Any]:
    """Return the key that `encode` put into the cursor. Raise InvalidInputError for any other text."""
    try:
        text = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        return list(TypeAdapter(tuple[types]).validate_json(text))  # type: ignore[valid-type]
    except (ValueError, ValidationError) as error:
        raise InvalidInputError(
            [FieldError("cursor", "the `next` of an earlier page of this list", shorten_repr(cursor))]
        ) from error


def apply_filters(query: Select[Any], source: FromClause, filters: Mapping[str, str]) -> Select[Any]:
    """Filter by these column values. A filter by learner comes first, as a learner has few rows."""
    by_learner = "user_id" in filters
    for name, value in filters.items():
        column = source.c[name]
        query = query.where((no_index(column) if by_learner and name != "user_id" else column) == value)
    return query


def keyset_after(*keys: tuple[ColumnElement[Any], Any], descending: bool = False) -> ColumnElement[bool]:
    """Return the condition for rows behind these keys in the order of the columns, in a form that indexes serve."""
    (column, value), *rest = keys
    beyond: ColumnElement[bool] = column < value if descending else column > value
    if not rest:
        return beyond
    reached = column <= value if descending else column >= value
    return and_(reached, or_(beyond, keyset_after(*rest, descending=descending)))
