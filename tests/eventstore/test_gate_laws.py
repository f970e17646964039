"""Laws of the gate: whatever is posted is an event or refused for what it says; what passes can be read for ever.

And the JSON Schemas that senders are given take what the gate takes, as far as JSON Schema can say it.
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError as SchemaError
from jsonschema.validators import extend
from pydantic import ValidationError

from eventstore.envelope import CLOCK_SKEW, parse, validate
from eventstore.errors import FOUND_LIMIT, InvalidInputError
from eventstore.event import Event
from eventstore.json_schemas import json_schema, published
from eventstore.registry import EVENT_TYPES, current_payload
from tests.eventstore.payloads import PAYLOADS

Json = dict[str, Any]

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
law = settings(max_examples=300)


def json_values(floats: SearchStrategy[float]) -> SearchStrategy[Any]:
    """Any JSON value."""
    return st.recursive(
        st.none() | st.booleans() | st.integers() | floats | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=6,
    )


ANY = json_values(st.floats(allow_nan=False))
"""Infinity is what is read of 1e999."""

FINITE = json_values(st.floats(allow_nan=False, allow_infinity=False))

names = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=255)
offsets = st.timedeltas(timedelta(hours=-23), timedelta(hours=23)).map(
    lambda offset: timezone(timedelta(minutes=offset // timedelta(minutes=1)))
)
instants = st.datetimes(datetime(1900, 1, 1), (NOW + CLOCK_SKEW).replace(tzinfo=None), timezones=st.just(UTC))  # noqa: DTZ001 - in UTC


@st.composite
def envelopes(draw: st.DrawFn) -> Json:
    """Any envelope that is to be taken, with fields that nobody knows yet."""
    kind = draw(st.sampled_from(sorted(EVENT_TYPES)))
    instant = draw(instants).astimezone(draw(offsets))
    return {
        "type": kind,
        "version": draw(st.sampled_from([*EVENT_TYPES[kind].versions, "1.999"])),
        "event_id": str(draw(st.uuids())),
        "user_id": draw(names),
        "class_id": draw(names),
        "course_id": draw(st.none() | names),
        "occurred_at": instant.isoformat(),
        "correlation_id": draw(st.none() | names),
        "payload": draw(PAYLOADS[kind]) | {"new field": draw(FINITE)},
        "another new field": draw(FINITE),
    }


@st.composite
def changed(draw: st.DrawFn, original: SearchStrategy[Json]) -> Json:
    """Something that is right, but for a field or two: gone, or anything else."""
    value = dict(draw(original))
    for name in draw(st.lists(st.sampled_from(sorted(value)), max_size=2, unique=True)):
        if draw(st.booleans()):
            value[name] = draw(ANY)
        else:
            del value[name]
    return value


@st.composite
def changed_within(draw: st.DrawFn) -> Json:
    """An envelope whose payload is right, but for a field or two."""
    envelope = draw(envelopes())
    return envelope | {"payload": draw(changed(st.just(envelope["payload"]))) | {"newer field": draw(ANY)}}


def gate(posted: object) -> Event | InvalidInputError:
    try:
        return validate(posted, NOW, "test")
    except InvalidInputError as refusal:
        return refusal


@law
@given(ANY | changed(envelopes()) | changed_within())
def test_whatever_is_posted_is_an_event_or_is_refused_for_what_it_says(posted: object) -> None:
    result = gate(posted)

    if isinstance(result, InvalidInputError):
        assert result.errors
        for where, expected, found in result.errors:
            assert where
            assert expected
            assert 0 < len(found) <= FOUND_LIMIT
    else:
        parse(result.payload)
        current_payload(result)
        assert result.occurred_at <= result.recorded_at == NOW


@law
@given(envelopes())
def test_what_is_right_is_kept_to_the_letter(posted: Json) -> None:
    event = validate(parse(json.dumps(posted)), NOW, "test")

    kept = ("type", "version", "event_id", "user_id", "class_id", "course_id", "correlation_id")
    assert {name: getattr(event, name) for name in kept} == {name: posted[name] for name in kept}
    assert json.loads(event.payload) == posted["payload"]
    assert event.occurred_at == min(datetime.fromisoformat(posted["occurred_at"]), NOW)
    assert event.occurred_at.tzinfo is UTC


def pattern(_: object, expected: str, value: object, __: object) -> Iterator[SchemaError]:
    """As JSON Schema means it: $ is the end, where Python would let a newline follow."""
    if isinstance(value, str) and not re.search(expected.replace("$", r"\Z"), value):
        yield SchemaError(f"{value!r} does not match {expected}")


Validator = extend(Draft202012Validator, {"pattern": pattern})  # type: ignore[no-untyped-call]


@pytest.mark.parametrize(("type_name", "version"), published())
@law
@given(data=st.data())
def test_a_schema_says_what_the_model_says_of_each_field(type_name: str, version: str, data: st.DataObject) -> None:
    """What the model says of several fields together, JSON Schema cannot say."""
    payload = data.draw(changed(PAYLOADS[type_name]))

    assert Validator(json_schema(type_name, version)).is_valid(payload) == (
        not field_faults(type_name, version, payload)
    )


def field_faults(type_name: str, version: str, payload: Mapping[str, object]) -> list[Any]:
    try:
        EVENT_TYPES[type_name].model(version).model_validate(payload)
    except ValidationError as error:
        return [fault for fault in error.errors() if fault["loc"]]
    return []
