"""Reading lines: numbered, gzip or not, each bounded, and what is no good refused by itself."""

import gzip
import io
import zlib
from collections.abc import Sequence
from pathlib import Path

import pytest

from cli.data.lines import MAX_LINE_BYTES, Line, Refusal, Source, bounded_lines, read_lines
from eventstore.errors import MalformedBodyError


def read(tmp_path: Path, content: bytes) -> list[Line | Refusal]:
    file = tmp_path / "file"
    file.write_bytes(content)
    with Source(str(file)) as source:
        return list(read_lines(source))


def numbers_refused(lines: Sequence[Line | Refusal]) -> list[int]:
    return [line.number for line in lines if isinstance(line, Refusal)]


@pytest.mark.parametrize("compress", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize("content", [b"a\nb\n", b"a\nb", b"a\r\nb\r\n", b"\xef\xbb\xbfa\nb\n"])
def test_lines_end_as_any_system_ends_them(tmp_path: Path, compress: type[bytes], content: bytes) -> None:
    assert read(tmp_path, compress(content)) == [Line(1, "a"), Line(2, "b")]


@pytest.mark.parametrize("content", [b"", b"\n", b" ", b"\xef\xbb\xbf\n", b"a", b"\x1f"])
def test_files_shorter_than_what_gzip_is_told_by_are_read(tmp_path: Path, content: bytes) -> None:
    text = content.decode().strip("\ufeff\n ")

    assert read(tmp_path, content) == ([Line(1, text)] if text else [])


def test_blank_lines_are_passed_over_and_counted(tmp_path: Path) -> None:
    assert read(tmp_path, b"\n\na\n  \nb\n\n") == [Line(3, "a"), Line(5, "b")]


def test_several_gzip_files_one_after_the_other_are_one(tmp_path: Path) -> None:
    assert read(tmp_path, gzip.compress(b"a\n") + gzip.compress(b"b\n")) == [Line(1, "a"), Line(2, "b")]


def test_a_line_that_is_not_utf_8_is_refused_by_itself(tmp_path: Path) -> None:
    first, second, third = read(tmp_path, b"a\nb\xff\nc\n")

    assert (first, third) == (Line(1, "a"), Line(3, "c"))
    assert second == Refusal(2, "expected UTF-8, found the byte 0xff at position 2")


@pytest.mark.parametrize("end", [b"", b"\n", b"\nc\n"], ids=["at the end", "the last", "in between"])
def test_a_line_too_long_is_refused_by_itself(tmp_path: Path, end: bytes) -> None:
    # given a line of the most that is allowed, and one of more than twice that
    allowed, too_long = b"a" * MAX_LINE_BYTES, b"b" * (2 * MAX_LINE_BYTES + 10)

    # when
    lines = read(tmp_path, allowed + b"\n" + too_long + end)

    # then
    assert lines[0] == Line(1, allowed.decode())
    assert numbers_refused(lines) == [2]
    assert lines[2:] == ([Line(3, "c")] if b"c" in end else [])


def test_no_more_of_a_line_than_is_allowed_is_ever_asked_for() -> None:
    # given a file that notes how much of a line is asked for
    class Noting(io.BytesIO):
        asked: list[int] = []  # noqa: RUF012 - of this one instance

        def readline(self, size: int | None = -1, /) -> bytes:
            self.asked.append(-1 if size is None else size)
            return super().readline(size)

    file = Noting(b"a" * (5 * MAX_LINE_BYTES) + b"\nb\n")

    # when
    lines = list(bounded_lines(file))

    # then
    assert [len(line) for line in lines] == [MAX_LINE_BYTES + 1, 2]
    assert set(file.asked) == {MAX_LINE_BYTES + 1}


@pytest.mark.parametrize(
    "spoil", [lambda content: content[: len(content) // 2], lambda content: content[:-8] + bytes(8)]
)
def test_of_a_spoiled_gzip_file_what_came_before_is_kept(tmp_path: Path, spoil: type[bytes]) -> None:
    # given lines that do not compress, so that half of the file is half of the lines
    lines = [f"{zlib.crc32(bytes([n % 256, n // 256])):08x}" * 4 for n in range(5_000)]

    # when
    *good, last = read(tmp_path, spoil(gzip.compress("\n".join(lines).encode())))

    # then
    assert good
    assert good == [Line(number, line) for number, line in enumerate(lines[: len(good)], start=1)]
    assert isinstance(last, Refusal)
    assert last.number == len(good) + 1
    assert last.reason.startswith("expected the rest of a gzip file, found it cut off or damaged here: ")


@pytest.mark.parametrize(
    "content", [b'[{"type": 1}]', b'\xef\xbb\xbf[\n{"type": 1},', b"[" + b" " * 2 * MAX_LINE_BYTES]
)
def test_a_json_array_is_told_from_ndjson_at_once(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(MalformedBodyError, match=r"expected NDJSON.* found a JSON array"):
        read(tmp_path, content)


def test_an_object_over_several_lines_is_told_from_ndjson_at_once(tmp_path: Path) -> None:
    with pytest.raises(MalformedBodyError, match=r"expected NDJSON.* found one over several"):
        read(tmp_path, b'{\n  "type": "VIDEO_PING"\n}\n')


def test_bytes_are_counted_as_they_are_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "file.gz"
    file.write_bytes(gzip.compress(b"a\n" * 100_000))

    with Source(str(file)) as source:
        lines = sum(1 for _ in read_lines(source))

    assert lines == 100_000
    assert source.bytes_read == source.size == file.stat().st_size
