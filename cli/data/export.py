"""`lms-progress export`: writes all events, progress or signals, to be read elsewhere or imported again."""

import asyncio
import gzip
import os
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import aclosing, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, BinaryIO, cast

import typer
from sqlalchemy import Row

from bootstrap.composition import open_database
from bootstrap.settings import Settings, load
from cli.console import Bar, echo_err, rows_bar
from cli.data.formats import WRITERS, Format, Writer
from eventstore.errors import RequestError
from eventstore.read import stream
from views import exports
from views.exports import Export


class ExportKind(StrEnum):
    """The kinds of exports."""

    EVENTS = "events"
    PROGRESS = "progress"
    SIGNALS = "signals"


WHOLES = {ExportKind.EVENTS: exports.EVENTS, ExportKind.PROGRESS: exports.PROGRESS, ExportKind.SIGNALS: exports.SIGNALS}


def export_command(
    what: Annotated[ExportKind, typer.Argument(help="The log, the rows of v_user_progress, or the signals.")],
    form: Annotated[Format, typer.Option("--format", help="How the rows are written.")] = Format.NDJSON,
    output: Annotated[
        Path | None,
        typer.Option(help="The file to write; stdout if not given. A name that ends in .gz is written as gzip."),
    ] = None,
) -> None:
    """Export all events, progress or signals in one snapshot.

    `import` reads events in ndjson. The file appears when it is complete: an export that fails leaves the old file.

    \b
    lms-progress export events --output events.ndjson.gz
    lms-progress export progress --format csv > progress.csv
    lms-progress export signals --format parquet --output signals.parquet
    """
    if output is None and form is Format.PARQUET and sys.stdout.isatty():
        raise RequestError("expected --output FILE or a pipe for parquet, which is not text, found a terminal")
    settings = load()
    with opened_output(output) as file:
        number = asyncio.run(export(settings, WHOLES[what], form, file))
    echo_err(f"Rows exported: {number:,}.")


async def export(settings: Settings, data: Export, form: Format, file: BinaryIO) -> int:
    """Write all rows to `file`, and return their number."""
    async with open_database(settings) as database:
        async with database.read() as connection:
            total = await exports.count(connection, data)
        async with aclosing(stream(database, data.rows)) as parts:
            with rows_bar("Exporting", total) as bar:
                return await write(parts, WRITERS[form](file, list(data.rows.selected_columns)), bar)


async def write(parts: AsyncIterator[Sequence[Row[Any]]], writer: Writer, bar: Bar) -> int:
    number = 0
    async for rows in parts:
        writer.write(rows)
        number += len(rows)
        bar.reach(number)
    writer.close()
    return number


@contextmanager
def opened_output(output: Path | None) -> Iterator[BinaryIO]:
    """Open the output: stdout, or the named file, compressed if its name says so."""
    if output is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    with replaced(output) as file:
        if output.suffix != ".gz":
            yield file
            return
        with gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as compressed:
            yield cast("BinaryIO", compressed)


@contextmanager
def replaced(output: Path) -> Iterator[BinaryIO]:
    """Open a file that replaces `output` when all of it is on the disk; until then that stays as it was."""
    target = output.resolve()
    if target.exists() and not target.is_file():
        with target.open("wb") as device:
            yield device
        return
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with part.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
