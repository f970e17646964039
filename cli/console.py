"""What a terminal is told: results on stdout, everything else on stderr, a progress bar where somebody watches."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    ProgressColumn,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table

WIDE = 10_000
"""The width of what goes to a file or a pipe: nothing is folded there."""

errors = Console(stderr=True)


def say(message: str) -> None:
    """A line of the command's result."""
    print(message, flush=True)


def tell(message: str) -> None:
    """A line on the side, above the progress bar if there is one."""
    errors.print(message, markup=False, highlight=False, soft_wrap=True)


def show(*columns: str, rows: Sequence[tuple[object, ...]], numbers: tuple[str, ...] = ()) -> None:
    """A table of `rows` under the `columns`' names; those in `numbers` are aligned to the right."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, justify="right" if column in numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*map(str, row))
    console = Console(width=None if sys.stdout.isatty() else WIDE, markup=False, highlight=False)
    console.print(table)


@contextmanager
def bytes_bar(what: str, total: int | None) -> Iterator["Bar"]:
    """A bar of bytes with their rate and the time that is left; without a `total` it only counts."""
    with _bar(what, total, DownloadColumn(), TransferSpeedColumn()) as bar:
        yield bar


@contextmanager
def rows_bar(what: str, total: int) -> Iterator["Bar"]:
    """A bar of rows."""
    with _bar(what, total, TextColumn("{task.completed:,} rows")) as bar:
        yield bar


class Bar:
    """How far something has come."""

    def __init__(self, progress: Progress, what: str, total: int | None) -> None:
        self._progress = progress
        self._task = progress.add_task(what, total=total)

    def reach(self, completed: int) -> None:
        """Shows that so much is done."""
        self._progress.update(self._task, completed=completed)


@contextmanager
def _bar(what: str, total: int | None, *counts: ProgressColumn) -> Iterator[Bar]:
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), *counts, TimeRemainingColumn())
    with Progress(*columns, console=errors, disable=not errors.is_terminal) as progress:
        yield Bar(progress, what, total)
