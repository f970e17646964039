"""The JSON Schema of every version of every type: what senders in any language can hold their payloads to.

Each is kept as a file, and a test fails when a published one changes. For a new version, write its file:

    python -m eventstore.json_schemas
"""

import json
from pathlib import Path
from typing import Any

from eventstore.errors import NotFoundError
from eventstore.registry import EVENT_TYPES

FOLDER = Path(__file__).parent / "schemas"


def json_schema(type_name: str, version: str) -> dict[str, Any]:
    """The schema of the payloads of one version of one type. Raises NotFound, naming those that there are."""
    if (type_name, version) not in published():
        known = ", ".join(f"{name}/{number}" for name, number in published())
        raise NotFoundError(f"schema: expected one of {known}, found {type_name}/{version}")
    model = EVENT_TYPES[type_name].versions[version]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | model.model_json_schema()


def published() -> list[tuple[str, str]]:
    """Every (type, version)."""
    return [(name, version) for name, event_type in EVENT_TYPES.items() for version in event_type.versions]


def file_of(type_name: str, version: str) -> Path:
    """Where the schema of that version is kept."""
    return FOLDER / type_name / f"{version}.json"


def text_of(type_name: str, version: str) -> str:
    """The schema as its file says it."""
    return json.dumps(json_schema(type_name, version), indent=2) + "\n"


def write_missing() -> list[Path]:
    """Writes the files that are not there yet; those that are stay as they are. Which it wrote."""
    missing = [(file_of(*which), text_of(*which)) for which in published() if not file_of(*which).exists()]
    for path, text in missing:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return [path for path, _ in missing]


if __name__ == "__main__":
    for written in write_missing():
        print(written)
