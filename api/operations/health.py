"""/healthz: the process lives. /readyz: it can also record and read."""

from fastapi import APIRouter, Request
from pydantic import BaseModel

from api.openapi import responses
from engine.engine import Engine

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """`ok`, or else there is no such answer."""

    status: str = "ok"


@router.get("/healthz", summary="Is the process alive?", openapi_extra={"security": []})
async def healthz() -> Health:
    """Answers as long as the process does."""
    return Health()


@router.get("/readyz", summary="Can it serve?", responses=responses(503), openapi_extra={"security": []})
async def readyz(request: Request) -> Health:
    """Answers 200 while the database does, too."""
    engine: Engine = request.app.state.engine
    await engine.database.check()
    return Health()
