"""Replays: POST starts one, GET returns its state."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.auth import requires
from api.events.body import read_model
from api.lists import query
from api.openapi import body_of, responses
from bootstrap.keys import Scope
from engine.engine import Engine
from engine.replay import replay_list
from engine.replay.process import ReplayProcesses
from engine.replay.replay_list import Replay
from engine.replay.run import check, mark_interrupted
from engine.replay.store import MAX_WORKERS, ReplayRequest
from engine.tables import ReplayStatus
from eventstore.event_type import Ident

router = APIRouter(tags=["operations"], dependencies=[Depends(requires(Scope.OPERATE))])


class ReplayBody(BaseModel):
    """A request to replay everything, one learner, or the learners of one course.

    `workers` is the number of processes; `publish` announces newly derived signals to other systems.
    """

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        json_schema_extra={"examples": [{}, {"user_id": "ada"}, {"course_id": "python-101"}]},
    )

    user_id: Ident | None = None
    course_id: Ident | None = None
    workers: Annotated[int, Field(ge=1, le=MAX_WORKERS)] = 2
    publish: bool = False


@router.post(
    "/v1/replays",
    status_code=202,
    summary="Start a replay",
    responses=responses(400, 401, 403, 404, 409, 413, 415, 422, 503),
    openapi_extra=body_of(ReplayBody),
)
async def post_replay(request: Request, response: Response) -> Replay:
    """Rebuild everything that is derived, from the log and the course history, while the service runs.

    Only one replay runs at a time: while one runs, the response is 409 with its id in `replay_id`.
    """
    engine: Engine = request.app.state.engine
    processes: ReplayProcesses = request.app.state.replays
    orders = ReplayRequest(**(await read_model(request, ReplayBody)).model_dump())
    await check(engine.database, orders)
    replay_id = await processes.start(orders)
    response.headers["Location"] = f"/v1/replays/{replay_id}"
    return await query(request, lambda connection: replay_list.read(connection, replay_id))


@router.get("/v1/replays/{replay_id}", summary="A replay", responses=responses(401, 403, 404, 422, 503))
async def get_replay(request: Request, replay_id: UUID) -> Replay:
    """Return how far it is, what it changed, and why it failed if it did."""
    engine: Engine = request.app.state.engine
    found = await query(request, lambda connection: replay_list.read(connection, str(replay_id)))
    if found.status == ReplayStatus.RUNNING:
        await mark_interrupted(engine.database, found.replay_id, engine.clock)
        return await query(request, lambda connection: replay_list.read(connection, str(replay_id)))
    return found
