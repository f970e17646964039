"""GET /asyncapi: the AsyncAPI document of all messages exchanged with other systems."""

from typing import Any

from fastapi import APIRouter

from integrations.asyncapi import document

router = APIRouter(tags=["schemas"])


@router.get("/asyncapi", summary="The AsyncAPI document", openapi_extra={"security": []})
async def get_asyncapi() -> dict[str, Any]:
    """Return every channel, and the schema of every message, of brokers and webhooks."""
    return document()
