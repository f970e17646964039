"""An entry of a stream, as a source hands it over."""

import json
from collections.abc import Mapping

from integrations.redis.entry_id import time_of
from integrations.source import Delivery


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
