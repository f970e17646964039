"""JSON Schemas: what was published stays as it was, and says what the models say.

A new version's file is written by `python -m eventstore.json_schemas`, which leaves those that are there alone.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from eventstore import json_schemas
from eventstore.errors import NotFoundError
from eventstore.json_schemas import FOLDER, file_of, json_schema, published, text_of, write_missing
from eventstore.registry import EVENT_TYPES

WRITE_IT = "write it by: python -m eventstore.json_schemas"
WHICH = [pytest.param(*which, id="/".join(which)) for which in published()]


@pytest.mark.parametrize(("type_name", "version"), WHICH)
def test_a_published_version_is_what_its_file_says(type_name: str, version: str) -> None:
    file = file_of(type_name, version)

    assert file.exists(), f"{type_name} {version} has no schema file: {WRITE_IT}"
    assert file.read_text() == text_of(type_name, version), (
        f"{type_name} {version} is published and has changed: take the change back, or make it a new version"
    )


def test_no_file_is_left_over() -> None:
    files = set(FOLDER.glob("**/*.*"))

    assert files == {file_of(*which) for which in published()}, "a published version must not go"


def test_the_command_writes_what_is_missing_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_schemas, "FOLDER", tmp_path)
    frozen = tmp_path / "VIDEO_PING" / "1.0.json"
    frozen.parent.mkdir()
    frozen.write_text("frozen")

    written = write_missing()

    assert {*written, frozen} == {tmp_path / name / f"{version}.json" for name, version in published()}
    assert frozen not in written
    assert frozen.read_text() == "frozen"
    assert write_missing() == []


@pytest.mark.parametrize("which", [("VIDEO_PING", "9.0"), ("video_ping", "1.0"), ("PING", "1.0"), ("", "")])
def test_an_unknown_schema_is_not_found_and_the_known_are_named(which: tuple[str, str]) -> None:
    with pytest.raises(NotFoundError, match=r"expected one of VIDEO_PING/1\.0, .*QUIZ_SUBMIT/1\.0.*, found .*/"):
        json_schema(*which)


def examples() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for type_name, version in published():
        for example in json_schema(type_name, version)["examples"]:
            yield type_name, version, example


@pytest.mark.parametrize(("type_name", "version", "example"), list(examples()))
def test_a_schema_is_one_and_takes_its_own_examples(type_name: str, version: str, example: dict[str, Any]) -> None:
    schema = json_schema(type_name, version)

    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(example)
    EVENT_TYPES[type_name].versions[version].model_validate_json(json.dumps(example))


PING = {"video_id": "v", "position": 280, "duration": 300}
QUIZ = {"quiz_id": "q", "score": 8, "max_score": 10, "passed": True}

TAKEN = [
    ("VIDEO_PING", "1.0", PING | {"position": 0.0, "duration": 0.1}),
    ("VIDEO_PING", "1.0", PING | {"unknown": [1, {"a": None}]}),
    ("VIDEO_PING", "1.1", PING | {"played_segments": [[0, 42.6], [80, 120.5]], "playback_rate": 1.5}),
    ("VIDEO_PING", "1.1", PING | {"played_segments": None, "playback_rate": None}),
    ("VIDEO_PING", "1.1", PING | {"played_segments": []}),
    ("QUIZ_SUBMIT", "1.0", QUIZ | {"score": 0, "passed": False}),
]

REFUSED = [
    ("VIDEO_PING", "1.0", {}),
    ("VIDEO_PING", "1.0", PING | {"position": "280"}),
    ("VIDEO_PING", "1.0", PING | {"position": -1}),
    ("VIDEO_PING", "1.0", PING | {"duration": 0}),
    ("VIDEO_PING", "1.0", PING | {"video_id": ""}),
    ("VIDEO_PING", "1.1", PING | {"played_segments": [[0]]}),
    ("VIDEO_PING", "1.1", PING | {"playback_rate": 0}),
    ("QUIZ_SUBMIT", "1.0", QUIZ | {"passed": "yes"}),
    ("QUIZ_SUBMIT", "1.0", QUIZ | {"max_score": 0}),
]


@pytest.mark.parametrize(("type_name", "version", "payload"), TAKEN)
def test_schema_and_model_take_the_same(type_name: str, version: str, payload: dict[str, Any]) -> None:
    Draft202012Validator(json_schema(type_name, version)).validate(payload)
    EVENT_TYPES[type_name].model(version).model_validate(payload)


@pytest.mark.parametrize(("type_name", "version", "payload"), REFUSED)
def test_schema_and_model_refuse_the_same(type_name: str, version: str, payload: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Draft202012Validator(json_schema(type_name, version)).validate(payload)
    with pytest.raises(ValueError, match="validation error"):
        EVENT_TYPES[type_name].model(version).model_validate(payload)
