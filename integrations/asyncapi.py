"""The AsyncAPI document: every channel and message that is agreed with another system, from the contracts.

It is stored in a file, and a test fails when the file is out of date. Write the file with:

    python -m integrations.asyncapi
"""

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel

from integrations.system import Channel, Server, Systems
from integrations.systems import SYSTEMS

FILE = Path(__file__).parent.parent / "docs" / "asyncapi.json"

Json = dict[str, Any]


@cache
def document() -> Json:
    """Return the whole document, of AsyncAPI 3.0. The action `receive` marks our input, and `send` our output."""
    return document_of(SYSTEMS)


def document_of(systems: Systems) -> Json:
    """Return the document of some systems."""
    described = [each for each in systems.values() if each.server is not None]
    every = [SystemChannel(system.name, channel) for system in described for channel in system.channels]
    schemas: Json = {}
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "lms-progress", "version": "1", "description": "Integration events, in and out."},
        "defaultContentType": "application/json",
        "servers": {each.name: server(each.server) for each in described if each.server is not None},
        "channels": {name_of(each): channel(each) for each in every},
        "operations": {f"{each.channel.action}.{name_of(each)}": operation(each) for each in every},
        "components": {"messages": messages(every, schemas), "schemas": schemas},
    }


def text() -> str:
    """Return the document as its file has it."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


class SystemChannel(NamedTuple):
    """A channel, with the name of its system."""

    system: str
    channel: Channel


def server(described: Server) -> Json:
    return {"host": "{host}", **described._asdict(), "variables": {"host": {}}}


def name_of(each: SystemChannel) -> str:
    address = (each.channel.address or "").strip("/").replace("/", ".")
    return f"{each.system}.{address}" if address else each.system


def channel(each: SystemChannel) -> Json:
    described: Json = {
        "address": each.channel.address,
        "servers": [reference("servers", each.system)],
        "messages": {key: reference("components", "messages", key) for key in versions(each)},
    }
    return described | ({"bindings": each.channel.bindings} if each.channel.bindings else {})


def operation(each: SystemChannel) -> Json:
    return {"action": each.channel.action, "channel": reference("channels", name_of(each))}


def versions(each: SystemChannel) -> dict[str, tuple[str, type[BaseModel]]]:
    """Return the title and the model of each version of each type, by key."""
    return {
        f"{each.system}.{event_type.name}.{version}": (f"{event_type.name} {version}", model)
        for event_type in each.channel.types
        for version, model in event_type.versions.items()
    }


def messages(every: Sequence[SystemChannel], schemas: Json) -> Json:
    """Return all messages, by key. Add to `schemas` what their schemas refer to."""
    return {
        key: message(each, title, model, schemas) for each in every for key, (title, model) in versions(each).items()
    }


def message(each: SystemChannel, title: str, model: type[BaseModel], schemas: Json) -> Json:
    name = title.rpartition(" ")[0]
    payload = schema(each, model, schemas) | {"title": title}
    type_field = model.model_fields.get("event_type")
    if type_field is not None:
        payload["properties"][type_field.alias or "event_type"] = {"const": name}
    headers = {} if each.channel.headers is None else {"headers": schema(each, each.channel.headers, schemas)}
    return {"name": name, "title": title, **headers, "payload": payload}


def schema(each: SystemChannel, model: type[BaseModel], schemas: Json) -> Json:
    """Return the schema that receivers validate with. Models of one name in two systems are different ones."""
    whole = model.model_json_schema(ref_template=f"#/components/schemas/{each.system}.{{model}}")
    schemas.update({f"{each.system}.{name}": part for name, part in whole.pop("$defs", {}).items()})
    return whole


def reference(*path: str) -> Json:
    return {"$ref": "/".join(("#", *path))}


if __name__ == "__main__":
    FILE.write_text(text())
