"""`lms-progress export`: all rows, as they stand at one moment, in every format, and never half a file."""

import asyncio
import csv
import gzip
import io
import json
import os
import pty
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet
from sqlalchemy import select

from cli.data.export import replaced
from eventstore.db.database import Database
from eventstore.envelope import validate
from eventstore.read import SELECT_LOG, STREAM_ROWS, stream
from eventstore.tables import lms_event
from eventstore.times import system_clock, to_text
from signals.tables import lms_signal
from tests.cli.support import PROGRAM, derived_at, envelope, environment, ndjson, on_database, run
from tests.engine.support import HandClock, ping, running
from tests.engine.support import at as day
from views.user_progress import v_user_progress

QUIZ = {
    "quiz_id": "q",
    "score": 7.5,
    "max_score": 10,
    "passed": True,
    "note": {"ünïcode": '\u2028, "x"\n', "big": 2**70},
}
EVENTS = [
    envelope(),
    envelope(
        user_id="bob", course_id="c", correlation_id="s-1", payload={"video_id": "v", "position": 1, "duration": 9}
    ),
    envelope(user_id='bob "the, builder"', version="1.1", occurred_at="2026-11-19T23:59:59.999999+02:00"),
    envelope(type="QUIZ_SUBMIT", version="1.4", payload=QUIZ),
    envelope(user_id="zoë", type="QUIZ_SUBMIT", payload=QUIZ | {"passed": False}),
]
ALL = {"events": lms_event, "progress": v_user_progress, "signals": lms_signal}


@pytest.fixture
def filled(database_url: str) -> str:
    """The URL of a database with those events."""
    assert run(database_url, "import", "-", stdin=ndjson(EVENTS)).code == 0
    return database_url


def rows(url: str, what: str) -> list[dict[str, Any]]:
    """All rows of it as the database has them."""

    async def read(database: Database) -> list[dict[str, Any]]:
        async with database.read() as connection:
            return [dict(row._mapping) for row in await connection.execute(select(ALL[what]))]

    return on_database(url, read)


def in_order(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=repr)


def as_json(row: dict[str, Any]) -> dict[str, Any]:
    shown = {name: to_text(value) if hasattr(value, "isoformat") else value for name, value in row.items()}
    return shown | ({"payload": json.loads(shown["payload"])} if "payload" in shown else {})


@pytest.mark.parametrize("what", ALL)
def test_ndjson_is_an_object_a_row(filled: str, what: str) -> None:
    done = run(filled, "export", what)

    assert done.code == 0
    exported = [json.loads(line) for line in done.out.split("\n")[:-1]]
    assert exported
    assert in_order(exported) == in_order([as_json(row) for row in rows(filled, what)])


@pytest.mark.parametrize("what", ALL)
def test_csv_is_a_header_and_a_line_a_row(filled: str, what: str) -> None:
    done = run(filled, "export", what, "--format", "csv")

    assert done.code == 0
    header, *lines = csv.reader(io.StringIO(done.out))
    assert header == [column.key for column in ALL[what].c]
    assert lines
    expected = [
        ["" if v is None else to_text(v) if hasattr(v, "isoformat") else str(v) for v in row.values()]
        for row in rows(filled, what)
    ]
    assert sorted(lines) == sorted(expected)


@pytest.mark.parametrize("what", ALL)
def test_parquet_has_the_types_of_the_columns(filled: str, tmp_path: Path, what: str) -> None:
    file = tmp_path / "out.parquet"

    done = run(filled, "export", what, "--format", "parquet", "--output", file)

    assert done.code == 0
    table = parquet.read_table(file)
    assert in_order(table.to_pylist()) == in_order(rows(filled, what))
    types = dict(zip(table.schema.names, table.schema.types, strict=True))
    times = {name for name in types if name.endswith("_at")}
    numbers = {"video_max_position_sec", "video_completed", "quiz_passed", "quiz_score", "xp"} & set(types)
    assert {types.pop(name) for name in times} == {pa.timestamp("us", tz="UTC")}
    assert {types.pop(name) for name in numbers} <= {pa.int32()}
    assert types.pop("seq", pa.int64()) == pa.int64()
    assert set(types.values()) == {pa.string()}


def test_events_exported_from_one_database_and_imported_into_another_amount_to_the_same(
    filled: str, new_database: Callable[[], str], tmp_path: Path
) -> None:
    # given
    file, other = tmp_path / "events.ndjson.gz", new_database()

    # when
    assert run(filled, "export", "events", "--output", file).code == 0
    done = run(other, "import", file)

    # then the derived tables are the same, and the log is, but for when and how it was recorded
    assert gzip.decompress(file.read_bytes()).count(b"\n") == len(EVENTS)
    assert (done.code, done.out.split()[:2]) == (0, ["accepted", str(len(EVENTS))])
    assert derived_at(other) == derived_at(filled)
    assert as_they_happened(other) == as_they_happened(filled)


def as_they_happened(url: str) -> list[dict[str, Any]]:
    """The log without what is each database's own."""
    own = {"seq", "recorded_at", "source"}
    return in_order([{name: value for name, value in row.items() if name not in own} for row in rows(url, "events")])


COLUMNS = [column.key for column in v_user_progress.c]


@pytest.mark.parametrize(("form", "text"), [("ndjson", ""), ("csv", ",".join(COLUMNS) + "\n")])
def test_of_nothing_a_text_without_rows_is_made(new_sqlite: Callable[[], str], form: str, text: str) -> None:
    done = run(new_sqlite(), "export", "progress", "--format", form)

    assert (done.code, done.out, done.err) == (0, text, "Rows exported: 0.\n")


def test_of_nothing_a_parquet_file_is_made_that_can_be_read(new_sqlite: Callable[[], str], tmp_path: Path) -> None:
    file = tmp_path / "out.parquet"

    done = run(new_sqlite(), "export", "progress", "--format", "parquet", "--output", file)

    assert done.code == 0
    table = parquet.read_table(file)
    assert (table.num_rows, table.schema.names) == (0, COLUMNS)


async def test_a_stream_is_bounded_and_sees_one_moment(database_url: str) -> None:
    # given more events than a part has
    async with running(database_url, HandClock(day(1))) as engine:
        await engine.ingest.submit([ping(day(0), user_id=f"u{n}") for n in range(2 * STREAM_ROWS + 500)])

        # when more come in after the first part was read
        parts = []
        async for part in stream(engine.database, SELECT_LOG):
            parts.append(len(part))
            late = validate(envelope(user_id="late"), system_clock(), "test")
            await engine.ingest.submit([late._replace(recorded_at=day(1))])

    # then
    assert parts == [STREAM_ROWS, STREAM_ROWS, 500]


def test_large_tables_are_written_in_row_groups(
    new_sqlite: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given
    from bootstrap.settings import AllSettings
    from cli.data import formats
    from cli.data.export import export
    from views.exports import EVENTS as ALL_EVENTS

    monkeypatch.setattr(formats, "GROUP_ROWS", STREAM_ROWS)
    url, file = new_sqlite(), tmp_path / "out.parquet"
    run(url, "import", "-", stdin=ndjson(envelope(user_id=f"u{n}") for n in range(2 * STREAM_ROWS + 1)))

    # when
    with file.open("wb") as output:
        number = asyncio.run(export(AllSettings(database_url=url), ALL_EVENTS, formats.Format.PARQUET, output))

    # then
    assert number == 2 * STREAM_ROWS + 1
    assert parquet.ParquetFile(file).num_row_groups == 3


def write_half(file: Path) -> None:
    with replaced(file) as output:
        output.write(b"half")
        output.flush()
        raise OSError("disk full")


def test_an_export_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    # given
    file = tmp_path / "out.ndjson"
    file.write_text("before")

    # when
    with pytest.raises(OSError, match="disk full"):
        write_half(file)

    # then
    assert file.read_text() == "before"
    assert list(tmp_path.iterdir()) == [file]


def test_an_export_takes_the_place_of_the_file_that_a_link_names(new_sqlite: Callable[[], str], tmp_path: Path) -> None:
    file, link = tmp_path / "out.ndjson", tmp_path / "latest"
    file.write_text("before")
    link.symlink_to(file)

    done = run(new_sqlite(), "export", "events", "--output", link)

    assert done.code == 0
    assert link.is_symlink()
    assert file.read_text() == ""


def test_an_output_that_cannot_be_written_is_named(filled: str) -> None:
    full = run(filled, "export", "events", "--output", "/dev/full")
    nowhere = run(filled, "export", "events", "--output", "/no-such-folder/out")

    assert (full.code, full.err) == (1, "lms-progress: [Errno 28] No space left on device\n")
    assert nowhere.code == 1
    assert "No such file or directory" in nowhere.err
    assert Path("/dev/full").is_char_device()


@pytest.mark.slow
def test_a_reader_that_leaves_early_gets_no_traceback(filled: str) -> None:
    # given a pipe that nobody reads
    end, start = os.pipe()
    os.close(end)

    # when
    command: list[str | Path] = [PROGRAM, "export", "events"]
    done = subprocess.run(command, env=environment(filled), stdout=start, stderr=subprocess.PIPE, check=False)
    os.close(start)

    # then
    assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.slow
def test_parquet_is_not_written_to_a_terminal(new_sqlite: Callable[[], str]) -> None:
    # given a terminal
    controller, terminal = pty.openpty()

    # when
    command: list[str | Path] = [PROGRAM, "export", "events", "--format", "parquet"]
    done = subprocess.run(command, env=environment(new_sqlite()), stdout=terminal, stderr=subprocess.PIPE, check=False)
    os.close(terminal)
    os.close(controller)

    # then
    assert done.returncode == 1
    assert b"expected --output FILE or a pipe for parquet" in done.stderr
