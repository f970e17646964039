"""`lms-progress import`: reads events from a file and writes them at the same time.

An invalid line is refused with its number and the reason; the other lines are imported.
"""

import asyncio
import gc
import sys
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Annotated, TypeVar

import typer

from bootstrap.settings import Settings, load
from cli.console import Bar, bytes_bar, echo, echo_err
from cli.data.chunks import CHUNK_LINES, Chunk, Format, read_chunks
from cli.data.lines import Source, read_lines
from cli.engine_session import ready_engine, submit_with_retry
from engine.engine import Engine
from engine.ingest.submission import Receipt, sum_receipts
from eventstore.event import Event
from eventstore.times import system_clock

Result = TypeVar("Result")

SWITCH_SEC = 0.0005
"""How long the reading thread may keep the interpreter while the writing thread wants it, which it does for every row.
"""


@dataclass
class Report:
    """The numbers of an import."""

    accepted: int = 0
    duplicates: int = 0
    refused: int = 0
    skipped: Counter[str] = field(default_factory=Counter)


def import_command(
    file: Annotated[str, typer.Argument(help="The file to read; - is stdin. gzip is understood.")],
    form: Annotated[
        Format, typer.Option("--format", help="ndjson: events as the API takes them. xapi: xAPI video statements.")
    ] = Format.NDJSON,
) -> None:
    """Import events, one JSON object a line.

    Events that are in the log already, by user_id and event_id, count as duplicates: the same file may be imported
    again. The database is migrated to the current schema first. Refused lines are printed on stderr, with the
    reason; all other lines are imported. The exit code is 1 if lines were refused.

    \b
    lms-progress import events.ndjson
    lms-progress import statements.json.gz --format xapi
    zstdcat events.zst | lms-progress import -
    """
    report = asyncio.run(import_file(load(), file, form))
    say_report(report)
    if report.refused:
        echo_err(f"Lines refused, for the reasons above: {report.refused:,}. All others are in.")
        raise typer.Exit(1)


async def import_file(settings: Settings, file: str, form: Format) -> Report:
    """Import a file into the database of the settings."""
    gc.set_threshold(10 * CHUNK_LINES)  # a smaller threshold would scan every chunk many times, for nothing
    sys.setswitchinterval(SWITCH_SEC)
    with Source(file) as source, bytes_bar("Importing", source.size) as bar:
        async with ready_engine(settings) as engine:
            return await import_chunks(engine, read_chunks(read_lines(source), form, system_clock), source, bar)


async def import_chunks(engine: Engine, chunks: Iterator[Chunk], source: Source, bar: Bar) -> Report:
    """Read the next chunk while earlier ones are written, as many at once as the database takes."""
    report = Report()
    under_way: deque[tuple[Chunk, asyncio.Task[Receipt]]] = deque()
    try:
        chunk = await in_thread(lambda: next(chunks, None))
        while chunk is not None or under_way:
            if chunk is not None:
                under_way.append((chunk, asyncio.create_task(write(engine, chunk.events))))
                chunk = await in_thread(lambda: next(chunks, None))
            if chunk is None or len(under_way) == engine.database.writers:
                written, receipt = under_way.popleft()
                count(report, written, await receipt)
                bar.reach(source.bytes_read)
    finally:
        for _, receipt in under_way:
            receipt.cancel()
        await asyncio.gather(*(receipt for _, receipt in under_way), return_exceptions=True)
    return report


async def write(engine: Engine, events: Sequence[Event]) -> Receipt:
    """Write a chunk, in parallel where the database allows it. Each part is retried by itself."""
    parts = engine.ingest.partition(events)
    return sum_receipts(await asyncio.gather(*(submit_with_retry(engine, part) for part in parts)))


def in_thread(work: Callable[[], Result]) -> "asyncio.Future[Result]":
    """Run `work` in a daemon thread, which does not delay the program's end while it waits for input."""
    future: Future[Result] = Future()
    future.set_running_or_notify_cancel()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return asyncio.wrap_future(future)


def count(report: Report, chunk: Chunk, receipt: Receipt) -> None:
    report.accepted += receipt.accepted
    report.duplicates += receipt.duplicates
    report.refused += len(chunk.refused)
    report.skipped += chunk.skipped
    for refusal in chunk.refused:
        echo_err(f"line {refusal.number:,}: {refusal.reason}")


def say_report(report: Report) -> None:
    """Print one line a count, and below the skipped ones one line a verb."""
    echo(f"accepted   {report.accepted:>12,}")
    echo(f"duplicates {report.duplicates:>12,}")
    echo(f"skipped    {report.skipped.total():>12,}")
    for verb, number in report.skipped.most_common():
        echo(f"           {number:>12,}  {verb}")
    echo(f"refused    {report.refused:>12,}")
