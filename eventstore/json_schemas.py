"""The JSON Schema of every version of every type, against which senders in any language can check their payloads.

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
    """Return the schema of payloads of one version. Raise NotFoundError, with the existing ones."""
    if (type_name, version) not in published():
        known = ", ".join(f"{name}/{number}" for name, number in published())
        raise NotFoundError(f"schema: expected one of {known}, found {type_name}/{version}")
    model = EVENT_TYPES[type_name].versions[version]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | model.model_json_schema()


def published() -> list[tuple[str, str]]:
    """Return every (type, version)."""
    return [(name, version) for name, event_type in EVENT_TYPES.items() for version in event_type.versions]


def file_of(type_name: str, version: str) -> Path:
    """Return the path of a version's schema."""
    return FOLDER / type_name / f"{version}.json"


def text_of(type_name: str, version: str) -> str:
    """Return the content of a version's file."""
    return json.dumps(json_schema(type_name, version), indent=2) + "\n"


def write_missing() -> list[Path]:
    """Write the missing files, and return their paths. Existing files stay as they are."""
    missing = [(file_of(*which), text_of(*which)) for which in published() if not file_of(*which).exists()]
    for path, text in missing:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return [path for path, _ in missing]


if __name__ == "__main__":
    for written in write_missing():
        print(written)
