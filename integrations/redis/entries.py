"""An entry of a stream, as a source hands it over."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from integrations.inbound.source import Delivery


def delivery(stream: str, entry_id: bytes, fields: Mapping[bytes, bytes], attempts: int = 0) -> Delivery:
    """The body is the entry's fields as a JSON object of texts.

    Bytes that are no text stay as they are in it, so that whoever reads it refuses it.
    """
    texts = {text(name): text(value) for name, value in fields.items()}
    body = json.dumps(texts, ensure_ascii=False).encode(errors="surrogateescape")
    position = entry_id.decode()
    return Delivery(stream, position, body, time_of(position), attempts)


def text(value: bytes) -> str:
    return value.decode(errors="surrogateescape")


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LAST = datetime.max.replace(tzinfo=UTC)


def time_of(entry_id: str) -> datetime:
    """When an entry was added, in UTC; its count serves as microseconds, so that of two entries the later is later.

    Senders may choose ids as they like: one beyond the calendar is the last instant that there is.
    """
    milliseconds, _, count = entry_id.partition("-")
    try:
        return EPOCH + timedelta(milliseconds=int(milliseconds), microseconds=min(int(count), 999))
    except OverflowError:
        return LAST
