"""The app: all routes, their errors, and the engine that runs while it is served."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi_swagger import patch_fastapi

from api import (
    asyncapi,
    courses,
    deliveries,
    errors,
    events,
    health,
    inbox,
    leaderboard,
    metrics,
    notifications,
    openapi,
    progress,
    replays,
    retries,
    schemas,
    signals,
    stats,
    subscriptions,
    webhooks,
)
from api.auth import Gate
from api.brokers import background_consumers, open_front_log
from api.composition import open_inbox
from api.deliveries import RetryBody
from api.direct import App
from api.methods import HeadAsGet
from api.monitoring import monitoring
from api.notifications import SummaryBody
from api.replays import ReplayBody
from api.settings import Settings
from api.sinks import make_relay
from api.subscriptions import SubscriptionBody
from engine.replay_process import replay_processes
from engine.worker import background_worker
from eventstore.envelope import Envelope
from eventstore.times import Clock, system_clock
from integrations.contracts.tally import FormResponse
from integrations.leased import in_background
from signals.publication import CourseBody

ROUTERS = (
    events,
    webhooks,
    courses,
    progress,
    signals,
    leaderboard,
    stats,
    retries,
    inbox,
    deliveries,
    notifications,
    subscriptions,
    replays,
    schemas,
    asyncapi,
    health,
    metrics,
)


def create_app(settings: Settings, *, dev: bool = False, clock: Clock = system_clock) -> FastAPI:
    """The app on the settings' database. `dev` lets everyone in: only for servers on the loopback address."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with (
            open_inbox(settings, clock) as opened,
            background_worker(opened.engine),
            background_consumers(settings, opened),
            monitoring(settings, opened),
            in_background(make_relay(settings, opened, private_webhooks=app.state.private_webhooks).run),
            replay_processes(settings.database_url, settings.worth) as processes,
            open_front_log(settings) as front_log,
        ):
            app.state.front_log = front_log
            app.state.inbox = opened
            app.state.engine = opened.engine
            app.state.replays = processes
            app.state.gate = Gate(opened.engine, settings, dev=dev)
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
    app.state.private_webhooks = dev or settings.webhook_private
    app.direct = {("POST", events.PATH): events.post_events, ("POST", webhooks.TALLY_PATH): webhooks.tally}
    for module in ROUTERS:
        app.include_router(module.router)
    errors.install(app)
    openapi.install(app, Envelope, CourseBody, FormResponse, ReplayBody, SubscriptionBody, RetryBody, SummaryBody)
    return app
