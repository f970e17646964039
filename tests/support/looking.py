"""Looking into a database again and again, as whoever waits for something does.

On one connection: to open a new one costs so much that what is waited for would be held up by it.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager

from tests.conftest import opened
from tests.engine.rows import Row, rows


@contextmanager
def looking(url: str) -> Iterator[Callable[[str], list[Row]]]:
    """Answers SELECTs on the database at `url`."""
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        database = runner.run(stack.enter_async_context(opened(url)))
        try:
            yield lambda sql: runner.run(rows(database, sql))
        finally:
            runner.run(stack.aclose())
