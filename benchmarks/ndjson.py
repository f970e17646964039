"""Events as NDJSON, drawn by all cores: a file for `import`, bodies for `POST /v1/events`."""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import islice
from multiprocessing import get_context
from pathlib import Path

from benchmarks.data import Shape, draw, line

CHUNK_EVENTS = 20_000
PROCESSES = 2


def write_ndjson(shape: Shape, file: Path) -> None:
    """Writes all events of `shape`, a line each."""
    chunks = range(0, shape.events, CHUNK_EVENTS)
    with file.open("wb") as lines, ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:
        for text in pool.map(partial(lines_of, shape), chunks):
            lines.write(text)


def lines_of(shape: Shape, first: int) -> bytes:
    numbers = range(first, min(first + CHUNK_EVENTS, shape.events))
    return "".join(line(draw(shape, number)) for number in numbers).encode()


def bodies(file: Path, lines: int) -> Iterator[bytes]:
    """The file in bodies of so many lines."""
    with file.open("rb") as source:
        while body := b"".join(islice(source, lines)):
            yield body
