"""Lists: the filters, `limit` and `cursor` of every list, and the transaction that reads it."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any, NamedTuple, TypeVar

from fastapi import Depends, Query, Request
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.engine import Engine
from views.page import DEFAULT_LIMIT, Cursor, Limit

Result = TypeVar("Result")


class Paging(NamedTuple):
    """The requested page of a list: the maximal number of items, and the cursor."""

    limit: int
    cursor: str | None


async def paging(limit: Annotated[Limit, Query()] = DEFAULT_LIMIT, cursor: Annotated[Cursor, Query()] = None) -> Paging:
    """Return the requested page. It is a coroutine, since FastAPI runs other dependencies in threads."""
    return Paging(limit, cursor)


Paged = Annotated[Paging, Depends(paging)]


async def query(request: Request, work: Callable[[AsyncConnection], Coroutine[Any, Any, Result]]) -> Result:
    """Run `work` in one read transaction of the app's database."""
    engine: Engine = request.app.state.engine
    return await engine.database.run_read(work)


def drop_none(**filters: str | None) -> dict[str, str]:
    """Return the filters that the caller set."""
    return {name: value for name, value in filters.items() if value is not None}
