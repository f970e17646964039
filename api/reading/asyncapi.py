"""GET /asyncapi: the AsyncAPI document of all that is exchanged with other systems."""

from typing import Any

from fastapi import APIRouter

from integrations.asyncapi import document

router = APIRouter(tags=["schemas"])


@router.get("/asyncapi", summary="The AsyncAPI document", openapi_extra={"security": []})
async def get_asyncapi() -> dict[str, Any]:
    """Every channel, and the schema of every message, that comes in or goes out by a broker or a webhook."""
    return document()
