"""/healthz: the process lives. /readyz: it can also record and read."""

from fastapi import APIRouter, Request
from pydantic import BaseModel

from api.openapi import responses
from engine.engine import Engine

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """The status `ok`."""

    status: str = "ok"


@router.get("/healthz", summary="Is the process alive?", openapi_extra={"security": []})
async def healthz() -> Health:
    """Respond as long as the process lives."""
    return Health()


@router.get("/readyz", summary="Can it serve?", responses=responses(503), openapi_extra={"security": []})
async def readyz(request: Request) -> Health:
    """Respond with 200 while the database answers, too."""
    engine: Engine = request.app.state.engine
    await engine.database.check()
    return Health()
