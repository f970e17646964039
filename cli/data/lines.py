"""Lines of a file or of stdin, numbered, gzip or not, in bounded memory.

A line that cannot be read becomes a Refusal, and the following lines are still read.
"""

import gzip
import io
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from eventstore.errors import FieldError, MalformedBodyError

MAX_LINE_BYTES = 1_000_000
STDIN = "-"
NDJSON = "NDJSON, which is one JSON object a line"

GZIP_MAGIC = b"\x1f\x8b"
JSON_SPACE = " \t\r\n"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Refusal(NamedTuple):
    """A refused line, and the reason. Lines count from 1."""

    number: int
    reason: str


class Line(NamedTuple):
    """A line of text, not blank, without the characters that end it."""

    number: int
    text: str


class Source(io.RawIOBase):
    """The bytes of a file, or of stdin for `-`, with a count."""

    def __init__(self, path: str) -> None:
        self._raw = open_raw(path)
        self._head = b""
        self.size = None if path == STDIN else Path(path).stat().st_size
        self.bytes_read = 0

    def is_gzip(self) -> bool:
        """Return whether it begins as gzip does. Call this before reading; it waits for the first two bytes."""
        while len(self._head) < len(GZIP_MAGIC) and (more := self._raw.read(len(GZIP_MAGIC) - len(self._head))):
            self._head += more
        return self._head == GZIP_MAGIC

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview") -> int:  # type: ignore[override]
        count = len(self._head) or self._raw.readinto(buffer)
        if self._head:
            buffer[:count], self._head = self._head, b""
        self.bytes_read += count
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


def open_raw(path: str) -> io.FileIO:
    """Open a file unbuffered, and stdin by its number: a thread that waits for a line then does not block the exit."""
    return io.FileIO(sys.stdin.fileno(), closefd=False) if path == STDIN else io.FileIO(path)


def read_lines(source: Source) -> Iterator[Line | Refusal]:
    """Return the lines of `source`. A line that is too long or not UTF-8 is refused; blank ones are skipped.

    Raise MalformedBodyError for a file that begins as JSON does which is no NDJSON.
    """
    buffered = io.BufferedReader(source)
    content: BinaryIO = gzip.GzipFile(fileobj=buffered) if source.is_gzip() else buffered  # type: ignore[assignment]
    number, begun = 0, False
    try:
        for number, raw in enumerate(bounded_lines(content), start=1):
            line = read_line(number, raw)
            if isinstance(line, Line) and not line.text:
                continue
            if not begun:
                check_start(raw)
            begun = True
            yield line
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        yield Refusal(number + 1, f"expected the rest of a gzip file, found it cut off or damaged here: {error}")


def bounded_lines(content: BinaryIO) -> Iterator[bytes]:
    """Return each line; of one that is too long, one byte more than is allowed."""
    while line := content.readline(MAX_LINE_BYTES + 1):
        yield line
        while len(line) > MAX_LINE_BYTES and not line.endswith(b"\n"):
            line = content.readline(MAX_LINE_BYTES + 1) or b"\n"
            # skips the rest of the line


def read_line(number: int, raw: bytes) -> Line | Refusal:
    if len(raw) > MAX_LINE_BYTES and not raw.endswith(b"\n"):
        return Refusal(number, f"expected a line of at most {MAX_LINE_BYTES:,} bytes, found a longer one")
    try:
        return Line(number, raw.removeprefix(BYTE_ORDER_MARK if number == 1 else b"").decode().strip(JSON_SPACE))
    except UnicodeDecodeError as error:
        byte = raw[error.start]
        return Refusal(number, f"expected UTF-8, found the byte 0x{byte:02x} at position {error.start + 1}")


def check_start(raw: bytes) -> None:
    """Raise MalformedBodyError if the first line shows that the file is JSON but no NDJSON."""
    begin = raw.removeprefix(BYTE_ORDER_MARK).strip()
    if begin.startswith(b"["):
        raise MalformedBodyError(FieldError("the file", NDJSON, "a JSON array (`jq -c '.[]'` makes NDJSON of it)"))
    if begin == b"{":
        raise MalformedBodyError(FieldError("the file", NDJSON, "one over several (`jq -c .` makes NDJSON of it)"))
