"""The app: all routes, their errors, and the engine that runs while it is served."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi_swagger import patch_fastapi

from api import (
    courses,
    errors,
    events,
    health,
    leaderboard,
    openapi,
    progress,
    replays,
    retries,
    schemas,
    signals,
    stats,
    webhooks,
)
from api.auth import Gate
from api.composition import open_engine
from api.direct import App
from api.methods import HeadAsGet
from api.replays import ReplayBody
from api.settings import Settings
from engine.replay_process import replay_processes
from engine.worker import background_worker
from eventstore.envelope import Envelope
from eventstore.times import Clock, system_clock
from integrations.contracts.tally import FormResponse
from signals.publication import CourseBody

ROUTERS = (events, webhooks, courses, progress, signals, leaderboard, stats, retries, replays, schemas, health)


def create_app(settings: Settings, *, dev: bool = False, clock: Clock = system_clock) -> FastAPI:
    """The app on the settings' database. `dev` lets everyone in: only for servers on the loopback address."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with (
            open_engine(settings, clock) as engine,
            background_worker(engine),
            replay_processes(settings.database_url, settings.worth) as processes,
        ):
            app.state.engine = engine
            app.state.replays = processes
            app.state.gate = Gate(engine, settings, dev=dev)
            yield

    app = App(
        title="lms-progress",
        version="1",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        swagger_ui_oauth2_redirect_url=None,
    )
    app.add_middleware(HeadAsGet)
    patch_fastapi(app)  # its own copy of the documentation pages, which otherwise come from a CDN
    app.state.settings = settings
    app.direct = {("POST", events.PATH): events.post_events, ("POST", webhooks.TALLY_PATH): webhooks.tally}
    for module in ROUTERS:
        app.include_router(module.router)
    errors.install(app)
    openapi.install(app, Envelope, CourseBody, FormResponse, ReplayBody)
    return app
