"""A contract in two major versions: both are read, so that a system can move from one to the other."""

import json

import pytest
from pydantic import BaseModel

from eventstore.errors import InvalidInputError
from eventstore.event_type import EventType
from integrations.contracts.contract import Contract
from integrations.contracts.fields import Head


class Greeting(Head):
    name: str


class LongGreeting(Head):
    names: list[str]


def upcast(greeting: Greeting) -> BaseModel:
    return LongGreeting(event_type=greeting.event_type, version="2.0", names=[greeting.name])


MOVING = EventType("greeting", {"1.0": Greeting, "2.0": LongGreeting}, {"1.0": upcast})
CONTRACT = Contract(Head, [MOVING])


@pytest.mark.parametrize(
    ("version", "sent"),
    [
        ("1.0", {"name": "Ada"}),
        ("1.4", {"name": "Ada", "x": 1}),
        ("2.0", {"names": ["Ada"]}),
        ("2.1", {"names": ["Ada"]}),
    ],
)
def test_the_current_and_the_previous_major_version_are_taken(version: str, sent: dict[str, object]) -> None:
    body = json.dumps({"event_type": "greeting", "version": version} | sent)
    assert CONTRACT.check(body).version == version
    read = CONTRACT.current(body)
    assert isinstance(read, LongGreeting)
    assert read.names == ["Ada"]


def test_an_absent_version_is_the_first() -> None:
    assert CONTRACT.check('{"event_type": "greeting", "name": "Ada"}').version == "1.0"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            '{"event_type": "greeting", "version": "3.0"}',
            "a version of greeting that is known here (1.0, 2.0), found 3.0",
        ),
        ('{"event_type": "greeting", "version": "2.0", "name": "Ada"}', "names: expected a value, found nothing"),
        ('{"event_type": "farewell"}', "event_type: expected greeting, found 'farewell'"),
        ('{"event_type": 1}', "event_type: expected a valid string, found 1"),
    ],
)
def test_what_is_neither_is_refused(body: str, expected: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        CONTRACT.check(body)
    assert expected in str(caught.value)
