"""/metrics: what Prometheus collects, of all processes that serve together. In its own format: no part of the API."""

from fastapi import APIRouter, Request, Response

from integrations.runtime.metrics import exposition

router = APIRouter(tags=["health"])


@router.get("/metrics", include_in_schema=False)
async def get_metrics(request: Request) -> Response:
    """Messages consumed and published, by system, type and outcome; how long they took; dead letters."""
    body, content_type = exposition(request.headers.get("accept", ""))
    return Response(body, headers={"Content-Type": content_type})
