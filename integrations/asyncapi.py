"""The AsyncAPI document: every channel and message that is agreed with another system, from the contracts.

It is kept as a file, and a test fails when that is out of date. To write it anew:

    python -m integrations.asyncapi
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from integrations.channels import Channel, channels
from integrations.contracts import activity, kafka, rabbitmq, redis, tally, webhook

FILE = Path(__file__).parent.parent / "docs" / "asyncapi.json"

Json = dict[str, Any]

SERVERS: dict[str, Json] = {
    tally.SOURCE: {"protocol": "https", "description": "This service: the URL that a form's webhook is given"},
    redis.SOURCE: {"protocol": "redis", "description": "The exam system's Redis, as in LMS_REDIS_URL"},
    rabbitmq.SOURCE: {"protocol": "amqp", "description": "The course platform's RabbitMQ, as in LMS_RABBITMQ_URL"},
    kafka.SOURCE: {"protocol": "kafka", "description": "The learning platform's, as in KAFKA_BOOTSTRAP_SERVERS"},
    activity.SOURCE: {
        "protocol": "postgresql",
        "description": "The monitored platform's database, as in LMS_DB_HOST: it is polled",
    },
    webhook.SYSTEM: {"protocol": "https", "description": "A subscriber, at the URL that it gave"},
}
"""Where each system's channels are; its host is for each installation to say."""


@cache
def document() -> Json:
    """The whole document, of AsyncAPI 3.0. `receive` is what we take, `send` what we announce."""
    every = list(channels())
    schemas: Json = {}
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "lms-progress", "version": "1", "description": "Integration events, in and out."},
        "defaultContentType": "application/json",
        "servers": {name: {"host": "{host}", **said, "variables": {"host": {}}} for name, said in SERVERS.items()},
        "channels": {name_of(each): channel(each) for each in every},
        "operations": {f"{each.action}.{name_of(each)}": operation(each) for each in every},
        "components": {"messages": messages(every, schemas), "schemas": schemas},
    }


def text() -> str:
    """The document as its file says it."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


def name_of(channel: Channel) -> str:
    address = (channel.address or "").strip("/").replace("/", ".")
    return f"{channel.system}.{address}" if address else channel.system


def channel(channel: Channel) -> Json:
    said: Json = {
        "address": channel.address,
        "servers": [reference("servers", channel.system)],
        "messages": {key: reference("components", "messages", key) for key in versions(channel)},
    }
    return said | ({"bindings": channel.bindings} if channel.bindings else {})


def operation(channel: Channel) -> Json:
    return {"action": channel.action, "channel": reference("channels", name_of(channel))}


def versions(channel: Channel) -> dict[str, tuple[str, type[BaseModel]]]:
    """By its key, each version of each type: what it is called, and its model."""
    return {
        f"{channel.system}.{each.name}.{version}": (f"{each.name} {version}", model)
        for each in channel.types
        for version, model in each.versions.items()
    }


def messages(every: list[Channel], schemas: Json) -> Json:
    """All messages, by key. What their schemas refer to is added to `schemas`."""
    return {
        key: message(channel, title, model, schemas)
        for channel in every
        for key, (title, model) in versions(channel).items()
    }


def message(channel: Channel, title: str, model: type[BaseModel], schemas: Json) -> Json:
    name = title.rpartition(" ")[0]
    payload = schema(channel, model, schemas) | {"title": title}
    type_field = model.model_fields.get("event_type")
    if type_field is not None:
        payload["properties"][type_field.alias or "event_type"] = {"const": name}
    headers = {} if channel.headers is None else {"headers": schema(channel, channel.headers, schemas)}
    return {"name": name, "title": title, **headers, "payload": payload}


def schema(channel: Channel, model: type[BaseModel], schemas: Json) -> Json:
    """The schema that who receives it may hold it to. Models of the same name in two systems are different ones."""
    whole = model.model_json_schema(ref_template=f"#/components/schemas/{channel.system}.{{model}}")
    schemas.update({f"{channel.system}.{name}": part for name, part in whole.pop("$defs", {}).items()})
    return whole


def reference(*path: str) -> Json:
    return {"$ref": "/".join(("#", *path))}


if __name__ == "__main__":
    FILE.write_text(text())
