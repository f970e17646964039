"""/metrics: the metrics of all processes that serve together, in Prometheus' format. It is no part of the API."""

from fastapi import APIRouter, Request, Response

from integrations.runtime.metrics import exposition

router = APIRouter(tags=["health"])


@router.get("/metrics", include_in_schema=False)
async def get_metrics(request: Request) -> Response:
    """Return messages consumed and published, by system, type and outcome; their duration; dead letters."""
    body, content_type = exposition(request.headers.get("accept", ""))
    return Response(body, headers={"Content-Type": content_type})
