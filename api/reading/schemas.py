"""GET /v1/schemas/{type}/{version}: the JSON Schema of each version of each event's payload."""

from typing import Any

from fastapi import APIRouter

from api.openapi import responses
from eventstore.json_schemas import json_schema

router = APIRouter(tags=["schemas"])


@router.get(
    "/v1/schemas/{type}/{version}",
    summary="The JSON Schema of a payload",
    responses=responses(404, 422),
    openapi_extra={"security": []},
)
async def get_schema(type: str, version: str) -> dict[str, Any]:  # noqa: A002 - the contract's name
    """Return the JSON Schema of payloads of that type and version."""
    return json_schema(type, version)
