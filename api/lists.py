"""What every list has in common: its filters, its `limit` and `cursor`, and the transaction that it is read in."""

from contextlib import AbstractAsyncContextManager
from typing import Annotated, NamedTuple

from fastapi import Depends, Query, Request
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.engine import Engine
from views.page import DEFAULT_LIMIT, Cursor, Limit


class Paging(NamedTuple):
    """Which page of a list: how many items at most, and after which."""

    limit: int
    cursor: str | None


def paging(limit: Annotated[Limit, Query()] = DEFAULT_LIMIT, cursor: Annotated[Cursor, Query()] = None) -> Paging:
    """The page that the query names."""
    return Paging(limit, cursor)


Paged = Annotated[Paging, Depends(paging)]


def reading(request: Request) -> AbstractAsyncContextManager[AsyncConnection]:
    """A transaction of the app's database that only reads."""
    engine: Engine = request.app.state.engine
    return engine.database.read()


def given(**filters: str | None) -> dict[str, str]:
    """The filters that the caller named."""
    return {name: value for name, value in filters.items() if value is not None}
