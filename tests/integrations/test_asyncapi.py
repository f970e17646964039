"""The AsyncAPI document: of the shape that AsyncAPI 3 asks for, true of the messages, and kept as a file."""

from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema
import pytest
from pydantic_core import from_json

from integrations.asyncapi import FILE, document, text
from integrations.contracts import kafka
from integrations.inbound.mapping import SystemMapping
from integrations.kafka.encode import encode as encode_kafka
from integrations.rabbitmq.encode import encode as encode_rabbitmq
from integrations.redis.encode import encode as encode_redis
from integrations.system import RECEIVE, SEND
from integrations.systems import SYSTEMS
from integrations.webhook.encode import encode, headers_of
from signals.signal import SignalType
from tests.integrations import activities, kafka_events, rabbitmq_events, redis_entries
from tests.integrations.announcements import announcement
from tests.integrations.tally_payloads import form_response
from tests.integrations.worlds import NOW

Json = Mapping[str, Any]

KEY = {"pattern": r"^[\w.\-]+$"}
REFERENCE = {"type": "object", "required": ["$ref"], "properties": {"$ref": {"pattern": "^#/"}}}
SHAPE = {
    "type": "object",
    "required": ["asyncapi", "info", "channels", "operations", "components"],
    "additionalProperties": False,
    "properties": {
        "asyncapi": {"const": "3.0.0"},
        "info": {
            "type": "object",
            "required": ["title", "version"],
            "additionalProperties": {"type": "string"},
        },
        "defaultContentType": {"const": "application/json"},
        "servers": {
            "propertyNames": KEY,
            "additionalProperties": {
                "required": ["host", "protocol"],
                "additionalProperties": False,
                "properties": {
                    "host": {"type": "string"},
                    "protocol": {"enum": ["https", "redis", "amqp", "kafka", "postgresql"]},
                    "description": {"type": "string"},
                    "variables": {"type": "object", "additionalProperties": {"type": "object"}},
                },
            },
        },
        "channels": {
            "propertyNames": KEY,
            "additionalProperties": {
                "required": ["address", "messages", "servers"],
                "additionalProperties": False,
                "properties": {
                    "address": {"type": ["string", "null"]},
                    "messages": {"propertyNames": KEY, "minProperties": 1, "additionalProperties": REFERENCE},
                    "servers": {"type": "array", "items": REFERENCE},
                    "bindings": {
                        "additionalProperties": False,
                        "properties": {
                            "amqp": {
                                "required": ["is", "exchange", "bindingVersion"],
                                "properties": {
                                    "is": {"const": "routingKey"},
                                    "exchange": {"required": ["name", "type"]},
                                },
                            }
                        },
                    },
                },
            },
        },
        "operations": {
            "propertyNames": KEY,
            "additionalProperties": {
                "required": ["action", "channel"],
                "additionalProperties": False,
                "properties": {"action": {"enum": ["send", "receive"]}, "channel": REFERENCE},
            },
        },
        "components": {
            "required": ["messages", "schemas"],
            "additionalProperties": False,
            "properties": {
                "messages": {
                    "propertyNames": KEY,
                    "additionalProperties": {
                        "required": ["name", "title", "payload"],
                        "additionalProperties": False,
                        "properties": {
                            "name": {"type": "string"},
                            "title": {"type": "string"},
                            "headers": {"required": ["type"], "properties": {"type": {"const": "object"}}},
                            "payload": {"$ref": "https://json-schema.org/draft/2020-12/schema"},
                        },
                    },
                },
                "schemas": {
                    "propertyNames": KEY,
                    "additionalProperties": {"$ref": "https://json-schema.org/draft/2020-12/schema"},
                },
            },
        },
    },
}
"""As much of https://www.asyncapi.com/docs/reference/specification/v3.0.0 as our document uses."""


def references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from [inner] if name == "$ref" else references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def referred(reference: str) -> Any:
    found: Any = document()
    for step in reference.removeprefix("#/").split("/"):
        found = found[step]
    return found


def systems_with(action: str) -> set[str]:
    return {name for name, system in SYSTEMS.items() if any(each.action == action for each in system.channels)}


def check(value: object, schema: Json) -> None:
    """Holds a value to a schema of the document, which may refer to others."""
    jsonschema.validate(value, {**schema, "components": document()["components"]}, jsonschema.Draft202012Validator)


def test_it_has_the_shape_that_asyncapi_asks_for() -> None:
    jsonschema.validate(document(), SHAPE, jsonschema.Draft202012Validator)


def test_all_that_it_refers_to_is_there() -> None:
    there = set(references(document()))
    assert there
    for reference in there:
        assert isinstance(referred(reference), dict)


def test_the_file_is_current() -> None:
    """If not: python -m integrations.asyncapi"""
    assert FILE.read_text() == text()


def test_every_system_whose_messages_are_taken_has_its_channels() -> None:
    taken = {name for name, system in SYSTEMS.items() if system.decode is not None}
    assert systems_with(RECEIVE) == taken


RECEIVED: Mapping[str, Json] = {
    "tally.FORM_RESPONSE": form_response(),
    **{
        f"rabbitmq.{event_type}": rabbitmq_events.envelope(event_type, data)
        for event_type, data in rabbitmq_events.PRINTED.items()
    },
    **{
        f"redis.{event}": from_json(redis_entries.message(event, sent).body)
        for event, sent in redis_entries.PRINTED.items()
    },
    **{
        f"kafka.{event_type}": kafka_events.event(event_type, said)
        for said, event_types in kafka_events.ACTIVITY.values()
        for event_type in event_types
    },
    f"kafka.{kafka.EXAM_GRADED}": kafka_events.graded(),
    **{f"activity.{kind}": activities.activity(kind) for kind in activities.ACTIVITIES},
}


@pytest.mark.parametrize("key", RECEIVED)
def test_it_is_true_of_what_is_sent_to_us(key: str) -> None:
    message = document()["components"]["messages"][f"{key}.1.0"]
    check(RECEIVED[key], message["payload"])
    inner = message["payload"]["properties"].get("payload", {})
    if "contentSchema" in inner:
        check(from_json(RECEIVED[key]["payload"]), inner["contentSchema"])
    with pytest.raises(jsonschema.ValidationError):
        check({}, message["payload"])


def test_nothing_else_is_sent_to_us() -> None:
    taken = {
        f"{name}.{event_type.name}"
        for name, system in SYSTEMS.items()
        for channel in system.channels
        for event_type in channel.types
        if channel.action == RECEIVE
    }
    assert taken == set(RECEIVED)


@pytest.mark.parametrize("signal_type", SignalType)
def test_it_is_true_of_what_we_announce(signal_type: SignalType) -> None:
    messages, announced, no_file = document()["components"]["messages"], announcement(signal_type), SystemMapping("any")
    for system, announce in (("redis", encode_redis), ("kafka", encode_kafka), ("rabbitmq", encode_rabbitmq)):
        outgoing = announce(announced, no_file)
        check(from_json(outgoing.body), messages[f"{system}.{outgoing.type}.1.0"]["payload"])
    body = encode(announced)
    check(from_json(body), messages["webhook.signal.1.0"]["payload"])
    said = headers_of("whsec_" + "c2VjcmV0" * 4, announced.message_id, body, NOW)
    check(said, messages["webhook.signal.1.0"]["headers"])


def test_all_that_we_announce_is_in_it() -> None:
    assert systems_with(SEND) == {"redis", "rabbitmq", "kafka", "webhook"}
