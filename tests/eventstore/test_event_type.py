"""Versions: a chain without holes, old payloads brought up to date when read, newer minors taken as they are."""

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from eventstore.errors import FieldError, InvalidInputError
from eventstore.event_type import EventType
from eventstore.registry import EVENT_TYPES, current_payload, event_type
from eventstore.types.video_ping import VideoPing
from tests.engine.support import at, event
from tests.eventstore.payloads import PAYLOADS


class V10(BaseModel):
    seconds: int


class V11(BaseModel):
    seconds: int
    note: str | None = None


class V20(BaseModel):
    milliseconds: int
    note: str | None = None


def to_11(old: V10) -> V11:
    return V11(seconds=old.seconds)


def to_20(old: V11) -> V20:
    return V20(milliseconds=1_000 * old.seconds, note=old.note)


VERSIONS: dict[str, type[BaseModel]] = {"1.0": V10, "1.1": V11, "2.0": V20}
UPCASTERS: dict[str, Any] = {"1.0": to_11, "1.1": to_20}
TYPE = EventType("WATCHED", VERSIONS, UPCASTERS)


@pytest.mark.parametrize(
    ("upcasters", "found"),
    [
        ({"1.0": to_11}, r"\['1.0'\]"),
        ({"1.1": to_20}, r"\['1.1'\]"),
        ({}, r"\[\]"),
        (UPCASTERS | {"2.0": to_20}, r"\['1.0', '1.1', '2.0'\]"),
    ],
)
def test_a_chain_with_a_hole_does_not_even_start(upcasters: dict[str, Any], found: str) -> None:
    with pytest.raises(ValueError, match=rf"^WATCHED: expected one upcaster from each of .*, found {found}$"):
        EventType("WATCHED", VERSIONS, upcasters)


def test_versions_in_another_order_do_not_start() -> None:
    with pytest.raises(ValueError, match=r"^WATCHED: expected versions oldest first, found \['1.1', '1.0', '2.0'\]$"):
        EventType("WATCHED", {"1.1": V11, "1.0": V10, "2.0": V20}, UPCASTERS)


def test_versions_are_ordered_by_number_and_not_by_letter() -> None:
    numbered: dict[str, type[BaseModel]] = {"1.9": V10, "1.10": V11}

    assert EventType("WATCHED", numbered, {"1.9": to_11}).newest == "1.10"


@pytest.mark.parametrize(
    ("version", "payload", "current"),
    [
        ("1.0", '{"seconds": 2}', V20(milliseconds=2_000)),
        ("1.1", '{"seconds": 2, "note": "n"}', V20(milliseconds=2_000, note="n")),
        ("1.7", '{"seconds": 2, "note": "n", "unknown": 1}', V20(milliseconds=2_000, note="n")),
        ("2.0", '{"milliseconds": 5}', V20(milliseconds=5)),
        ("2.1", '{"milliseconds": 5, "unknown": 1}', V20(milliseconds=5)),
    ],
)
def test_a_payload_is_read_in_the_newest_shape(version: str, payload: str, current: BaseModel) -> None:
    assert TYPE.current(version, payload) == current


@pytest.mark.parametrize("version", ["0.9", "3.0", "10.0", "x"])
def test_an_unknown_major_is_refused_naming_the_known(version: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        TYPE.model(version)

    expected = "a version of WATCHED that is known here (1.0, 1.1, 2.0)"
    assert refused.value.errors == [FieldError("version", expected, version)]


def test_a_newer_minor_is_held_to_the_newest_that_is_known_of_its_major() -> None:
    assert TYPE.model("1.7") is V11
    with pytest.raises(ValidationError):
        TYPE.model("1.7").model_validate({"seconds": "soon"})


def test_the_types_that_there_are_are_named_to_who_sends_another() -> None:
    with pytest.raises(InvalidInputError) as refused:
        event_type("PING")

    assert refused.value.errors == [FieldError("type", "VIDEO_PING or QUIZ_SUBMIT", "'PING'")]


def test_an_old_ping_is_read_as_a_new_one() -> None:
    old = event("VIDEO_PING", {"video_id": "v", "position": 1, "duration": 2}, at(0))

    assert old.version == "1.0"
    assert current_payload(old) == VideoPing(video_id="v", position=1, duration=2)


def test_every_type_has_payloads_for_the_laws() -> None:
    assert PAYLOADS.keys() == EVENT_TYPES.keys()
