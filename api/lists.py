"""What every list has in common: its filters, its `limit` and `cursor`, and the transaction that it is read in."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any, NamedTuple, TypeVar

from fastapi import Depends, Query, Request
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.engine import Engine
from views.page import DEFAULT_LIMIT, Cursor, Limit

Result = TypeVar("Result")


class Paging(NamedTuple):
    """Which page of a list: how many items at most, and after which."""

    limit: int
    cursor: str | None


async def paging(limit: Annotated[Limit, Query()] = DEFAULT_LIMIT, cursor: Annotated[Cursor, Query()] = None) -> Paging:
    """The page that the query names. A dependency that is no coroutine, FastAPI would send to a thread."""
    return Paging(limit, cursor)


Paged = Annotated[Paging, Depends(paging)]


async def query(request: Request, work: Callable[[AsyncConnection], Coroutine[Any, Any, Result]]) -> Result:
    """What `work` reads, in one transaction of the app's database."""
    engine: Engine = request.app.state.engine
    return await engine.database.run_read(work)


def drop_none(**filters: str | None) -> dict[str, str]:
    """The filters that the caller named."""
    return {name: value for name, value in filters.items() if value is not None}
