"""Export formats. Each is written as the rows come, in bounded memory."""

import csv
import io
from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, BinaryIO

import pyarrow as pa
from pyarrow import parquet
from pydantic_core import to_json
from sqlalchemy import BigInteger, Integer, Row
from sqlalchemy.sql.elements import ColumnElement

from eventstore.db import JsonText, UtcTime
from eventstore.times import to_text

GROUP_ROWS = 50_000
GROUP_BYTES = 32_000_000

Columns = Sequence[ColumnElement[Any]]


class Format(StrEnum):
    """The format of an export: ndjson is what `import` reads, csv is for spreadsheets, parquet for data warehouses."""

    NDJSON = "ndjson"
    CSV = "csv"
    PARQUET = "parquet"


class Writer(ABC):
    """Writes rows of `columns` to `output`. Call `close` after the last one; the output stays open."""

    def __init__(self, output: BinaryIO, columns: Columns) -> None:
        self.output = output
        self.names = [column.key or "" for column in columns]
        self.columns = columns

    @abstractmethod
    def write(self, rows: Sequence[Row[Any]]) -> None: ...

    def close(self) -> None:  # noqa: B027 - most have nothing left by then
        """Write the rest."""


class NdjsonWriter(Writer):
    """Writes one JSON object a row. JSON columns are copied to the letter."""

    def __init__(self, output: BinaryIO, columns: Columns) -> None:
        super().__init__(output, columns)
        self.keys = [to_json(name) + b":" for name in self.names]
        self.is_json = [column.type is JsonText for column in columns]

    def write(self, rows: Sequence[Row[Any]]) -> None:
        self.output.writelines(map(self.line, rows))

    def line(self, row: Row[Any]) -> bytes:
        values = (
            value.encode() if is_json else to_json(plain(value))
            for value, is_json in zip(row, self.is_json, strict=True)
        )
        return b"{" + b",".join(map(bytes.__add__, self.keys, values)) + b"}\n"


class CsvWriter(Writer):
    """Writes a header, then one line a row. NULL is empty; JSON columns are JSON text."""

    def __init__(self, output: BinaryIO, columns: Columns) -> None:
        super().__init__(output, columns)
        self.put([self.names])

    def write(self, rows: Sequence[Row[Any]]) -> None:
        self.put([[plain(value) for value in row] for row in rows])

    def put(self, lines: Sequence[Sequence[object]]) -> None:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(lines)
        self.output.write(text.getvalue().encode())


class ParquetWriter(Writer):
    """Writes row groups of a good size for readers, times as UTC microseconds, JSON columns as JSON text."""

    def __init__(self, output: BinaryIO, columns: Columns) -> None:
        super().__init__(output, columns)
        fields = [pa.field(name, arrow_type(c)) for name, c in zip(self.names, columns, strict=True)]
        self.schema = pa.schema(fields)
        self.file = parquet.ParquetWriter(output, self.schema)
        self.group: list[pa.RecordBatch] = []

    def write(self, rows: Sequence[Row[Any]]) -> None:
        arrays = [pa.array(v, f.type) for v, f in zip(zip(*rows, strict=True), self.schema, strict=True)]
        self.group.append(pa.RecordBatch.from_arrays(arrays, schema=self.schema))
        if sum(b.num_rows for b in self.group) >= GROUP_ROWS or sum(b.nbytes for b in self.group) >= GROUP_BYTES:
            self.write_group()

    def write_group(self) -> None:
        self.file.write_table(pa.Table.from_batches(self.group, self.schema), row_group_size=GROUP_ROWS * 2)
        self.group = []

    def close(self) -> None:
        if self.group:
            self.write_group()
        self.file.close()


WRITERS: dict[Format, type[Writer]] = {
    Format.NDJSON: NdjsonWriter,
    Format.CSV: CsvWriter,
    Format.PARQUET: ParquetWriter,
}


def plain(value: object) -> object:
    return to_text(value) if isinstance(value, datetime) else value


def arrow_type(column: ColumnElement[Any]) -> pa.DataType:
    """Return the Arrow type of the column's Python values."""
    if isinstance(column.type, UtcTime):
        return pa.timestamp("us", tz="UTC")
    if isinstance(column.type, BigInteger):
        return pa.int64()
    return pa.int32() if isinstance(column.type, Integer) else pa.string()
