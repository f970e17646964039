"""The terminal: results on stdout, everything else on stderr, a progress bar where somebody watches."""

import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table
from rich.text import Text

WIDE = 10_000
"""The width of output to a file or a pipe: nothing is folded there."""

errors = Console(stderr=True)


def echo(message: str) -> None:
    """Print a line of the command's result."""
    print(message, flush=True)


def echo_err(message: str) -> None:
    """Print a line on stderr, above the progress bar if there is one."""
    errors.print(message, markup=False, highlight=False, soft_wrap=True)


def show(*columns: str, rows: Sequence[tuple[object, ...]], numbers: tuple[str, ...] = ()) -> None:
    """Print a table of `rows` under the `columns`' names; columns in `numbers` are aligned to the right."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, justify="right" if column in numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*map(str, row))
    console = Console(width=None if sys.stdout.isatty() else WIDE, markup=False, highlight=False)
    console.print(table)


def age(time: timedelta) -> str:
    """Format a duration in its two largest units: `3 d 4 h`, `4 h 12 min`, `12 min 5 s`."""
    minutes, seconds = divmod(max(0, int(time.total_seconds())), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (seconds, "s")]
    first = next((place for place, (number, _) in enumerate(parts[:-2]) if number), len(parts) - 2)
    return " ".join(f"{number} {unit}" for number, unit in parts[first : first + 2])


@contextmanager
def sigterm_as_ctrl_c() -> Iterator[None]:
    """Make SIGTERM end the block as Ctrl-C does."""

    def end(*_: object) -> None:
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell's script ignores SIGINT for background programs
            raise KeyboardInterrupt
        signal.raise_signal(signal.SIGINT)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def bytes_bar(what: str, total: int | None) -> Iterator["Bar"]:
    """Show a bar of bytes with their rate and the remaining time; without a `total` it only counts."""
    with _bar(what, total, DownloadColumn(), TransferSpeedColumn()) as bar:
        yield bar


@contextmanager
def rows_bar(what: str, total: int) -> Iterator["Bar"]:
    """Show a bar of rows."""
    with _bar(what, total, TextColumn("{task.completed:,} rows")) as bar:
        yield bar


@contextmanager
def phase_progress() -> Iterator[Callable[[str, int, int], None]]:
    """Show one bar after the other. The callback takes a phase, the work that is done, and the total."""
    with _bars(TextColumn("{task.completed:,} of {task.total:,}"), RateColumn()) as progress:
        stages: dict[str, TaskID] = {}

        def watch(stage: str, done: int, total: int) -> None:
            if stage not in stages:
                stages[stage] = progress.add_task(stage, total=total)
            progress.update(stages[stage], completed=done, total=total)

        yield watch


class RateColumn(ProgressColumn):
    """The number of items done in a second."""

    def render(self, task: Task) -> Text:
        """Return the rate, or nothing while it is unknown."""
        return Text(f"{task.speed:,.0f}/s" if task.speed else "")


class Bar:
    """A progress bar."""

    def __init__(self, progress: Progress, what: str, total: int | None) -> None:
        self._progress = progress
        self._task = progress.add_task(what, total=total)

    def reach(self, completed: int) -> None:
        """Show that this much is done."""
        self._progress.update(self._task, completed=completed)


@contextmanager
def _bar(what: str, total: int | None, *counts: ProgressColumn) -> Iterator[Bar]:
    with _bars(*counts) as progress:
        yield Bar(progress, what, total)


def _bars(*counts: ProgressColumn) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), *counts, TimeRemainingColumn())
    return Progress(*columns, console=errors, disable=not errors.is_terminal)
