"""The app: all routes, their errors, and the engine that runs while it is served."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi_swagger import patch_fastapi

from api import errors, openapi
from api.auth import Authenticator
from api.courses import courses
from api.events import events, tally
from api.fast_path import App
from api.learners import leaderboard, progress
from api.methods import HeadAsGet
from api.operations import deliveries, health, inbox, metrics, notifications, replays, retries, subscriptions
from api.operations.deliveries import RetryBody
from api.operations.notifications import SummaryBody
from api.operations.replays import ReplayBody
from api.operations.subscriptions import SubscriptionBody
from api.reading import asyncapi, schemas, signals, stats
from bootstrap.composition import open_inbox
from bootstrap.kafka import open_ingest_topic
from bootstrap.monitoring import monitoring
from bootstrap.settings import Settings
from bootstrap.sinks import make_relay
from bootstrap.sources import background_consumers
from engine.maintenance import maintenance
from engine.replay.process import replay_processes
from eventstore.envelope import Envelope
from eventstore.times import Clock, system_clock
from integrations.contracts.tally import FormResponse
from integrations.runtime.leader import in_background
from integrations.webhook.system import WebhookSettings
from signals.course_input import CourseBody

ROUTERS = (
    events,
    tally,
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
    """Create the app on the settings' database. `dev` lets every caller in: only for loopback addresses."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with (
            open_inbox(settings, clock) as opened,
            maintenance(opened.engine),
            background_consumers(settings, opened),
            monitoring(settings, opened),
            in_background(make_relay(settings, opened, private_webhooks=app.state.private_webhooks).run),
            replay_processes(settings.database_url, settings.xp_values) as processes,
            open_ingest_topic(settings) as front_log,
        ):
            app.state.front_log = front_log
            app.state.inbox = opened
            app.state.engine = opened.engine
            app.state.replays = processes
            app.state.gate = Authenticator(opened.engine, settings, dev=dev)
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
    patch_fastapi(app)  # serves the documentation pages from a copy in the package; FastAPI's own load them from a CDN
    app.state.settings = settings
    app.state.private_webhooks = dev or settings.of(WebhookSettings).webhook_private
    app.direct = {("POST", events.PATH): events.post_events, ("POST", tally.TALLY_PATH): tally.tally}
    for module in ROUTERS:
        app.include_router(module.router)
    errors.install(app)
    openapi.install(app, Envelope, CourseBody, FormResponse, ReplayBody, SubscriptionBody, RetryBody, SummaryBody)
    return app
