"""From lines to events, a chunk at a time, with the reasons why lines are refused.

A chunk fits one transaction, in lines and in bytes.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from cli.data.lines import Line, Refusal
from eventstore.envelope import parse, validate
from eventstore.errors import InvalidInputError, MalformedBodyError
from eventstore.event import Event
from eventstore.times import Clock
from integrations.xapi.translate import NotProgress, translate

CHUNK_LINES = 20_000
CHUNK_CHARACTERS = 8_000_000
REASON_CHARACTERS = 1_000


class Format(StrEnum):
    """The format of lines: our own envelopes, as `POST /v1/events` takes them, or xAPI statements."""

    NDJSON = "ndjson"
    XAPI = "xapi"


@dataclass
class Chunk:
    """The events of some lines. `skipped` counts, by verb, statements that prove no progress."""

    events: list[Event] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    lines: int = 0
    characters: int = 0

    @property
    def is_full(self) -> bool:
        return self.lines >= CHUNK_LINES or self.characters >= CHUNK_CHARACTERS


def read_chunks(lines: Iterable[Line | Refusal], form: Format, clock: Clock) -> Iterator[Chunk]:
    """Return the chunks of all lines. Events of one chunk are recorded at one time."""
    chunk, now = Chunk(), clock()
    for line in lines:
        add(chunk, line, READ[form], now)
        if chunk.is_full:
            yield chunk
            chunk, now = Chunk(), clock()
    yield chunk


Read = Callable[[object, datetime], Event | NotProgress]


def add(chunk: Chunk, line: Line | Refusal, read: Read, now: datetime) -> None:
    chunk.lines += 1
    if isinstance(line, Refusal):
        chunk.refused.append(line)
        return
    chunk.characters += len(line.text)
    try:
        said = read(parse(line.text), now)
    except MalformedBodyError as error:
        fault = error.error.found.replace(" at line 1 column ", " at column ")
        chunk.refused.append(Refusal(line.number, f"expected JSON, found it broken: {fault}"))
        return
    except InvalidInputError as error:
        chunk.refused.append(Refusal(line.number, shortened(str(error))))
        return
    if isinstance(said, NotProgress):
        chunk.skipped[said.verb] += 1
    else:
        chunk.events.append(said)


def read_envelope(posted: object, now: datetime) -> Event:
    return validate(posted, now, source="import")


def read_statement(statement: object, now: datetime) -> Event | NotProgress:
    said = translate(statement)
    return said if isinstance(said, NotProgress) else validate(said, now, source="xapi")


READ: dict[Format, Read] = {Format.NDJSON: read_envelope, Format.XAPI: read_statement}


def shortened(reason: str) -> str:
    return reason if len(reason) <= REASON_CHARACTERS else reason[: REASON_CHARACTERS - 1] + "…"
